// The derivative of each operator, on both executors.
#include <gtest/gtest.h>
#include <prefiqs/network.h>

#include <functional>
#include <set>

#include "engine/tangent_for_test.h"
#include "ops/tangent_rules.h"

namespace prefiqs::engine {
namespace {

using graph::Graph;
using graph::Tensor;
using graph::ValueId;
using Ints = std::vector<std::int64_t>;

// --- One operator: against differences of its kernel.

// The operator under test gets `v`, every element of which moves.
struct RuleCase {
  const char* name;
  std::function<ValueId(GraphForTest&, ValueId)> make;
  graph::Shape shape{1, 4, 6, 6};
  float scale = 1;  // of what goes in: kinks and poles are at 0, -0.6 and 0.4 times this, or nowhere near
};
void PrintTo(const RuleCase& c, std::ostream* out) { *out << c.name; }

constexpr std::int64_t kZero = 0, kOne = 1;

std::function<ValueId(GraphForTest&, ValueId)> Plain(const char* op, GraphForTest::Attributes attributes = {}) {
  return [=](GraphForTest& g, ValueId v) { return g.Add(op, {v}, attributes); };
}

// Something else that moves.
ValueId Moving(GraphForTest& g, ValueId v) { return g.Add("Add", {g.Add("Sigmoid", {v}), g.Scalar(1)}); }

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
    {"ReduceMean", [](auto& g, ValueId v) { return g.Add("ReduceMean", {v, g.Ints({1, 3})}, {{"keepdims", kZero}}); }},
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
    {"MatMul", [](auto& g, ValueId v) { return g.Add("MatMul", {v, Moving(g, v)}); }},
    {"BatchNormalization", Norm},
    {"BatchNormalizationOfSum", [](auto& g, ValueId v) { return Norm(g, g.Add("Add", {g.Conv(v, 4), Moving(g, v)})); }},
    {"LayerNormalization",
     [](auto& g, ValueId v) { return g.Add("LayerNormalization", {v, g.Random({8}), g.Random({8})}); },
     {3, 8}},
    {"LayerNormalizationOverTwo",
     [](auto& g, ValueId v) {
       return g.Add("LayerNormalization", {v, g.Random({6, 6})}, {{"axis", std::int64_t{-2}}});
     }},
    {"Softmax", Plain("Softmax", {{"axis", kOne}})},
    {"Relu", Plain("Relu")},
    {"LeakyRelu", Plain("LeakyRelu", {{"alpha", 0.3f}})},
    {"LeakyReluDown", Plain("LeakyRelu", {{"alpha", -0.3f}})},
    {"PRelu", [](auto& g, ValueId v) { return g.Add("PRelu", {v, g.Random({4, 1, 1}, 0, 1)}); }},
    {"PReluDown", [](auto& g, ValueId v) { return g.Add("PRelu", {v, g.Random({4, 1, 1}, -1, 2)}); }},
    {"PReluOfWhatComesIn",
     [](auto& g, ValueId v) {
       return g.Add("PRelu", {v, g.Add("Add", {g.Input({4, 1, 1}), g.Random({4, 1, 1}, -1, 0)})});
     }},
    {"Clip", [](auto& g, ValueId v) { return g.Add("Clip", {v, g.Scalar(-0.6f), g.Scalar(0.4f)}); }},
    {"ClipFromZero", [](auto& g, ValueId v) { return g.Add("Clip", {v, g.Scalar(0), g.Scalar(0.4f)}); }},
    {"ClipBelow", [](auto& g, ValueId v) { return g.Add("Clip", {v, g.Scalar(-0.6f)}); }},
    {"ClipAbove", [](auto& g, ValueId v) { return g.Add("Clip", {v, graph::kNone, g.Scalar(0.4f)}); }},
    {"ClipNothing", Plain("Clip")},
    {"Sigmoid", Plain("Sigmoid")},
    {"HardSigmoid", Plain("HardSigmoid", {{"alpha", 1.0f}, {"beta", 0.6f}})},
    {"HardSwish", Plain("HardSwish"), {1, 4, 6, 6}, 5},
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

TEST(TangentRules, AreAllTested) {
  std::set<std::string, std::less<>> tested;
  for (const RuleCase& c : kRuleCases) tested.insert(c.name);
  for (const ops::TangentRule& rule : ops::TangentRules()) {
    EXPECT_TRUE(tested.contains(rule.op)) << rule.op;
    EXPECT_NE(ops::Find(rule.op), nullptr) << rule.op;
  }
}

// --- Kinks.

// d/dc of op(x + c) at the places x.
std::vector<float> SlopesAt(const std::vector<float>& places,
                            const std::function<ValueId(GraphForTest&, ValueId)>& make, ExecutorKind kind) {
  GraphForTest g;
  const auto count = static_cast<std::int64_t>(places.size());
  const ValueId constant = g.Constant(Tensor::From<float>({1, count}, places));
  const Graph graph = g.Done({make(g, g.Add("Add", {g.Input({1, count}), constant}))});
  Graph changed = graph;
  Tensor moved = *graph.constant(constant);
  for (float& v : moved.values<float>()) v += 1;
  SetConstant(changed, constant, std::move(moved));
  const Graph tangent = Tangent(graph, changed);
  const auto executor = kind == ExecutorKind::kReference ? CompileReference(tangent) : CompileOneDnn(tangent);
  const Tensor result = RunOnce(*executor, tangent, Zeros(tangent))[1];
  return {result.values<float>().begin(), result.values<float>().end()};
}

TEST(Tangent, TakesPyTorchsSideOfAKink) {
  const std::vector<float> places{-1, -1e-30f, -0.0f, 0, 2e-38f, 1e-30f, 1, 3, 4, 4e6f};
  for (const auto kind : {ExecutorKind::kReference, ExecutorKind::kOneDnn}) {
    EXPECT_EQ(SlopesAt(places, Plain("Relu"), kind), (std::vector<float>{0, 0, 0, 0, 1, 1, 1, 1, 1, 1}));
    const float s = 0.25f;
    EXPECT_EQ(SlopesAt(places, Plain("LeakyRelu", {{"alpha", s}}), kind),
              (std::vector<float>{s, s, s, s, 1, 1, 1, 1, 1, 1}));
    for (const float slope : {s, -s}) {
      const auto prelu = [&](GraphForTest& g, ValueId v) { return g.Add("PRelu", {v, g.Scalar(slope)}); };
      EXPECT_EQ(SlopesAt(places, prelu, kind), (std::vector<float>{slope, slope, slope, slope, 1, 1, 1, 1, 1, 1}));
    }
    const auto clip = [](GraphForTest& g, ValueId v) { return g.Add("Clip", {v, g.Scalar(0), g.Scalar(3)}); };
    EXPECT_EQ(SlopesAt(places, clip, kind), (std::vector<float>{0, 0, 0, 0, 1, 1, 1, 0, 0, 0}));
  }
}

}  // namespace
}  // namespace prefiqs::engine
