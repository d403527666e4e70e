// onnx::ModelProto -> graph::Graph.
#ifndef PREFIQS_MODEL_GRAPH_BUILDER_H_
#define PREFIQS_MODEL_GRAPH_BUILDER_H_

#include <onnx/onnx_pb.h>

#include "graph/graph.h"
#include "model/onnx_reader.h"
#include "model/tensor_proto.h"

namespace prefiqs::model {

// What ReadOnnxFile does once the bytes are parsed. Takes `proto` apart as it goes, so that weights are not held twice.
graph::Graph BuildGraph(onnx::ModelProto& proto, const DataSources& sources, const ReadLimits& limits,
                        DenormalCount& denormals);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_GRAPH_BUILDER_H_
