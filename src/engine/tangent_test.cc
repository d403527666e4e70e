// Derivatives of networks, on both executors.
#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <map>

#include "engine/double_for_test.h"
#include "engine/tangent_for_test.h"

namespace prefiqs::engine {
namespace {

using graph::Graph;
using graph::Tensor;
using graph::ValueId;
using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kOne = 1;

// --- Whole networks: against differences in double.

struct Network {
  Graph dense, changed;
};

// What face networks are made of. `from`: the first of its weights to change.
Network SmallNetwork(std::size_t from) {
  GraphForTest g(3);
  std::vector<ValueId> weights;
  const auto conv = [&](ValueId x, std::int64_t channels, std::int64_t groups, std::int64_t kernel,
                        std::int64_t stride) {
    const std::int64_t pad = kernel == 7 ? 0 : kernel / 2;
    weights.push_back(g.Random({channels, g.ShapeOf(x)[1] / groups, kernel, kernel}, -0.3f, 0.3f));
    return g.Add("Conv", {x, weights.back(), g.Random({channels})},
                 {{"pads", Ints{pad, pad, pad, pad}}, {"strides", Ints{stride, stride}}, {"group", groups}});
  };
  const auto prelu = [&](ValueId x) { return g.Add("PRelu", {x, g.Random({g.ShapeOf(x)[1], 1, 1}, 0, 0.5f)}); };
  const auto relu6 = [&](ValueId x) { return g.Add("Clip", {x, g.Scalar(0), g.Scalar(6)}); };
  ValueId x = prelu(Norm(g, conv(g.Input({1, 3, 14, 14}), 16, 1, 3, 2)));
  for (int block = 0; block < 2; ++block) {
    ValueId y = relu6(Norm(g, conv(block == 0 ? x : Norm(g, x), 32, 1, 1, 1)));
    y = Norm(g, conv(prelu(conv(y, 32, 32, 3, 1)), 16, 1, 1, 1));
    x = block == 0 ? g.Add("Add", {x, y}) : g.Add("Add", {y, x});
  }
  const ValueId gate = g.Add("Sigmoid", {g.Add("GlobalAveragePool", {conv(g.Add("Relu", {Norm(g, x)}), 16, 1, 3, 1)})});
  x = conv(g.Add("Mul", {x, gate}), 16, 16, 7, 1);
  weights.push_back(g.Random({8, 16}));
  Network network;
  network.dense = g.Done(
      {Norm(g, g.Add("Gemm", {g.Add("Flatten", {x}), weights.back(), g.Random({8})}, {{"transB", std::int64_t{1}}}))});
  network.changed = network.dense;
  for (std::size_t w = from; w < weights.size(); ++w) {
    Tensor pruned = *network.dense.constant(weights[w]);
    for (float& v : pruned.values<float>()) v = std::fabs(v) < 0.1f ? 0 : v;
    SetConstant(network.changed, weights[w], std::move(pruned));
  }
  return network;
}

// What structured pruning masks: scales, offsets, slopes and biases beside weights.
Network NetworkThatLosesChannels() {
  GraphForTest g(4);
  std::vector<ValueId> masked;
  const auto random = [&](graph::Shape shape, float low = -1, float high = 1) {
    masked.push_back(g.Random(std::move(shape), low, high));
    return masked.back();
  };
  const auto conv = [&](ValueId x, std::int64_t channels) {
    const auto weights = random({channels, g.ShapeOf(x)[1], 3, 3}, -0.3f, 0.3f);
    return g.Add("Conv", {x, weights, random({channels})}, {{"pads", Ints{1, 1, 1, 1}}});
  };
  const auto prelu = [&](ValueId x, float low) { return g.Add("PRelu", {x, random({16, 1, 1}, low, 0.5f)}); };
  const auto norm = [&](ValueId x) {
    return g.Add("BatchNormalization", {x, random({16}), random({16}), g.Random({16}), g.Random({16}, 0.5f, 2.0f)});
  };
  ValueId x = prelu(norm(conv(g.Input({1, 3, 12, 12}), 16)), 0);
  x = g.Add("MaxPool", {x}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  x = g.Add("Add", {x, prelu(norm(g.Add("Mul", {conv(x, 16), random({16, 1, 1})})), -0.5f)});
  x = prelu(g.Add("InstanceNormalization", {conv(x, 16), random({16}), random({16})}), 0);
  x = g.Add("Min", {g.Add("Max", {norm(x), g.Scalar(-0.5f)}), conv(x, 16)});
  x = g.Add("MaxPool", {x}, {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{3, 3}}});
  Network network;
  network.dense = g.Done({g.Add("Gemm", {g.Add("Flatten", {x}), random({8, 64}), random({8})}, {{"transB", kOne}})});
  network.changed = network.dense;
  for (const ValueId id : masked) {
    Tensor pruned = *network.dense.constant(id);
    for (std::size_t i = 0; i < pruned.values<float>().size(); i += 3) pruned.values<float>()[i] = 0;
    SetConstant(network.changed, id, std::move(pruned));
  }
  return network;
}

void ExpectWhatDifferencesInDoubleTendTo(const Network& network) {
  GraphForTest random(5);
  const ValueId input = network.dense.inputs[0];
  const std::vector<Tensor> inputs{random.RandomTensor(network.dense.value(input).shape)};
  const auto output = [&](double t) {
    DoubleForTest run(network.dense);
    run.At(input).assign(inputs[0].values<float>().begin(), inputs[0].values<float>().end());
    for (std::size_t i = 0; i < network.dense.values.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      const Tensor *a = network.dense.constant(id), *b = network.changed.constant(id);
      if (a == b) continue;
      for (std::size_t k = 0; k < a->values<float>().size(); ++k) {
        run.At(id)[k] += t * (double{b->values<float>()[k]} - double{a->values<float>()[k]});
      }
    }
    return run.Run();
  };
  constexpr double kStep = 1e-6;
  const auto low = output(-kStep), high = output(kStep);
  Tensor expected(graph::DataType::kFloat32, {1, 8});
  double largest = 0;
  for (std::size_t i = 0; i < low.size(); ++i) {
    expected.values<float>()[i] = static_cast<float>((high[i] - low[i]) / (2 * kStep));
    largest = std::max(largest, std::fabs((high[i] - low[i]) / (2 * kStep)));
  }
  ASSERT_GT(largest, 0.01);
  const Graph tangent = Tangent(network.dense, network.changed);
  for (const auto& executor : {CompileReference(tangent), CompileOneDnn(tangent)}) {
    ExpectClose(RunOnce(*executor, tangent, inputs)[1], expected, 1e-5 * std::min(1.0, largest), "derivative");
  }
}

TEST(Tangent, OfANetworkIsWhatDifferencesInDoubleTendTo) {
  for (const std::size_t from : {0u, 4u, 9u}) ExpectWhatDifferencesInDoubleTendTo(SmallNetwork(from));
  ExpectWhatDifferencesInDoubleTendTo(NetworkThatLosesChannels());
}

// --- What is not computed, and what cannot be.

std::int64_t Count(const Graph& graph, std::string_view op) {
  return std::ranges::count(graph.nodes, op, &graph::Node::op);
}

TEST(Tangent, BeginsWhereConstantsChange) {
  for (const auto& [from, convolutions] : {std::pair{0u, 3 * 9 - 1}, std::pair{8u, 9 + 1}, std::pair{9u, 9}}) {
    const Network network = SmallNetwork(from);
    EXPECT_EQ(Count(Tangent(network.dense, network.changed), "Conv"), convolutions) << from;
  }
}

TEST(Tangent, OfWhatDoesNotChangeIsZero) {
  const Network network = SmallNetwork(100);
  const Graph tangent = Tangent(network.dense, network.changed);
  EXPECT_EQ(tangent.nodes.size(), network.dense.nodes.size());
  for (const auto& executor : {CompileReference(tangent), CompileOneDnn(tangent)}) {
    const auto results = RunOnce(*executor, tangent, Zeros(tangent));
    for (const float v : results[1].values<float>()) EXPECT_EQ(v, 0);
  }
}

// Sums and batch normalisations of derivatives cost what they do of values: they go into the convolutions.
TEST(Tangent, GoesIntoConvolutions) {
  const Network network = SmallNetwork(0);
  const Graph tangent = Tangent(network.dense, network.changed);
  std::map<std::string, int> alone;
  const auto executor = CompileOneDnn(tangent);
  if (!executor->InstructionSet().starts_with("avx512")) GTEST_SKIP() << "older instructions fuse less";
  for (const LayerReport& layer : executor->Layers()) {
    const bool fused = layer.implementation.starts_with("fused") || layer.implementation == "folded away";
    if (!fused) ++alone[layer.op];
  }
  EXPECT_EQ(alone["Add"], 0);
  // Of the value and of its derivative, where no convolution is in front.
  EXPECT_EQ(alone["BatchNormalization"], 2 * 2);
}

void ExpectRefused(const Graph& graph, ValueId constant, const std::vector<std::string>& words) {
  Graph changed = graph;
  Tensor other = *graph.constant(constant);
  for (float& v : other.values<float>()) v += 1;
  SetConstant(changed, constant, std::move(other));
  try {
    ops::WithTangent(graph, changed);
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotAvailable);
    for (const std::string& word : words)
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

// An operator that came into the table later.
void Rename(Graph& graph, std::string_view node) {
  std::ranges::find(graph.nodes, node, &graph::Node::name)->op = "Unheard";
}

TEST(Tangent, RefusesWhatItHasNoRuleFor) {
  GraphForTest g;
  const ValueId constant = g.Random({1, 4, 6, 6}), bound = g.Scalar(1);
  const ValueId x = g.Add("Clip", {g.Add("Add", {g.Input({1, 4, 6, 6}), constant}), graph::kNone, bound});
  Graph graph = g.Done({g.Add("Relu", {x})});
  ExpectRefused(graph, bound, {"Clip1", "(Clip)", "input 2"});
  Rename(graph, "Relu2");
  ExpectRefused(graph, constant, {"Relu2", "(Unheard)"});
}

// But not what it need not know.
TEST(Tangent, LooksAtNothingThatLeadsNowhere) {
  GraphForTest g;
  const ValueId constant = g.Random({1, 4, 6, 6});
  const ValueId x = g.Add("Add", {g.Input({1, 4, 6, 6}), constant});
  g.Add("Exp", {x});
  Graph graph = g.Done({g.Add("Relu", {x})});
  Rename(graph, "Exp1");
  Graph changed = graph;
  SetConstant(changed, constant, Tensor(graph::DataType::kFloat32, {1, 4, 6, 6}));
  EXPECT_NO_THROW(ops::WithTangent(graph, changed));
}

}  // namespace
}  // namespace prefiqs::engine
