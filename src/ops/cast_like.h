// CastLike as a Cast.
#ifndef PREFIQS_OPS_CAST_LIKE_H_
#define PREFIQS_OPS_CAST_LIKE_H_

#include "graph/graph.h"

namespace prefiqs::ops {

// `cast_like`, a node with two inputs whose second is of `type`, as a Cast of its first.
graph::Node CastTo(graph::DataType type, const graph::Node& cast_like);

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_CAST_LIKE_H_
