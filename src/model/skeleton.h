// An ONNX file without its weights, made before protobuf builds objects from it.
#ifndef PREFIQS_MODEL_SKELETON_H_
#define PREFIQS_MODEL_SKELETON_H_

#include <string>

#include "model/byte_source.h"
#include "model/onnx_reader.h"

namespace prefiqs::model {

// raw_data of at least this size is left where it is.
inline constexpr std::int64_t kBulkBytes = 1024;

// The file's protobuf bytes in which each bulky raw_data is replaced by TensorProto.segment, [begin, end) in `source`:
// so weights are read once, straight into their tensors. (A file that uses segments itself is refused; nobody ever
// did.)
//
// Protobuf turns two bytes of an empty submessage into an object of a hundred, and one byte of a packed integer into
// eight, so a small file could ask for any amount of memory. Throws Error(kModel) when the bytes are no protobuf
// (truncated, say), when there are more nodes than `limits` allows, more fields than a network of that many nodes can
// need, or more packed numbers than max_constant_bytes.
std::string ReadSkeleton(const ByteSource& source, const ReadLimits& limits);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_SKELETON_H_
