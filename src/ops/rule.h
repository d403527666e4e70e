// What shape rules share.
#ifndef PREFIQS_OPS_RULE_H_
#define PREFIQS_OPS_RULE_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "graph/tensor.h"
#include "ops/operator.h"

namespace prefiqs::ops {

// Throws Error(kModel): "node 'NAME' (OP): CAUSE".
[[noreturn]] void Fail(const graph::Node& node, std::string_view cause);

// The type of input i, which must be there. `what` names it in messages ("the weights").
const TensorType& Required(const graph::Node& node, std::span<const InferInput> inputs, std::size_t i,
                           std::string_view what);
// The same, and its elements must be float32.
const TensorType& RequiredFloat(const graph::Node& node, std::span<const InferInput> inputs, std::size_t i,
                                std::string_view what);
// True when input i is given.
bool Given(std::span<const InferInput> inputs, std::size_t i);
// The constant at input i. Fails when it is there but not known before the run; null when left out.
const graph::Tensor* KnownInput(const graph::Node& node, std::span<const InferInput> inputs, std::size_t i,
                                std::string_view what);

// -rank <= axis < rank, counted from the end where negative, as 0 … rank - 1. Fails otherwise.
std::int64_t NormalAxis(const graph::Node& node, std::int64_t axis, std::size_t rank);

// The integers of the constant at input i, which is there: a list (or a scalar) of at most `max_count`.
std::vector<std::int64_t> KnownInts(const graph::Node& node, std::span<const InferInput> inputs, std::size_t i,
                                    std::string_view what, std::size_t max_count);

// The constant at input i of a node; null where it is none.
const graph::Tensor* ConstantInput(const graph::Graph& graph, const graph::Node& node, std::size_t i);

// For rules of touched axes: the axes of the first input, all of them apart.
std::vector<AxisUse> AllApart(const graph::Graph& inferred, const graph::Node& node);
// Sets the use of an axis, which may count from the end.
void SetUse(const graph::Node& node, std::int64_t axis, AxisUse use, std::vector<AxisUse>& uses);

// More dimensions than any network has. Bounds what one value of a hostile file costs before it has elements.
inline constexpr std::size_t kMaxRank = 16;

// A type whose rank and element count are in range. Fails otherwise.
TensorType MakeType(const graph::Node& node, graph::DataType type, graph::Shape shape);

// Tensors as a shape rule sees them: for kernels that resolve their parameters the way the rule does.
class TensorInputs {
 public:
  explicit TensorInputs(std::span<const graph::Tensor* const> tensors);
  TensorInputs(const TensorInputs&) = delete;
  TensorInputs& operator=(const TensorInputs&) = delete;
  std::span<const InferInput> get() const { return inputs_; }

 private:
  std::vector<TensorType> types_;
  std::vector<InferInput> inputs_;
};

// Sum and product of sizes from a file; fail where they leave ±2^40.
std::int64_t CheckedAdd(const graph::Node& node, std::int64_t a, std::int64_t b);
std::int64_t CheckedMultiply(const graph::Node& node, std::int64_t a, std::int64_t b);

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_RULE_H_
