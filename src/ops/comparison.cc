// Comparisons and logic: bool out of one element of each operand, which broadcast to one shape.
#include <fmt/format.h>

#include <functional>
#include <type_traits>

#include "ops/broadcast.h"
#include "ops/rows.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Node;
using graph::Tensor;

std::vector<TensorType> InferBool(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& a = Required(node, inputs, 0, "the first operand");
  const TensorType& b = Required(node, inputs, 1, "the second operand");
  if (a.type != b.type) {
    Fail(node,
         fmt::format("operands must be of one type, they are {} and {}", graph::Name(a.type), graph::Name(b.type)));
  }
  return {MakeType(node, DataType::kBool, BroadcastShape(node, a.shape, b.shape))};
}

std::vector<TensorType> InferOrder(const Node& node, std::span<const InferInput> inputs) {
  if (Required(node, inputs, 0, "the first operand").type == DataType::kBool) {
    Fail(node, "is for numbers, the first operand is bool");
  }
  return InferBool(node, inputs);
}

void RequireBools(const Node& node, std::span<const InferInput> inputs) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (Required(node, inputs, i, "an operand").type != DataType::kBool) Fail(node, "operands must be bool");
  }
}

std::vector<TensorType> InferLogic(const Node& node, std::span<const InferInput> inputs) {
  RequireBools(node, inputs);
  return InferBool(node, inputs);
}

std::vector<TensorType> InferNot(const Node& node, std::span<const InferInput> inputs) {
  RequireBools(node, inputs);
  return {Required(node, inputs, 0, "X")};
}

template <typename Compare>
void RunCompare(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const graph::Shape& shape = outputs[0].shape();
  const Strides strides[] = {BroadcastStrides(inputs[0]->shape(), shape), BroadcastStrides(inputs[1]->shape(), shape)};
  const auto y = outputs[0].values<bool>();
  WithType(inputs[0]->type(), [&]<typename T>(T) {
    const auto a = inputs[0]->values<T>();
    const auto b = inputs[1]->values<T>();
    Walk(shape, strides, [&](std::size_t i, auto offsets) {
      y[i] = Compare{}(a[static_cast<std::size_t>(offsets[0])], b[static_cast<std::size_t>(offsets[1])]);
    });
  });
}

void RunNot(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const auto x = inputs[0]->values<bool>();
  const auto y = outputs[0].values<bool>();
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = !x[i];
}

constexpr Operator kRows[] = {
    {"Equal", 2, 2, 1, 1, {}, InferBool, RunCompare<std::equal_to<>>, 7, kElementwise},
    {"Less", 2, 2, 1, 1, {}, InferOrder, RunCompare<std::less<>>, 7, kElementwise},
    {"LessOrEqual", 2, 2, 1, 1, {}, InferOrder, RunCompare<std::less_equal<>>, 12, kElementwise},
    {"Greater", 2, 2, 1, 1, {}, InferOrder, RunCompare<std::greater<>>, 7, kElementwise},
    {"GreaterOrEqual", 2, 2, 1, 1, {}, InferOrder, RunCompare<std::greater_equal<>>, 12, kElementwise},
    {"And", 2, 2, 1, 1, {}, InferLogic, RunCompare<std::logical_and<>>, 7, kElementwise},
    {"Or", 2, 2, 1, 1, {}, InferLogic, RunCompare<std::logical_or<>>, 7, kElementwise},
    {"Not", 1, 1, 1, 1, {}, InferNot, RunNot, 1, kElementwise},
};

}  // namespace

std::span<const Operator> ComparisonRows() { return kRows; }

}  // namespace prefiqs::ops
