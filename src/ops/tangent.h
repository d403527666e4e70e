// Forward-mode differentiation as a rewrite of the graph: value and derivative side by side, in ordinary operators.
#ifndef PREFIQS_OPS_TANGENT_H_
#define PREFIQS_OPS_TANGENT_H_

#include "graph/graph.h"

namespace prefiqs::ops {

// `changed`: `graph` with other elements in some of its constants, as prune::ApplyMasks makes it. Returns `graph` with
// further outputs, one for each of its own: d/dε of it, at ε = 0, where the constants are those of `graph` plus ε times
// what `changed` has more. What the change does not reach has no derivative to compute and costs nothing. Graphs are as
// read (not specialised): folding then applies to constants and their derivatives alike.
//
// Where an operator has a kink the derivative is PyTorch's: Relu 0 at 0, PRelu and LeakyRelu the slope at 0, Clip 0 at
// its bounds (as hardtanh, of which ReLU6 is one), MaxPool that of the first of equals (in row-major order; of the last
// NaN where there are some), Max and Min of two that of either by half where they are equal. Max and Min of more are
// those of the first two, of their result and the third, and so on: a quarter, a quarter and a half where three are
// equal. Where both operands are the same infinity they have none: NaN.
//
// Throws Error(kNotAvailable) naming node and operator where the change reaches an operator without a rule, or one that
// has none for the input reached: mean and variance of a BatchNormalization, bounds of a Clip, an exponent, what a Pad
// fills with. Pruning changes none of these.
graph::Graph WithTangent(const graph::Graph& graph, const graph::Graph& changed);

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_TANGENT_H_
