// Networks with so many weights that a threshold takes a sample first, cut into parts.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "prune/prune.h"

namespace prefiqs::prune {
namespace {

using graph::Graph;
using graph::Tensor;
using graph::ValueId;

std::uint32_t KeyOf(float weight) { return std::bit_cast<std::uint32_t>(std::fabs(weight)); }

// A chain of matrix products of these weights, each so many rows of as many columns, in a form that is read in parts.
struct Chain {
  Graph graph;
  std::vector<ValueId> weights;

  ValueId Value(const std::string& name) {
    graph::Value value;
    value.name = name;
    return graph.AddValue(std::move(value));
  }

  void Add(const std::vector<float>& values, std::int64_t columns) {
    if (graph.inputs.empty()) graph.inputs = graph.outputs = {Value("x")};
    const graph::Shape shape{static_cast<std::int64_t>(values.size()) / columns, columns};
    const auto whole = std::make_shared<const Tensor>(Tensor::From<float>(shape, std::span<const float>(values)));
    const auto write = [whole](std::int64_t first, std::int64_t count, std::byte* out) {
      whole->CopyTo(first, count, out);
    };
    const std::string name = "product" + std::to_string(weights.size());
    weights.push_back(graph.AddConstant(
        name + ".w", std::make_shared<const Tensor>(Tensor::Deferred(graph::DataType::kFloat32, shape, write))));
    graph::Node node;
    node.op = "MatMul";
    node.name = name;
    node.inputs = {graph.outputs[0], weights.back()};
    node.outputs = {Value(name)};
    graph.outputs = node.outputs;
    graph.nodes.push_back(std::move(node));
  }
};

// Layers of other magnitudes, with a period, in runs, with many equal ones, and small ones between.
Chain Mixed() {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  Chain chain;
  const auto add = [&](std::size_t count, const auto& change) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = change(normal(random), i);
    chain.Add(values, 100);
  };
  add(400 * 100, [](float v, std::size_t) { return 8 * v; });
  add(7000 * 100, [](float v, std::size_t i) { return i % 4016 < 16 ? 1000 * v : v; });
  add(100, [](float v, std::size_t) { return 50 * v; });
  add(4000 * 100, [](float v, std::size_t i) { return i / 16 % 3 == 0 ? 0.0f : v / 4; });
  add(2000 * 100, [](float v, std::size_t) { return std::round(v * 4) / 4; });
  return chain;
}

TEST(ManyWeights, ThresholdIsTheOneOfSorting) {
  const Chain chain = Mixed();
  std::vector<std::uint32_t> keys;
  for (const ValueId id : chain.weights) {
    for (const float weight : chain.graph.constant(id)->values<float>()) keys.push_back(KeyOf(weight));
  }
  std::ranges::sort(keys);
  for (const double sparsity : {0.01, 0.2, 0.4, 0.9}) {
    const auto count = static_cast<std::size_t>(std::floor(sparsity * static_cast<double>(keys.size()) + 0.5));
    const std::uint32_t threshold = keys[count - 1];
    const auto gone = std::ranges::upper_bound(keys, threshold) - keys.begin();
    for (const int threads : {1, 3}) {
      const Pruned pruned = Prune(Mixed().graph, {.sparsity = sparsity}, {}, threads);
      EXPECT_EQ(pruned.achieved_sparsity, static_cast<double>(gone) / static_cast<double>(keys.size()));
      for (const ValueId id : chain.weights) {
        const auto whole = chain.graph.constant(id)->values<float>();
        const auto found = pruned.graph.constant(id)->values<float>();
        std::int64_t wrong = 0;
        for (std::size_t i = 0; i < whole.size(); ++i) {
          const float wanted = KeyOf(whole[i]) > threshold ? whole[i] : 0.0f;
          wrong += std::bit_cast<std::uint32_t>(found[i]) != std::bit_cast<std::uint32_t>(wanted) ? 1 : 0;
        }
        EXPECT_EQ(wrong, 0) << "sparsity " << sparsity << ", " << threads << " threads";
      }
    }
  }
}

TEST(ManyWeights, OneThatLosesNothingIsTheSameAndOneThatLosesItsLastIsNot) {
  for (const bool loses : {false, true}) {
    Chain chain;
    std::vector<float> zeros(1000 * 100, 0.0f), others(1000 * 100, 5.0f);
    zeros.back() = loses ? 0.5f : 7.0f;
    chain.Add(zeros, 100);
    chain.Add(others, 100);
    const Pruned pruned = Prune(chain.graph, {.sparsity = 0.5});
    EXPECT_EQ(pruned.graph.value(chain.weights[0]).constant == chain.graph.value(chain.weights[0]).constant, !loses);
  }
}

}  // namespace
}  // namespace prefiqs::prune
