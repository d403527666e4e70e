#include <gmock/gmock.h>

#include <limits>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using ::testing::HasSubstr;

TestNode Pad(const std::string& mode) { return {"Pad", {{"mode", mode}}}; }

TEST(Pad, OneDimensionInEveryMode) {
  struct Case {
    const char* mode;
    Int64s data, pads, expected;
  };
  const Case cases[] = {
      {"constant", {1, 2, 3}, {2, 1}, {0, 0, 1, 2, 3, 0}},
      {"edge", {1, 2, 3}, {2, 1}, {1, 1, 1, 2, 3, 3}},
      {"reflect", {1, 2, 3}, {2, 1}, {3, 2, 1, 2, 3, 2}},
      {"wrap", {1, 2, 3}, {2, 1}, {2, 3, 1, 2, 3, 1}},
      // Further than the data reaches.
      {"reflect", {1, 2, 3}, {5, 0}, {2, 1, 2, 3, 2, 1, 2, 3}},
      {"reflect", {7}, {1, 2}, {7, 7, 7, 7}},
      {"wrap", {1, 2}, {3, 3}, {2, 1, 2, 1, 2, 1, 2, 1}},
      // Crops.
      {"constant", {1, 2, 3}, {-1, -1}, {2}},
      {"constant", {1, 2, 3}, {-2, 2}, {3, 0, 0}},
      {"edge", {1, 2, 3}, {1, -2}, {1, 1}},
      {"reflect", {1, 2, 3, 4}, {-1, 2}, {2, 3, 4, 3, 2}},
      {"constant", {1, 2, 3}, {-3, 0}, {}},
      {"constant", {}, {1, 1}, {0, 0}},
      {"edge", {}, {0, 0}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.mode) + " " + ::testing::PrintToString(c.data) + ::testing::PrintToString(c.pads));
    const graph::Tensor y = Run1(Pad(c.mode), {List(c.data), List(c.pads)});
    EXPECT_TRUE(Identical(y, List(c.expected))) << ::testing::PrintToString(Values<std::int64_t>(y));
  }
}

TEST(Pad, SeveralDimensions) {
  const graph::Tensor x = F({2, 2}, {1, 2, 3, 4});
  EXPECT_TRUE(Identical(Run1({"Pad"}, {x, List({0, 1, 1, 0}), F({}, {9})}), F({3, 3}, {9, 1, 2, 9, 3, 4, 9, 9, 9})));
  EXPECT_TRUE(Identical(Run1({"Pad"}, {x, List({1, -1}), std::nullopt, List({-1})}), F({2, 2}, {0, 1, 0, 3})));
  EXPECT_TRUE(Identical(Run1(Pad("reflect"), {x, List({1, 1, 0, 0})}), F({3, 3}, {4, 3, 4, 2, 1, 2, 4, 3, 4})));
  EXPECT_TRUE(Identical(Run1({"Pad"}, {B({1}, {1}), List({1, 0}), B({1}, {1})}), B({2}, {1, 1})));
  EXPECT_TRUE(Identical(Run1({"Pad"}, {F({}, {5}), List({})}), F({}, {5})));
}

TEST(Pad, Refuses) {
  constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  const OptionalTensor x = F({2, 2}, {1, 2, 3, 4});
  EXPECT_THAT(ErrorOf(Pad("mirror"), {x, List({0, 0, 0, 0})}), HasSubstr("constant, reflect, edge or wrap"));
  EXPECT_THAT(ErrorOf({"Pad"}, {x, List({0, 0})}), HasSubstr("has 2 pads for 2 axes"));
  EXPECT_THAT(ErrorOf({"Pad"}, {x, List({0, -1, 0, -2})}), HasSubstr("crop more than the 2 elements"));
  EXPECT_THAT(ErrorOf({"Pad"}, {x, List({kHighest, 0, kHighest, 0})}), HasSubstr("out of range"));
  EXPECT_THAT(ErrorOf({"Pad"}, {x, List({kLowest, 0, kLowest, 0})}), HasSubstr("out of range"));
  const std::int64_t wide = std::int64_t{1} << 39;
  EXPECT_THAT(ErrorOf({"Pad"}, {x, List({wide, 0, 0, wide})}), HasSubstr("too large"));
  EXPECT_THAT(ErrorOf({"Pad"}, {x, List({0, 0, 0, 0}), F({2}, {1, 1})}), HasSubstr("one element of the type"));
  EXPECT_THAT(ErrorOf({"Pad"}, {x, List({0, 0, 0, 0}), I({}, {1})}), HasSubstr("one element of the type"));
  EXPECT_THAT(ErrorOf({"Pad"}, {x, List({0, 0, 0, 0}), std::nullopt, List({0, 0})}), HasSubstr("named twice"));
  EXPECT_THAT(ErrorOf({"Pad"}, {x, List({0, 0}), std::nullopt, List({2})}), HasSubstr("axis 2 is out of range"));
  EXPECT_THAT(ErrorOf(Pad("edge"), {F({0}, {}), List({1, 0})}), HasSubstr("nothing to fill"));
  EXPECT_THAT(ErrorOf(Pad("wrap"), {F({2}, {1, 2}), List({-2, 1})}), HasSubstr("nothing to fill"));
  EXPECT_THAT(ModelError([] {
                Infer({"Pad"}, {{DataType::kFloat32, {1}}, {DataType::kInt64, {2}}});
              }),
              HasSubstr("input 1 (the pads) depends on the picture"));
}

}  // namespace
}  // namespace prefiqs::ops
