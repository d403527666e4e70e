#include "graph/passes/remove_no_ops.h"

#include <algorithm>
#include <numeric>

#include "graph/passes/rewrite.h"

namespace prefiqs::graph {
namespace {

bool AllOf(const Tensor* tensor, std::int64_t wanted) {
  if (tensor == nullptr) return false;
  const auto values = tensor->ToInt64s();
  return std::all_of(values.begin(), values.end(), [&](std::int64_t v) { return v == wanted; });
}

// A transposition that keeps the order of all dimensions larger than one.
bool MovesNothing(const Shape& shape, std::vector<std::int64_t> perm) {
  if (perm.empty()) {
    perm.resize(shape.size());
    std::iota(perm.rbegin(), perm.rend(), 0);
  }
  return std::is_sorted(perm.begin(), perm.end());
}

bool IsNoOp(const Graph& graph, const Node& node) {
  if (node.inputs.empty() || node.inputs[0] == kNone) return false;
  const Value& from = graph.value(node.inputs[0]);
  const Value& to = graph.value(node.outputs[0]);
  if (from.type != to.type || from.shape != to.shape) return false;
  if (node.op == "Identity" || node.op == "Dropout" || node.op == "Cast" || node.op == "Reshape" ||
      node.op == "Flatten" || node.op == "Squeeze" || node.op == "Unsqueeze" || node.op == "Expand") {
    return true;
  }
  if (node.op == "Concat") return node.inputs.size() == 1;
  if (node.op == "Transpose") return MovesNothing(from.shape, node.Ints("perm"));
  if (node.op == "Slice") {
    // The same shape with steps of one takes everything; another step could be a reversal.
    return node.inputs.size() < 5 || node.inputs[4] == kNone || AllOf(graph.constant(node.inputs[4]), 1);
  }
  if (node.op == "Pad") {
    return node.inputs.size() > 1 && node.inputs[1] != kNone && AllOf(graph.constant(node.inputs[1]), 0);
  }
  return false;
}

}  // namespace

Graph RemoveNoOps(const Graph& graph) {
  Graph result = graph;
  std::vector<char> drop(result.nodes.size(), 0);
  const auto consumers = Consumers(graph);
  for (std::size_t n = 0; n < result.nodes.size(); ++n) {
    const Node& node = result.nodes[n];
    const bool other_outputs_used = std::any_of(node.outputs.begin() + 1, node.outputs.end(), [&](ValueId id) {
      return id != kNone && (!consumers[static_cast<std::size_t>(id)].empty() ||
                             std::find(graph.outputs.begin(), graph.outputs.end(), id) != graph.outputs.end());
    });
    if (other_outputs_used || !IsNoOp(result, node)) continue;
    drop[n] = 1;
    const ValueId from = node.outputs[0];
    const ValueId to = node.inputs[0];
    ReplaceReaders(result, from, to);
  }
  DropNodes(result, drop);
  return RemoveUnused(result);
}

}  // namespace prefiqs::graph
