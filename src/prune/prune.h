// Recipes -> masks -> pruned graphs.
#ifndef PREFIQS_PRUNE_PRUNE_H_
#define PREFIQS_PRUNE_PRUNE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <prefiqs/recipe.h>

#include "graph/graph.h"

namespace prefiqs::prune {

// A weight tensor a recipe may remove from: of Conv, Gemm or MatMul-by-constant, listed once however often it is used,
// in the order of first use. Never biases, BN parameters or PReLU slopes.
struct PrunableWeight {
  graph::ValueId value = graph::kNone;
  std::int32_t node = 0;  // index of the first node that uses it
  // The elements seen as [outer, reduced, inner]: a filter is the weights of one output channel or neuron, those that
  // share their outer and inner index.
  std::int64_t outer = 1, reduced = 1, inner = 1;
};
std::vector<PrunableWeight> PrunableWeights(const graph::Graph& graph);

using InputShapes = std::map<std::string, graph::Shape>;  // as ops::Specialise takes them

struct Masks {
  std::vector<PrunableWeight> weights;          // those in scope of the recipe's `from`
  std::vector<std::vector<std::uint8_t>> keep;  // one byte an element: 1 stays, 0 goes

  // Of structured recipes. What removed channels have besides weights: biases, BN's scales and shifts, slopes, and
  // whatever else is added or multiplied to them.
  std::vector<std::pair<graph::ValueId, std::vector<std::uint8_t>>> others;
  // By value and axis, activations too: the indices that go, ascending.
  std::map<std::pair<graph::ValueId, std::size_t>, std::vector<std::int64_t>> removed;

  std::int64_t considered = 0;  // elements in `keep`
  std::int64_t pruned = 0;      // zeros in `keep`
  double achieved_sparsity() const {
    return considered == 0 ? 0.0 : static_cast<double>(pruned) / static_cast<double>(considered);
  }
};

// Criterion::kRandom draws SplitMix64 at counter (weight's place in file order, element) under the recipe's seed as its
// score; its channel scope is its global one, a random score having no scale to take out.
//
// The threshold is the k-th smallest score, k = floor(sparsity * n + 0.5), and everything at or below it goes (METHOD
// §2), so more than k where scores are equal. Deterministic on every platform. Throws Error(kRecipe) when the recipe is
// out of range or nothing is prunable.
//
// Structured recipes: structured.h. They alone need `input_shapes`, where the graph leaves any open.
//
// `threads`: 0 means usable_processors(). Nothing depends on it.
Masks ComputeMasks(const graph::Graph& graph, const Recipe& recipe, const InputShapes& input_shapes = {},
                   int threads = 1);

// The graph with the masked constants set to zero, which are deferred (graph::Tensor): they keep their masks. Those
// that lose nothing stay shared with `graph`, and those that lose only zeros where they are not deferred themselves.
graph::Graph ApplyMasks(const graph::Graph& graph, Masks masks);

struct Pruned {
  graph::Graph graph;
  double achieved_sparsity = 0;
};

// What ComputeMasks and ApplyMasks give together. By magnitude, under a threshold of the network's or the layer's, it
// does without masks, which of a large network take as much memory as a quarter of its weights.
Pruned Prune(const graph::Graph& graph, const Recipe& recipe, const InputShapes& input_shapes = {}, int threads = 1);

}  // namespace prefiqs::prune

#endif  // PREFIQS_PRUNE_PRUNE_H_
