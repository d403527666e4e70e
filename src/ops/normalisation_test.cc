#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::Shape;
using graph::Tensor;
using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;
using testing::Pointwise;

constexpr auto kFloat = graph::DataType::kFloat32;
const graph::Attribute kOn = std::int64_t{1};

TEST(BatchNormalization, NormalisesEachChannel) {
  const Tensor x = Counting({2, 2, 2});
  const Tensor scale = F({2}, {1, 2});
  const Tensor offset = F({2}, {0, 10});
  const Tensor mean = F({2}, {1, 3});
  const Tensor variance = F({2}, {3, 0});
  const Tensor y = Run1({"BatchNormalization", {{"epsilon", 1.0f}}}, {x, scale, offset, mean, variance});
  EXPECT_THAT(Values<float>(y), ElementsAre(0, 0.5f, 10, 12, 2, 2.5f, 18, 20));
}

TEST(BatchNormalization, EpsilonDefault) {
  const Tensor x = F({1, 1}, {1});
  const Tensor one = F({1}, {1});
  const Tensor zero = F({1}, {0});
  EXPECT_THAT(Values<float>(Run1({"BatchNormalization"}, {x, one, zero, zero, zero})),
              ElementsAre(FloatEq(static_cast<float>(1 / std::sqrt(double{1e-5f})))));
}

TEST(BatchNormalization, Refuses) {
  const Tensor x = Counting({1, 3, 2});
  const Tensor three = Counting({3});
  const Tensor two = Counting({2});
  EXPECT_EQ(ErrorOf({"BatchNormalization"}, {x, three, three, two, three}),
            "node 'n' (BatchNormalization): input 3 (mean) is 2, it needs 3 values");
  EXPECT_THAT(ErrorOf({"BatchNormalization"}, {x, three, three, three, std::nullopt}), HasSubstr("variance"));
  const Tensor scalar = Tensor::Scalar(1);
  EXPECT_THAT(ErrorOf({"BatchNormalization"}, {scalar, three, three, three, three}), HasSubstr("scalar"));
}

TEST(InstanceNormalization, UsesThePlanesOwnMoments) {
  const Tensor x = F({1, 2, 2}, {1, 3, 10, 10});
  const Tensor scale = F({2}, {2, 1});
  const Tensor offset = F({2}, {0, 5});
  const Tensor y = Run1({"InstanceNormalization", {{"epsilon", 3.0f}}}, {x, scale, offset});
  EXPECT_THAT(Values<float>(y), ElementsAre(-1, 1, 5, 5));  // mean 2, variance 1
  const Tensor flat = Counting({1, 2});
  EXPECT_THAT(ErrorOf({"InstanceNormalization"}, {flat, scale, offset}), HasSubstr("the input is 1x2"));
  const Tensor one = Counting({1});
  EXPECT_THAT(ErrorOf({"InstanceNormalization"}, {x, scale, one}), HasSubstr("input 2 (B) is 1, it needs 2 values"));
}

TEST(LayerNormalization, NormalisesFromTheAxisOn) {
  const Tensor x = F({2, 2, 1}, {1, 3, 5, 5});
  const Tensor scale = F({2, 1}, {2, 4});
  const Tensor offset = F({1}, {0.5f});
  const auto y = RunNode({"LayerNormalization", {{"axis", std::int64_t{1}}, {"epsilon", 3.0f}}, 3}, {x, scale, offset});
  ASSERT_EQ(y.size(), 3u);
  EXPECT_THAT(Values<float>(y[0]), ElementsAre(-0.5f, 2.5f, 0.5f, 0.5f));
  EXPECT_EQ(y[1].shape(), (Shape{2, 1, 1}));
  EXPECT_THAT(Values<float>(y[1]), ElementsAre(2, 5));
  EXPECT_THAT(Values<float>(y[2]), ElementsAre(0.5f, FloatEq(static_cast<float>(1 / std::sqrt(3.0)))));
}

TEST(LayerNormalization, DefaultIsTheLastAxis) {
  const Tensor x = F({2, 2}, {1, 3, -10, 10});
  const Tensor scale = F({2}, {1, 1});
  const auto y = RunNode({"LayerNormalization", {{"epsilon", 0.0f}}}, {x, scale});
  ASSERT_EQ(y.size(), 1u);
  EXPECT_THAT(Values<float>(y[0]), ElementsAre(-1, 1, -1, 1));
}

TEST(LayerNormalization, Refuses) {
  const Tensor x = Counting({2, 3});
  const Tensor two = Counting({2});
  EXPECT_THAT(ErrorOf({"LayerNormalization"}, {x, two}), HasSubstr("node 'n' (LayerNormalization)"));
  const Tensor larger = Counting({1, 2, 3});
  EXPECT_EQ(ErrorOf({"LayerNormalization"}, {x, larger}),
            "node 'n' (LayerNormalization): input 1, 1x2x3, does not fit an input of 2x3");
  const Tensor three = Counting({3});
  EXPECT_THAT(ErrorOf({"LayerNormalization", {{"axis", std::int64_t{2}}}}, {x, three}), HasSubstr("axis 2"));
  const Tensor empty(kFloat, {2, 0});
  const Tensor one = Counting({1});
  EXPECT_THAT(ErrorOf({"LayerNormalization"}, {empty, one}), HasSubstr("nothing to normalise"));
}

std::vector<float> Exponentials(const std::vector<double>& values) {
  double sum = 0;
  for (const double v : values) sum += std::exp(v);
  std::vector<float> result;
  for (const double v : values) result.push_back(static_cast<float>(std::exp(v) / sum));
  return result;
}

TEST(Softmax, LastAxisByDefault) {
  const Tensor x = F({2, 3}, {0, 1, 2, 1000, 1001, 1002});
  const auto y = Values<float>(Run1({"Softmax"}, {x}));
  const auto expected = Exponentials({0, 1, 2});
  EXPECT_THAT(std::vector<float>(y.begin(), y.begin() + 3), Pointwise(FloatEq(), expected));
  EXPECT_THAT(std::vector<float>(y.begin() + 3, y.end()), Pointwise(FloatEq(), expected));
}

TEST(Softmax, InnerAxis) {
  const Tensor x = F({1, 2, 2}, {0, 5, 1, 7});
  const auto y = Values<float>(Run1({"Softmax", {{"axis", std::int64_t{1}}}}, {x}));
  EXPECT_THAT((std::vector<float>{y[0], y[2]}), Pointwise(FloatEq(), Exponentials({0, 1})));
  EXPECT_THAT((std::vector<float>{y[1], y[3]}), Pointwise(FloatEq(), Exponentials({5, 7})));
}

TEST(Softmax, CoercedToAMatrix) {
  const Tensor x = F({1, 2, 2}, {0, 5, 1, 7});
  const auto y = Run1({"Softmax", {{"axis", std::int64_t{1}}, {"coerce_2d", kOn}}}, {x});
  EXPECT_EQ(y.shape(), (Shape{1, 2, 2}));
  EXPECT_THAT(Values<float>(y), Pointwise(FloatEq(), Exponentials({0, 5, 1, 7})));
}

TEST(Softmax, ExtremesAndRefusals) {
  const float infinity = std::numeric_limits<float>::infinity();
  const Tensor x = F({2}, {-infinity, 0});
  EXPECT_THAT(Values<float>(Run1({"Softmax"}, {x})), ElementsAre(0, 1));
  const Tensor nan = F({2}, {std::numeric_limits<float>::quiet_NaN(), 0});
  EXPECT_TRUE(std::isnan(Values<float>(Run1({"Softmax"}, {nan}))[1]));
  EXPECT_THAT(ErrorOf({"Softmax", {{"axis", std::int64_t{1}}}}, {x}), HasSubstr("axis 1"));
  const Tensor scalar = Tensor::Scalar(1);
  EXPECT_THAT(ErrorOf({"Softmax"}, {scalar}), HasSubstr("node 'n' (Softmax)"));
  const Tensor empty(kFloat, {3, 0});
  EXPECT_EQ(Run1({"Softmax"}, {empty}).shape(), (Shape{3, 0}));
}

}  // namespace
}  // namespace prefiqs::ops
