// What operators do to channels: which places of their inputs and outputs stand and fall together.
#ifndef PREFIQS_PRUNE_COUPLE_H_
#define PREFIQS_PRUNE_COUPLE_H_

#include "graph/graph.h"
#include "prune/positions.h"

namespace prefiqs::prune {

// Ties the places of `inferred` (ops::InferShapes of `graph`) that can only go together and pins those that must stay.
//
// A channel goes from where a Conv, Gemm or MatMul makes it, through operators that keep channels apart, to where a
// Conv, Gemm or MatMul sums over it. As the weights that sum over it go too, it does not matter what it holds once its
// own weights are zero (Sigmoid makes 0.5 of it), as long as that is finite. Everything else pins what it touches: an
// operator that mixes channels, one that could divide by what is now zero, and any that is not known here.
void Couple(const graph::Graph& graph, const graph::Graph& inferred, Positions& positions);

// True where zeros in input `input` of such a node cannot make its result infinite or a NaN: weights, biases, scales,
// shifts and slopes, not statistics or divisors.
bool MayBeZero(const graph::Node& node, std::size_t input);

}  // namespace prefiqs::prune

#endif  // PREFIQS_PRUNE_COUPLE_H_
