#include "engine/reference_node.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

namespace prefiqs::engine {

ReferenceNode::ReferenceNode(const graph::Graph& graph, const graph::Node& node)
    : node_(node), op_(ops::Find(node.op)) {
  if (op_ == nullptr) {
    throw Error(ErrorCode::kModel, fmt::format("node '{}': operator {} is not supported", node.name, node.op));
  }
  std::vector<ops::TensorType> types(node.inputs.size());
  std::vector<ops::InferInput> inputs(node.inputs.size());
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    if (node.inputs[i] == graph::kNone) continue;
    const graph::Value& value = graph.value(node.inputs[i]);
    types[i] = {value.type, value.shape};
    inputs[i] = {&types[i], value.constant.get()};
  }
  output_types_ = op_->infer(node, inputs);
}

std::vector<graph::Tensor> ReferenceNode::Run(std::span<const graph::Tensor* const> inputs) const {
  std::vector<graph::Tensor> outputs;
  outputs.reserve(output_types_.size());
  for (const ops::TensorType& type : output_types_) outputs.emplace_back(type.type, type.shape);
  op_->reference(node_, inputs, outputs);
  return outputs;
}

}  // namespace prefiqs::engine
