// Structured pruning of networks put together at random: masked and taken out.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "ops/tangent.h"
#include "pipeline/structured_for_test.h"
#include "prune/structured.h"

namespace prefiqs {
namespace {

using engine::GraphForTest;
using graph::Graph;
using graph::ValueId;

// Blocks in any order over a few branches.
Graph RandomNetwork(std::uint32_t seed) {
  GraphForTest g(seed);
  std::vector<ValueId> pool = {g.Conv(g.Input({1, 3, kSide, kSide}), 4 + g.Draw(5))};
  const auto any = [&] { return pool[g.Draw(static_cast<std::uint32_t>(pool.size()))]; };
  const auto channels = [&](ValueId x) { return g.ShapeOf(x)[1]; };
  for (int i = 0; i < 10; ++i) {
    const ValueId x = any();
    const std::int64_t n = channels(x);
    switch (g.Draw(9)) {
      case 0:
        pool.push_back(g.Conv(x, 2 + g.Draw(8), 1, g.Draw(2) == 0 ? 1 : 3));
        break;
      case 1:
        pool.push_back(g.Conv(x, n * (1 + g.Draw(2)), n));
        break;
      case 2:
        if (n % 2 == 0) pool.push_back(g.Conv(x, 2 * (2 + g.Draw(3)), 2));
        break;
      case 3: {
        const ValueId y = any();
        pool.push_back(g.Add("Add", {channels(y) == n ? y : g.Conv(y, n, 1, 1), x}));
        break;
      }
      case 4:
        pool.push_back(g.Add("Concat", {x, any()}, {{"axis", std::int64_t{1}}}));
        break;
      case 5:
        pool.push_back(
            g.Add("BatchNormalization", {x, g.Random({n}), g.Random({n}), g.Random({n}), g.Random({n}, 0.5f, 1.5f)}));
        break;
      case 6:
        pool.push_back(g.Add("PRelu", {x, g.Random({n, 1, 1})}));
        break;
      case 7:
        pool.push_back(g.Add(std::vector<std::string>{"Sigmoid", "Relu", "Tanh", "HardSwish", "Neg", "Abs", "Elu",
                                                      "Softplus"}[g.Draw(8)],
                             {x}));
        break;
      default: {
        const ValueId s = g.Conv(g.Add("GlobalAveragePool", {x}), n, 1, 1);
        pool.push_back(g.Add("Mul", {x, g.Add("Sigmoid", {s})}));
      }
    }
  }
  ValueId x = pool.back();
  for (std::size_t i = 1; i < pool.size(); i += 3) {
    x = g.Add("Concat", {x, pool[i]}, {{"axis", std::int64_t{1}}});
  }
  x = g.Add("Flatten", {g.Add("Tanh", {x})});
  return g.Done({g.Add("Gemm", {x, g.Random({g.ShapeOf(x)[1], 5}, -0.1f, 0.1f), g.Random({5})})});
}

TEST(StructuredForms, RandomNetworks) {
  int smaller_ones = 0;
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const Graph whole = RandomNetwork(seed);
    const prune::Masks masks = prune::ComputeMasks(
        whole, Structured(0.1 + 0.02 * (seed % 30), seed % 2 == 0 ? Criterion::kL1 : Criterion::kRandom,
                          seed % 3 == 0 ? Scope::kLayer : Scope::kGlobal));
    const Graph smaller = prune::RemoveChannels(whole, masks, {});
    ExpectSameResult(smaller, prune::ApplyMasks(whole, masks), "taken out");
    smaller_ones += Parameters(smaller) < Parameters(whole);
  }
  EXPECT_GT(smaller_ones, 50);
}

TEST(StructuredForms, RandomNetworksHaveADerivative) {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const Graph whole = RandomNetwork(seed);
    const Graph masked = prune::ApplyMasks(whole, prune::ComputeMasks(whole, Structured(0.3)));
    const auto result = [](const Graph& graph, ExecutorKind kind, std::size_t output) {
      const auto values = RunGraph(graph, kind, output);
      return std::vector<double>(values.values<float>().begin(), values.values<float>().end());
    };
    const std::vector<double> expected =
        Slope([&](double t) { return result(Towards(whole, masked, t), ExecutorKind::kReference, 0); }, 1.0 / 4096);
    const Graph tangent = ops::WithTangent(whole, masked);
    for (const ExecutorKind kind : {ExecutorKind::kReference, ExecutorKind::kOneDnn}) {
      EXPECT_LT(RelativeDifference(result(tangent, kind, 1), expected), 1e-2);
    }
  }
}

}  // namespace
}  // namespace prefiqs
