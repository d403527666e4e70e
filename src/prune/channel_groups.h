// The channels of a network that can go, in groups.
#ifndef PREFIQS_PRUNE_CHANNEL_GROUPS_H_
#define PREFIQS_PRUNE_CHANNEL_GROUPS_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "prune/prune.h"

namespace prefiqs::prune {

struct Slice {
  graph::ValueId value = graph::kNone;
  std::size_t axis = 0;
  std::int64_t index = 0;
  friend auto operator<=>(const Slice&, const Slice&) = default;
};

// All that goes with one channel: of constants and of activations, ascending.
using Channel = std::vector<Slice>;

// Channels that lie along the same axes of the same values, such as those of a residual stream: what one layer is to
// unstructured pruning. At least two.
using ChannelGroup = std::vector<Channel>;

// By the first weight that a group has part in, channels by their place there. A channel has no part of the graph's
// inputs and outputs, and has weights, all of them at `first_weight` of PrunableWeights(graph) or after. Throws
// Error(kModel) where shapes disagree.
std::vector<ChannelGroup> ChannelGroups(const graph::Graph& graph, const InputShapes& input_shapes,
                                        std::size_t first_weight = 0);

}  // namespace prefiqs::prune

#endif  // PREFIQS_PRUNE_CHANNEL_GROUPS_H_
