#include "graph/passes/decompose_batch_norm.h"

#include "graph/passes/rewrite.h"

namespace prefiqs::graph {
namespace {

TensorPtr PerChannelConstant(const std::vector<double>& values, std::size_t rank) {
  Shape shape(rank > 1 ? rank - 1 : 1, 1);
  shape[0] = static_cast<std::int64_t>(values.size());
  auto tensor = std::make_shared<Tensor>(DataType::kFloat32, shape);
  for (std::size_t c = 0; c < values.size(); ++c) tensor->values<float>()[c] = static_cast<float>(values[c]);
  return tensor;
}

}  // namespace

Graph DecomposeBatchNorm(const Graph& graph) {
  Graph result = graph;
  result.nodes.clear();
  for (const Node& node : graph.nodes) {
    std::size_t data = 0;
    const auto affine = node.op == "BatchNormalization" ? AsAffine(graph, node, data) : std::nullopt;
    if (!affine) {
      result.nodes.push_back(node);
      continue;
    }
    const Value& input = graph.value(node.inputs[0]);
    Value scaled = input;
    scaled.name = node.name + "/scaled";
    const ValueId between = result.AddValue(std::move(scaled));
    Node scale;
    scale.name = node.name + "/scale";
    scale.op = "Mul";
    scale.inputs = {node.inputs[0],
                    result.AddConstant(scale.name, PerChannelConstant(affine->scale, input.shape.size()))};
    scale.outputs = {between};
    Node shift;
    shift.name = node.name + "/shift";
    shift.op = "Add";
    shift.inputs = {between, result.AddConstant(shift.name, PerChannelConstant(affine->shift, input.shape.size()))};
    shift.outputs = {node.outputs[0]};
    result.nodes.push_back(std::move(scale));
    result.nodes.push_back(std::move(shift));
  }
  return RemoveUnused(result);
}

}  // namespace prefiqs::graph
