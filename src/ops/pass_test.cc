#include <gmock/gmock.h>

#include <limits>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TestNode CastTo(std::int64_t to) { return {"Cast", {{"to", to}}}; }
constexpr std::int64_t kFloat = 1, kInt32 = 6, kInt64 = 7, kBool = 9;

TEST(Pass, CastOfFloats) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr std::int32_t kLowest32 = std::numeric_limits<std::int32_t>::min();
  constexpr std::int32_t kHighest32 = std::numeric_limits<std::int32_t>::max();
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
  const OptionalTensor x = F({9}, {1.9f, -1.9f, 0, -0.4f, kNan, kInf, -kInf, 9223372036854775808.0f, -3e9f});
  EXPECT_THAT(Values<std::int32_t>(Run1(CastTo(kInt32), {x})),
              ElementsAre(1, -1, 0, 0, 0, kHighest32, kLowest32, kHighest32, kLowest32));
  EXPECT_THAT(Values<std::int64_t>(Run1(CastTo(kInt64), {x})),
              ElementsAre(1, -1, 0, 0, 0, kHighest, kLowest, kHighest, -3000000000));
  EXPECT_THAT(Values<bool>(Run1(CastTo(kBool), {x})),
              ElementsAre(true, true, false, true, true, true, true, true, true));
  EXPECT_THAT(Values<float>(Run1(CastTo(kFloat), {F({2}, {1.5f, -2})})), ElementsAre(1.5f, -2));
}

TEST(Pass, CastOfIntegersAndBools) {
  const OptionalTensor x = I({4}, {-1, 0, 5, (std::int64_t{1} << 32) + 7});
  EXPECT_THAT(Values<float>(Run1(CastTo(kFloat), {x})), ElementsAre(-1, 0, 5, 4294967303.0f));
  EXPECT_THAT(Values<std::int32_t>(Run1(CastTo(kInt32), {x})), ElementsAre(-1, 0, 5, 7));
  EXPECT_THAT(Values<bool>(Run1(CastTo(kBool), {x})), ElementsAre(true, false, true, true));
  EXPECT_THAT(Values<std::int64_t>(Run1(CastTo(kInt64), {I32({1}, {-3})})), ElementsAre(-3));
  EXPECT_THAT(Values<float>(Run1(CastTo(kFloat), {B({2}, {1, 0})})), ElementsAre(1, 0));
  EXPECT_THAT(ErrorOf(CastTo(8), {x}), HasSubstr("type 8 cannot be cast to"));
  EXPECT_THAT(ErrorOf({"Cast"}, {x}), HasSubstr("type 0 cannot be cast to"));
}

TEST(Pass, IdentityOfEveryType) {
  for (const graph::Tensor& x : {F({2, 1}, {1, 2}), I({1}, {3}), I32({}, {4}), B({2}, {1, 0}), F({0, 2}, {})}) {
    EXPECT_TRUE(Identical(Run1({"Identity"}, {x}), x));
  }
}

TEST(Pass, DropoutDropsNothing) {
  const graph::Tensor x = F({2, 2}, {1, 2, 3, 4});
  EXPECT_TRUE(Identical(Run1({"Dropout"}, {x, F({}, {0.5f})}), x));
  const auto both = RunNode({"Dropout", {}, 2}, {x, std::nullopt, B({}, {0})});
  ASSERT_EQ(both.size(), 2u);
  EXPECT_TRUE(Identical(both[0], x));
  EXPECT_TRUE(Identical(both[1], B({2, 2}, {1, 1, 1, 1})));
  EXPECT_THAT(ErrorOf({"Dropout"}, {x, std::nullopt, B({}, {1})}), HasSubstr("evaluation mode"));
  EXPECT_THAT(ErrorOf({"Dropout"}, {x, std::nullopt, F({}, {0})}), HasSubstr("one bool"));
  const TensorType type{graph::DataType::kFloat32, {}};
  EXPECT_THAT(ModelError([&] {
                Infer({"Dropout"}, {type, type, {graph::DataType::kBool, {}}});
              }),
              HasSubstr("input 2 (training_mode) depends on the picture"));
}

}  // namespace
}  // namespace prefiqs::ops
