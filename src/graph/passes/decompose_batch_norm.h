#ifndef PREFIQS_GRAPH_PASSES_DECOMPOSE_BATCH_NORM_H_
#define PREFIQS_GRAPH_PASSES_DECOMPOSE_BATCH_NORM_H_

#include "graph/graph.h"

namespace prefiqs::graph {

// Every BatchNormalization with constant parameters becomes a Mul ("<name>/scale") and an Add ("<name>/shift") by
// constants of shape C×1×…×1, which backends fuse more easily. Run FoldAffine first.
Graph DecomposeBatchNorm(const Graph& graph);

}  // namespace prefiqs::graph

#endif  // PREFIQS_GRAPH_PASSES_DECOMPOSE_BATCH_NORM_H_
