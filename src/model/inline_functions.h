// Functions that a file defines, in the place of their calls.
#ifndef PREFIQS_MODEL_INLINE_FUNCTIONS_H_
#define PREFIQS_MODEL_INLINE_FUNCTIONS_H_

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <vector>

#include "model/onnx_reader.h"

namespace prefiqs::model {

// Replaces each node of the graph that calls a function of the file by the nodes of the function, and theirs in turn.
// Returns, for each node of the graph afterwards, the opset of ONNX's own operators that it was written for (`opset`:
// the file's own; 0: a function that names none). Small files can ask for any number of nodes in this way, so it throws
// Error(kModel) where a function calls itself, where calls are nested too deeply, and where the nodes pass
// `limits.max_nodes` or take too much memory.
std::vector<std::int64_t> InlineFunctions(onnx::ModelProto& proto, std::int64_t opset, const ReadLimits& limits);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_INLINE_FUNCTIONS_H_
