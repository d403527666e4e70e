#include "ops/work.h"

#include <vector>

#include "ops/operator.h"

namespace prefiqs::ops {

std::int64_t MultiplyAdds(const graph::Graph& graph, const graph::Node& node) {
  std::vector<TensorType> types;
  types.reserve(node.inputs.size());  // they are pointed at
  std::vector<InferInput> inputs;
  for (const graph::ValueId id : node.inputs) {
    if (id == graph::kNone) {
      inputs.emplace_back();
      continue;
    }
    types.push_back({graph.value(id).type, graph.value(id).shape});
    inputs.push_back({&types.back(), graph.constant(id)});
  }
  std::vector<TensorType> outputs;
  for (const graph::ValueId id : node.outputs) {
    outputs.push_back(id == graph::kNone ? TensorType{} : TensorType{graph.value(id).type, graph.value(id).shape});
  }
  return MultiplyAdds(node, inputs, outputs);
}

std::int64_t MultiplyAdds(const graph::Graph& graph) {
  std::int64_t sum = 0;
  for (const graph::Node& node : graph.nodes) sum += MultiplyAdds(graph, node);
  return sum;
}

}  // namespace prefiqs::ops
