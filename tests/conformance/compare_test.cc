#include "compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace prefiqs::conformance {
namespace {

using graph::Tensor;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

Tensor Floats(std::vector<float> values) {
  return Tensor::From<float>({static_cast<std::int64_t>(values.size())}, values);
}

bool Agree(float actual, float expected) {
  return Difference(Floats({0, actual}), Floats({0, expected}), kFloatTolerance).empty();
}

TEST(ConformanceCompare, NanAndInfinityAgreeWithThemselvesAlone) {
  EXPECT_TRUE(Agree(kNan, kNan));
  EXPECT_FALSE(Agree(kNan, 1));
  EXPECT_FALSE(Agree(1, kNan));
  EXPECT_TRUE(Agree(-kInfinity, -kInfinity));
  EXPECT_FALSE(Agree(kInfinity, -kInfinity));
  EXPECT_FALSE(Agree(kInfinity, std::numeric_limits<float>::max()));
  EXPECT_FALSE(Agree(std::numeric_limits<float>::max(), kInfinity));
}

TEST(ConformanceCompare, ToleranceIsOfTheExpectedValue) {
  EXPECT_TRUE(Agree(1000.005f, 1000));
  EXPECT_FALSE(Agree(1000.05f, 1000));
  EXPECT_TRUE(Agree(5e-7f, 0));
  EXPECT_FALSE(Agree(5e-6f, 0));
}

TEST(ConformanceCompare, IntegersAreExact) {
  const std::vector<std::int64_t> a{1, std::int64_t{1} << 60}, b{1, (std::int64_t{1} << 60) + 1};
  EXPECT_EQ(Difference(Tensor::FromInt64s(a), Tensor::FromInt64s(a), kFloatTolerance), "");
  EXPECT_THAT(Difference(Tensor::FromInt64s(a), Tensor::FromInt64s(b), kFloatTolerance),
              ::testing::HasSubstr("element 1"));
}

TEST(ConformanceCompare, TypesAndShapesCount) {
  EXPECT_NE(Difference(Floats({1}), Tensor::FromInt64s(std::vector<std::int64_t>{1}), kFloatTolerance), "");
  EXPECT_NE(Difference(Floats({1}), Tensor::Scalar(1), kFloatTolerance), "");
}

}  // namespace
}  // namespace prefiqs::conformance
