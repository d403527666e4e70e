#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
constexpr std::int32_t kLowest32 = std::numeric_limits<std::int32_t>::min();
constexpr std::int32_t kHighest32 = std::numeric_limits<std::int32_t>::max();

TEST(Elementwise, Arithmetic) {
  const OptionalTensor a = F({4}, {1, -2, 7, 0});
  const OptionalTensor b = F({4}, {2, 4, -2, 5});
  EXPECT_THAT(Values<float>(Run1({"Add"}, {a, b})), ElementsAre(3, 2, 5, 5));
  EXPECT_THAT(Values<float>(Run1({"Sub"}, {a, b})), ElementsAre(-1, -6, 9, -5));
  EXPECT_THAT(Values<float>(Run1({"Mul"}, {a, b})), ElementsAre(2, -8, -14, 0));
  EXPECT_THAT(Values<float>(Run1({"Div"}, {a, b})), ElementsAre(0.5f, -0.5f, -3.5f, 0));
  EXPECT_THAT(Values<float>(Run1({"Min"}, {a, b})), ElementsAre(1, -2, -2, 0));
  EXPECT_THAT(Values<float>(Run1({"Max"}, {a, b})), ElementsAre(2, 4, 7, 5));
  EXPECT_TRUE(std::isinf(Values<float>(Run1({"Div"}, {F({}, {1}), F({}, {0})}))[0]));
}

TEST(Elementwise, Broadcasting) {
  struct Case {
    graph::Shape a, b, y;
  };
  const Case cases[] = {
      {{2, 3}, {}, {2, 3}},  {{}, {2, 3}, {2, 3}},           {{2, 3}, {3}, {2, 3}},
      {{2, 1}, {3}, {2, 3}}, {{2, 1, 3}, {4, 1}, {2, 4, 3}}, {{1}, {1, 1, 1}, {1, 1, 1}},
      {{2, 0}, {1}, {2, 0}}, {{0}, {1, 1}, {1, 0}},          {{5, 1, 2}, {5, 3, 1}, {5, 3, 2}},
      {{}, {}, {}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(graph::ToString(c.a) + " and " + graph::ToString(c.b));
    graph::Tensor a(graph::DataType::kInt64, c.a);
    graph::Tensor b(graph::DataType::kInt64, c.b);
    for (std::int64_t i = 0; i < a.count(); ++i) a.values<std::int64_t>()[static_cast<std::size_t>(i)] = i;
    for (std::int64_t i = 0; i < b.count(); ++i) b.values<std::int64_t>()[static_cast<std::size_t>(i)] = 100 * i;
    const graph::Tensor y = Run1({"Add"}, {a, b});
    ASSERT_EQ(y.shape(), c.y);
    // Each element again, from its index.
    const auto at = [&](const graph::Tensor& tensor, std::int64_t element) {
      std::int64_t offset = 0, stride = 1;
      for (std::size_t back = 1; back <= c.y.size(); ++back) {
        const std::int64_t index = element % c.y[c.y.size() - back];
        element /= c.y[c.y.size() - back];
        if (back > tensor.shape().size()) continue;
        const std::int64_t size = tensor.shape()[tensor.shape().size() - back];
        offset += size == 1 ? 0 : index * stride;
        stride *= size;
      }
      return tensor.values<std::int64_t>()[static_cast<std::size_t>(offset)];
    };
    for (std::int64_t i = 0; i < y.count(); ++i) {
      EXPECT_EQ(y.values<std::int64_t>()[static_cast<std::size_t>(i)], at(a, i) + at(b, i)) << i;
    }
  }
  EXPECT_THAT(Values<float>(Run1({"Sub"}, {F({2, 1}, {10, 20}), F({3}, {1, 2, 3})})), ElementsAre(9, 8, 7, 19, 18, 17));
}

TEST(Elementwise, IntegersWrapAround) {
  const OptionalTensor a = I({3}, {kHighest, kLowest, 7});
  EXPECT_THAT(Values<std::int64_t>(Run1({"Add"}, {a, I({}, {1})})), ElementsAre(kLowest, kLowest + 1, 8));
  EXPECT_THAT(Values<std::int64_t>(Run1({"Sub"}, {a, I({}, {1})})), ElementsAre(kHighest - 1, kHighest, 6));
  EXPECT_THAT(Values<std::int64_t>(Run1({"Mul"}, {a, I({}, {2})})), ElementsAre(-2, 0, 14));
  EXPECT_THAT(Values<std::int64_t>(Run1({"Div"}, {a, I({}, {-1})})), ElementsAre(-kHighest, kLowest, -7));
  EXPECT_THAT(Values<std::int32_t>(Run1({"Mul"}, {I32({2}, {kLowest32, kHighest32}), I32({}, {-1})})),
              ElementsAre(kLowest32, -kHighest32));
  EXPECT_THAT(Values<std::int32_t>(Run1({"Div"}, {I32({1}, {kLowest32}), I32({}, {-1})})), ElementsAre(kLowest32));
}

TEST(Elementwise, IntegerDivisionTruncates) {
  EXPECT_THAT(Values<std::int64_t>(Run1({"Div"}, {I({4}, {7, -7, 7, -7}), I({4}, {2, 2, -2, -2})})),
              ElementsAre(3, -3, -3, 3));
  EXPECT_THAT(ErrorOf({"Div"}, {I({2}, {1, 2}), I({2}, {1, 0})}),
              HasSubstr("node 'n' (Div): an integer is divided by"));
}

TEST(Elementwise, MinAndMaxOfAnyNumber) {
  const OptionalTensor a = F({3}, {1, 5, kNan});
  EXPECT_TRUE(std::isnan(Values<float>(Run1({"Min"}, {a}))[2]));
  for (const char* op : {"Min", "Max"}) {
    EXPECT_TRUE(std::isnan(Values<float>(Run1({op}, {a, F({}, {3})}))[2])) << op;
    EXPECT_TRUE(std::isnan(Values<float>(Run1({op}, {F({}, {3}), a}))[2])) << op;
  }
  EXPECT_THAT(Values<float>(Run1({"Max"}, {F({2, 1}, {1, 5}), F({2}, {2, 4}), F({}, {3})})), ElementsAre(3, 4, 5, 5));
  EXPECT_THAT(Values<std::int64_t>(Run1({"Min"}, {I({2}, {kLowest, 3}), I({}, {0})})), ElementsAre(kLowest, 0));
}

TEST(Elementwise, Pow) {
  EXPECT_THAT(Values<float>(Run1({"Pow"}, {F({3}, {2, 9, -2}), F({3}, {3, 0.5f, 2})})), ElementsAre(8, 3, 4));
  EXPECT_THAT(Values<float>(Run1({"Pow"}, {F({2}, {2, 3}), I({}, {2})})), ElementsAre(4, 9));
  EXPECT_THAT(Values<float>(Run1({"Pow"}, {F({1}, {2}), I32({}, {-1})})), ElementsAre(0.5f));
  EXPECT_THAT(
      Values<std::int64_t>(Run1({"Pow"}, {I({7}, {3, -2, 1, -1, -1, 5, 0}), I({7}, {4, 3, -5, -3, -2, -1, 0})})),
      ElementsAre(81, -8, 1, -1, 1, 0, 1));
  EXPECT_THAT(Values<std::int64_t>(Run1({"Pow"}, {I({3}, {2, 2, 3}), I({3}, {62, 64, kHighest})})),
              ElementsAre(std::int64_t{1} << 62, 0, -6148914691236517205));  // 3^(2^63 - 1) mod 2^64
  EXPECT_THAT(Values<std::int32_t>(Run1({"Pow"}, {I32({4}, {4, 10, -10, -8}), F({4}, {0.5f, 30, 31, 0.5f})})),
              ElementsAre(2, kHighest32, kLowest32, 0));
  EXPECT_THAT(ErrorOf({"Pow"}, {I({}, {0}), I({}, {-1})}), HasSubstr("zero is raised to a negative power"));
  EXPECT_THAT(ErrorOf({"Pow"}, {F({1}, {1}), B({1}, {1})}), HasSubstr("for numbers"));
}

TEST(Elementwise, Mod) {
  const graph::Tensor a = I({4}, {7, -7, 7, -7}), b = I({4}, {3, 3, -3, -3});
  EXPECT_THAT(Values<std::int64_t>(Run1({"Mod"}, {a, b})), ElementsAre(1, 2, -2, -1));
  const graph::Attribute on = std::int64_t{1};
  EXPECT_THAT(Values<std::int64_t>(Run1({"Mod", {{"fmod", on}}}, {a, b})), ElementsAre(1, -1, 1, -1));
  EXPECT_THAT(Values<float>(Run1({"Mod", {{"fmod", on}}}, {F({2}, {5.5f, -5.5f}), F({}, {2})})),
              ElementsAre(1.5f, -1.5f));
  EXPECT_THAT(
      Values<std::int32_t>(Run1({"Mod"}, {I32({1}, {std::numeric_limits<std::int32_t>::min()}), I32({1}, {-1})})),
      ElementsAre(0));
  EXPECT_THAT(ErrorOf({"Mod"}, {F({1}, {1}), F({1}, {1})}), HasSubstr("fmod must be 1"));
  EXPECT_THAT(ErrorOf({"Mod"}, {I({1}, {1}), I({1}, {0})}), HasSubstr("divided by zero"));
}

TEST(Elementwise, PRelu) {
  const OptionalTensor x = F({1, 2, 2}, {-1, 2, -3, -4});
  EXPECT_THAT(Values<float>(Run1({"PRelu"}, {x, F({2, 1}, {0.5f, 0.25f})})), ElementsAre(-0.5f, 2, -0.75f, -1));
  EXPECT_THAT(Values<float>(Run1({"PRelu"}, {x, F({1}, {0.5f})})), ElementsAre(-0.5f, 2, -1.5f, -2));
  EXPECT_TRUE(std::isnan(Values<float>(Run1({"PRelu"}, {F({1}, {kNan}), F({}, {0})}))[0]));
  EXPECT_THAT(ErrorOf({"PRelu"}, {x, F({3, 1, 1}, {1, 1, 1})}), HasSubstr("slope of shape 3x1x1 does not fit X"));
  EXPECT_THAT(ErrorOf({"PRelu"}, {F({1}, {1}), F({2}, {1, 1})}), HasSubstr("does not fit"));
  EXPECT_THAT(ErrorOf({"PRelu"}, {Counting({1, 2, 3, 3}), F({2}, {1, 1})}),
              HasSubstr("one for each channel has the shape 2x1x1: reshape it"));
  EXPECT_THAT(ErrorOf({"PRelu"}, {F({1}, {1}), F({1, 1}, {1})}), HasSubstr("does not fit"));
}

TEST(Elementwise, Where) {
  const graph::Tensor y = Run1({"Where"}, {B({2, 1}, {1, 0}), F({2}, {1, 2}), F({}, {9})});
  EXPECT_EQ(y.shape(), (graph::Shape{2, 2}));
  EXPECT_THAT(Values<float>(y), ElementsAre(1, 2, 9, 9));
  EXPECT_THAT(Values<bool>(Run1({"Where"}, {B({2}, {1, 0}), B({}, {1}), B({}, {0})})), ElementsAre(true, false));
  EXPECT_THAT(Values<std::int64_t>(Run1({"Where"}, {B({}, {0}), I({}, {1}), I({1}, {kLowest})})), ElementsAre(kLowest));
  EXPECT_THAT(ErrorOf({"Where"}, {F({}, {0}), F({}, {1}), F({}, {1})}), HasSubstr("condition must be bool"));
  EXPECT_THAT(ErrorOf({"Where"}, {B({}, {0}), F({}, {1}), I({}, {1})}), HasSubstr("of one type"));
}

TEST(Elementwise, WhatDoesNotFitIsRefused) {
  EXPECT_THAT(ErrorOf({"Add"}, {F({2}, {1, 2}), F({3}, {1, 2, 3})}),
              HasSubstr("node 'n' (Add): shapes 2 and 3 do not go together"));
  EXPECT_THAT(ErrorOf({"Add"}, {F({2, 3}, Floats(6)), F({2}, {1, 2})}), HasSubstr("do not go together"));
  EXPECT_THAT(ErrorOf({"Mul"}, {F({1}, {1}), I({1}, {1})}), AllOf(HasSubstr("of one type"), HasSubstr("int64")));
  EXPECT_THAT(ErrorOf({"Max"}, {B({1}, {1}), B({1}, {1})}), HasSubstr("for numbers"));
  EXPECT_THAT(ErrorOf({"Sub"}, {F({1}, {1}), std::nullopt}), HasSubstr("input 1 (an operand) is missing"));
}

TEST(Elementwise, ResultsBeyondAllSizesAreRefusedBeforeTheyAreMade) {
  const TensorType row{graph::DataType::kFloat32, {1, std::int64_t{1} << 30}};
  const TensorType column{graph::DataType::kFloat32, {std::int64_t{1} << 30, 1}};
  EXPECT_THAT(ModelError([&] {
                Infer({"Add"}, {row, column});
              }),
              AllOf(HasSubstr("'n' (Add)"), HasSubstr("too large")));
}

}  // namespace
}  // namespace prefiqs::ops
