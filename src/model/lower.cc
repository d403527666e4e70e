#include "model/lower.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace prefiqs::model {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::ValueId;

constexpr std::int64_t kOldestWritten = 17;

bool HasInput(const Node& node, std::size_t position) {
  return node.inputs.size() > position && node.inputs[position] != kNone;
}

// Whose axes are an attribute before 18. ReduceSum has had them as an input since 13.
bool IsReduction(const Node& node) {
  return node.op == "ReduceMean" || node.op == "ReduceL2" || node.op == "ReduceMax" || node.op == "ReduceMin" ||
         node.op == "ReduceProd";
}

bool IsEqualSplit(const Node& node) { return node.op == "Split" && !HasInput(node, 1); }

std::int64_t OpsetFor(const Graph& graph, const Node& node) {
  if (node.op == "Gelu") return 20;
  if (node.op == "AveragePool" && node.Has("dilations")) return 19;
  if (node.op == "Pad" && node.String("mode", "") == "wrap") return 19;
  if (node.op == "Pad" && HasInput(node, 3)) return 18;
  if (node.op == "Resize") {
    const std::string policy = node.String("keep_aspect_ratio_policy", "stretch");
    if (node.String("coordinate_transformation_mode", "") == "half_pixel_symmetric") return 19;
    if (node.Int("antialias", 0) != 0 || node.Has("axes") || policy != "stretch") return 18;
  }
  if (IsReduction(node)) {
    const bool computed_axes = HasInput(node, 1) && graph.constant(node.inputs[1]) == nullptr;
    if (computed_axes || node.Int("noop_with_empty_axes", 0) != 0) return 18;
  }
  // Parts that are not equal came with 18; a file from before has equal ones.
  if (IsEqualSplit(node) && graph.opset >= 18) return 18;
  return kOldestWritten;
}

void AxesToAttribute(const Graph& graph, Node& node) {
  if (HasInput(node, 1)) {
    const auto axes = graph.constant(node.inputs[1])->ToInt64s();
    if (!axes.empty()) node.attributes["axes"] = axes;
  }
  node.inputs.resize(1);
  node.attributes.erase("noop_with_empty_axes");
}

class Lowering {
 public:
  Lowering(const Graph& graph, std::int64_t opset) : graph_(graph), opset_(opset) { graph_.nodes.clear(); }

  void Add(const Node& source) {
    Node node = source;
    if (node.op == "Softmax" && node.Int("coerce_2d", 0) != 0) return AddCoercedSoftmax(std::move(node));
    if (opset_ < 18) {
      if (IsReduction(node)) AxesToAttribute(graph_, node);
      if (node.op == "Resize") node.attributes.erase("keep_aspect_ratio_policy");
      if (node.op == "Split") node.attributes.erase("num_outputs");
    } else if (IsEqualSplit(node) && !node.Has("num_outputs")) {
      node.attributes["num_outputs"] = static_cast<std::int64_t>(node.outputs.size());
    }
    graph_.nodes.push_back(std::move(node));
  }

  Graph Take() && { return std::move(graph_); }

 private:
  // Softmax over all axes from `axis` on. Over the last alone it is today's operator; else the input is made a matrix
  // and its rows are normalised.
  void AddCoercedSoftmax(Node node) {
    const graph::Value& input = graph_.value(node.inputs.at(0));
    const std::int64_t axis = node.Int("axis", 1);
    node.attributes.erase("coerce_2d");
    if (axis == -1 || (input.shape_known && axis == static_cast<std::int64_t>(input.shape.size()) - 1)) {
      graph_.nodes.push_back(std::move(node));
      return;
    }
    const ValueId shape = Append(node.name, "Shape", {node.inputs[0]}, {}, graph::DataType::kInt64);
    const ValueId matrix = Append(node.name, "Flatten", {node.inputs[0]}, {{"axis", axis}}, graph::DataType::kFloat32);
    const ValueId rows = Append(node.name, "Softmax", {matrix}, {{"axis", std::int64_t{1}}}, graph::DataType::kFloat32);
    graph_.nodes.push_back(
        {.name = node.name, .op = "Reshape", .inputs = {rows, shape}, .outputs = node.outputs, .attributes = {}});
  }

  ValueId Append(const std::string& prefix, const std::string& op, std::vector<ValueId> inputs,
                 std::map<std::string, graph::Attribute, std::less<>> attributes, graph::DataType type) {
    graph::Value value;
    value.name = prefix + "." + op;
    value.type = type;
    const ValueId output = graph_.AddValue(value);
    graph_.nodes.push_back({.name = value.name,
                            .op = op,
                            .inputs = std::move(inputs),
                            .outputs = {output},
                            .attributes = std::move(attributes)});
    return output;
  }

  Graph graph_;
  const std::int64_t opset_;
};

}  // namespace

std::int64_t OpsetFor(const Graph& graph) {
  std::int64_t opset = kOldestWritten;
  for (const Node& node : graph.nodes) opset = std::max(opset, OpsetFor(graph, node));
  return opset;
}

Graph Lower(const Graph& graph, std::int64_t opset) {
  Lowering lowering(graph, opset);
  for (const Node& node : graph.nodes) lowering.Add(node);
  return graph::RemoveUnused(std::move(lowering).Take());
}

}  // namespace prefiqs::model
