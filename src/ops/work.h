// How much a graph computes.
#ifndef PREFIQS_OPS_WORK_H_
#define PREFIQS_OPS_WORK_H_

#include <cstdint>

#include "graph/graph.h"

namespace prefiqs::ops {

// Multiply-adds of a node (ops/operator.h says of which operators), of all nodes. `graph`: specialised.
std::int64_t MultiplyAdds(const graph::Graph& graph, const graph::Node& node);
std::int64_t MultiplyAdds(const graph::Graph& graph);

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_WORK_H_
