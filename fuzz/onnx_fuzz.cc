// ONNX bytes to a specialised graph. Any outcome but a graph or an Error is a bug.
#include <prefiqs/error.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "model/onnx_reader.h"
#include "ops/specialise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace graph = prefiqs::graph;
  // Small, so that a run is short and memory that escapes the limits shows as an out-of-memory report.
  constexpr prefiqs::model::ReadLimits kReadLimits{
      .max_file_bytes = 1 << 20, .max_constant_bytes = 1 << 16, .max_nodes = 100};
  constexpr prefiqs::ops::SpecialiseLimits kLimits{.max_value_bytes = 1 << 20, .max_total_bytes = 1 << 23};
  try {
    const graph::Graph read = prefiqs::model::ReadOnnxBytes({data, size}, "fuzz", kReadLimits).graph;
    graph::Validate(read);
    std::map<std::string, graph::Shape> shapes;
    for (const graph::ValueId id : read.inputs) {
      graph::Shape shape = read.value(id).shape;
      for (std::int64_t& dim : shape) dim = dim == graph::kUnknown ? 2 : dim;
      shapes[read.value(id).name] = shape;
    }
    graph::Validate(prefiqs::ops::Specialise(read, shapes, kLimits));
  } catch (const prefiqs::Error& error) {
    if (error.code() == prefiqs::ErrorCode::kInternal) __builtin_trap();
  }
  return 0;
}
