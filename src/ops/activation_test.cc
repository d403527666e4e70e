#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

struct Case {
  TestNode node;
  Floats x, y;
};

// Expected values by hand or from tables, to float precision.
TEST(Activation, Values) {
  const Case cases[] = {
      {{"Relu"}, {-2, 0, 3}, {0, 0, 3}},
      {{"Floor"}, {-1.5f, 2.5f, -kInf}, {-2, 2, -kInf}},
      {{"Ceil"}, {-1.5f, 2.5f, kInf}, {-1, 3, kInf}},
      {{"Round"}, {-1.5f, 0.5f, 2.5f, 2.6f, kInf}, {-2, 0, 2, 3, kInf}},
      {{"Sign"}, {-1.5f, 0, 2.5f}, {-1, 0, 1}},
      {{"Log"}, {1, 0, 2.718281828f}, {0, -kInf, 1}},
      {{"LeakyRelu"}, {-2, 0, 3}, {-0.02f, 0, 3}},
      {{"LeakyRelu", {{"alpha", 0.5f}}}, {-2, 0, 3}, {-1, 0, 3}},
      {{"Sigmoid"}, {0, 1, -1, 100, -100}, {0.5f, 0.731058579f, 0.268941421f, 1, 0}},
      {{"HardSigmoid"}, {-10, -1, 0, 1, 10}, {0, 0.3f, 0.5f, 0.7f, 1}},
      {{"HardSigmoid", {{"alpha", 0.5f}, {"beta", 0.25f}}}, {-1, 0.5f, 2}, {0, 0.5f, 1}},
      {{"HardSwish"}, {-4, -3, 0, 1.5f, 3, 4}, {0, 0, 0, 1.125f, 3, 4}},
      {{"Tanh"}, {0, 1, -1}, {0, 0.761594156f, -0.761594156f}},
      {{"Erf"}, {0, 1, -0.5f}, {0, 0.842700793f, -0.520499878f}},
      {{"Gelu"}, {0, 1, -1}, {0, 0.841344746f, -0.158655254f}},
      {{"Gelu", {{"approximate", std::string("tanh")}}}, {0, 1, -1}, {0, 0.841191991f, -0.158808009f}},
      {{"Exp"}, {0, 1, -1, 200}, {1, 2.718281828f, 0.367879441f, kInf}},
      {{"Sqrt"}, {0, 2, 9}, {0, 1.414213562f, 3}},
      {{"Neg"}, {-2, 0, kInf}, {2, 0, -kInf}},
      {{"Abs"}, {-2, 0, 3, -kInf}, {2, 0, 3, kInf}},
      {{"Reciprocal"}, {2, -0.25f, kInf}, {0.5f, -4, 0}},
      {{"Elu"}, {1, 0, -1, -kInf}, {1, 0, -0.632120559f, -1}},
      {{"Elu", {{"alpha", 2.0f}}}, {1, 0, -1}, {1, 0, -1.264241118f}},
      {{"Softplus"}, {0, 1, -20, 200}, {0.693147181f, 1.313261688f, 2.06115362e-9f, 200}},
      {{"ThresholdedRelu"}, {0.5f, 1, 1.5f, -kInf}, {0, 0, 1.5f, 0}},
      {{"ThresholdedRelu", {{"alpha", -1.0f}}}, {-2, -1, -0.5f}, {0, 0, -0.5f}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.node.op);
    const graph::Tensor y = Run1(c.node, {F({static_cast<std::int64_t>(c.x.size())}, c.x)});
    ASSERT_EQ(y.shape(), graph::Shape{static_cast<std::int64_t>(c.x.size())});
    const Floats values = Values<float>(y);
    for (std::size_t i = 0; i < c.y.size(); ++i) EXPECT_FLOAT_EQ(values[i], c.y[i]) << i;
  }
}

TEST(Activation, NanStaysNan) {
  for (const char* op : {"Relu", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Erf", "Gelu", "Exp",
                         "Sqrt", "Clip", "Neg", "Abs", "Reciprocal", "Elu", "Softplus", "ThresholdedRelu"}) {
    EXPECT_TRUE(std::isnan(Values<float>(Run1({op}, {F({1}, {kNan})}))[0])) << op;
  }
  EXPECT_TRUE(std::isnan(Values<float>(Run1({"Clip"}, {F({1}, {kNan}), F({}, {0}), F({}, {1})}))[0]));
  EXPECT_TRUE(std::isnan(Values<float>(Run1({"Sqrt"}, {F({1}, {-1})}))[0]));
}

TEST(Activation, ReluOfIntegers) {
  EXPECT_THAT(Values<std::int64_t>(Run1({"Relu"}, {I({3}, {-5, 0, 5})})), ElementsAre(0, 0, 5));
  EXPECT_THAT(Values<std::int32_t>(Run1({"Relu"}, {I32({2}, {-5, 5})})), ElementsAre(0, 5));
}

TEST(Activation, SignsOfIntegers) {
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  EXPECT_THAT(Values<std::int64_t>(Run1({"Neg"}, {I({3}, {-5, 7, kLowest})})), ElementsAre(5, -7, kLowest));
  EXPECT_THAT(Values<std::int32_t>(Run1({"Abs"}, {I32({3}, {-5, 0, 5})})), ElementsAre(5, 0, 5));
  EXPECT_THAT(ErrorOf({"Neg"}, {B({1}, {1})}), HasSubstr("for numbers"));
}

TEST(Activation, Clip) {
  const OptionalTensor x = F({4}, {-2, 0.5f, 3, kInf});
  EXPECT_THAT(Values<float>(Run1({"Clip"}, {x})), ElementsAre(-2, 0.5f, 3, kInf));
  EXPECT_THAT(Values<float>(Run1({"Clip"}, {x, F({}, {0}), F({}, {1})})), ElementsAre(0, 0.5f, 1, 1));
  EXPECT_THAT(Values<float>(Run1({"Clip"}, {x, std::nullopt, F({}, {1})})), ElementsAre(-2, 0.5f, 1, 1));
  EXPECT_THAT(Values<float>(Run1({"Clip"}, {x, F({1}, {1})})), ElementsAre(1, 1, 3, kInf));
  EXPECT_THAT(Values<float>(Run1({"Clip"}, {x, F({}, {2}), F({}, {1})})), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(Values<std::int32_t>(Run1({"Clip"}, {I32({3}, {-9, 1, 9}), I32({}, {0}), I32({}, {6})})),
              ElementsAre(0, 1, 6));
}

TEST(Activation, WhatDoesNotFitIsRefused) {
  EXPECT_THAT(ErrorOf({"Tanh"}, {I({1}, {1})}), HasSubstr("node 'n' (Tanh): input 0 (X) must be float32, it is int64"));
  EXPECT_THAT(ErrorOf({"Relu"}, {B({1}, {1})}), HasSubstr("for numbers"));
  EXPECT_THAT(ErrorOf({"Clip"}, {B({1}, {1})}), HasSubstr("for numbers"));
  EXPECT_THAT(ErrorOf({"Clip"}, {F({1}, {1}), F({2}, {0, 0})}), HasSubstr("one number"));
  EXPECT_THAT(ErrorOf({"Clip"}, {F({1}, {1}), F({0}, {})}), HasSubstr("one number"));
  EXPECT_THAT(ErrorOf({"Clip"}, {F({1}, {1}), I({}, {0})}), HasSubstr("of the type of X"));
  EXPECT_THAT(ErrorOf({"Gelu", {{"approximate", std::string("cubic")}}}, {F({1}, {1})}), HasSubstr("none or tanh"));
  EXPECT_THAT(ErrorOf({"LeakyRelu", {{"alpha", std::int64_t{1}}}}, {F({1}, {1})}),
              HasSubstr("'alpha' must be a float"));
  EXPECT_THAT(ErrorOf({"Exp"}, {std::nullopt}), HasSubstr("input 0 (X) is missing"));
}

TEST(Activation, NothingToDo) {
  const graph::Tensor y = Run1({"Sigmoid"}, {F({2, 0, 3}, {})});
  EXPECT_EQ(y.shape(), (graph::Shape{2, 0, 3}));
}

}  // namespace
}  // namespace prefiqs::ops
