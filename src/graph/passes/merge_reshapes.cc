#include "graph/passes/merge_reshapes.h"

#include <algorithm>

namespace prefiqs::graph {

Graph MergeReshapes(const Graph& graph) {
  Graph result = graph;
  std::vector<ValueId> source(result.values.size(), kNone);  // of a reshaped value: what was reshaped first
  for (Node& node : result.nodes) {
    if (node.op != "Reshape" && node.op != "Flatten" && node.op != "Squeeze" && node.op != "Unsqueeze") continue;
    const Value to = result.value(node.outputs[0]);
    // A zero in a Reshape's shape means "as before".
    if (std::find(to.shape.begin(), to.shape.end(), 0) != to.shape.end()) continue;
    ValueId from = node.inputs[0];
    if (source[static_cast<std::size_t>(from)] != kNone) from = source[static_cast<std::size_t>(from)];
    source[static_cast<std::size_t>(node.outputs[0])] = from;
    node.op = "Reshape";
    node.attributes.clear();
    const auto shape = std::make_shared<Tensor>(Tensor::FromInt64s(to.shape));
    node.inputs = {from, result.AddConstant(to.name + "/shape", shape)};
    source.resize(result.values.size(), kNone);
  }
  return RemoveUnused(result);
}

}  // namespace prefiqs::graph
