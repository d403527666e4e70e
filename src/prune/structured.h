// Whole channels instead of single weights: which go, and the network without them.
#ifndef PREFIQS_PRUNE_STRUCTURED_H_
#define PREFIQS_PRUNE_STRUCTURED_H_

#include <prefiqs/recipe.h>

#include "graph/graph.h"
#include "prune/prune.h"

namespace prefiqs::prune {

// Completes masks of which `weights`, `keep` (ones) and `considered` are there.
//
// A channel's importance is the mean magnitude of all its weights, those that make it and those that sum over it, in
// relation to the mean of its group, as DepGraph has it (arXiv 2301.12900): layers with large weights would keep all
// their channels otherwise, and with BN folded scales say little. An element in two of a channel's slices counts twice.
// Criterion::kRandom draws SplitMix64 at counter (group, channel) under the recipe's seed.
//
// Scope::kGlobal has one threshold for all channels of all groups, kLayer one a group; k = floor(sparsity * n + 0.5) of
// n channels go, with ties and all. The most important channel of each group (the first of them) stays in any case. The
// achieved sparsity counts weights, as ever: it is above the share of channels where those go on both sides of a layer,
// and below where few of the weights have channels that can go.
//
// Throws Error(kRecipe) for the channel scope, and where no channel can go.
void MaskChannels(const graph::Graph& graph, const Recipe& recipe, const InputShapes& input_shapes, Masks& masks);

// The graph without what `masks` removed: smaller constants, all else adjusted. It gives what ApplyMasks(graph, masks)
// gives, up to rounding. Throws Error(kRecipe) where a part of the graph that computes with shapes does not follow.
graph::Graph RemoveChannels(const graph::Graph& graph, const Masks& masks, const InputShapes& input_shapes);

}  // namespace prefiqs::prune

#endif  // PREFIQS_PRUNE_STRUCTURED_H_
