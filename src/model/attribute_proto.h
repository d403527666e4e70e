// onnx::AttributeProto -> graph::Attribute, and the constants that Constant nodes make of them.
#ifndef PREFIQS_MODEL_ATTRIBUTE_PROTO_H_
#define PREFIQS_MODEL_ATTRIBUTE_PROTO_H_

#include <onnx/onnx_pb.h>

#include "graph/graph.h"
#include "model/denormal_count.h"
#include "model/tensor_proto.h"

namespace prefiqs::model {

// Tensors leave `attribute` (TakeTensor). Throws Error(kModel) for kinds that are not supported.
graph::Attribute ToAttribute(onnx::AttributeProto& attribute, const DataSources& sources, ConstantBudget& budget,
                             DenormalCount& denormals);

// The value of the Constant node `source`, whose attributes `node` has. Throws Error(kModel) where it is no such node.
graph::TensorPtr ConstantOf(const onnx::NodeProto& source, const graph::Node& node, DenormalCount& denormals);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_ATTRIBUTE_PROTO_H_
