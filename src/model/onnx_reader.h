// ONNX bytes -> graph. The one entrance for untrusted networks.
#ifndef PREFIQS_MODEL_ONNX_READER_H_
#define PREFIQS_MODEL_ONNX_READER_H_

#include <cstdint>
#include <span>
#include <string>

#include "graph/graph.h"
#include "model/denormal_count.h"

namespace prefiqs::model {

struct ReadLimits {
  std::int64_t max_file_bytes = std::int64_t{4} << 30;
  std::int64_t max_constant_bytes = std::int64_t{8} << 30;  // all constants together, after widening
  std::int64_t max_nodes = 200000;
};

struct ReadResult {
  graph::Graph graph;
  std::string content_hash;  // 32 hex digits, XXH3-128 of the file followed by the external data files in the order of
                             // their names
  DenormalCount denormals;   // those that became zero
};

// Reads, checks (well-formedness, supported opset and operators, topological order) and normalises: operators take
// their newest form (attributes that became inputs are inputs), Constant nodes become constants, types are widened,
// nodes get names, denormal weights become zero, constant sub-expressions are folded. Functions of the file are put in
// the place of their calls; operators that others can express (decompose.h), some of ONNX Runtime's among them, are
// written in those; constants that are stored quantised become floats; an If
// gives way to the branch that the shapes choose. Opsets up to 26; of those before 7, the
// operators that did not change since. External data must lie in the file's folder or below it. Throws Error(kIo) or
// Error(kModel); messages are one line and begin with the path. A second of `threads` threads (0: all cores) hashes
// meanwhile, and in the end both do.
ReadResult ReadOnnxFile(const std::string& path, const ReadLimits& limits = {}, int threads = 1);

// The same for bytes in memory; external data is refused. `name` stands for the path in messages.
ReadResult ReadOnnxBytes(std::span<const std::uint8_t> bytes, const std::string& name, const ReadLimits& limits = {});

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_ONNX_READER_H_
