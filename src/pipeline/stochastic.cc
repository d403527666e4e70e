#include "pipeline/stochastic.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/split_mix.h"
#include "prune/prune.h"
#include "score/drift.h"

namespace prefiqs::pipeline {
namespace {

constexpr std::uint64_t kStream = 0x5e12f19;  // any number: masks are no recipe's

// What the last weighted layer gets.
graph::ValueId LastFeature(const graph::Graph& network) {
  const std::vector<prune::PrunableWeight> weights = prune::PrunableWeights(network);
  if (weights.empty()) return graph::kNone;
  const auto last =
      std::ranges::max_element(weights, {}, [](const prune::PrunableWeight& weight) { return weight.node; });
  for (const graph::ValueId input : network.nodes[static_cast<std::size_t>(last->node)].inputs) {
    if (input != graph::kNone && network.constant(input) == nullptr) return input;
  }
  return graph::kNone;
}

// From `feature` to the outputs.
graph::Graph TailOf(const graph::Graph& network, graph::ValueId feature) {
  graph::Graph tail = network;
  tail.inputs = {feature};
  std::erase_if(tail.nodes, [&](const graph::Node& node) {
    return std::ranges::find(node.outputs, feature) != node.outputs.end();
  });
  tail = graph::RemoveUnused(tail);
  graph::Validate(tail);
  return tail;
}

}  // namespace

bool StochasticKeeps(int sample, std::size_t place) {
  const std::uint64_t stream = SplitMix64(kStream + static_cast<std::uint64_t>(sample));
  return (SplitMix64(stream + place / 64) >> (place % 64) & 1) != 0;
}

Stochastic::Stochastic(const graph::Graph& network, ExecutorKind executor) : trunk_(network) {
  const graph::ValueId feature = LastFeature(network);
  const graph::ValueId picture = network.inputs.at(0);
  if (feature == graph::kNone || feature == picture) {
    throw Error(ErrorCode::kNotAvailable, "--method stochastic: the network has no weighted layer behind another");
  }
  graph::Graph tail;
  try {
    tail = TailOf(network, feature);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModel) throw;
    throw Error(ErrorCode::kNotAvailable,
                "--method stochastic: more than the network's last weighted layer leads to the embedding");
  }
  trunk_.outputs.push_back(feature);
  feature_shape_ = network.value(feature).shape;
  embedding_shape_ = network.value(network.outputs.at(0)).shape;
  const std::int64_t batch = network.value(picture).shape[0];
  if (feature_shape_.empty() || feature_shape_[0] != batch) {
    throw Error(ErrorCode::kNotAvailable, "--method stochastic: the last weighted layer's input has no batch axis");
  }
  tail_ = executor == ExecutorKind::kReference ? engine::CompileReference(tail) : engine::CompileOneDnn(tail);
}

std::optional<double> Stochastic::Quality(std::span<const float> feature) const {
  const std::unique_ptr<engine::Context> context = tail_->NewContext();
  graph::Tensor input(graph::DataType::kFloat32, feature_shape_);
  std::vector<graph::Tensor> outputs;
  outputs.emplace_back(graph::DataType::kFloat32, embedding_shape_);
  const auto batch = static_cast<int>(feature_shape_[0]);
  const std::size_t size = outputs[0].values<float>().size() / static_cast<std::size_t>(batch);

  std::vector<std::vector<double>> units;
  for (int first = 0; first < kSamples; first += batch) {
    for (int i = 0; i < batch; ++i) {
      const auto row = input.values<float>().subspan(static_cast<std::size_t>(i) * feature.size(), feature.size());
      for (std::size_t k = 0; k < row.size(); ++k) row[k] = StochasticKeeps(first + i, k) ? 2 * feature[k] : 0;
    }
    const graph::Tensor* const inputs[] = {&input};
    tail_->Run(*context, inputs, outputs);
    for (int i = 0; i < std::min(batch, kSamples - first); ++i) {
      const auto embedding = outputs[0].values<float>().subspan(static_cast<std::size_t>(i) * size, size);
      const double norm = score::Norm(embedding);
      if (!std::isfinite(norm) || norm == 0) return std::nullopt;
      std::vector<double>& unit = units.emplace_back(embedding.begin(), embedding.end());
      for (double& v : unit) v /= norm;
    }
  }
  double sum = 0;
  for (std::size_t i = 0; i < units.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      double squared = 0;
      for (std::size_t k = 0; k < size; ++k) squared += (units[i][k] - units[j][k]) * (units[i][k] - units[j][k]);
      sum += std::sqrt(squared);
    }
  }
  const double mean = sum / (kSamples * (kSamples - 1) / 2);
  return 2 / (1 + std::exp(mean));
}

}  // namespace prefiqs::pipeline
