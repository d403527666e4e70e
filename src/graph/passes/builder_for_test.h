// Small specialised graphs for the tests of the passes.
#ifndef PREFIQS_GRAPH_PASSES_BUILDER_FOR_TEST_H_
#define PREFIQS_GRAPH_PASSES_BUILDER_FOR_TEST_H_

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace prefiqs::graph {

class BuilderForTest {
 public:
  Graph graph;

  ValueId Value(const std::string& name, Shape shape) {
    graph::Value value;
    value.name = name;
    value.shape = std::move(shape);
    value.shape_known = true;
    return graph.AddValue(std::move(value));
  }
  ValueId Input(const std::string& name, Shape shape) {
    graph.inputs.push_back(Value(name, std::move(shape)));
    return graph.inputs.back();
  }
  ValueId Floats(const std::string& name, Shape shape, const std::vector<float>& values) {
    return graph.AddConstant(name, std::make_shared<Tensor>(Tensor::From<float>(std::move(shape), values)));
  }
  ValueId Ints(const std::string& name, const std::vector<std::int64_t>& values) {
    return graph.AddConstant(name, std::make_shared<Tensor>(Tensor::FromInt64s(values)));
  }
  // The node and its output are both called `name`.
  ValueId Add(const std::string& op, const std::string& name, std::vector<ValueId> inputs, Shape shape,
              std::map<std::string, Attribute, std::less<>> attributes = {}) {
    Node node;
    node.op = op;
    node.name = name;
    node.inputs = std::move(inputs);
    node.attributes = std::move(attributes);
    node.outputs = {Value(name, std::move(shape))};
    graph.nodes.push_back(std::move(node));
    return graph.nodes.back().outputs[0];
  }
  Graph Done(std::vector<ValueId> outputs) {
    graph.outputs = std::move(outputs);
    Validate(graph);
    return graph;
  }
};

// Elements of a constant that were copied `at_once` at a time.
inline std::vector<float> CopiedInParts(const Tensor& tensor, std::int64_t at_once) {
  std::vector<float> all(static_cast<std::size_t>(tensor.count()));
  for (std::int64_t first = 0; first < tensor.count(); first += at_once) {
    tensor.CopyTo(first, std::min(at_once, tensor.count() - first), reinterpret_cast<std::byte*>(all.data() + first));
  }
  return all;
}

// "Conv Relu": the operators in order.
inline std::string Operators(const Graph& graph) {
  std::string text;
  for (const Node& node : graph.nodes) text += (text.empty() ? "" : " ") + node.op;
  return text;
}

inline std::vector<float> FloatsOf(const Graph& graph, ValueId id) {
  const auto values = graph.constant(id)->values<float>();
  return {values.begin(), values.end()};
}

}  // namespace prefiqs::graph

#endif  // PREFIQS_GRAPH_PASSES_BUILDER_FOR_TEST_H_
