#include "prune/prune.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <utility>

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
using graph::TensorPtr;
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

// A run of a weight's elements.
struct Part {
  std::size_t weight;
  std::size_t first, count;
};

std::span<const float> Values(const Tensor& tensor, const Part& part, graph::Scratch& scratch) {
  return scratch.Values<float>(tensor, static_cast<std::int64_t>(part.first), static_cast<std::int64_t>(part.count));
}

// Keys order as the scores do; i counts from the part's first element. Bits of non-negative IEEE numbers order as the
// numbers; NaN comes last and so stays.
struct MagnitudeKey {
  using Key = std::uint32_t;
  std::span<const float> weights;
  Key operator()(std::size_t i) const { return std::bit_cast<std::uint32_t>(std::fabs(weights[i])); }
};

struct RandomKey {
  using Key = std::uint64_t;
  std::uint64_t stream;  // from the part's first element on
  Key operator()(std::size_t i) const { return SplitMix64(stream + i); }
};

struct ChannelKey {
  using Key = std::uint64_t;
  std::span<const float> weights;
  std::size_t first;
  std::int64_t reduced, inner;
  std::span<const double> scale;  // RMS + 1e-12 of filter (outer, inner)
  Key operator()(std::size_t i) const {
    const auto index = static_cast<std::int64_t>(first + i);
    const std::int64_t filter = index / (reduced * inner) * inner + index % inner;
    return std::bit_cast<std::uint64_t>(std::fabs(static_cast<double>(weights[i])) /
                                        scale[static_cast<std::size_t>(filter)]);
  }
};

std::vector<double> Scales(const PrunableWeight& weight, std::span<const float> values) {
  std::vector<double> scale(static_cast<std::size_t>(weight.outer * weight.inner), 0.0);
  for (std::int64_t o = 0, i = 0; o < weight.outer; ++o) {
    for (std::int64_t r = 0; r < weight.reduced; ++r) {
      for (std::int64_t n = 0; n < weight.inner; ++n, ++i) {
        const double w = values[static_cast<std::size_t>(i)];
        scale[static_cast<std::size_t>(o * weight.inner + n)] += w * w;
      }
    }
  }
  for (double& s : scale) s = std::sqrt(s / static_cast<double>(weight.reduced)) + 1e-12;
  return scale;
}

// `key_of(part, scratch)` gives the key function of a part, which may look into the scratch; `sizes[w]` is how many
// elements a weight has.
template <typename KeyOf>
using KeyOfWeight = typename decltype(std::declval<KeyOf>()(Part(), std::declval<graph::Scratch&>()))::Key;

// A sample is of runs of neighbours (a cache line), and of one in so many: weights stay in the file, and what is read
// is to be little. A prime: weights may have periods.
constexpr std::size_t kRun = 16, kOneRunOf = 251;
// What is looked at at once stays in the second-level cache.
constexpr std::size_t kPartElements = kRun * kOneRunOf * 16;

// The threshold over the weights of these indices; nothing where none goes. `gone` grows by how many elements go.
template <typename KeyOf>
std::optional<KeyOfWeight<KeyOf>> Threshold(std::vector<std::size_t> weights, std::span<const std::size_t> sizes,
                                            const KeyOf& key_of, double sparsity, int threads,
                                            std::atomic<std::int64_t>& gone) {
  std::int64_t n = 0;
  for (const std::size_t w : weights) n += static_cast<std::int64_t>(sizes[w]);
  const std::int64_t k = PruneCount(sparsity, n);
  if (k == 0) return std::nullopt;
  std::vector<Part> parts;
  std::vector<std::size_t> next_run;  // of each part, the first that a sample looks at
  for (std::size_t before = 0; const std::size_t w : weights) {
    for (std::size_t first = 0; first < sizes[w]; first += kPartElements) {
      parts.push_back({w, first, std::min(kPartElements, sizes[w] - first)});
      next_run.push_back((kRun * kOneRunOf - before % (kRun * kOneRunOf)) % (kRun * kOneRunOf));
      before += parts.back().count;
    }
  }
  std::vector<graph::Scratch> scratches(static_cast<std::size_t>(ThreadCount(threads)));
  const auto visit_part = [&](const Part& part, graph::Scratch& scratch, auto&& visit) {
    const auto key = key_of(part, scratch);
    constexpr std::size_t kBlock = 1024;
    KeyOfWeight<KeyOf> keys[kBlock];
    for (std::size_t i = 0; i < part.count; i += kBlock) {
      const std::size_t n_keys = std::min(kBlock, part.count - i);
      for (std::size_t j = 0; j < n_keys; ++j) keys[j] = key(i + j);
      visit(std::span<const KeyOfWeight<KeyOf>>(keys, n_keys));
    }
  };
  std::int64_t at_or_below = 0;
  const auto threshold = SelectSmallest<KeyOfWeight<KeyOf>>(
      k, n, parts.size(), threads,
      [&](std::size_t p, std::size_t share, Look which, auto&& visit) {
        const Part& part = parts[p];
        if (which == Look::kAll) return visit_part(part, scratches[share], visit);
        for (std::size_t i = next_run[p]; i < part.count; i += kRun * kOneRunOf) {
          visit_part({part.weight, part.first + i, std::min(kRun, part.count - i)}, scratches[share], visit);
        }
      },
      &at_or_below);
  gone += at_or_below;
  return threshold;
}

// One for each weight.
template <typename KeyOf>
std::vector<std::optional<KeyOfWeight<KeyOf>>> Thresholds(std::span<const std::size_t> sizes, const KeyOf& key_of,
                                                          bool per_layer, double sparsity, int threads,
                                                          std::atomic<std::int64_t>& gone) {
  std::vector<std::optional<KeyOfWeight<KeyOf>>> thresholds(sizes.size());
  if (per_layer) {
    ParallelFor(sizes.size(), threads,
                [&](std::size_t w) { thresholds[w] = Threshold({w}, sizes, key_of, sparsity, 1, gone); });
    return thresholds;
  }
  std::vector<std::size_t> all(sizes.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::ranges::fill(thresholds, Threshold(std::move(all), sizes, key_of, sparsity, threads, gone));
  return thresholds;
}

// Calls use(w, key function of the whole) once for every weight, of the threads.
template <typename KeyOf, typename Use>
void ForEachWeight(std::span<const std::size_t> sizes, const KeyOf& key_of, int threads, const Use& use) {
  std::atomic<std::size_t> next{0};
  ParallelFor(static_cast<std::size_t>(ThreadCount(threads)), threads, [&](std::size_t) {
    graph::Scratch scratch;
    for (std::size_t w = next++; w < sizes.size(); w = next++) use(w, key_of(Part{w, 0, sizes[w]}, scratch));
  });
}

// Clears `keep` where a key is at or below the threshold.
template <typename KeyOf>
void PruneAll(const KeyOf& key_of, bool per_layer, double sparsity, int threads, Masks& masks) {
  std::vector<std::size_t> sizes;
  for (const auto& mask : masks.keep) sizes.push_back(mask.size());
  std::atomic<std::int64_t> gone{0};
  const auto thresholds = Thresholds(sizes, key_of, per_layer, sparsity, threads, gone);
  ForEachWeight(sizes, key_of, threads, [&](std::size_t w, const auto& key) {
    if (!thresholds[w]) return;
    std::uint8_t* const mask = masks.keep[w].data();
    for (std::size_t i = 0; i < sizes[w]; ++i) mask[i] = key(i) > *thresholds[w] ? 1 : 0;
  });
}

void CountPruned(Masks& masks) {
  for (const auto& mask : masks.keep) masks.pruned += std::count(mask.begin(), mask.end(), std::uint8_t{0});
}

// Whether anything but a zero goes. Of what is not there, whether anything does.
bool Changes(const Tensor& tensor, const std::vector<std::uint8_t>& keep) {
  if (tensor.deferred()) return std::find(keep.begin(), keep.end(), std::uint8_t{0}) != keep.end();
  const std::span<const float> values = tensor.values<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (keep[i] == 0 && std::bit_cast<std::uint32_t>(values[i]) != 0) return true;
  }
  return false;
}

void SetZeros(graph::TensorPtr& constant, std::vector<std::uint8_t> keep) {
  if (!Changes(*constant, keep)) return;
  const auto write = [whole = constant, mask = std::make_shared<const std::vector<std::uint8_t>>(std::move(keep))](
                         std::int64_t first, std::int64_t count, std::byte* out) {
    whole->CopyTo(first, count, out);
    auto* const values = reinterpret_cast<std::uint32_t*>(out);
    const std::uint8_t* const kept = mask->data() + first;
    // Without a branch, so that it is vectorised.
    for (std::int64_t i = 0; i < count; ++i) values[i] &= -static_cast<std::uint32_t>(kept[i]);
  };
  constant = std::make_shared<const Tensor>(Tensor::Deferred(constant->type(), constant->shape(), write, constant));
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

namespace {

// Those the recipe's `from` leaves, from the `first` on. Throws as ComputeMasks does.
std::vector<PrunableWeight> WeightsInScope(const Graph& graph, const Recipe& recipe, std::size_t& first) {
  recipe.validate();
  const std::vector<PrunableWeight> all = PrunableWeights(graph);
  if (all.empty()) {
    throw Error(ErrorCode::kRecipe,
                "recipe: the network has nothing to prune (no Conv, Gemm or MatMul with constant weights)");
  }
  first = static_cast<std::size_t>(std::floor(recipe.from * static_cast<double>(all.size())));
  return {all.begin() + static_cast<std::ptrdiff_t>(first), all.end()};
}

}  // namespace

Masks ComputeMasks(const Graph& graph, const Recipe& recipe, const InputShapes& input_shapes, int threads) {
  std::size_t first = 0;
  Masks masks;
  masks.weights = WeightsInScope(graph, recipe, first);
  const auto tensor = [&](const PrunableWeight& weight) -> const Tensor& { return *graph.constant(weight.value); };
  masks.keep.resize(masks.weights.size());
  ParallelFor(masks.weights.size(), threads, [&](std::size_t w) {
    masks.keep[w].assign(static_cast<std::size_t>(tensor(masks.weights[w]).count()), 1);
  });
  for (const auto& mask : masks.keep) masks.considered += std::ssize(mask);
  if (recipe.granularity == Granularity::kStructured) {
    MaskChannels(graph, recipe, input_shapes, masks);
    CountPruned(masks);
    return masks;
  }

  const bool per_layer = recipe.scope == Scope::kLayer;
  if (recipe.criterion == Criterion::kRandom) {
    // Streams of different tensors and seeds start at unrelated counters.
    const auto key_of = [&](const Part& part, graph::Scratch&) {
      return RandomKey{SplitMix64(SplitMix64(recipe.seed) ^ (first + part.weight + 1)) + part.first};
    };
    PruneAll(key_of, per_layer, recipe.sparsity, threads, masks);
  } else if (recipe.scope == Scope::kChannel) {
    std::vector<std::vector<double>> scales(masks.weights.size());
    ParallelFor(scales.size(), threads, [&](std::size_t w) {
      graph::Scratch scratch;
      scales[w] = Scales(masks.weights[w], scratch.Values<float>(tensor(masks.weights[w])));
    });
    const auto key_of = [&](const Part& part, graph::Scratch& scratch) {
      const PrunableWeight& weight = masks.weights[part.weight];
      return ChannelKey{Values(tensor(weight), part, scratch), part.first, weight.reduced, weight.inner,
                        scales[part.weight]};
    };
    PruneAll(key_of, per_layer, recipe.sparsity, threads, masks);
  } else {
    const auto key_of = [&](const Part& part, graph::Scratch& scratch) {
      return MagnitudeKey{Values(tensor(masks.weights[part.weight]), part, scratch)};
    };
    PruneAll(key_of, per_layer, recipe.sparsity, threads, masks);
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

namespace {

// `whole` without what is no larger than the threshold in magnitude.
TensorPtr WithoutSmall(const TensorPtr& whole, MagnitudeKey::Key threshold) {
  const auto write = [whole, threshold](std::int64_t first, std::int64_t count, std::byte* out) {
    whole->CopyTo(first, count, out);
    const std::span<float> values(reinterpret_cast<float*>(out), static_cast<std::size_t>(count));
    const MagnitudeKey key{values};
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = key(i) > threshold ? values[i] : 0.0f;
  };
  return std::make_shared<const Tensor>(Tensor::Deferred(whole->type(), whole->shape(), write, whole));
}

// Whether that takes anything but the number zero (its other sign is another number). Seldom looks at much.
bool LosesMoreThanZeros(const Tensor& whole, MagnitudeKey::Key threshold) {
  const auto size = static_cast<std::size_t>(whole.count());
  graph::Scratch scratch;
  for (std::size_t first = 0, count = 1 << 12; first < size; first += count, count = kPartElements) {
    count = std::min(count, size - first);
    const std::span<const float> values = Values(whole, {0, first, count}, scratch);
    const MagnitudeKey key{values};
    for (std::size_t i = 0; i < count; ++i) {
      if (std::bit_cast<std::uint32_t>(values[i]) != 0 && key(i) <= threshold) return true;
    }
  }
  return false;
}

Pruned PruneByMagnitude(const Graph& graph, const Recipe& recipe, int threads) {
  std::size_t first = 0;
  const std::vector<PrunableWeight> weights = WeightsInScope(graph, recipe, first);
  Pruned pruned{graph};
  std::vector<std::size_t> sizes;
  for (const PrunableWeight& weight : weights) {
    sizes.push_back(static_cast<std::size_t>(graph.constant(weight.value)->count()));
  }
  const auto key_of = [&](const Part& part, graph::Scratch& scratch) {
    return MagnitudeKey{Values(*graph.constant(weights[part.weight].value), part, scratch)};
  };
  std::atomic<std::int64_t> gone{0};
  const auto thresholds = Thresholds(sizes, key_of, recipe.scope == Scope::kLayer, recipe.sparsity, threads, gone);
  for (std::size_t w = 0; w < weights.size(); ++w) {
    // A weight that loses nothing but zeros (they go first) stays shared.
    TensorPtr& constant = pruned.graph.value(weights[w].value).constant;
    if (thresholds[w] && LosesMoreThanZeros(*constant, *thresholds[w])) {
      constant = WithoutSmall(constant, *thresholds[w]);
    }
  }
  const auto considered = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
  pruned.achieved_sparsity = considered == 0 ? 0.0 : static_cast<double>(gone.load()) / static_cast<double>(considered);
  return pruned;
}

}  // namespace

Pruned Prune(const Graph& graph, const Recipe& recipe, const InputShapes& input_shapes, int threads) {
  const bool by_magnitude = recipe.granularity == Granularity::kUnstructured && recipe.criterion == Criterion::kL1 &&
                            recipe.scope != Scope::kChannel;
  if (by_magnitude) return PruneByMagnitude(graph, recipe, threads);
  Masks masks = ComputeMasks(graph, recipe, input_shapes, threads);
  const double achieved = masks.achieved_sparsity();
  return {ApplyMasks(graph, std::move(masks)), achieved};
}

}  // namespace prefiqs::prune
