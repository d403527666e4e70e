// What both executors ask of their caller.
#ifndef PREFIQS_ENGINE_IO_CHECK_H_
#define PREFIQS_ENGINE_IO_CHECK_H_

#include <span>

#include "graph/graph.h"
#include "graph/tensor.h"

namespace prefiqs::engine {

// Throws Error(kInternal) unless every value has a known shape without open dimensions.
void CheckSpecialised(const graph::Graph& graph);

// Throws Error(kInternal) unless the tensors fit the graph's inputs and outputs in number, type and shape.
void CheckInputsAndOutputs(const graph::Graph& graph, std::span<const graph::Tensor* const> inputs,
                           std::span<const graph::Tensor> outputs);

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_IO_CHECK_H_
