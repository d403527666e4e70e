// The derivative of each operator, on both executors, against differences of its kernel.
#include <gtest/gtest.h>
#include <prefiqs/network.h>

#include <algorithm>
#include <set>

#include "engine/tangent_for_test.h"
#include "ops/tangent_rules.h"

namespace prefiqs::engine {
namespace {

using graph::Graph;
using graph::Tensor;
using graph::ValueId;
using Ints = std::vector<std::int64_t>;

// The operator under test gets `v`, every element of which moves.
struct RuleCase {
  const char* name;
  Operation make;
  graph::Shape shape{1, 4, 6, 6};
  float scale = 1;  // of what goes in: kinks and poles are at 0, -0.6 and 0.4 times this, or nowhere near
};
void PrintTo(const RuleCase& c, std::ostream* out) { *out << c.name; }

constexpr std::int64_t kZero = 0, kOne = 1;

// Something else that moves.
ValueId Moving(GraphForTest& g, ValueId v) { return g.Add("Add", {g.Add("Sigmoid", {v}), g.Scalar(1)}); }

// One number a channel of v, which has four.
ValueId OfChannels(GraphForTest& g, ValueId v) {
  return g.Add("Reshape", {g.Add("GlobalAveragePool", {v}), g.Ints({4})});
}

// Something that does not move, and is no constant.
ValueId Still(GraphForTest& g, graph::Shape shape) { return g.Add("Add", {g.Input(shape), g.Random(shape)}); }

// Elements of a plane of 16 that stay further apart than v, scaled by 0.05, can move them.
ValueId Apart(GraphForTest& g, ValueId v) {
  Tensor places(graph::DataType::kFloat32, {4, 4});
  for (std::size_t i = 0; i < 16; ++i) places.values<float>()[i] = 0.25f * static_cast<float>(7 * i % 16);
  return g.Add("Add", {v, g.Constant(places)});
}
Operation MaxPool(GraphForTest::Attributes attributes) {
  return [=](GraphForTest& g, ValueId v) { return g.Add("MaxPool", {Apart(g, v)}, attributes); };
}

ValueId Opposite(GraphForTest& g, ValueId v) { return g.Add("Sub", {g.Scalar(0), v}); }

// v, and 1 where `condition` of it is true.
template <typename Condition>
Operation Steps(Condition condition) {
  return [=](GraphForTest& g, ValueId v) {
    return g.Add("Add", {v, g.Add("Cast", {condition(g, v)}, {{"to", kOne}})});
  };
}
Operation Compared(const char* op) {
  return Steps([=](GraphForTest& g, ValueId v) { return g.Add(op, {v, g.Scalar(0)}); });
}
ValueId Above(GraphForTest& g, ValueId v, float bound) { return g.Add("Greater", {v, g.Scalar(bound)}); }

const RuleCase kRuleCases[] = {
    {"Identity", Plain("Identity")},
    {"Dropout", Plain("Dropout")},
    {"Cast", [](auto& g, ValueId v) { return g.Add("Cast", {v}, {{"to", kOne}}); }},
    {"CastToWhole",
     [](auto& g, ValueId v) {
       const auto whole = g.Add("Cast", {g.Add("Cast", {v}, {{"to", std::int64_t{7}}})}, {{"to", kOne}});
       return g.Add("Add", {v, whole});
     }},
    {"Shape",
     [](auto& g, ValueId v) {
       const auto batch = g.Add("Slice", {g.Add("Shape", {v}), g.Ints({0}), g.Ints({1})});
       return g.Add("Add", {g.Add("Flatten", {v}), g.Add("Cast", {batch}, {{"to", kOne}})});
     }},
    {"CastLike", [](auto& g, ValueId v) { return g.Add("CastLike", {v, g.Random({1})}); }},
    {"Equal", Compared("Equal")},
    {"Less", Compared("Less")},
    {"LessOrEqual", Compared("LessOrEqual")},
    {"Greater", Compared("Greater")},
    {"GreaterOrEqual", Compared("GreaterOrEqual")},
    {"Floor", Steps([](GraphForTest& g, ValueId v) { return g.Add("Floor", {v}); })},
    {"Ceil", Steps([](GraphForTest& g, ValueId v) { return g.Add("Ceil", {v}); })},
    {"Round", Steps([](GraphForTest& g, ValueId v) { return g.Add("Round", {g.Add("Sub", {v, g.Scalar(0.5f)})}); })},
    {"Sign", Steps([](GraphForTest& g, ValueId v) { return g.Add("Sign", {v}); })},
    {"Tile", [](auto& g, ValueId v) { return g.Add("Tile", {v, g.Ints({1, 2, 1, 3})}); }},
    {"Mod", [](auto& g, ValueId v) { return g.Add("Mod", {v, Floats(g, {1, 1}, {0.4f})}, {{"fmod", kOne}}); }},
    {"Log", [](auto& g, ValueId v) { return g.Add("Log", {g.Add("Add", {v, g.Scalar(2)})}); }},
    {"Not", Steps([](GraphForTest& g, ValueId v) { return g.Add("Not", {Above(g, v, 0)}); })},
    {"And", Steps([](GraphForTest& g, ValueId v) { return g.Add("And", {Above(g, v, -0.6f), Above(g, v, 0)}); })},
    {"Or", Steps([](GraphForTest& g, ValueId v) { return g.Add("Or", {Above(g, v, -0.6f), Above(g, v, 0.4f)}); })},
    {"Reshape", [](auto& g, ValueId v) { return g.Add("Reshape", {v, g.Ints({2, -1})}); }},
    {"Flatten", Plain("Flatten")},
    {"Squeeze", [](auto& g, ValueId v) { return g.Add("Squeeze", {v, g.Ints({0})}); }},
    {"Unsqueeze", [](auto& g, ValueId v) { return g.Add("Unsqueeze", {v, g.Ints({0})}); }},
    {"Expand", [](auto& g, ValueId v) { return g.Add("Expand", {v, g.Ints({3, 4, 6, 6})}); }},
    {"Transpose", Plain("Transpose", {{"perm", Ints{0, 3, 1, 2}}})},
    {"Concat", [](auto& g, ValueId v) { return g.Add("Concat", {v, Moving(g, v)}, {{"axis", kOne}}); }},
    {"ConcatWithWhatStays",
     [](auto& g, ValueId v) { return g.Add("Concat", {g.Random({1, 2, 6, 6}), v}, {{"axis", kOne}}); }},
    {"Split",
     [](auto& g, ValueId v) {
       const auto parts = g.AddMany("Split", {v, g.Ints({1, 3})}, 2, {{"axis", kOne}});
       return g.Add("Mul", {parts[1], parts[0]});
     }},
    {"Slice",
     [](auto& g, ValueId v) {
       return g.Add("Slice", {v, g.Ints({1}), g.Ints({5}), g.Ints({2}), g.Ints({2})});
     }},
    {"Gather", [](auto& g, ValueId v) { return g.Add("Gather", {v, g.Ints({3, 0, 3})}, {{"axis", kOne}}); }},
    {"Pad", [](auto& g, ValueId v) { return g.Add("Pad", {v, g.Ints({0, 0, 1, 2, 0, 0, 0, 1}), g.Scalar(5)}); }},
    {"PadByReflection",
     [](auto& g, ValueId v) {
       return g.Add("Pad", {v, g.Ints({0, 0, 1, 2, 0, 0, 0, 1})}, {{"mode", std::string("reflect")}});
     }},
    {"Resize",
     [](auto& g, ValueId v) {
       return g.Add("Resize", {v, graph::kNone, graph::kNone, g.Ints({1, 4, 9, 9})}, {{"mode", std::string("linear")}});
     }},
    {"AveragePool", Plain("AveragePool", {{"kernel_shape", Ints{3, 3}}, {"pads", Ints{1, 1, 1, 1}}})},
    {"GlobalAveragePool", Plain("GlobalAveragePool")},
    {"MaxPool", MaxPool({{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}}), {1, 2, 4, 4}, 0.05f},
    {"MaxPoolOverlapping",
     MaxPool({{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 0, 0}}, {"ceil_mode", kOne}}),
     {2, 3, 4, 4},
     0.05f},
    {"MaxPoolOfTheSameSize",
     MaxPool({{"kernel_shape", Ints{3, 2}}, {"auto_pad", std::string("SAME_UPPER")}}),
     {1, 2, 4, 4},
     0.05f},
    {"MaxPoolDilated", MaxPool({{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 1}}}), {1, 2, 4, 4}, 0.05f},
    {"MaxPoolOfARow", MaxPool({{"kernel_shape", Ints{3}}}), {2, 4, 4}, 0.05f},
    {"ReduceMean", [](auto& g, ValueId v) { return g.Add("ReduceMean", {v, g.Ints({1, 3})}, {{"keepdims", kZero}}); }},
    {"ReduceSum", [](auto& g, ValueId v) { return g.Add("ReduceSum", {v, g.Ints({1, 3})}, {{"keepdims", kZero}}); }},
    {"ReduceMax", [](auto& g, ValueId v) { return g.Add("ReduceMax", {Apart(g, v), g.Ints({-1})}); }, {2, 4, 4}, 0.05f},
    {"ReduceMaxOfAll", [](auto& g, ValueId v) { return g.Add("ReduceMax", {Apart(g, v)}); }, {4, 4}, 0.05f},
    {"ReduceProd",
     [](auto& g, ValueId v) {
       return g.Add("ReduceProd", {g.Add("Add", {v, g.Scalar(0.3f)}), g.Ints({1})}, {{"keepdims", kZero}});
     }},
    {"ReduceMin",
     [](auto& g, ValueId v) {
       return g.Add("ReduceMin", {Apart(g, v), g.Ints({0, 2})}, {{"keepdims", kZero}});
     },
     {1, 4, 4},
     0.05f},
    {"ReduceL2", [](auto& g, ValueId v) { return g.Add("ReduceL2", {v, g.Ints({1})}, {{"keepdims", kOne}}); }},
    {"ReduceL2OfAll", Plain("ReduceL2", {{"keepdims", kZero}})},
    {"Add", [](auto& g, ValueId v) { return g.Add("Add", {Moving(g, v), v}); }},
    {"AddOneSmaller", [](auto& g, ValueId v) { return g.Add("Add", {v, g.Random({2, 4, 6, 6})}); }},
    {"AddOneByChannel", [](auto& g, ValueId v) { return g.Add("Add", {g.Add("GlobalAveragePool", {v}), v}); }},
    {"Sub", [](auto& g, ValueId v) { return g.Add("Sub", {Moving(g, v), v}); }},
    {"SubFromWhatStays", [](auto& g, ValueId v) { return g.Add("Sub", {g.Random({2, 4, 6, 6}), v}); }},
    {"Mul", [](auto& g, ValueId v) { return g.Add("Mul", {v, Moving(g, v)}); }},
    {"MulByItself", [](auto& g, ValueId v) { return g.Add("Mul", {v, v}); }},
    {"MulByConstant", [](auto& g, ValueId v) { return g.Add("Mul", {g.Random({4, 1, 1}), v}); }},
    {"MulByWhatStays", [](auto& g, ValueId v) { return g.Add("Mul", {g.Add("Exp", {g.Input({1, 4, 1, 1})}), v}); }},
    {"Div", [](auto& g, ValueId v) { return g.Add("Div", {v, Moving(g, v)}); }},
    {"DivByConstant", [](auto& g, ValueId v) { return g.Add("Div", {v, g.Random({4, 1, 1}, 1, 2)}); }},
    {"DivOfWhatStays", [](auto& g, ValueId v) { return g.Add("Div", {g.Scalar(2), Moving(g, v)}); }},
    {"Max", [](auto& g, ValueId v) { return g.Add("Max", {v, Opposite(g, v)}); }},
    {"MaxOfOne", Plain("Max")},
    {"MaxWithWhatStays", [](auto& g, ValueId v) { return g.Add("Max", {g.Scalar(0.4f), v}); }},
    {"MaxOfThree", [](auto& g, ValueId v) { return g.Add("Max", {g.Scalar(0.4f), v, Opposite(g, v)}); }},
    {"MaxOfThreeWhereTheLastStays",
     [](auto& g, ValueId v) { return g.Add("Max", {Opposite(g, v), v, Floats(g, {2, 1, 1, 1}, {0, 0.4f})}); }},
    {"Min", [](auto& g, ValueId v) { return g.Add("Min", {v, Opposite(g, v)}); }},
    {"MinWithSmaller",
     [](auto& g, ValueId v) { return g.Add("Min", {Floats(g, {4, 1, 1}, {-0.6f, 0, 0.4f, 9}), v}); }},
    {"MinOfFour",
     [](auto& g, ValueId v) { return g.Add("Min", {v, g.Scalar(9), Opposite(g, v), g.Scalar(-0.4f)}); }},
    {"Pow", [](auto& g, ValueId v) { return g.Add("Pow", {Moving(g, v), g.Scalar(2.5f)}); }},
    {"Where",
     [](auto& g, ValueId v) {
       const auto choice = g.Add("Cast", {g.Add("Relu", {g.Random({6, 6})})}, {{"to", std::int64_t{9}}});
       return g.Add("Where", {choice, v, Moving(g, v)});
     }},
    {"WhereNothingMoves",
     [](auto& g, ValueId v) {
       const auto choice = g.Add("Cast", {g.Add("Relu", {g.Random({6, 6})})}, {{"to", std::int64_t{9}}});
       return g.Add("Where", {choice, g.Random({2, 4, 6, 6}), v});
     }},
    {"Conv", [](auto& g, ValueId v) { return g.Conv(v, 6); }},
    {"ConvByChannel", [](auto& g, ValueId v) { return g.Conv(v, 4, 4); }},
    {"ConvOfWeights",
     [](auto& g, ValueId v) {
       const auto x = g.Add("Add", {g.Input({1, 2, 5, 5}), g.Random({1, 2, 5, 5})});
       return g.Add("Conv", {x, g.Add("Reshape", {v, g.Ints({8, 2, 3, 3})}), g.Random({8})});
     }},
    {"ConvOfBoth",
     [](auto& g, ValueId v) {
       const auto x = g.Add("Reshape", {v, g.Ints({1, 2, 8, 9})});
       return g.Add("Conv", {x, g.Add("Reshape", {v, g.Ints({8, 2, 3, 3})}), g.Random({8})});
     }},
    {"ConvOfBias",
     [](auto& g, ValueId v) {
       return g.Add("Conv", {Still(g, {1, 2, 5, 5}), g.Random({8, 2, 3, 3}), v});
     },
     {8}},
    {"ConvOfAll",
     [](auto& g, ValueId v) {
       return g.Add("Conv", {v, g.Add("Reshape", {v, g.Ints({4, 4, 3, 3})}), OfChannels(g, v)});
     }},
    {"ConvOfInputAndBias", [](auto& g, ValueId v) { return g.Add("Conv", {v, g.Random({4, 4, 3, 3}), OfChannels(g, v)}); }},
    {"Gemm",
     [](auto& g, ValueId v) {
       return g.Add("Gemm", {v, g.Random({6, 8}), g.Random({6})}, {{"transB", kOne}, {"alpha", 0.5f}, {"beta", 2.0f}});
     },
     {3, 8}},
    {"GemmOfBoth",
     [](auto& g, ValueId v) {
       return g.Add("Gemm", {v, Moving(g, v)}, {{"transA", kOne}, {"alpha", 0.5f}});
     },
     {3, 8}},
    {"GemmOfBias",
     [](auto& g, ValueId v) {
       return g.Add("Gemm", {Still(g, {3, 6}), g.Random({6, 8}), v}, {{"alpha", 0.5f}, {"beta", 2.0f}});
     },
     {8}},
    {"GemmOfAll",
     [](auto& g, ValueId v) {
       const auto bias = g.Add("ReduceMean", {v, g.Ints({0})}, {{"keepdims", kZero}});
       return g.Add("Gemm", {v, Moving(g, v), bias}, {{"transA", kOne}, {"beta", 2.0f}});
     },
     {3, 8}},
    {"MatMul", [](auto& g, ValueId v) { return g.Add("MatMul", {v, Moving(g, v)}); }},
    {"BatchNormalization", Norm},
    {"BatchNormalizationOfSum", [](auto& g, ValueId v) { return Norm(g, g.Add("Add", {g.Conv(v, 4), Moving(g, v)})); }},
    {"BatchNormalizationOfScale",
     [](auto& g, ValueId v) {
       return g.Add("BatchNormalization", {Still(g, {2, 4, 3}), v, g.Random({4}), g.Random({4}), g.Random({4}, 1, 2)});
     },
     {4}},
    {"BatchNormalizationOfOffset",
     [](auto& g, ValueId v) {
       return g.Add("BatchNormalization", {Still(g, {2, 4, 3}), g.Random({4}), v, g.Random({4}), g.Random({4}, 1, 2)});
     },
     {4}},
    {"BatchNormalizationOfAll",
     [](auto& g, ValueId v) {
       return g.Add("BatchNormalization", {v, OfChannels(g, Moving(g, v)), OfChannels(g, v), g.Random({4}),
                                           g.Random({4}, 1, 2)});
     }},
    {"InstanceNormalization",
     [](auto& g, ValueId v) { return g.Add("InstanceNormalization", {v, g.Random({4}), g.Random({4})}); },
     {2, 4, 3, 3}},
    {"InstanceNormalizationOfRows",
     [](auto& g, ValueId v) {
       return g.Add("InstanceNormalization", {v, g.Random({4}), g.Random({4})}, {{"epsilon", 0.5f}});
     },
     {2, 4, 7}},
    {"InstanceNormalizationOfScaleAndOffset",
     [](auto& g, ValueId v) { return g.Add("InstanceNormalization", {Still(g, {2, 4, 3, 3}), v, v}); },
     {4}},
    {"InstanceNormalizationOfAll",
     [](auto& g, ValueId v) {
       return g.Add("InstanceNormalization", {v, OfChannels(g, Moving(g, v)), OfChannels(g, v)});
     }},
    {"LayerNormalization",
     [](auto& g, ValueId v) { return g.Add("LayerNormalization", {v, g.Random({8}), g.Random({8})}); },
     {3, 8}},
    {"LayerNormalizationOverTwo",
     [](auto& g, ValueId v) {
       return g.Add("LayerNormalization", {v, g.Random({6, 6})}, {{"axis", std::int64_t{-2}}});
     }},
    {"LayerNormalizationFromTheSecond",
     [](auto& g, ValueId v) { return g.Add("LayerNormalization", {v, g.Random({6, 6})}, {{"axis", kOne}}); },
     {2, 4, 6, 6}},
    {"LayerNormalizationOfAll",
     [](auto& g, ValueId v) {
       const auto scale = g.Add("ReduceMean", {Moving(g, v), g.Ints({0})}, {{"keepdims", kZero}});
       return g.Add("LayerNormalization", {v, scale, g.Add("ReduceMean", {v, g.Ints({0})}, {{"keepdims", kZero}})});
     },
     {3, 8}},
    {"LayerNormalizationOfOffset",
     [](auto& g, ValueId v) { return g.Add("LayerNormalization", {Still(g, {3, 8}), g.Random({8}), v}); },
     {8}},
    {"LayerNormalizationAndWhatItComputes",
     [](auto& g, ValueId v) {
       const auto parts = g.AddMany("LayerNormalization", {v, g.Random({6, 6})}, 3, {{"axis", std::int64_t{-2}}});
       return g.Add("Add", {parts[0], g.Add("Mul", {parts[1], parts[2]})});
     }},
    {"Softmax", Plain("Softmax", {{"axis", kOne}})},
    {"SoftmaxOverSeveral", Plain("Softmax", {{"axis", std::int64_t{2}}, {"coerce_2d", kOne}}), {2, 2, 3, 2}},
    {"Relu", Plain("Relu")},
    {"LeakyRelu", Plain("LeakyRelu", {{"alpha", 0.3f}})},
    {"LeakyReluDown", Plain("LeakyRelu", {{"alpha", -0.3f}})},
    {"PRelu", [](auto& g, ValueId v) { return g.Add("PRelu", {v, g.Random({4, 1, 1}, 0, 1)}); }},
    {"PReluDown", [](auto& g, ValueId v) { return g.Add("PRelu", {v, g.Random({4, 1, 1}, -1, 2)}); }},
    {"PReluOfWhatComesIn",
     [](auto& g, ValueId v) {
       return g.Add("PRelu", {v, g.Add("Add", {g.Input({4, 1, 1}), g.Random({4, 1, 1}, -1, 0)})});
     }},
    {"PReluOfSlope", [](auto& g, ValueId v) { return g.Add("PRelu", {Still(g, {2, 4, 3, 3}), v}); }, {4, 1, 1}},
    {"PReluOfBoth", [](auto& g, ValueId v) { return g.Add("PRelu", {v, g.Add("GlobalAveragePool", {v})}); }},
    {"Clip", [](auto& g, ValueId v) { return g.Add("Clip", {v, g.Scalar(-0.6f), g.Scalar(0.4f)}); }},
    {"ClipFromZero", [](auto& g, ValueId v) { return g.Add("Clip", {v, g.Scalar(0), g.Scalar(0.4f)}); }},
    {"ClipBelow", [](auto& g, ValueId v) { return g.Add("Clip", {v, g.Scalar(-0.6f)}); }},
    {"ClipAbove", [](auto& g, ValueId v) { return g.Add("Clip", {v, graph::kNone, g.Scalar(0.4f)}); }},
    {"ClipNothing", Plain("Clip")},
    {"Sigmoid", Plain("Sigmoid")},
    {"HardSigmoid", Plain("HardSigmoid", {{"alpha", 1.0f}, {"beta", 0.6f}})},
    {"HardSwish", Plain("HardSwish"), {1, 4, 6, 6}, 5},
    {"Neg", Plain("Neg")},
    {"Abs", Plain("Abs")},
    {"Reciprocal", [](auto& g, ValueId v) { return g.Add("Reciprocal", {Moving(g, v)}); }},
    {"Elu", Plain("Elu")},
    {"EluOfAnotherSlope", Plain("Elu", {{"alpha", 0.3f}})},
    {"Softplus", Plain("Softplus")},
    {"ThresholdedRelu", Plain("ThresholdedRelu", {{"alpha", 0.4f}})},
    {"Tanh", Plain("Tanh")},
    {"Erf", Plain("Erf")},
    {"Gelu", Plain("Gelu")},
    {"GeluByTanh", Plain("Gelu", {{"approximate", std::string("tanh")}})},
    {"Exp", Plain("Exp")},
    {"Sqrt", [](auto& g, ValueId v) { return g.Add("Sqrt", {Moving(g, v)}); }},
};

class TangentRuleTest : public testing::TestWithParam<RuleCase> {};

TEST_P(TangentRuleTest, IsWhatDifferencesTendTo) {
  GraphForTest g(11);
  const RuleCase& c = GetParam();
  Tensor start(graph::DataType::kFloat32, c.shape), speed = g.RandomTensor(c.shape, -0.5f * c.scale, 0.5f * c.scale);
  // Further from kinks than a step leads.
  for (float& v : start.values<float>()) {
    constexpr float kPlaces[] = {-0.9f, -0.7f, -0.5f, -0.3f, -0.1f, 0.1f, 0.3f, 0.5f, 0.7f, 0.9f};
    v = c.scale * (kPlaces[g.Draw(10)] + 0.001f * static_cast<float>(g.Draw(20)));
  }
  const ValueId constant = g.Constant(start);
  const ValueId v = g.Add("Add", {g.Input(c.shape), constant});
  const Graph graph = g.Done({c.make(g, v)});
  const auto at = [&](float t) {
    Tensor moved = start;
    for (std::size_t i = 0; i < moved.values<float>().size(); ++i)
      moved.values<float>()[i] += t * speed.values<float>()[i];
    Graph result = graph;
    SetConstant(result, constant, std::move(moved));
    return result;
  };
  const auto output = [&](float t) {
    const Graph moved = at(t);
    return RunOnce(*CompileReference(moved), moved, Zeros(moved))[0];
  };
  // Central differences of two steps; the error's leading term cancels between them.
  constexpr float kStep = 1.0f / 16;
  const Tensor near[] = {output(-kStep / 2), output(kStep / 2)}, far[] = {output(-kStep), output(kStep)};
  Tensor expected = near[0];
  for (std::size_t i = 0; i < expected.values<float>().size(); ++i) {
    const auto difference = [&](const Tensor(&pair)[2]) {
      return double{pair[1].values<float>()[i]} - double{pair[0].values<float>()[i]};
    };
    expected.values<float>()[i] =
        static_cast<float>((4 * difference(near) / kStep - difference(far) / (2 * kStep)) / 3);
  }
  const Graph tangent = Tangent(graph, at(1));
  ASSERT_EQ(tangent.outputs.size(), 2u);
  for (const auto& executor : {CompileReference(tangent), CompileOneDnn(tangent)}) {
    const auto results = RunOnce(*executor, tangent, Zeros(tangent));
    ExpectClose(results[0], output(0), kBound, "value");
    ExpectClose(results[1], expected, 1e-4, "derivative");
  }
}

INSTANTIATE_TEST_SUITE_P(Operators, TangentRuleTest, testing::ValuesIn(kRuleCases),
                         [](const auto& rule) { return std::string(rule.param.name); });

TEST(TangentRules, ProductsThatHoldZeros) {
  GraphForTest g;
  const ValueId constant = Floats(g, {3, 3}, {0, 2, 3, 0, 0, 5, 1, 2, 3});
  const Graph graph =
      g.Done({g.Add("ReduceProd", {g.Add("Add", {g.Input({3, 3}), constant}), g.Ints({1})}, {{"keepdims", kZero}})});
  Graph changed = graph;
  SetConstant(changed, constant, Tensor::From<float>({3, 3}, std::vector<float>{1, 4, 5, 1, 1, 6, 2, 3, 4}));
  const Graph tangent = Tangent(graph, changed);
  for (const auto& executor : {CompileReference(tangent), CompileOneDnn(tangent)}) {
    const Tensor derivative = RunOnce(*executor, tangent, Zeros(tangent))[1];
    ExpectClose(derivative, Tensor::From<float>({3}, std::vector<float>{6, 0, 11}), 1e-6, "derivative");
  }
}

TEST(TangentRules, AreAllTested) {
  std::set<std::string, std::less<>> tested;
  for (const RuleCase& c : kRuleCases) tested.insert(c.name);
  for (const ops::TangentRule& rule : ops::TangentRules()) {
    EXPECT_TRUE(tested.contains(rule.op)) << rule.op;
    EXPECT_NE(ops::Find(rule.op), nullptr) << rule.op;
  }
}

// But for those that read no float.
TEST(TangentRules, AreThereForAllOperators) {
  for (const ops::Operator& op : ops::All()) {
    if (op.name == "Constant" || op.name == "ConstantOfShape" || op.name == "Range") continue;
    EXPECT_EQ(std::ranges::count(ops::TangentRules(), op.name, &ops::TangentRule::op), 1) << op.name;
  }
}

}  // namespace
}  // namespace prefiqs::engine
