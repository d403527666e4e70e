#include "graph/passes/fold_pad.h"

#include <algorithm>
#include <optional>

#include "graph/passes/rewrite.h"

namespace prefiqs::graph {
namespace {

// Begin of every spatial dimension, then the ends, as Conv's `pads`; nothing if the node is not such a Pad.
std::optional<std::vector<std::int64_t>> SpatialZeroPads(const Graph& graph, const Node& node) {
  if (node.op != "Pad" || node.String("mode", "constant") != "constant" || node.inputs.size() < 2) return std::nullopt;
  const Tensor* pads = graph.constant(node.inputs[1]);
  if (pads == nullptr) return std::nullopt;
  if (node.inputs.size() > 2 && node.inputs[2] != kNone) {
    const Tensor* fill = FloatConstant(graph, node.inputs[2]);
    if (fill == nullptr || fill->count() != 1 || fill->values<float>()[0] != 0.0f) return std::nullopt;
  }
  if (node.inputs.size() > 3 && node.inputs[3] != kNone) return std::nullopt;  // axes: rare
  const std::size_t rank = graph.value(node.inputs[0]).shape.size();
  const auto amounts = pads->ToInt64s();
  if (rank < 3 || amounts.size() != 2 * rank) return std::nullopt;
  std::vector<std::int64_t> spatial;
  for (std::size_t i = 0; i < amounts.size(); ++i) {
    if (amounts[i] < 0 || (i % rank < 2 && amounts[i] != 0)) return std::nullopt;
    if (i % rank >= 2) spatial.push_back(amounts[i]);
  }
  return spatial;
}

}  // namespace

Graph FoldPad(const Graph& graph) {
  Graph result = graph;
  const std::vector<std::int32_t> producers = Producers(graph);
  for (Node& node : result.nodes) {
    if (node.op != "Conv") continue;
    const std::int32_t producer = producers[static_cast<std::size_t>(node.inputs[0])];
    if (producer < 0) continue;
    const Node& pad = graph.nodes[static_cast<std::size_t>(producer)];
    const auto extra = SpatialZeroPads(graph, pad);
    const std::string auto_pad = node.String("auto_pad", "NOTSET");
    if (!extra || (auto_pad != "NOTSET" && auto_pad != "VALID")) continue;
    std::vector<std::int64_t> pads(extra->size(), 0);
    if (auto_pad == "NOTSET") pads = node.Ints("pads", pads);
    if (pads.size() != extra->size()) continue;
    for (std::size_t i = 0; i < pads.size(); ++i) pads[i] += (*extra)[i];
    node.attributes["pads"] = pads;
    node.attributes.erase("auto_pad");
    node.inputs[0] = pad.inputs[0];
  }
  return RemoveUnused(result);
}

}  // namespace prefiqs::graph
