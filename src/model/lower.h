// The way back from normal form to what an opset of ONNX knows.
#ifndef PREFIQS_MODEL_LOWER_H_
#define PREFIQS_MODEL_LOWER_H_

#include <cstdint>

#include "graph/graph.h"

namespace prefiqs::model {

// The oldest opset, not under 17, that can express `graph`: 17 is what most runtimes and checkers in use accept.
std::int64_t OpsetFor(const graph::Graph& graph);

// `graph`, which is in normal form, with every node as `opset` (17 or newer) has it. Names may repeat afterwards.
graph::Graph Lower(const graph::Graph& graph, std::int64_t opset);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_LOWER_H_
