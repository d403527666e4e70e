#ifndef PREFIQS_GRAPH_PASSES_REMOVE_NO_OPS_H_
#define PREFIQS_GRAPH_PASSES_REMOVE_NO_OPS_H_

#include "graph/graph.h"

namespace prefiqs::graph {

// Of a specialised graph, drops the nodes whose output is their input, bit for bit: Identity, Dropout, casts to the
// same type, reshapes, expansions and slices to the same shape, transpositions that move nothing, pads of nothing,
// concatenations of one.
Graph RemoveNoOps(const Graph& graph);

}  // namespace prefiqs::graph

#endif  // PREFIQS_GRAPH_PASSES_REMOVE_NO_OPS_H_
