// What fusion, layouts and shared memory could get wrong, against the reference executor. Single operators are compared
// by the conformance tests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>
#include <prefiqs/error.h>

#include <thread>

#include "engine/compare_for_test.h"
#include "engine/vectors.h"

namespace prefiqs::engine {
namespace {

using graph::Shape;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Ints = std::vector<std::int64_t>;

TEST(OneDnn, FusesActivations) {
  GraphForTest g;
  const auto x = g.Input({2, 3, 9, 7});
  const auto conv = g.Conv(x, 8);
  const auto clip = g.Add("Clip", {conv, g.Scalar(0), g.Scalar(6)});
  const auto gemm = g.Add("Gemm", {g.Add("Flatten", {clip}), g.Random({504, 5}), g.Random({5})});
  const auto graph = g.Done({g.Add("LeakyRelu", {gemm}, {{"alpha", 0.3f}})});
  ExpectSameOnBoth(graph);
  EXPECT_EQ(Implementation(graph, "Clip1"), "fused into Conv0");
  EXPECT_EQ(Implementation(graph, "LeakyRelu4"), "fused into Gemm3");
  EXPECT_THAT(Implementation(graph, "Conv0"), Not(HasSubstr("ref")));
}

TEST(OneDnn, RunsEveryActivationAloneAndFused) {
  const std::pair<const char*, GraphForTest::Attributes> kActivations[] = {
      {"Relu", {}},
      {"LeakyRelu", {{"alpha", 0.2f}}},
      {"Sigmoid", {}},
      {"Tanh", {}},
      {"HardSwish", {}},
      {"HardSigmoid", {{"alpha", 0.5f}, {"beta", 0.6f}}},
      {"Gelu", {}},
      {"Exp", {}},
      {"Gelu", {{"approximate", std::string("tanh")}}},
      {"Neg", {}},
      {"Abs", {}},
      {"Elu", {{"alpha", 0.7f}}},
      {"Softplus", {}},
  };
  for (const auto& [op, attributes] : kActivations) {
    SCOPED_TRACE(op);
    GraphForTest g;
    const auto x = g.Input({1, 3, 5, 7});
    const auto alone = g.Add(op, {x}, attributes);
    const auto fused = g.Add(op, {g.Conv(x, 8)}, attributes);
    const auto graph = g.Done({alone, fused, x});
    ExpectSameOnBoth(graph);
    if (!kIsX86) continue;  // has fewer kernels
    EXPECT_EQ(Implementation(graph, graph.nodes[2].name), "fused into Conv1");
    EXPECT_THAT(Implementation(graph, graph.nodes[0].name), Not(HasSubstr("ref")));
  }
}

TEST(OneDnn, RunsNarrowGroups) {
  for (const std::int64_t groups : {2, 4, 16, 32}) {
    GraphForTest g;
    const auto x = g.Input({1, 64, 9, 7});
    const auto first = g.Add("PRelu", {g.Conv(x, 64, groups), g.Random({64, 1, 1})});
    const auto graph = g.Done({g.Add("PRelu", {g.Conv(first, 32, groups), g.Random({32, 1, 1})})});
    ExpectSameOnBoth(graph);
    for (const LayerReport& layer : CompileOneDnn(graph)->Layers()) {
      EXPECT_THAT(layer.implementation, Not(StartsWith("ref"))) << layer.node << " of " << groups << " groups";
    }
  }
}

TEST(OneDnn, AddsAResidualInPlace) {
  GraphForTest g;
  const auto x = g.Input({1, 16, 8, 8});
  const auto first = g.Add("Relu", {g.Conv(x, 16)});
  const auto sum = g.Add("Add", {g.Conv(first, 16), first});
  const auto graph = g.Done({g.Add("Relu", {sum})});
  ExpectSameOnBoth(graph);
  EXPECT_EQ(Implementation(graph, "Add3"), "fused into Conv2");
  EXPECT_EQ(Implementation(graph, "Relu4"), "fused into Conv2");
}

TEST(OneDnn, KeepsAResidualThatIsReadLater) {
  GraphForTest g;
  const auto x = g.Input({1, 16, 8, 8});
  const auto first = g.Add("Relu", {g.Conv(x, 16)});
  const auto sum = g.Add("Add", {first, g.Conv(first, 16)});
  const auto later = g.Add("Mul", {first, sum});
  ExpectSameOnBoth(g.Done({later, sum}));
}

TEST(OneDnn, KeepsAResidualThatIsAnOutputOrTheInput) {
  GraphForTest g;
  const auto x = g.Input({1, 8, 6, 6});
  const auto first = g.Add("Add", {x, g.Conv(x, 8)});
  const auto second = g.Add("Add", {first, g.Conv(first, 8)});
  ExpectSameOnBoth(g.Done({second, first, x}));
}

TEST(OneDnn, KeepsAResidualThatIsAlsoSeenInAnotherShape) {
  GraphForTest g;
  const auto x = g.Input({1, 8, 6, 6});
  const auto base = g.Add("Sigmoid", {x});
  const auto flat = g.Add("Reshape", {base, g.Ints({1, 288})});
  const auto sum = g.Add("Add", {base, g.Conv(x, 8)});
  ExpectSameOnBoth(g.Done({sum, g.Add("Tanh", {flat})}));
}

TEST(OneDnn, AddsShortcutsOfTwoConvolutions) {
  GraphForTest g;
  const auto x = g.Input({1, 8, 8, 8});
  const auto sum = g.Add("Add", {g.Conv(x, 16, 1, 1), g.Conv(g.Add("Relu", {g.Conv(x, 16)}), 16)});
  ExpectSameOnBoth(g.Done({g.Add("PRelu", {sum, g.Random({16, 1, 1})})}));
}

TEST(OneDnn, AddsAConstantOfTheSameShape) {
  GraphForTest g;
  const auto x = g.Input({1, 4, 5, 5});
  const auto sum = g.Add("Add", {g.Conv(x, 4), g.Random({1, 4, 5, 5})});
  ExpectSameOnBoth(g.Done({sum, g.Add("Add", {x, x}), g.Add("Sub", {x, x})}));
}

TEST(OneDnn, WritesInPlaceOnlyWhereNobodyLooks) {
  GraphForTest g;
  const auto x = g.Input({2, 5, 4, 4});
  const auto a = g.Add("Sigmoid", {x});
  const auto b = g.Add("Tanh", {a});
  const auto c = g.Add("Relu", {a});
  const auto d = g.Add("Mul", {b, c});
  ExpectSameOnBoth(g.Done({d, g.Add("Exp", {d}), a}));
}

TEST(OneDnn, WorksElementByElementInOnePass) {
  GraphForTest g;
  const auto x = g.Input({1, 5, 4, 3}), other = g.Input({1, 5, 4, 3});
  const auto large = g.Add("Mul", {x, g.Scalar(1e30f)});
  const auto mask = g.Add("Clip", {large, g.Scalar(0), g.Scalar(1)});
  const auto scaled = g.Add("Sub", {g.Add("Mul", {g.Random({5, 1, 1}), mask}), g.Random({5, 1, 1})});
  const auto product = g.Add("Mul", {other, scaled});
  const auto graph = g.Done({g.Add("Max", {product, x}), g.Add("Sub", {x, other})});
  ExpectSameOnBoth(graph);
  if (!kIsX86) return;  // has no such kernel
  for (const char* node : {"Clip1", "Mul2", "Sub3", "Mul4", "Max5"}) {
    EXPECT_EQ(Implementation(graph, node), "fused into Mul0");
  }
}

// Behind a primitive an operand must be there, be the right one of a difference, and be broadcast along all but the
// channels or not at all.
TEST(OneDnn, WorksInMorePassesWhereItMust) {
  GraphForTest g;
  const auto x = g.Input({2, 5, 4, 3}), other = g.Input({2, 5, 4, 3});
  const auto a = g.Add("Mul", {x, g.Scalar(2)});
  const auto later = g.Add("Mul", {a, g.Add("Sigmoid", {other})});
  const auto difference = g.Add("Sub", {g.Scalar(1), g.Add("Mul", {other, g.Scalar(3)})});
  const auto rows = g.Add("Add", {g.Add("Mul", {x, g.Scalar(4)}), g.Random({4, 1})});
  const auto itself = g.Add("Mul", {x, g.Scalar(5)});
  const auto square = g.Add("Mul", {itself, itself});
  const auto wider = g.Add("Add", {g.Add("Mul", {g.Random({5, 1, 1}), g.Scalar(6)}), x});
  ExpectSameOnBoth(g.Done({later, difference, rows, square, wider}));
}

TEST(OneDnn, NormalisesAroundConvolutions) {
  GraphForTest g;
  const auto x = g.Input({1, 6, 7, 5});
  const auto norm = [&](graph::ValueId v) {
    const std::int64_t c = g.ShapeOf(v)[1];
    return g.Add("BatchNormalization", {v, g.Random({c}), g.Random({c}), g.Random({c}), g.Random({c}, 0.5f, 2.0f)});
  };
  const auto before = norm(x);
  const auto after = norm(g.Conv(before, 12));
  const auto end = norm(g.Add(
      "Gemm", {g.Add("Flatten", {g.Add("PRelu", {after, g.Random({12, 1, 1})})}), g.Random({9, 420}, -0.1f, 0.1f)},
      {{"transB", std::int64_t{1}}}));
  const auto graph = g.Done({end});
  ExpectSameOnBoth(graph);
  EXPECT_EQ(Implementation(graph, "BatchNormalization2"), "folded away");
}

TEST(OneDnn, ConvolvesInEveryWay) {
  for (const std::int64_t groups : {1, 2, 8}) {
    for (const Ints& pads : {Ints{0, 0, 0, 0}, Ints{1, 0, 2, 1}}) {
      for (const std::int64_t dilation : {1, 2}) {
        for (const std::int64_t stride : {1, 2}) {
          GraphForTest g;
          const auto x = g.Input({2, 8, 11, 9});
          const auto w = g.Random({16, 8 / groups, 3, 2});
          ExpectSameOnBoth(g.Done({g.Add(
              "Conv", {x, w},
              {{"group", groups}, {"pads", pads}, {"dilations", Ints{dilation, 1}}, {"strides", Ints{stride, 1}}})}));
        }
      }
    }
  }
}

TEST(OneDnn, MovesData) {
  GraphForTest g;
  const auto x = g.Input({1, 6, 4, 5});
  const auto conv = g.Conv(x, 12);
  const auto nhwc = g.Add("Transpose", {conv}, {{"perm", Ints{0, 2, 3, 1}}});
  const auto flat = g.Add("Reshape", {nhwc, g.Ints({20, 12})});
  const auto parts = g.AddMany("Split", {conv, g.Ints({5, 7})}, 2, {{"axis", std::int64_t{1}}});
  const auto joined = g.Add("Concat", {parts[1], x, parts[0]}, {{"axis", std::int64_t{1}}});
  const auto slice = g.Add("Slice", {joined, g.Ints({2, -3}), g.Ints({15, 99}), g.Ints({1, 3})});
  const auto twice = g.Add(
      "Resize", {slice, graph::kNone, g.Constant(graph::Tensor::From<float>({4}, std::vector<float>{1, 1, 2, 2}))},
      {{"coordinate_transformation_mode", std::string("asymmetric")}, {"nearest_mode", std::string("floor")}});
  const auto mean = g.Add("ReduceMean", {conv, g.Ints({2, 3})}, {{"keepdims", std::int64_t{0}}});
  const auto scale = g.Add("Mul", {conv, g.Add("Unsqueeze", {mean, g.Ints({2, 3})})});
  ExpectSameOnBoth(g.Done({flat, joined, twice, scale, g.Add("Softmax", {flat})}));
}

// One block of a vision transformer, heads and all.
TEST(OneDnn, AttendsAsTransformersDo) {
  GraphForTest g;
  constexpr std::int64_t kTokens = 9, kHeads = 2, kWidth = 8;
  const auto x = g.Input({2, kTokens, kHeads * kWidth});
  const auto normal = g.Add("LayerNormalization", {x, g.Random({16}), g.Random({16})});
  const auto heads = [&](bool transposed) {
    const auto projected = g.Add("Add", {g.Add("MatMul", {normal, g.Random({16, 16})}), g.Random({16})});
    const auto split = g.Add("Reshape", {projected, g.Ints({2, kTokens, kHeads, kWidth})});
    return g.Add("Transpose", {split}, {{"perm", transposed ? Ints{0, 2, 3, 1} : Ints{0, 2, 1, 3}}});
  };
  const auto q = heads(false), k = heads(true), v = heads(false);
  const auto scores = g.Add("Div", {g.Add("MatMul", {q, k}), g.Scalar(2.83f)});
  const auto mixed = g.Add("MatMul", {g.Add("Softmax", {scores}), v});
  const auto joined = g.Add("Reshape", {g.Add("Transpose", {mixed}, {{"perm", Ints{0, 2, 1, 3}}}), g.Ints({2, 9, 16})});
  const auto sum = g.Add("Add", {x, joined});
  const auto wide =
      g.Add("Gelu", {g.Add("MatMul", {g.Add("LayerNormalization", {sum, g.Random({16})}), g.Random({16, 32})})});
  const auto graph = g.Done({g.Add("Add", {sum, g.Add("MatMul", {wide, g.Random({32, 16})})})});
  ExpectSameOnBoth(graph, 1e-4);
  for (const LayerReport& layer : CompileOneDnn(graph)->Layers()) {
    EXPECT_NE(layer.implementation, "reference") << layer.node;
  }
}

TEST(OneDnn, HandsInputsAndConstantsThrough) {
  GraphForTest g;
  const auto x = g.Input({2, 3});
  const auto c = g.Random({4});
  ExpectSameOnBoth(g.Done({x, c, g.Add("Relu", {x}), x}));
}

TEST(OneDnn, LeavesToTheReferenceWhatOneDnnLacks) {
  GraphForTest g;
  const auto x = g.Input({2, 8, 3, 3});
  const auto erf = g.Add("Erf", {g.Conv(x, 8)});
  const auto graph = g.Done({g.Conv(erf, 4)});
  ExpectSameOnBoth(graph);
  EXPECT_EQ(Implementation(graph, "Erf1"), "reference");
}

TEST(OneDnn, GivesTheSameBitsInEveryContextAndThread) {
  GraphForTest g;
  const auto x = g.Input({1, 8, 20, 20});
  const auto a = g.Add("PRelu", {g.Conv(x, 32), g.Random({32, 1, 1})});
  const auto b = g.Conv(g.Conv(a, 32, 32), 64, 1, 1);
  const auto graph = g.Done({g.Add("GlobalAveragePool", {b})});
  const auto executor = CompileOneDnn(graph);
  const std::vector<graph::Tensor> inputs{g.RandomTensor({1, 8, 20, 20})};
  const auto context = executor->NewContext();
  const auto expected = RunOn(*executor, *context, graph, inputs);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      const auto mine = executor->NewContext();
      for (int run = 0; run < 5; ++run) {
        EXPECT_TRUE(Identical(RunOn(*executor, *mine, graph, inputs)[0], expected[0]));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// As pruning and folding hand weights on.
graph::Graph Deferred(graph::Graph graph) {
  for (graph::Value& value : graph.values) {
    if (value.constant == nullptr || value.type != graph::DataType::kFloat32) continue;
    value.constant = std::make_shared<const graph::Tensor>(graph::Tensor::Deferred(
        value.type, value.shape,
        [whole = value.constant](std::int64_t first, std::int64_t count, std::byte* out) {
          whole->CopyTo(first, count, out);
        },
        value.constant));
  }
  return graph;
}

TEST(OneDnn, PacksTheSameOnSeveralThreadsAndFromDeferredWeights) {
  GraphForTest g;
  const auto x = g.Input({1, 8, 20, 20});
  const auto normal =
      g.Add("BatchNormalization", {g.Conv(x, 32), g.Random({32}), g.Random({32}), g.Random({32}),
                                   g.Constant(graph::Tensor::From<float>({32}, std::vector<float>(32, 2)))});
  const auto a = g.Add("PRelu", {normal, g.Random({32, 1, 1})});
  const auto b = g.Add("Flatten", {g.Conv(g.Conv(a, 32, 32), 64, 1, 1)});
  const auto plain = g.Add("Concat", {b, g.Random({1, 16})}, {{"axis", std::int64_t{1}}});
  const auto c = g.Add("MatMul", {plain, g.Random({64 * 20 * 20 + 16, 6})});
  const auto part = g.Add("Slice", {g.Random({2, 6}), g.Ints({0}), g.Ints({1}), g.Ints({0})});
  const auto graph = g.Done({g.Add("Add", {c, part}), g.Add("Add", {c, g.Random({6})})});
  const std::vector<graph::Tensor> inputs{g.RandomTensor({1, 8, 20, 20})};
  const auto run = [&](const graph::Graph& which, int threads) {
    const auto executor = CompileOneDnn(which, {.threads = threads});
    const auto context = executor->NewContext();
    return RunOn(*executor, *context, which, inputs);
  };
  const auto expected = run(graph, 1);
  ExpectSameOnBoth(graph);
  for (const int threads : {1, 2, 5}) {
    for (const graph::Graph& which : {graph, Deferred(graph)}) {
      const auto found = run(which, threads);
      for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(Identical(found[i], expected[i])) << threads;
    }
  }
}

TEST(OneDnn, LeavesTheCallersThreadSettingAlone) {
  omp_set_num_threads(3);
  GraphForTest g;
  const auto x = g.Input({1, 3, 8, 8});
  ExpectSameOnBoth(g.Done({g.Conv(x, 4)}));
  EXPECT_EQ(omp_get_max_threads(), 3);
}

TEST(OneDnn, RefusesAnotherExecutorsContext) {
  GraphForTest g;
  const auto x = g.Input({1, 3});
  const auto graph = g.Done({g.Add("Relu", {x})});
  const auto one = CompileOneDnn(graph), other = CompileOneDnn(graph);
  const auto context = other->NewContext();
  EXPECT_THROW(RunOn(*one, *context, graph, {graph::Tensor(graph::DataType::kFloat32, {1, 3})}), Error);
  EXPECT_THAT(one->InstructionSet(), Not(StartsWith("unknown")));
}

}  // namespace
}  // namespace prefiqs::engine
