// The intermediate representation: values, and nodes in the order of the file. Knows ONNX's operator names but no file
// format and no backend.
#ifndef PREFIQS_GRAPH_GRAPH_H_
#define PREFIQS_GRAPH_GRAPH_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graph/tensor.h"

namespace prefiqs::graph {

using ValueId = std::int32_t;
inline constexpr ValueId kNone = -1;  // an optional input that is left out

using Attribute = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>,
                               std::vector<std::string>, TensorPtr>;

struct Value {
  std::string name;
  DataType type = DataType::kFloat32;
  Shape shape;               // may hold kUnknown before specialisation
  bool shape_known = false;  // false: not even the rank
  TensorPtr constant;        // set: an initialiser or a folded result; shape and type agree with it
  // Of inputs and outputs, the file's names of its open dimensions, as "batch"; one a dimension, "" where it has none.
  std::vector<std::string> dim_names{};
  bool is_uint8 = false;  // of inputs that are bytes in the file; `type` is kInt32
};

struct Node {
  std::string name;  // unique and not empty after reading
  std::string op;    // ONNX operator name, default domain
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::map<std::string, Attribute, std::less<>> attributes;

  // The attribute, or `fallback` where it is absent. A wrong type throws Error(kModel) naming node and attribute.
  std::int64_t Int(std::string_view key, std::int64_t fallback) const;
  float Float(std::string_view key, float fallback) const;
  std::string String(std::string_view key, std::string_view fallback) const;
  std::vector<std::int64_t> Ints(std::string_view key, std::vector<std::int64_t> fallback = {}) const;
  std::vector<float> Floats(std::string_view key, std::vector<float> fallback = {}) const;
  bool Has(std::string_view key) const { return attributes.find(key) != attributes.end(); }
};

// A plain value. Copying is cheap in memory: constants are shared.
//
// Invariants (Validate checks them): ids in range; every value has at most one producer, and is not both constant and
// produced; nodes are in topological order; outputs are produced, constant or graph inputs; node names are unique.
// Operators have the form of their newest supported opset, whatever the file's was: src/model rewrites on reading.
struct Graph {
  std::string name;
  std::vector<Value> values;
  std::vector<Node> nodes;
  std::vector<ValueId> inputs;  // without initialisers
  std::vector<ValueId> outputs;
  std::int64_t opset = 0;  // of the file it was read from; information only
  std::string producer;
  std::map<std::string, std::string> metadata;

  ValueId AddValue(Value value);
  ValueId AddConstant(std::string value_name, TensorPtr tensor);
  const Value& value(ValueId id) const { return values[static_cast<std::size_t>(id)]; }
  Value& value(ValueId id) { return values[static_cast<std::size_t>(id)]; }
  const Tensor* constant(ValueId id) const { return id == kNone ? nullptr : value(id).constant.get(); }
};

// Throws Error(kModel) naming the node and what is wrong.
void Validate(const Graph& graph);

// For every value: the indices of the nodes that read it (graph outputs are not listed).
std::vector<std::vector<std::int32_t>> Consumers(const Graph& graph);
// For every value: the index of the node that makes it, or -1.
std::vector<std::int32_t> Producers(const Graph& graph);

// Drops nodes that no output needs and values that nothing refers to; ids change, order stays.
Graph RemoveUnused(const Graph& graph);

// Nodes in a stable topological order (file order wherever that is one). Throws Error(kModel) naming a node of a cycle.
void SortTopologically(Graph& graph);

}  // namespace prefiqs::graph

#endif  // PREFIQS_GRAPH_GRAPH_H_
