// The operator table: an operator exists when it has a row here. The row brings its shape rule and its reference
// kernel, and through them inspection, constant folding, both executors and the conformance tests.
#ifndef PREFIQS_OPS_OPERATOR_H_
#define PREFIQS_OPS_OPERATOR_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/tensor.h"

namespace prefiqs::ops {

struct TensorType {
  graph::DataType type = graph::DataType::kFloat32;
  graph::Shape shape;  // fully known
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

// What a shape rule sees: one entry per input of the node, in order.
struct InferInput {
  const TensorType* type = nullptr;         // null: input left out
  const graph::Tensor* constant = nullptr;  // null: not known before the run
};

// Output types. Throws Error(kModel) with node name, operator and cause for wrong ranks, sizes, attributes or types.
using InferFunction = std::vector<TensorType> (*)(const graph::Node& node, std::span<const InferInput> inputs);

// Fills `outputs`, which have the inferred types and zeroed elements. Inputs that are left out are null. Obviously
// correct before fast.
using ReferenceFunction = void (*)(const graph::Node& node, std::span<const graph::Tensor* const> inputs,
                                   std::span<graph::Tensor> outputs);

// What an operator does along an axis of its first input.
enum class AxisUse : std::uint8_t {
  kApart,    // each place makes that of the outputs alone
  kTouched,  // it mixes, cuts or counts the places
  kDropped,  // the same, and the outputs lack the axis
};

// The use of each axis of the first input of `node`, for an operator that touches some axes and leaves the others
// alone. Empty: not known of this node. `inferred`: the graph of the node, with known shapes.
using TouchedAxesFunction = std::vector<AxisUse> (*)(const graph::Graph& inferred, const graph::Node& node);

inline constexpr bool kElementwise = true;

struct Operator {
  std::string_view name;
  int min_inputs;
  int max_inputs;  // -1: any number
  int min_outputs;
  int max_outputs;                               // -1: any number
  std::span<const std::string_view> attributes;  // those it understands; any other is refused on reading
  InferFunction infer;
  ReferenceFunction reference;
  int since = 1;             // the oldest opset that brings the operator in a form that this program reads
  bool elementwise = false;  // an element of an output depends on those at its place of the inputs, which broadcast
  TouchedAxesFunction touched_axes = nullptr;  // null: pruning does not know of axes that the operator leaves alone
};

// Null when the operator is not in the table.
const Operator* Find(std::string_view name);
std::span<const Operator> All();

// Checks operator, input and output counts and attribute names of every node. Throws Error(kModel): one line that names
// the node, its operator, and what to do.
void CheckSupported(const graph::Graph& graph);

// Infer and reference in one: for constant folding and tests.
std::vector<graph::Tensor> Evaluate(const graph::Node& node, std::span<const graph::Tensor* const> inputs);

// Multiply-adds of a Conv, Gemm or MatMul with these types, at most 2^45 so that sums cannot overflow; 0 for every
// other operator.
std::int64_t MultiplyAdds(const graph::Node& node, std::span<const InferInput> inputs,
                          std::span<const TensorType> outputs);

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_OPERATOR_H_
