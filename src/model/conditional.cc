#include "model/conditional.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <map>
#include <unordered_map>
#include <utility>

#include "ops/operator.h"
#include "ops/specialise.h"

namespace prefiqs::model {
namespace {

using graph::Graph;
using graph::Tensor;
using graph::ValueId;
using onnx::AttributeProto;
using onnx::NodeProto;

[[noreturn]] void Fail(const std::string& cause) { throw Error(ErrorCode::kModel, cause); }

// What `compute` returns; an error of the graph becomes one of the condition.
template <typename Compute>
Graph Computed(Compute compute) {
  try {
    return compute();
  } catch (const Error& error) {
    Fail(fmt::format("its condition cannot be computed ({}); export the network without it", error.what()));
  }
}

// Of the inputs, for so many pictures.
std::map<std::string, graph::Shape> ShapesFor(const Graph& graph, std::int64_t pictures) {
  std::map<std::string, graph::Shape> shapes;
  for (const ValueId id : graph.inputs) {
    graph::Shape shape = graph.value(id).shape;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      if (shape[d] != graph::kUnknown) continue;
      if (d > 0)
        Fail("its condition depends on a size that the file leaves open; export the network with a fixed size");
      shape[d] = pictures;
    }
    shapes[graph.value(id).name] = shape;
  }
  return shapes;
}

// What shapes alone make of the only output.
bool ValueOf(const Graph& graph, std::int64_t pictures, const ReadLimits& limits) {
  const auto shapes = ShapesFor(graph, pictures);
  const Graph known =
      Computed([&] { return ops::InferShapes(graph, shapes, {.max_value_bytes = limits.max_constant_bytes}); });
  const Tensor* const value = known.constant(known.outputs[0]);
  if (value == nullptr) {
    Fail("the pixels decide which branch it takes, which is not supported; export the network without it");
  }
  if (value->type() != graph::DataType::kBool || value->count() != 1) {
    Fail("its condition is not one bool; the file is damaged, export the network again");
  }
  return value->values<bool>()[0];
}

onnx::GraphProto& BranchOf(NodeProto& node, bool condition) {
  const std::string_view wanted = condition ? "then_branch" : "else_branch";
  for (AttributeProto& attribute : *node.mutable_attribute()) {
    if (attribute.name() == wanted && attribute.type() == AttributeProto::GRAPH) return *attribute.mutable_g();
  }
  Fail(fmt::format("has no {}; the file is damaged, export the network again", wanted));
}

NodeProto ConstantNode(onnx::TensorProto& initializer) {
  NodeProto node;
  node.set_op_type("Constant");
  node.add_output(initializer.name());
  AttributeProto& value = *node.add_attribute();
  value.set_name("value");
  value.set_type(AttributeProto::TENSOR);
  value.mutable_t()->Swap(&initializer);
  return node;
}

void CheckPlain(const NodeProto& node) {
  for (const AttributeProto& attribute : node.attribute()) {
    if (attribute.type() == AttributeProto::GRAPH || attribute.type() == AttributeProto::GRAPHS) {
      Fail("a branch holds control flow again, which is not supported; export the network without it");
    }
  }
}

}  // namespace

bool Decided(const Graph& so_far, ValueId condition, const ReadLimits& limits) {
  const Graph graph = Computed([&] {
    Graph part = so_far;
    part.outputs = {condition};
    part = graph::RemoveUnused(part);
    ops::CheckSupported(part);
    graph::Validate(part);
    return part;
  });
  const bool one = ValueOf(graph, 1, limits);
  if (ValueOf(graph, 2, limits) != one) {
    Fail("the number of pictures decides which branch it takes, which is not supported; export the network without it");
  }
  return one;
}

std::vector<NodeProto> TakeBranch(NodeProto& node, bool condition,
                                  const std::function<std::string(const std::string&)>& unique) {
  onnx::GraphProto& branch = BranchOf(node, condition);
  if (branch.output_size() != node.output_size() || branch.input_size() > 0 || branch.sparse_initializer_size() > 0) {
    Fail(fmt::format("its branch has {} outputs, it has {}; the file is damaged, export the network again",
                     branch.output_size(), node.output_size()));
  }
  std::vector<NodeProto> nodes;
  for (onnx::TensorProto& initializer : *branch.mutable_initializer()) nodes.push_back(ConstantNode(initializer));
  for (NodeProto& inner : *branch.mutable_node()) {
    CheckPlain(inner);
    nodes.emplace_back().Swap(&inner);
  }
  // Names inside a branch hide nothing outside: ONNX forbids that.
  std::unordered_map<std::string, std::string> names;
  for (const NodeProto& inner : nodes) {
    for (const std::string& name : inner.output()) {
      if (!name.empty() && !names.try_emplace(name, unique(name)).second) {
        Fail(fmt::format("its branch makes '{}' twice; the file is damaged, export the network again", name));
      }
    }
  }
  for (NodeProto& inner : nodes) {
    if (!inner.name().empty()) inner.set_name(fmt::format("{}/{}", node.name(), inner.name()));
    for (auto* const list : {inner.mutable_input(), inner.mutable_output()}) {
      for (std::string& name : *list) {
        if (const auto found = names.find(name); found != names.end()) name = found->second;
      }
    }
  }
  for (int i = 0; i < node.output_size(); ++i) {
    if (node.output(i).empty()) continue;
    const std::string& name = branch.output(i).name();
    const auto found = names.find(name);
    NodeProto& same = nodes.emplace_back();
    same.set_op_type("Identity");
    same.set_name(fmt::format("{}/{}", node.name(), i));
    same.add_input(found == names.end() ? name : found->second);
    same.add_output(node.output(i));
  }
  return nodes;
}

}  // namespace prefiqs::model
