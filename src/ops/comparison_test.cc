#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Comparison, OfNumbers) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor a = F({4}, {1, 2, 3, nan}), b = F({4}, {2, 2, 2, nan});
  EXPECT_THAT(Values<bool>(Run1({"Equal"}, {a, b})), ElementsAre(false, true, false, false));
  EXPECT_THAT(Values<bool>(Run1({"Less"}, {a, b})), ElementsAre(true, false, false, false));
  EXPECT_THAT(Values<bool>(Run1({"LessOrEqual"}, {a, b})), ElementsAre(true, true, false, false));
  EXPECT_THAT(Values<bool>(Run1({"Greater"}, {a, b})), ElementsAre(false, false, true, false));
  EXPECT_THAT(Values<bool>(Run1({"GreaterOrEqual"}, {a, b})), ElementsAre(false, true, true, false));
}

TEST(Comparison, Broadcasts) {
  const Tensor y = Run1({"Equal"}, {I({2, 1}, {1, 2}), I({3}, {2, 1, 2})});
  EXPECT_EQ(y.shape(), (graph::Shape{2, 3}));
  EXPECT_THAT(Values<bool>(y), ElementsAre(false, true, false, true, false, true));
}

TEST(Comparison, OfBools) {
  const Tensor a = B({4}, {0, 0, 1, 1}), b = B({4}, {0, 1, 0, 1});
  EXPECT_THAT(Values<bool>(Run1({"And"}, {a, b})), ElementsAre(false, false, false, true));
  EXPECT_THAT(Values<bool>(Run1({"Or"}, {a, b})), ElementsAre(false, true, true, true));
  EXPECT_THAT(Values<bool>(Run1({"Equal"}, {a, b})), ElementsAre(true, false, false, true));
  EXPECT_THAT(Values<bool>(Run1({"Not"}, {a})), ElementsAre(true, true, false, false));
}

TEST(Comparison, RefusesOtherTypes) {
  EXPECT_THAT(ErrorOf({"Equal"}, {F({1}, {1}), I({1}, {1})}), HasSubstr("they are float32 and int64"));
  EXPECT_THAT(ErrorOf({"Less"}, {B({1}, {1}), B({1}, {0})}), HasSubstr("for numbers"));
  EXPECT_THAT(ErrorOf({"And"}, {I({1}, {1}), I({1}, {1})}), HasSubstr("must be bool"));
  EXPECT_THAT(ErrorOf({"Not"}, {F({1}, {1})}), HasSubstr("must be bool"));
}

}  // namespace
}  // namespace prefiqs::ops
