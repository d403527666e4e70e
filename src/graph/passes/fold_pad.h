#ifndef PREFIQS_GRAPH_PASSES_FOLD_PAD_H_
#define PREFIQS_GRAPH_PASSES_FOLD_PAD_H_

#include "graph/graph.h"

namespace prefiqs::graph {

// Of a specialised graph: a Pad with zeros along spatial dimensions becomes part of the pads of every Conv that reads
// it. Exact: a convolution pads with zeros.
Graph FoldPad(const Graph& graph);

}  // namespace prefiqs::graph

#endif  // PREFIQS_GRAPH_PASSES_FOLD_PAD_H_
