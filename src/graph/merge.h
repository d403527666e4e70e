// One graph out of two that differ only in some constants: the dense network and its pruned copy.
#ifndef PREFIQS_GRAPH_MERGE_H_
#define PREFIQS_GRAPH_MERGE_H_

#include "graph/graph.h"

namespace prefiqs::graph {

// Returns a graph with the inputs of `a` (`b` must have the same), and the outputs of `a` followed by those of `b`. A
// node of `b` that has the operator, attributes and inputs of a node of `a` (constants compared by content, but for
// deferred ones, which are as different as their addresses) is not repeated: what two networks share up to the first
// difference runs once. Nodes are ordered so that the nodes of `a` come first. Node names of `b` that are kept get the
// suffix "/pruned". Works before and after specialisation.
Graph MergeTwin(const Graph& a, const Graph& b);

}  // namespace prefiqs::graph

#endif  // PREFIQS_GRAPH_MERGE_H_
