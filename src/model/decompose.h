// Operators that the reader writes in other operators.
#ifndef PREFIQS_MODEL_DECOMPOSE_H_
#define PREFIQS_MODEL_DECOMPOSE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace prefiqs::model {

// The graph that is being read.
class NodeSink {
 public:
  // A value that no node makes yet. Its name begins with `name`.
  virtual graph::ValueId NewValue(std::string_view name) = 0;
  virtual graph::ValueId NewConstant(std::string_view name, graph::Tensor tensor) = 0;
  // `node` is in normal form. The sink makes its name unique.
  virtual void Add(graph::Node node) = 0;
  // The value of a constant so far; null for any other value.
  virtual const graph::Tensor* Constant(graph::ValueId id) const = 0;
  // Makes a constant of a value that no node makes. Throws Error(kModel) where it is larger than the file's limit.
  virtual void SetConstant(graph::ValueId id, graph::Tensor tensor) = 0;
  // False where it is not known: of a value that a node makes.
  virtual bool IsBool(graph::ValueId id) const = 0;
  // The number of dimensions, where the file or the nodes so far tell it.
  virtual std::optional<std::size_t> Rank(graph::ValueId id) const = 0;
  // False: the file leaves out this output.
  virtual bool IsNamed(graph::ValueId id) const = 0;

 protected:
  ~NodeSink() = default;
};

// Writes `node`, as a file of `opset` has it, in operators of src/ops. False: the operator of this name and domain ("":
// ONNX's own) has no such rule, nothing happened. A rule is exact in real numbers; where the file asks for more than
// the other operators can say (a causal mask, say), it throws Error(kModel) without naming the node.
bool Decompose(const graph::Node& node, std::string_view domain, std::int64_t opset, NodeSink& sink);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_DECOMPOSE_H_
