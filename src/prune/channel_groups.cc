#include "prune/channel_groups.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "ops/specialise.h"
#include "prune/couple.h"
#include "prune/positions.h"

namespace prefiqs::prune {
namespace {

using graph::Graph;
using graph::ValueId;
using Axes = std::vector<std::pair<ValueId, std::size_t>>;

// Classes with a weight and nothing pinned, in the order of their first weight's places.
class Classes {
 public:
  Classes(const std::vector<PrunableWeight>& weights, std::size_t first_weight, Positions& positions)
      : positions_(positions) {
    std::set<std::int32_t> early;
    for (std::size_t w = 0; w < first_weight; ++w) {
      ForEachPlace(weights[w].value, [&](std::size_t, std::int64_t, std::int32_t c) { early.insert(c); });
    }
    for (std::size_t w = first_weight; w < weights.size(); ++w) {
      ForEachPlace(weights[w].value, [&](std::size_t, std::int64_t, std::int32_t c) {
        if (!positions_.Pinned(c) && !early.contains(c) && number_.emplace(c, channels_.size()).second) {
          channels_.emplace_back();
        }
      });
    }
  }

  // Values in ascending order, so that channels come out sorted.
  void Add(ValueId value) {
    ForEachPlace(value, [&](std::size_t axis, std::int64_t index, std::int32_t c) {
      if (const auto it = number_.find(c); it != number_.end()) channels_[it->second].push_back({value, axis, index});
    });
  }

  std::vector<Channel> Take() && { return std::move(channels_); }

 private:
  template <typename Visit>
  void ForEachPlace(ValueId value, Visit&& visit) {
    for (std::size_t axis = 0; axis < positions_.Rank(value); ++axis) {
      for (std::int64_t i = 0; i < positions_.Size(value, axis); ++i) {
        visit(axis, i, positions_.ClassOf(value, axis, i));
      }
    }
  }

  Positions& positions_;
  std::unordered_map<std::int32_t, std::size_t> number_;
  std::vector<Channel> channels_;
};

Axes AxesOf(const Channel& channel) {
  Axes axes;
  for (const Slice& slice : channel) {
    const std::pair axis{slice.value, slice.axis};
    if (axes.empty() || axes.back() != axis) axes.push_back(axis);
  }
  return axes;
}

}  // namespace

std::vector<ChannelGroup> ChannelGroups(const Graph& graph, const InputShapes& input_shapes, std::size_t first_weight) {
  const Graph inferred = ops::InferShapes(graph, input_shapes);
  Positions positions(inferred);
  Couple(graph, inferred, positions);
  Classes classes(PrunableWeights(graph), first_weight, positions);
  for (std::size_t i = 0; i < inferred.values.size(); ++i) classes.Add(static_cast<ValueId>(i));

  std::vector<ChannelGroup> groups;
  std::map<Axes, std::size_t> number;
  for (Channel& channel : std::move(classes).Take()) {
    const auto [it, is_new] = number.emplace(AxesOf(channel), groups.size());
    if (is_new) groups.emplace_back();
    groups[it->second].push_back(std::move(channel));
  }
  std::erase_if(groups, [](const ChannelGroup& group) { return group.size() < 2; });
  return groups;
}

}  // namespace prefiqs::prune
