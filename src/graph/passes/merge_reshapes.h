#ifndef PREFIQS_GRAPH_PASSES_MERGE_RESHAPES_H_
#define PREFIQS_GRAPH_PASSES_MERGE_RESHAPES_H_

#include "graph/graph.h"

namespace prefiqs::graph {

// Of a specialised graph: Flatten, Squeeze and Unsqueeze become Reshape to a constant shape, and a Reshape of a Reshape
// reads what the first one reads. Row-major order makes this exact.
Graph MergeReshapes(const Graph& graph);

}  // namespace prefiqs::graph

#endif  // PREFIQS_GRAPH_PASSES_MERGE_RESHAPES_H_
