#include "ops/rule.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <string>
#include <utility>

#include "base/count.h"
#include "base/file.h"

namespace prefiqs::ops {
namespace {

constexpr std::int64_t kMax = std::int64_t{1} << 40;

// Names in a file may hold anything and be of any length.
std::string Shown(std::string_view name) {
  constexpr std::size_t kLongest = 200;
  return Printable(name.substr(0, kLongest)) + (name.size() > kLongest ? "..." : "");
}

void CheckRange(const graph::Node& node, std::int64_t value) {
  if (value > kMax || value < -kMax) Fail(node, "a size is out of range");
}

}  // namespace

void Fail(const graph::Node& node, std::string_view cause) {
  throw Error(ErrorCode::kModel, fmt::format("node '{}' ({}): {}", Shown(node.name), Shown(node.op), cause));
}

bool Given(std::span<const InferInput> inputs, std::size_t i) { return i < inputs.size() && inputs[i].type != nullptr; }

const TensorType& Required(const graph::Node& node, std::span<const InferInput> inputs, std::size_t i,
                           std::string_view what) {
  if (!Given(inputs, i)) Fail(node, fmt::format("input {} ({}) is missing", i, what));
  return *inputs[i].type;
}

const TensorType& RequiredFloat(const graph::Node& node, std::span<const InferInput> inputs, std::size_t i,
                                std::string_view what) {
  const TensorType& type = Required(node, inputs, i, what);
  if (type.type != graph::DataType::kFloat32) {
    Fail(node, fmt::format("input {} ({}) must be float32, it is {}", i, what, graph::Name(type.type)));
  }
  return type;
}

const graph::Tensor* KnownInput(const graph::Node& node, std::span<const InferInput> inputs, std::size_t i,
                                std::string_view what) {
  if (!Given(inputs, i)) return nullptr;
  if (inputs[i].constant == nullptr) {
    Fail(node, fmt::format("input {} ({}) depends on the picture; export the network with it fixed", i, what));
  }
  return inputs[i].constant;
}

std::vector<std::int64_t> KnownInts(const graph::Node& node, std::span<const InferInput> inputs, std::size_t i,
                                    std::string_view what, std::size_t max_count) {
  const TensorType& type = Required(node, inputs, i, what);
  if (type.type != graph::DataType::kInt64 && type.type != graph::DataType::kInt32) {
    Fail(node, fmt::format("input {} ({}) must hold integers, it is {}", i, what, graph::Name(type.type)));
  }
  if (type.shape.size() > 1) {
    Fail(node, fmt::format("input {} ({}) must be a list, its shape is {}", i, what, graph::ToString(type.shape)));
  }
  const graph::Tensor& constant = *KnownInput(node, inputs, i, what);
  if (static_cast<std::size_t>(constant.count()) > max_count) {
    Fail(node,
         fmt::format("input {} ({}) has {} entries, at most {} make sense", i, what, constant.count(), max_count));
  }
  return constant.ToInt64s();
}

const graph::Tensor* ConstantInput(const graph::Graph& graph, const graph::Node& node, std::size_t i) {
  return i < node.inputs.size() ? graph.constant(node.inputs[i]) : nullptr;
}

std::vector<AxisUse> AllApart(const graph::Graph& inferred, const graph::Node& node) {
  return std::vector<AxisUse>(inferred.value(node.inputs[0]).shape.size(), AxisUse::kApart);
}

void SetUse(const graph::Node& node, std::int64_t axis, AxisUse use, std::vector<AxisUse>& uses) {
  uses[static_cast<std::size_t>(NormalAxis(node, axis, uses.size()))] = use;
}

TensorType MakeType(const graph::Node& node, graph::DataType type, graph::Shape shape) {
  if (shape.size() > kMaxRank) {
    Fail(node, fmt::format("makes a value of {} dimensions, more than the {} supported", shape.size(), kMaxRank));
  }
  try {
    graph::ElementCount(shape);
  } catch (const Error& error) {
    Fail(node, error.what());
  }
  return {type, std::move(shape)};
}

TensorInputs::TensorInputs(std::span<const graph::Tensor* const> tensors)
    : types_(tensors.size()), inputs_(tensors.size()) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i] == nullptr) continue;
    types_[i] = {tensors[i]->type(), tensors[i]->shape()};
    inputs_[i] = {&types_[i], tensors[i]};
  }
}

std::int64_t NormalAxis(const graph::Node& node, std::int64_t axis, std::size_t rank) {
  const auto dimensions = static_cast<std::int64_t>(rank);
  if (axis < -dimensions || axis >= dimensions) {
    Fail(node, fmt::format("axis {} is out of range for {}", axis, Count(rank, "dimension")));
  }
  return axis < 0 ? axis + dimensions : axis;
}

std::int64_t CheckedAdd(const graph::Node& node, std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) Fail(node, "a size is out of range");
  CheckRange(node, sum);
  return sum;
}

std::int64_t CheckedMultiply(const graph::Node& node, std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product)) Fail(node, "a size is out of range");
  CheckRange(node, product);
  return product;
}

}  // namespace prefiqs::ops
