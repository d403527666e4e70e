#ifndef PREFIQS_OPS_SHAPE_VALUE_H_
#define PREFIQS_OPS_SHAPE_VALUE_H_

#include "graph/graph.h"
#include "graph/tensor.h"

namespace prefiqs::ops {

// What the Shape operator `node` makes of an input of this shape: known before the input's elements are.
graph::Tensor ShapeValue(const graph::Node& node, const graph::Shape& shape);

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_SHAPE_VALUE_H_
