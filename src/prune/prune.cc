#include "prune/prune.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <set>
#include <span>

#include "base/parallel.h"
#include "base/split_mix.h"
#include "prune/select.h"
#include "prune/structured.h"

namespace prefiqs::prune {
namespace {

using graph::Graph;
using graph::Node;
using graph::Shape;
using graph::Tensor;
using graph::ValueId;

std::int64_t Product(const Shape& shape, std::size_t begin, std::size_t end) {
  return std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(begin),
                         shape.begin() + static_cast<std::ptrdiff_t>(end), std::int64_t{1}, std::multiplies<>());
}

// Where a node keeps its weights: the input's place, and which axis of it is summed over.
struct WeightView {
  std::size_t input;
  std::size_t reduced_begin, reduced_end;  // axes
};

std::vector<WeightView> WeightViews(const Graph& graph, const Node& node) {
  const auto rank = [&](std::size_t i) -> std::size_t {
    const Tensor* constant = i < node.inputs.size() ? graph.constant(node.inputs[i]) : nullptr;
    return constant == nullptr ? 0 : constant->shape().size();
  };
  std::vector<WeightView> views;
  if (node.op == "Conv") {
    if (rank(1) >= 2) views.push_back({1, 1, rank(1)});
  } else if (node.op == "Gemm") {
    if (rank(0) == 2) views.push_back(node.Int("transA", 0) != 0 ? WeightView{0, 0, 1} : WeightView{0, 1, 2});
    if (rank(1) == 2) views.push_back(node.Int("transB", 0) != 0 ? WeightView{1, 1, 2} : WeightView{1, 0, 1});
  } else if (node.op == "MatMul") {
    if (rank(0) >= 1) views.push_back({0, rank(0) - 1, rank(0)});
    if (rank(1) == 1) views.push_back({1, 0, 1});
    if (rank(1) >= 2) views.push_back({1, rank(1) - 2, rank(1) - 1});
  }
  return views;
}

// Keys order as the scores do. Bits of non-negative IEEE numbers order as the numbers; NaN comes last and so stays.
struct MagnitudeKey {
  using Key = std::uint32_t;
  std::span<const float> weights;
  Key operator()(std::size_t i) const { return std::bit_cast<std::uint32_t>(std::fabs(weights[i])); }
};

struct RandomKey {
  using Key = std::uint64_t;
  std::uint64_t stream;
  Key operator()(std::size_t i) const { return SplitMix64(stream + i); }
};

struct ChannelKey {
  using Key = std::uint64_t;
  std::span<const float> weights;
  std::int64_t reduced, inner;
  std::vector<double> scale;  // RMS + 1e-12 of filter (outer, inner)
  Key operator()(std::size_t i) const {
    const auto index = static_cast<std::int64_t>(i);
    const std::int64_t filter = index / (reduced * inner) * inner + index % inner;
    return std::bit_cast<std::uint64_t>(std::fabs(static_cast<double>(weights[i])) /
                                        scale[static_cast<std::size_t>(filter)]);
  }
};

ChannelKey MakeChannelKey(const PrunableWeight& weight, std::span<const float> values) {
  ChannelKey key{values, weight.reduced, weight.inner, {}};
  key.scale.assign(static_cast<std::size_t>(weight.outer * weight.inner), 0.0);
  for (std::int64_t o = 0, i = 0; o < weight.outer; ++o) {
    for (std::int64_t r = 0; r < weight.reduced; ++r) {
      for (std::int64_t n = 0; n < weight.inner; ++n, ++i) {
        const double w = values[static_cast<std::size_t>(i)];
        key.scale[static_cast<std::size_t>(o * weight.inner + n)] += w * w;
      }
    }
  }
  for (double& s : key.scale) s = std::sqrt(s / static_cast<double>(weight.reduced)) + 1e-12;
  return key;
}

// A stretch of one weight's elements: what a thread takes at a time. A layer can be most of a network.
struct Part {
  std::size_t weight, begin, end;
};

std::vector<Part> Parts(std::span<const std::vector<std::uint8_t>> keep) {
  constexpr std::size_t kElements = std::size_t{1} << 18;
  std::vector<Part> parts;
  for (std::size_t w = 0; w < keep.size(); ++w) {
    for (std::size_t begin = 0; begin < keep[w].size(); begin += kElements) {
      parts.push_back({w, begin, std::min(begin + kElements, keep[w].size())});
    }
  }
  return parts;
}

// One threshold over keys[begin, end); clears `keep` where the key is at or below it.
template <typename KeyFunction>
void PruneGroup(std::span<const KeyFunction> keys, std::span<std::vector<std::uint8_t>> keep, double sparsity,
                int threads) {
  std::int64_t n = 0;
  for (const auto& mask : keep) n += std::ssize(mask);
  const std::int64_t k = PruneCount(sparsity, n);
  if (k == 0) return;
  using Key = typename KeyFunction::Key;
  const std::vector<Part> parts = Parts(keep);
  const Key threshold = SelectSmallest<Key>(k, parts.size(), threads, [&](std::size_t p, auto&& visit) {
    const KeyFunction& key = keys[parts[p].weight];
    for (std::size_t i = parts[p].begin; i < parts[p].end; ++i) visit(key(i));
  });
  ParallelFor(parts.size(), threads, [&](std::size_t p) {
    const KeyFunction& key = keys[parts[p].weight];
    std::uint8_t* const mask = keep[parts[p].weight].data();
    for (std::size_t i = parts[p].begin; i < parts[p].end; ++i) mask[i] = key(i) > threshold ? 1 : 0;
  });
}

template <typename KeyFunction>
void PruneAll(const std::vector<KeyFunction>& keys, bool per_layer, double sparsity, int threads, Masks& masks) {
  const std::span<const KeyFunction> all(keys);
  const std::span<std::vector<std::uint8_t>> keep(masks.keep);
  if (!per_layer) return PruneGroup(all, keep, sparsity, threads);
  for (std::size_t w = 0; w < keys.size(); ++w) PruneGroup(all.subspan(w, 1), keep.subspan(w, 1), sparsity, threads);
}

void CountPruned(Masks& masks) {
  for (const auto& mask : masks.keep) masks.pruned += std::count(mask.begin(), mask.end(), std::uint8_t{0});
}

// Whether anything but a zero goes.
bool Changes(const Tensor& tensor, const std::vector<std::uint8_t>& keep) {
  const std::span<const float> values = tensor.values<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (keep[i] == 0 && std::bit_cast<std::uint32_t>(values[i]) != 0) return true;
  }
  return false;
}

void SetZeros(graph::TensorPtr& constant, std::vector<std::uint8_t> keep) {
  if (!Changes(*constant, keep)) return;
  const auto write = [whole = constant,
                      mask = std::make_shared<const std::vector<std::uint8_t>>(std::move(keep))](std::byte* out) {
    const std::span<const float> from = whole->values<float>();
    auto* const to = reinterpret_cast<float*>(out);
    const std::uint8_t* const kept = mask->data();
    // Without a branch, so that it is vectorised.
    for (std::size_t i = 0; i < from.size(); ++i) {
      to[i] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(from[i]) & -static_cast<std::uint32_t>(kept[i]));
    }
  };
  constant = std::make_shared<const Tensor>(Tensor::Deferred(constant->type(), constant->shape(), write));
}

}  // namespace

std::vector<PrunableWeight> PrunableWeights(const Graph& graph) {
  std::vector<PrunableWeight> weights;
  std::set<ValueId> seen;
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const Node& node = graph.nodes[n];
    for (const WeightView& view : WeightViews(graph, node)) {
      const ValueId id = node.inputs[view.input];
      const Tensor& tensor = *graph.constant(id);
      if (tensor.type() != graph::DataType::kFloat32 || tensor.count() == 0 || !seen.insert(id).second) continue;
      PrunableWeight weight;
      weight.value = id;
      weight.node = static_cast<std::int32_t>(n);
      weight.outer = Product(tensor.shape(), 0, view.reduced_begin);
      weight.reduced = Product(tensor.shape(), view.reduced_begin, view.reduced_end);
      weight.inner = Product(tensor.shape(), view.reduced_end, tensor.shape().size());
      weights.push_back(weight);
    }
  }
  return weights;
}

Masks ComputeMasks(const Graph& graph, const Recipe& recipe, const InputShapes& input_shapes, int threads) {
  recipe.validate();
  const std::vector<PrunableWeight> all = PrunableWeights(graph);
  if (all.empty()) {
    throw Error(ErrorCode::kRecipe,
                "recipe: the network has nothing to prune (no Conv, Gemm or MatMul with constant weights)");
  }
  const auto first = static_cast<std::size_t>(std::floor(recipe.from * static_cast<double>(all.size())));

  Masks masks;
  masks.weights.assign(all.begin() + static_cast<std::ptrdiff_t>(first), all.end());
  const auto values = [&](const PrunableWeight& weight) { return graph.constant(weight.value)->values<float>(); };
  masks.keep.resize(masks.weights.size());
  ParallelFor(masks.weights.size(), threads,
              [&](std::size_t w) { masks.keep[w].assign(values(masks.weights[w]).size(), std::uint8_t{1}); });
  for (const auto& mask : masks.keep) masks.considered += std::ssize(mask);
  if (recipe.granularity == Granularity::kStructured) {
    MaskChannels(graph, recipe, input_shapes, masks);
    CountPruned(masks);
    return masks;
  }

  const bool per_layer = recipe.scope == Scope::kLayer;
  if (recipe.criterion == Criterion::kRandom) {
    std::vector<RandomKey> keys;
    for (std::size_t w = 0; w < masks.weights.size(); ++w) {
      // Streams of different tensors and seeds start at unrelated counters.
      keys.push_back({SplitMix64(SplitMix64(recipe.seed) ^ (first + w + 1))});
    }
    PruneAll(keys, per_layer, recipe.sparsity, threads, masks);
  } else if (recipe.scope == Scope::kChannel) {
    std::vector<ChannelKey> keys;
    for (const PrunableWeight& weight : masks.weights) keys.push_back(MakeChannelKey(weight, values(weight)));
    PruneAll(keys, per_layer, recipe.sparsity, threads, masks);
  } else {
    std::vector<MagnitudeKey> keys;
    for (const PrunableWeight& weight : masks.weights) keys.push_back({values(weight)});
    PruneAll(keys, per_layer, recipe.sparsity, threads, masks);
  }
  CountPruned(masks);
  return masks;
}

Graph ApplyMasks(const Graph& graph, Masks masks) {
  Graph pruned = graph;
  for (std::size_t w = 0; w < masks.weights.size(); ++w) {
    SetZeros(pruned.value(masks.weights[w].value).constant, std::move(masks.keep[w]));
  }
  for (auto& [value, keep] : masks.others) SetZeros(pruned.value(value).constant, std::move(keep));
  return pruned;
}

}  // namespace prefiqs::prune
