#ifndef PREFIQS_GRAPH_PASSES_FOLD_AFFINE_H_
#define PREFIQS_GRAPH_PASSES_FOLD_AFFINE_H_

#include "graph/graph.h"

namespace prefiqs::graph {

// Of a specialised graph: a BatchNormalization, or an Add, Sub, Mul or Div by per-channel constants, that is the only
// reader of a Conv, or of a Gemm or MatMul of a matrix by a constant, goes into that node's weights and bias. The
// products are formed in double precision; results differ from the unfolded ones by rounding only. Prune first: weights
// that are zero stay zero, but magnitudes change.
Graph FoldAffine(const Graph& graph);

}  // namespace prefiqs::graph

#endif  // PREFIQS_GRAPH_PASSES_FOLD_AFFINE_H_
