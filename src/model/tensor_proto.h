// onnx::TensorProto <-> graph::Tensor.
#ifndef PREFIQS_MODEL_TENSOR_PROTO_H_
#define PREFIQS_MODEL_TENSOR_PROTO_H_

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "graph/tensor.h"
#include "model/denormal_count.h"
#include "model/external_data.h"

namespace prefiqs::model {

// The type in which values of an ONNX element type run: float16, bfloat16 and double as float32; 8- and 16-bit integers
// as int32; uint32 and uint64 as int64. Empty for those that do not run (strings, complex, 4- and 8-bit floats). Of
// 4-bit integers too: constants of them are read (TakeTensor), as int32.
std::optional<graph::DataType> Widened(std::int32_t onnx_type);
std::int32_t OnnxType(graph::DataType type);
std::string TypeName(std::int32_t onnx_type);  // "FLOAT16", or the number where this ONNX does not know it

// Where tensor data may lie beside its proto.
struct DataSources {
  const ByteSource& file;  // what TensorProto.segment points into (skeleton.h)
  ExternalData& external;
};

// What all constants of a file may still take, after widening.
struct ConstantBudget {
  std::int64_t bytes_left = 0;
};

// From so many bytes on, float32 and other data that needs no widening stays in a file that holds it: the tensor is
// deferred. Reading it again, from the page cache, costs less than memory that is taken to keep it; of smaller ones the
// calls would be more than that.
inline constexpr std::int64_t kStaysInFile = std::int64_t{1} << 16;

// Decodes raw, typed or external data; denormal numbers become zero, and `denormals` counts them. The data leaves
// `proto`, whose memory shrinks as the tensor's grows. Throws Error(kModel), beginning with `what`, when type,
// dimensions and data do not agree, a value does not fit the wider type or the budget is passed, and where a source
// does.
graph::Tensor TakeTensor(onnx::TensorProto& proto, std::string_view what, const DataSources& sources,
                         ConstantBudget& budget, DenormalCount& denormals);

// As raw data.
onnx::TensorProto ToProto(const graph::Tensor& tensor, const std::string& name);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_TENSOR_PROTO_H_
