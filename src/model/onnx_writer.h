// A copy of an ONNX file with other weights.
#ifndef PREFIQS_MODEL_ONNX_WRITER_H_
#define PREFIQS_MODEL_ONNX_WRITER_H_

#include <map>
#include <string>

#include "graph/graph.h"

namespace prefiqs::model {

// Serialises `graph` as a valid ONNX model of the newest opset our normal form corresponds to, with `metadata` merged
// into the graph's. Written atomically (temporary file beside it, fsync, rename). Throws Error(kIo), also on a full
// disk, leaving nothing behind.
void WriteOnnxFile(const graph::Graph& graph, const std::map<std::string, std::string>& metadata,
                   const std::string& path);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_ONNX_WRITER_H_
