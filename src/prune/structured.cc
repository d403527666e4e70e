#include "prune/structured.h"

#include <prefiqs/error.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include "base/split_mix.h"
#include "prune/channel_groups.h"
#include "prune/couple.h"
#include "prune/select.h"

namespace prefiqs::prune {
namespace {

using graph::Graph;
using graph::Shape;
using graph::Tensor;
using graph::ValueId;

// Of non-negative numbers bits order as numbers do; NaN comes last and so stays.
using Key = std::uint64_t;
using Keys = std::vector<std::vector<Key>>;  // by group and channel

// Calls visit(element) for every element at `index` of `axis`.
template <typename Visit>
void ForEachElement(const Shape& shape, std::size_t axis, std::int64_t index, Visit&& visit) {
  std::int64_t inner = 1, outer = 1;
  for (std::size_t a = 0; a < axis; ++a) outer *= shape[a];
  for (std::size_t a = axis + 1; a < shape.size(); ++a) inner *= shape[a];
  for (std::int64_t o = 0; o < outer; ++o) {
    const std::int64_t first = (o * shape[axis] + index) * inner;
    for (std::int64_t i = first; i < first + inner; ++i) visit(static_cast<std::size_t>(i));
  }
}

// NaN where a weight is.
double MeanMagnitude(const Graph& graph, const std::map<ValueId, std::size_t>& weights, const Channel& channel) {
  double sum = 0;
  std::int64_t count = 0;
  for (const Slice& slice : channel) {
    if (!weights.contains(slice.value)) continue;
    const Tensor& tensor = *graph.constant(slice.value);
    const std::span<const float> values = tensor.values<float>();
    ForEachElement(tensor.shape(), slice.axis, slice.index, [&](std::size_t i) {
      sum += std::fabs(static_cast<double>(values[i]));
      ++count;
    });
  }
  return count == 0 ? 0.0 : sum / static_cast<double>(count);
}

std::vector<Key> MagnitudeKeys(const Graph& graph, const std::map<ValueId, std::size_t>& weights,
                               const ChannelGroup& group) {
  std::vector<double> importance;
  double sum = 0;
  for (const Channel& channel : group) {
    importance.push_back(MeanMagnitude(graph, weights, channel));
    if (std::isfinite(importance.back())) sum += importance.back();
  }
  const double mean = sum / static_cast<double>(group.size());
  std::vector<Key> keys;
  for (const double value : importance) keys.push_back(std::bit_cast<Key>(mean > 0 ? std::fabs(value / mean) : value));
  return keys;
}

std::vector<Key> RandomKeys(std::uint64_t seed, std::size_t group, std::size_t channels) {
  const std::uint64_t stream = SplitMix64(SplitMix64(seed) ^ (group + 1));
  std::vector<Key> keys;
  for (std::size_t c = 0; c < channels; ++c) keys.push_back(SplitMix64(stream + c));
  return keys;
}

// What goes under one threshold over all these groups: true.
std::vector<std::vector<bool>> ChooseGone(std::span<const std::vector<Key>> keys, double sparsity) {
  std::int64_t n = 0;
  std::vector<std::vector<bool>> gone;
  for (const auto& group : keys) {
    gone.emplace_back(group.size(), false);
    n += std::ssize(group);
  }
  const std::int64_t k = PruneCount(sparsity, n);
  if (k == 0) return gone;
  const Key threshold = SelectSmallest<Key>(k, [&](auto&& visit) {
    for (const auto& group : keys) std::ranges::for_each(group, visit);
  });
  for (std::size_t g = 0; g < keys.size(); ++g) {
    for (std::size_t c = 0; c < keys[g].size(); ++c) gone[g][c] = keys[g][c] <= threshold;
    gone[g][static_cast<std::size_t>(std::ranges::max_element(keys[g]) - keys[g].begin())] = false;
  }
  return gone;
}

// Constants, besides weights, that can be zero wherever they are used.
std::map<ValueId, bool> Zeroable(const Graph& graph) {
  std::map<ValueId, bool> zeroable;
  for (const graph::Node& node : graph.nodes) {
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const Tensor* const constant = graph.constant(node.inputs[i]);
      if (constant == nullptr || constant->type() != graph::DataType::kFloat32) continue;
      const auto it = zeroable.emplace(node.inputs[i], true).first;
      it->second = it->second && MayBeZero(node, i);
    }
  }
  return zeroable;
}

class Remover {
 public:
  Remover(const Graph& graph, const std::map<ValueId, std::size_t>& weights, Masks& masks)
      : graph_(graph), weights_(weights), masks_(masks), zeroable_(Zeroable(graph)) {}

  void Remove(const Channel& channel) {
    for (const Slice& slice : channel) {
      masks_.removed[{slice.value, slice.axis}].push_back(slice.index);
      if (std::vector<std::uint8_t>* const keep = KeepOf(slice.value)) {
        ForEachElement(graph_.constant(slice.value)->shape(), slice.axis, slice.index,
                       [&](std::size_t i) { (*keep)[i] = 0; });
      }
    }
  }

  void Finish() {
    for (auto& [axis, indices] : masks_.removed) std::ranges::sort(indices);
    for (auto& other : others_) masks_.others.push_back(std::move(other));
  }

 private:
  // Null: an activation, or a constant that stays as it is.
  std::vector<std::uint8_t>* KeepOf(ValueId value) {
    if (const auto it = weights_.find(value); it != weights_.end()) return &masks_.keep[it->second];
    const auto it = zeroable_.find(value);
    if (it == zeroable_.end() || !it->second) return nullptr;
    std::vector<std::uint8_t>& keep = others_[value];
    if (keep.empty()) keep.assign(static_cast<std::size_t>(graph_.constant(value)->count()), std::uint8_t{1});
    return &keep;
  }

  const Graph& graph_;
  const std::map<ValueId, std::size_t>& weights_;
  Masks& masks_;
  const std::map<ValueId, bool> zeroable_;
  std::map<ValueId, std::vector<std::uint8_t>> others_;
};

}  // namespace

void MaskChannels(const Graph& graph, const Recipe& recipe, const InputShapes& input_shapes, Masks& masks) {
  std::map<ValueId, std::size_t> weights;
  for (std::size_t w = 0; w < masks.weights.size(); ++w) weights[masks.weights[w].value] = w;
  const std::size_t first = PrunableWeights(graph).size() - masks.weights.size();
  const std::vector<ChannelGroup> groups = ChannelGroups(graph, input_shapes, first);
  if (groups.empty()) {
    throw Error(ErrorCode::kRecipe,
                "recipe: the network has no channels that can be removed here; use unstructured pruning, or a lower "
                "\"from\"");
  }
  Keys keys;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    keys.push_back(recipe.criterion == Criterion::kRandom ? RandomKeys(recipe.seed, g, groups[g].size())
                                                          : MagnitudeKeys(graph, weights, groups[g]));
  }
  std::vector<std::vector<bool>> gone;
  if (recipe.scope == Scope::kLayer) {
    for (const auto& group : keys) gone.push_back(ChooseGone({&group, 1}, recipe.sparsity)[0]);
  } else {
    gone = ChooseGone(keys, recipe.sparsity);
  }
  Remover remover(graph, weights, masks);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::size_t c = 0; c < groups[g].size(); ++c) {
      if (gone[g][c]) remover.Remove(groups[g][c]);
    }
  }
  remover.Finish();
}

}  // namespace prefiqs::prune
