#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Shape;
using graph::Tensor;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kHuge = std::int64_t{1} << 40;

Tensor Zeros(Shape shape) { return {DataType::kFloat32, std::move(shape)}; }

TEST(Shape, ShapeOfChosenDimensions) {
  struct Case {
    Attributes attributes;
    Int64s expected;
  };
  const Case cases[] = {
      {{}, {2, 3, 4}},
      {{{"start", std::int64_t{1}}}, {3, 4}},
      {{{"end", std::int64_t{-1}}}, {2, 3}},
      {{{"start", std::int64_t{-2}}, {"end", std::int64_t{2}}}, {3}},
      {{{"start", std::int64_t{2}}, {"end", std::int64_t{1}}}, {}},
      {{{"start", kLowest}, {"end", kHighest}}, {2, 3, 4}},
      {{{"start", kHighest}, {"end", kLowest}}, {}},
  };
  for (const Case& c : cases) {
    EXPECT_TRUE(Identical(Run1({"Shape", c.attributes}, {Zeros({2, 3, 4})}), List(c.expected)));
  }
  EXPECT_TRUE(Identical(Run1({"Shape"}, {B({}, {1})}), List({})));
}

struct ReshapeCase {
  Shape data;
  Int64s wanted;
  Shape expected;
  bool allow_zero = false;
};

TEST(Shape, Reshape) {
  const ReshapeCase cases[] = {
      {{2, 3, 4}, {24}, {24}},           {{2, 3, 4}, {0, -1}, {2, 12}},  {{2, 3, 4}, {-1}, {24}},
      {{2, 3, 4}, {4, 0, 2}, {4, 3, 2}}, {{}, {1, 1}, {1, 1}},           {{1}, {}, {}},
      {{0, 5}, {0, -1}, {}, false},      {{0, 5}, {5, 0}, {5, 0}, true}, {{2, 0}, {-1, 3}, {0, 3}},
      {{3}, {3, 1, -1}, {3, 1, 1}},
  };
  for (const ReshapeCase& c : cases) {
    SCOPED_TRACE(graph::ToString(c.data));
    Tensor data = Zeros(c.data);
    for (std::size_t i = 0; i < data.values<float>().size(); ++i) data.values<float>()[i] = static_cast<float>(i);
    const TestNode node{"Reshape", {{"allowzero", std::int64_t{c.allow_zero}}}};
    if (c.data == Shape{0, 5} && !c.allow_zero) {  // 0 times what is 0?
      EXPECT_THAT(ErrorOf(node, {data, List(c.wanted)}), HasSubstr("the open dimension could be anything"));
      continue;
    }
    const Tensor result = Run1(node, {data, List(c.wanted)});
    EXPECT_EQ(result.shape(), c.expected);
    EXPECT_EQ(Values<float>(result), Values<float>(data));
  }
}

TEST(Shape, ReshapeRefuses) {
  const auto error = [](Shape data, const Int64s& wanted) { return ErrorOf({"Reshape"}, {Zeros(data), List(wanted)}); };
  EXPECT_THAT(error({2, 3}, {7}), HasSubstr("node 'n' (Reshape): 2x3 cannot be reshaped to 7: the number of elements"));
  EXPECT_THAT(error({2, 3}, {4, -1}), HasSubstr("the number of elements differs"));
  EXPECT_THAT(error({2, 3}, {-1, -1}), HasSubstr("more than one"));
  EXPECT_THAT(error({2, 3}, {-2, 3}), HasSubstr("negative"));
  EXPECT_THAT(error({2, 3}, {2, 3, 0}), HasSubstr("not there"));
  EXPECT_THAT(error({2, 3}, {kHuge, kHuge, kHuge}), HasSubstr("too large"));
  EXPECT_THAT(error({2, 3}, {kHighest, -1, kHighest}), HasSubstr("too large"));
  EXPECT_THAT(error({1}, Int64s(17, 1)), HasSubstr("17 entries"));
  EXPECT_THAT(ErrorOf({"Reshape"}, {Zeros({1}), F({1}, {1})}), HasSubstr("must hold integers"));
  EXPECT_THAT(ErrorOf({"Reshape"}, {Zeros({1}), I({1, 1}, {1})}), HasSubstr("must be a list"));
  EXPECT_THAT(ModelError([] {
                Infer({"Reshape"}, {{DataType::kFloat32, {1}}, {DataType::kInt64, {1}}});
              }),
              HasSubstr("input 1 (the shape) depends on the picture"));
}

TEST(Shape, Flatten) {
  const auto flat = [](std::int64_t axis) { return Run1({"Flatten", {{"axis", axis}}}, {Zeros({2, 3, 4})}).shape(); };
  EXPECT_THAT(Run1({"Flatten"}, {Zeros({2, 3, 4})}).shape(), ElementsAre(2, 12));
  EXPECT_THAT(flat(0), ElementsAre(1, 24));
  EXPECT_THAT(flat(2), ElementsAre(6, 4));
  EXPECT_THAT(flat(3), ElementsAre(24, 1));
  EXPECT_THAT(flat(-1), ElementsAre(6, 4));
  EXPECT_THAT(Run1({"Flatten", {{"axis", std::int64_t{0}}}}, {Zeros({})}).shape(), ElementsAre(1, 1));
  EXPECT_THAT(Values<std::int64_t>(Run1({"Flatten"}, {I({2, 1, 2}, {1, 2, 3, 4})})), ElementsAre(1, 2, 3, 4));
  for (const std::int64_t axis : {std::int64_t{4}, std::int64_t{-4}, kLowest, kHighest}) {
    EXPECT_THAT(ErrorOf({"Flatten", {{"axis", axis}}}, {Zeros({2, 3, 4})}), HasSubstr("out of range")) << axis;
  }
  EXPECT_THAT(ModelError([] {
                Infer({"Flatten"}, {{DataType::kFloat32, {0, kHuge, kHuge}}});
              }),
              HasSubstr("too large"));
}

TEST(Shape, SqueezeAndUnsqueeze) {
  EXPECT_THAT(Run1({"Squeeze"}, {Zeros({1, 2, 1, 3})}).shape(), ElementsAre(2, 3));
  EXPECT_THAT(Run1({"Squeeze"}, {Zeros({1, 2, 1}), List({-1})}).shape(), ElementsAre(1, 2));
  EXPECT_THAT(Run1({"Squeeze"}, {Zeros({1, 1}), List({0, 1})}).shape(), ElementsAre());
  EXPECT_THAT(Run1({"Unsqueeze"}, {Zeros({2, 3}), List({0, -1})}).shape(), ElementsAre(1, 2, 3, 1));
  EXPECT_THAT(Run1({"Unsqueeze"}, {Zeros({2, 3}), List({2, 1})}).shape(), ElementsAre(2, 1, 1, 3));
  EXPECT_THAT(Values<bool>(Run1({"Unsqueeze"}, {B({}, {1}), I({}, {0})})), ElementsAre(true));
  EXPECT_THAT(ErrorOf({"Squeeze"}, {Zeros({1, 2}), List({1})}), HasSubstr("dimension 1 of 1x2 is not 1"));
  EXPECT_THAT(ErrorOf({"Squeeze"}, {Zeros({1, 1}), List({0, -2})}), HasSubstr("named twice"));
  EXPECT_THAT(ErrorOf({"Squeeze"}, {Zeros({1, 1}), List({2})}), HasSubstr("axis 2 is out of range"));
  EXPECT_THAT(ErrorOf({"Unsqueeze"}, {Zeros({1}), List({2})}), HasSubstr("axis 2 is out of range"));
  EXPECT_THAT(ErrorOf({"Unsqueeze"}, {Zeros({1}), List({0, -3})}), HasSubstr("named twice"));
  Int64s many(16);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<std::int64_t>(i);
  EXPECT_THAT(ErrorOf({"Unsqueeze"}, {Zeros({1}), List(many)}), HasSubstr("17 dimensions"));
}

TEST(Shape, Expand) {
  const Tensor y = Run1({"Expand"}, {F({2, 1}, {1, 2}), List({3})});
  EXPECT_EQ(y.shape(), (Shape{2, 3}));
  EXPECT_THAT(Values<float>(y), ElementsAre(1, 1, 1, 2, 2, 2));
  EXPECT_THAT(Values<bool>(Run1({"Expand"}, {B({}, {1}), List({2})})), ElementsAre(true, true));
  EXPECT_THAT(Run1({"Expand"}, {Zeros({1, 2}), List({0, 1})}).shape(), ElementsAre(0, 2));
  EXPECT_THAT(ErrorOf({"Expand"}, {Zeros({2}), List({3})}), HasSubstr("do not go together"));
  EXPECT_THAT(ErrorOf({"Expand"}, {Zeros({1}), List({-1})}), HasSubstr("negative"));
  EXPECT_THAT(ErrorOf({"Expand"}, {Zeros({1}), List({kHuge, 2})}),
              AllOf(HasSubstr("(Expand)"), HasSubstr("too large")));
}

TEST(Shape, ConstantOfShape) {
  EXPECT_TRUE(Identical(Run1({"ConstantOfShape"}, {List({2})}), F({2}, {0, 0})));
  const auto value = std::make_shared<const Tensor>(I({1}, {7}));
  EXPECT_TRUE(Identical(Run1({"ConstantOfShape", {{"value", value}}}, {List({1, 2})}), I({1, 2}, {7, 7})));
  EXPECT_TRUE(Identical(Run1({"ConstantOfShape"}, {List({})}), F({}, {0})));
  EXPECT_THAT(ErrorOf({"ConstantOfShape"}, {List({-1})}), HasSubstr("negative dimension"));
  EXPECT_THAT(ErrorOf({"ConstantOfShape"}, {List({kHuge, kHuge})}), HasSubstr("too large"));
  const auto two = std::make_shared<const Tensor>(I({2}, {7, 8}));
  EXPECT_THAT(ErrorOf({"ConstantOfShape", {{"value", two}}}, {List({1})}), HasSubstr("one element"));
  EXPECT_THAT(ErrorOf({"ConstantOfShape", {{"value", 1.0f}}}, {List({1})}), HasSubstr("must be a tensor"));
}

TEST(Shape, Range) {
  EXPECT_THAT(Values<std::int64_t>(Run1({"Range"}, {I({}, {3}), I({}, {10}), I({}, {3})})), ElementsAre(3, 6, 9));
  EXPECT_THAT(Values<std::int32_t>(Run1({"Range"}, {I32({}, {2}), I32({}, {0}), I32({}, {-1})})), ElementsAre(2, 1));
  EXPECT_THAT(Values<float>(Run1({"Range"}, {F({}, {0}), F({}, {1}), F({}, {0.25f})})),
              ElementsAre(0, 0.25f, 0.5f, 0.75f));
  EXPECT_EQ(Run1({"Range"}, {I({}, {3}), I({}, {0}), I({}, {1})}).count(), 0);
  constexpr auto kLow = std::numeric_limits<std::int64_t>::min(), kHigh = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(Values<std::int64_t>(Run1({"Range"}, {I({}, {kLow}), I({}, {kHigh}), I({}, {std::int64_t{1} << 62})})),
              ElementsAre(kLow, kLow / 2, 0, -(kLow / 2)));
  EXPECT_THAT(ErrorOf({"Range"}, {I({}, {0}), I({}, {1}), I({}, {0})}), HasSubstr("by 0"));
  EXPECT_THAT(ErrorOf({"Range"}, {I({}, {1}), I({}, {1}), I({}, {0})}), HasSubstr("by 0"));
  EXPECT_THAT(ErrorOf({"Range"}, {F({}, {0}), F({}, {std::nanf("")}), F({}, {1})}), HasSubstr("to nan"));
  EXPECT_THAT(ErrorOf({"Range"}, {I({}, {0}), I({}, {kHigh}), I({}, {1})}), HasSubstr("runs from 0"));
  EXPECT_THAT(ErrorOf({"Range"}, {I({}, {0}), F({}, {1}), I({}, {1})}), HasSubstr("one type"));
}

TEST(Shape, Constant) {
  const auto value = std::make_shared<const Tensor>(B({1, 2}, {1, 0}));
  EXPECT_TRUE(Identical(Run1({"Constant", {{"value", value}}}, {}), *value));
  EXPECT_TRUE(Identical(Run1({"Constant", {{"value_int", std::int64_t{3}}}}, {}), I({}, {3})));
  EXPECT_TRUE(Identical(Run1({"Constant", {{"value_float", 0.5f}}}, {}), F({}, {0.5f})));
  EXPECT_TRUE(Identical(Run1({"Constant", {{"value_ints", Int64s{1, 2}}}}, {}), I({2}, {1, 2})));
  EXPECT_TRUE(Identical(Run1({"Constant", {{"value_floats", Floats{1, 2}}}}, {}), F({2}, {1, 2})));
  EXPECT_THAT(ErrorOf({"Constant"}, {}), HasSubstr("has one value"));
}

}  // namespace
}  // namespace prefiqs::ops
