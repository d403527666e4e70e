// The same elements in another shape, and shapes as values.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <type_traits>

#include "ops/broadcast.h"
#include "ops/rows.h"
#include "ops/rule.h"
#include "ops/shape_value.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Node;
using graph::Shape;
using graph::Tensor;

// The elements in their order.
void Copy(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  std::memcpy(outputs[0].bytes(), inputs[0]->bytes(), outputs[0].byte_count());
}

// The dimensions that the attributes start and end choose.
Shape ChosenDimensions(const Node& node, const Shape& shape) {
  const auto rank = static_cast<std::int64_t>(shape.size());
  const auto position = [&](const char* key, std::int64_t fallback) {
    const std::int64_t at = node.Int(key, fallback);
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t start = position("start", 0);
  const std::int64_t end = std::max(start, position("end", rank));
  return {shape.begin() + start, shape.begin() + end};
}

std::vector<TensorType> InferShape(const Node& node, std::span<const InferInput> inputs) {
  const Shape chosen = ChosenDimensions(node, Required(node, inputs, 0, "the data").shape);
  return {{DataType::kInt64, {static_cast<std::int64_t>(chosen.size())}}};
}

void RunShape(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  std::ranges::copy(ChosenDimensions(node, inputs[0]->shape()), outputs[0].values<std::int64_t>().begin());
}

// In the shape wanted, 0 is the data's dimension (unless allowzero) and one -1 is what is left over.
std::vector<TensorType> InferReshape(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& data = Required(node, inputs, 0, "the data");
  const Shape wanted = KnownInts(node, inputs, 1, "the shape", kMaxRank);
  const bool allow_zero = node.Int("allowzero", 0) != 0;
  const auto fail = [&](const char* cause) {
    Fail(node,
         fmt::format("{} cannot be reshaped to {}: {}", graph::ToString(data.shape), fmt::join(wanted, "x"), cause));
  };
  Shape result = wanted;
  for (std::size_t d = 0; d < result.size(); ++d) {
    if (result[d] < -1) fail("a dimension is negative");
    if (result[d] != 0 || allow_zero) continue;
    if (d >= data.shape.size()) fail("a 0 stands for a dimension that is not there");
    result[d] = data.shape[d];
  }
  const std::int64_t count = graph::ElementCount(data.shape);
  const auto open = std::ranges::find(result, -1);
  if (open != result.end()) {
    if (std::find(open + 1, result.end(), -1) != result.end()) fail("more than one dimension is open");
    *open = 1;
    const std::int64_t rest = graph::ElementCount(MakeType(node, data.type, result).shape);
    if (rest == 0) fail("the open dimension could be anything");
    if (count % rest != 0) fail("the number of elements differs");
    *open = count / rest;
  }
  TensorType type = MakeType(node, data.type, std::move(result));
  if (graph::ElementCount(type.shape) != count) fail("the number of elements differs");
  return {std::move(type)};
}

std::vector<TensorType> InferFlatten(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& data = Required(node, inputs, 0, "the data");
  const std::int64_t axis = node.Int("axis", 1);
  const auto rank = static_cast<std::int64_t>(data.shape.size());
  const auto split = data.shape.begin() + (axis == rank ? rank : NormalAxis(node, axis, data.shape.size()));
  const std::int64_t rows = graph::ElementCount(MakeType(node, data.type, Shape(data.shape.begin(), split)).shape);
  const std::int64_t columns = graph::ElementCount(MakeType(node, data.type, Shape(split, data.shape.end())).shape);
  return {MakeType(node, data.type, {rows, columns})};
}

// For each of `rank` dimensions, whether the constant at input 1 names it.
std::vector<bool> NamedAxes(const Node& node, std::span<const InferInput> inputs, std::size_t rank) {
  std::vector<bool> named(rank, false);
  for (const std::int64_t axis : KnownInts(node, inputs, 1, "the axes", kMaxRank)) {
    const auto at = static_cast<std::size_t>(NormalAxis(node, axis, rank));
    if (named[at]) Fail(node, fmt::format("axis {} is named twice", axis));
    named[at] = true;
  }
  return named;
}

std::vector<TensorType> InferSqueeze(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& data = Required(node, inputs, 0, "the data");
  const std::size_t rank = data.shape.size();
  const bool chosen = Given(inputs, 1);
  const std::vector<bool> drop = chosen ? NamedAxes(node, inputs, rank) : std::vector<bool>(rank, true);
  Shape result;
  for (std::size_t d = 0; d < rank; ++d) {
    if (drop[d] && data.shape[d] == 1) continue;
    if (drop[d] && chosen) Fail(node, fmt::format("dimension {} of {} is not 1", d, graph::ToString(data.shape)));
    result.push_back(data.shape[d]);
  }
  return {MakeType(node, data.type, std::move(result))};
}

std::vector<TensorType> InferUnsqueeze(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& data = Required(node, inputs, 0, "the data");
  const std::size_t added = KnownInts(node, inputs, 1, "the axes", kMaxRank).size();
  const std::vector<bool> is_new = NamedAxes(node, inputs, data.shape.size() + added);
  Shape result;
  auto next = data.shape.begin();
  for (const bool inserted : is_new) result.push_back(inserted ? 1 : *next++);
  return {MakeType(node, data.type, std::move(result))};
}

std::vector<TensorType> InferExpand(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& data = Required(node, inputs, 0, "the data");
  const Shape wanted = KnownInts(node, inputs, 1, "the shape", kMaxRank);
  if (std::ranges::any_of(wanted, [](std::int64_t d) { return d < 0; }))
    Fail(node, "the shape has a negative dimension");
  return {MakeType(node, data.type, BroadcastShape(node, data.shape, wanted))};
}

void RunExpand(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const Strides strides[] = {BroadcastStrides(inputs[0]->shape(), outputs[0].shape())};
  WithType(outputs[0].type(), [&]<typename T>(T) {
    const auto x = inputs[0]->values<T>();
    const auto y = outputs[0].values<T>();
    Walk(outputs[0].shape(), strides,
         [&](std::size_t i, auto offsets) { y[i] = x[static_cast<std::size_t>(offsets[0])]; });
  });
}

// The attribute `key` as a tensor; null where it is absent.
const Tensor* TensorAttribute(const Node& node, std::string_view key) {
  const auto found = node.attributes.find(key);
  if (found == node.attributes.end()) return nullptr;
  const auto* tensor = std::get_if<graph::TensorPtr>(&found->second);
  if (tensor == nullptr || *tensor == nullptr) Fail(node, fmt::format("attribute '{}' must be a tensor", key));
  return tensor->get();
}

std::vector<TensorType> InferConstantOfShape(const Node& node, std::span<const InferInput> inputs) {
  const Tensor* value = TensorAttribute(node, "value");
  if (value != nullptr && value->count() != 1) Fail(node, "attribute 'value' must have one element");
  return {MakeType(node, value == nullptr ? DataType::kFloat32 : value->type(),
                   KnownInts(node, inputs, 0, "the shape", kMaxRank))};
}

void RunConstantOfShape(const Node& node, std::span<const Tensor* const>, std::span<Tensor> outputs) {
  const Tensor* value = TensorAttribute(node, "value");
  if (value == nullptr) return;  // zero
  WithType(outputs[0].type(), [&]<typename T>(T) { std::ranges::fill(outputs[0].values<T>(), value->values<T>()[0]); });
}

// start, start + delta, ..., before limit.
std::vector<TensorType> InferRange(const Node& node, std::span<const InferInput> inputs) {
  constexpr double kMost = 1 << 30;
  double numbers[3];
  const DataType type = Required(node, inputs, 0, "the start").type;
  for (std::size_t i = 0; i < 3; ++i) {
    Required(node, inputs, i, i == 1 ? "the limit" : "the step");
    const Tensor& number = *KnownInput(node, inputs, i, "its bounds");
    if (number.count() != 1 || number.type() != type || type == DataType::kBool) {
      Fail(node, "start, limit and step must be numbers of one type");
    }
    WithType(type, [&]<typename T>(T) { numbers[i] = static_cast<double>(number.values<T>()[0]); });
  }
  const double count = std::ceil((numbers[1] - numbers[0]) / numbers[2]);
  if (!(count <= kMost)) Fail(node, fmt::format("runs from {} to {} by {}", numbers[0], numbers[1], numbers[2]));
  return {MakeType(node, type, {std::max(std::int64_t{0}, static_cast<std::int64_t>(std::max(count, 0.0)))})};
}

void RunRange(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  WithType(outputs[0].type(), [&]<typename T>(T) {
    const auto y = outputs[0].values<T>();
    if constexpr (std::is_same_v<T, float>) {
      const double start = inputs[0]->values<T>()[0], step = inputs[2]->values<T>()[0];
      for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(start + static_cast<double>(i) * step);
    } else if constexpr (!std::is_same_v<T, bool>) {
      using Wrapping = std::make_unsigned_t<T>;  // the product alone may be out of range where the sum is not
      const auto start = static_cast<Wrapping>(inputs[0]->values<T>()[0]),
                 step = static_cast<Wrapping>(inputs[2]->values<T>()[0]);
      for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<T>(start + static_cast<Wrapping>(i) * step);
    }
  });
}

// The reader makes constants of these nodes; graphs made in code may hold them.
Tensor ConstantOf(const Node& node) {
  if (const Tensor* value = TensorAttribute(node, "value")) return *value;
  const std::int64_t integer = node.Int("value_int", 0);
  if (node.Has("value_int")) return Tensor::From<std::int64_t>({}, std::span(&integer, 1));
  if (node.Has("value_float")) return Tensor::Scalar(node.Float("value_float", 0));
  if (node.Has("value_ints")) return Tensor::FromInt64s(node.Ints("value_ints"));
  if (node.Has("value_floats")) {
    const std::vector<float> floats = node.Floats("value_floats");
    return Tensor::From<float>({static_cast<std::int64_t>(floats.size())}, floats);
  }
  Fail(node, "has no value");
}

std::vector<TensorType> InferConstant(const Node& node, std::span<const InferInput>) {
  if (node.attributes.size() != 1) Fail(node, "has one value, in one attribute");
  if (const Tensor* value = TensorAttribute(node, "value")) return {MakeType(node, value->type(), value->shape())};
  const Tensor value = ConstantOf(node);
  return {MakeType(node, value.type(), value.shape())};
}

void RunConstant(const Node& node, std::span<const Tensor* const>, std::span<Tensor> outputs) {
  outputs[0] = ConstantOf(node);
}

constexpr std::string_view kStartEnd[] = {"start", "end"};
constexpr std::string_view kAllowZero[] = {"allowzero"};
constexpr std::string_view kAxis[] = {"axis"};
constexpr std::string_view kValue[] = {"value"};
constexpr std::string_view kValues[] = {"value", "value_int", "value_float", "value_ints", "value_floats"};

constexpr Operator kRows[] = {
    {"Shape", 1, 1, 1, 1, kStartEnd, InferShape, RunShape},
    {"Reshape", 2, 2, 1, 1, kAllowZero, InferReshape, Copy, 5},
    {"Flatten", 1, 1, 1, 1, kAxis, InferFlatten, Copy},
    {"Squeeze", 1, 2, 1, 1, {}, InferSqueeze, Copy},
    {"Unsqueeze", 2, 2, 1, 1, {}, InferUnsqueeze, Copy},
    {"Expand", 2, 2, 1, 1, {}, InferExpand, RunExpand, 8},
    {"ConstantOfShape", 1, 1, 1, 1, kValue, InferConstantOfShape, RunConstantOfShape, 9},
    {"Range", 3, 3, 1, 1, {}, InferRange, RunRange, 11},
    {"Constant", 0, 0, 1, 1, kValues, InferConstant, RunConstant},
};

}  // namespace

Tensor ShapeValue(const Node& node, const Shape& shape) { return Tensor::FromInt64s(ChosenDimensions(node, shape)); }

std::span<const Operator> ShapeRows() { return kRows; }

}  // namespace prefiqs::ops
