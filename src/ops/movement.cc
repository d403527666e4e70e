// The same elements in other places.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>

#include "base/count.h"
#include "ops/broadcast.h"
#include "ops/rows.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Node;
using graph::Shape;
using graph::Tensor;

std::vector<std::int64_t> Permutation(const Node& node, std::size_t rank) {
  std::vector<std::int64_t> perm = node.Ints("perm");
  if (!node.Has("perm")) {
    perm.resize(rank);
    std::iota(perm.rbegin(), perm.rend(), 0);
    return perm;
  }
  std::vector<bool> used(rank, false);
  const bool is_permutation = perm.size() == rank && std::ranges::all_of(perm, [&](std::int64_t d) {
                                if (d < 0 || d >= static_cast<std::int64_t>(rank) || used[static_cast<std::size_t>(d)])
                                  return false;
                                used[static_cast<std::size_t>(d)] = true;
                                return true;
                              });
  if (!is_permutation) Fail(node, fmt::format("perm is no permutation of {}", Count(rank, "dimension")));
  return perm;
}

std::vector<TensorType> InferTranspose(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& data = Required(node, inputs, 0, "the data");
  Shape result;
  for (const std::int64_t d : Permutation(node, data.shape.size())) {
    result.push_back(data.shape[static_cast<std::size_t>(d)]);
  }
  return {MakeType(node, data.type, std::move(result))};
}

// Output elements in order, each from `start` plus its index times `strides`.
void Collect(const Tensor& from, std::int64_t start, Strides strides, Tensor& to) {
  const Strides all[] = {std::move(strides)};
  WithType(to.type(), [&]<typename T>(T) {
    const auto x = from.values<T>();
    const auto y = to.values<T>();
    Walk(to.shape(), all, [&](std::size_t i, auto offsets) { y[i] = x[static_cast<std::size_t>(start + offsets[0])]; });
  });
}

void RunTranspose(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const Strides strides = RowMajor(inputs[0]->shape());
  Strides permuted;
  for (const std::int64_t d : Permutation(node, strides.size()))
    permuted.push_back(strides[static_cast<std::size_t>(d)]);
  Collect(*inputs[0], 0, std::move(permuted), outputs[0]);
}

// A tensor around one of its axes: outer × axis × inner. Where nothing is in it, sizes are 0.
struct Around {
  Around(const Shape& shape, std::size_t axis) {
    if (graph::ElementCount(shape) == 0) return;
    const auto at = shape.begin() + static_cast<std::ptrdiff_t>(axis);
    outer = static_cast<std::size_t>(graph::ElementCount(Shape(shape.begin(), at)));
    size = static_cast<std::size_t>(*at);
    inner = static_cast<std::size_t>(graph::ElementCount(Shape(at + 1, shape.end())));
  }
  std::size_t outer = 0, size = 0, inner = 0;
};

std::size_t Axis(const Node& node, std::int64_t fallback, std::size_t rank) {
  return static_cast<std::size_t>(NormalAxis(node, node.Int("axis", fallback), rank));
}

std::vector<TensorType> InferConcat(const Node& node, std::span<const InferInput> inputs) {
  if (!node.Has("axis")) Fail(node, "the attribute axis is missing");
  TensorType result = Required(node, inputs, 0, "the first part");
  const std::size_t axis = Axis(node, 0, result.shape.size());
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const TensorType& part = Required(node, inputs, i, "a part");
    bool fits = part.type == result.type && part.shape.size() == result.shape.size();
    for (std::size_t d = 0; fits && d < part.shape.size(); ++d) fits = d == axis || part.shape[d] == result.shape[d];
    if (!fits) {
      Fail(node,
           fmt::format("input {} is {} {}, which does not continue {} {} along axis {}", i, graph::Name(part.type),
                       graph::ToString(part.shape), graph::Name(result.type), graph::ToString(result.shape), axis));
    }
    result.shape[axis] = CheckedAdd(node, result.shape[axis], part.shape[axis]);
  }
  return {MakeType(node, result.type, std::move(result.shape))};
}

void RunConcat(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const std::size_t axis = Axis(node, 0, outputs[0].shape().size());
  const Around whole(outputs[0].shape(), axis);
  const std::size_t bytes = whole.inner * graph::SizeOf(outputs[0].type());
  std::size_t begin = 0;
  for (const Tensor* part : inputs) {
    const std::size_t size = Around(part->shape(), axis).size;
    for (std::size_t o = 0; o < whole.outer && size > 0; ++o) {
      std::memcpy(outputs[0].bytes() + (o * whole.size + begin) * bytes, part->bytes() + o * size * bytes,
                  size * bytes);
    }
    begin += size;
  }
}

// Sizes of the parts: the second input, or num_outputs parts of which the last may be smaller, or as many equal ones
// as there are outputs.
std::vector<std::int64_t> PartSizes(const Node& node, std::span<const InferInput> inputs, std::int64_t whole) {
  const auto parts = static_cast<std::int64_t>(node.outputs.size());
  if (parts == 0) Fail(node, "has no outputs");
  if (Given(inputs, 1)) {
    if (node.Has("num_outputs")) Fail(node, "gives both the sizes of its parts and num_outputs");
    std::vector<std::int64_t> sizes = KnownInts(node, inputs, 1, "the sizes", node.outputs.size());
    std::int64_t sum = 0;
    for (const std::int64_t size : sizes) {
      if (size < 0) Fail(node, "a part has a negative size");
      sum = CheckedAdd(node, sum, size);
    }
    if (sizes.size() != node.outputs.size() || sum != whole) {
      Fail(node, fmt::format("{} of {} together {} not fit {} of {}", Count(sizes.size(), "part"), sum,
                             WordFor(sizes.size(), "does", "do"), Count(parts, "output"), whole));
    }
    return sizes;
  }
  if (node.Int("num_outputs", parts) != parts) Fail(node, "num_outputs is not the number of its outputs");
  if (!node.Has("num_outputs") && whole % parts != 0) {
    Fail(node, fmt::format("{} cannot be split into {} equal parts", whole, parts));
  }
  const std::int64_t size = whole / parts + (whole % parts != 0 ? 1 : 0);
  const std::int64_t last = whole - size * (parts - 1);
  if (last < 0) Fail(node, fmt::format("{} is too small for {} parts", whole, parts));
  std::vector<std::int64_t> sizes(node.outputs.size(), size);
  sizes.back() = last;
  return sizes;
}

std::vector<TensorType> InferSplit(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& data = Required(node, inputs, 0, "the data");
  const std::size_t axis = Axis(node, 0, data.shape.size());
  std::vector<TensorType> parts;
  for (const std::int64_t size : PartSizes(node, inputs, data.shape[axis])) {
    Shape shape = data.shape;
    shape[axis] = size;
    parts.push_back(MakeType(node, data.type, std::move(shape)));
  }
  return parts;
}

void RunSplit(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const std::size_t axis = Axis(node, 0, inputs[0]->shape().size());
  const Around whole(inputs[0]->shape(), axis);
  const std::size_t bytes = whole.inner * graph::SizeOf(inputs[0]->type());
  std::size_t begin = 0;
  for (Tensor& part : outputs) {
    const std::size_t size = Around(part.shape(), axis).size;
    for (std::size_t o = 0; o < whole.outer && size > 0; ++o) {
      std::memcpy(part.bytes() + o * size * bytes, inputs[0]->bytes() + (o * whole.size + begin) * bytes, size * bytes);
    }
    begin += size;
  }
}

// What a Slice takes of each dimension: start, start + step, …
struct Range {
  std::int64_t start, step, count;
};

// `size`: of the dimension. Bounds beyond it end at it.
Range ResolveRange(const Node& node, std::int64_t size, std::int64_t start, std::int64_t end, std::int64_t step) {
  if (step == 0) Fail(node, "a step is 0");
  if (size == 0) return {0, 1, 0};
  step = std::clamp(step, -size, size);  // a longer one takes the same single element
  if (start < 0) start += size;
  if (end < 0) end += size;
  const std::int64_t high = step > 0 ? size : size - 1;
  start = std::clamp<std::int64_t>(start, 0, high);
  end = std::clamp<std::int64_t>(end, step > 0 ? 0 : -1, high);
  const std::int64_t distance = step > 0 ? end - start : start - end;
  const std::int64_t stride = step > 0 ? step : -step;
  return {start, step, distance <= 0 ? 0 : (distance - 1) / stride + 1};
}

std::vector<Range> ResolveSlice(const Node& node, std::span<const InferInput> inputs) {
  const Shape& shape = Required(node, inputs, 0, "the data").shape;
  const std::size_t rank = shape.size();
  const auto starts = KnownInts(node, inputs, 1, "the starts", rank);
  const auto ends = KnownInts(node, inputs, 2, "the ends", rank);
  std::vector<std::int64_t> axes(starts.size());
  std::iota(axes.begin(), axes.end(), 0);
  if (Given(inputs, 3)) axes = KnownInts(node, inputs, 3, "the axes", rank);
  std::vector<std::int64_t> steps(starts.size(), 1);
  if (Given(inputs, 4)) steps = KnownInts(node, inputs, 4, "the steps", rank);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    Fail(node, "starts, ends, axes and steps are not equally many");
  }
  std::vector<Range> ranges;
  for (const std::int64_t size : shape) ranges.push_back({0, 1, size});
  std::vector<bool> named(rank, false);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto d = static_cast<std::size_t>(NormalAxis(node, axes[i], rank));
    if (named[d]) Fail(node, fmt::format("axis {} is named twice", axes[i]));
    named[d] = true;
    ranges[d] = ResolveRange(node, shape[d], starts[i], ends[i], steps[i]);
  }
  return ranges;
}

std::vector<TensorType> InferSlice(const Node& node, std::span<const InferInput> inputs) {
  Shape result;
  for (const Range& range : ResolveSlice(node, inputs)) result.push_back(range.count);
  return {MakeType(node, inputs[0].type->type, std::move(result))};
}

void RunSlice(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  if (outputs[0].count() == 0) return;
  Strides strides = RowMajor(inputs[0]->shape());
  const TensorInputs known(inputs);
  const std::vector<Range> ranges = ResolveSlice(node, known.get());
  std::int64_t start = 0;
  for (std::size_t d = 0; d < strides.size(); ++d) {
    start += ranges[d].start * strides[d];
    strides[d] *= ranges[d].step;
  }
  Collect(*inputs[0], start, std::move(strides), outputs[0]);
}

// The place of an index along a dimension of `size`; negative ones count from the end.
std::size_t Place(const Node& node, std::int64_t index, std::int64_t size) {
  if (index < -size || index >= size) Fail(node, fmt::format("index {} is out of range for {}", index, size));
  return static_cast<std::size_t>(index < 0 ? index + size : index);
}

std::vector<TensorType> InferGather(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& data = Required(node, inputs, 0, "the data");
  const TensorType& indices = Required(node, inputs, 1, "the indices");
  if (indices.type != DataType::kInt64 && indices.type != DataType::kInt32) Fail(node, "the indices must be integers");
  const auto axis = static_cast<std::ptrdiff_t>(Axis(node, 0, data.shape.size()));
  Shape result(data.shape.begin(), data.shape.begin() + axis);
  result.insert(result.end(), indices.shape.begin(), indices.shape.end());
  result.insert(result.end(), data.shape.begin() + axis + 1, data.shape.end());
  TensorType type = MakeType(node, data.type, std::move(result));
  // Found here where it can be, not in the middle of a run.
  if (inputs[1].constant != nullptr && graph::ElementCount(type.shape) > 0) {
    const std::int64_t size = data.shape[static_cast<std::size_t>(axis)];
    for (const std::int64_t index : inputs[1].constant->ToInt64s()) Place(node, index, size);
  }
  return {std::move(type)};
}

void RunGather(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  if (outputs[0].count() == 0) return;
  const std::size_t axis = Axis(node, 0, inputs[0]->shape().size());
  const std::int64_t size = inputs[0]->shape()[axis];
  const std::vector<std::int64_t> indices = inputs[1]->ToInt64s();
  std::size_t outer = 1, bytes = graph::SizeOf(inputs[0]->type());
  for (std::size_t d = 0; d < axis; ++d) outer *= static_cast<std::size_t>(inputs[0]->shape()[d]);
  for (std::size_t d = axis + 1; d < inputs[0]->shape().size(); ++d) {
    bytes *= static_cast<std::size_t>(inputs[0]->shape()[d]);
  }
  std::byte* to = outputs[0].bytes();
  for (std::size_t o = 0; o < outer; ++o) {
    for (const std::int64_t index : indices) {
      const std::size_t from = o * static_cast<std::size_t>(size) + Place(node, index, size);
      std::memcpy(to, inputs[0]->bytes() + from * bytes, bytes);
      to += bytes;
    }
  }
}

std::vector<AxisUse> TouchedBySplit(const graph::Graph& inferred, const Node& node) {
  std::vector<AxisUse> uses = AllApart(inferred, node);
  SetUse(node, node.Int("axis", 0), AxisUse::kTouched, uses);
  return uses;
}

std::vector<AxisUse> TouchedBySlice(const graph::Graph& inferred, const Node& node) {
  const Tensor* const axes = ConstantInput(inferred, node, 3);
  if (axes == nullptr) return {};
  std::vector<AxisUse> uses = AllApart(inferred, node);
  for (const std::int64_t axis : axes->ToInt64s()) SetUse(node, axis, AxisUse::kTouched, uses);
  return uses;
}

std::vector<AxisUse> TouchedByGather(const graph::Graph& inferred, const Node& node) {
  const std::size_t rank_of_indices = inferred.value(node.inputs[1]).shape.size();
  if (rank_of_indices > 1) return {};
  std::vector<AxisUse> uses = AllApart(inferred, node);
  SetUse(node, node.Int("axis", 0), rank_of_indices == 0 ? AxisUse::kDropped : AxisUse::kTouched, uses);
  return uses;
}

constexpr std::string_view kPerm[] = {"perm"};
constexpr std::string_view kAxis[] = {"axis"};
constexpr std::string_view kAxisNumOutputs[] = {"axis", "num_outputs"};

std::vector<TensorType> InferTile(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& data = Required(node, inputs, 0, "the data");
  const std::vector<std::int64_t> repeats = KnownInts(node, inputs, 1, "the repeats", kMaxRank);
  if (repeats.size() != data.shape.size()) {
    Fail(node, fmt::format("has {} for {}", Count(repeats.size(), "repeat"), Count(data.shape.size(), "dimension")));
  }
  Shape result = data.shape;
  for (std::size_t d = 0; d < result.size(); ++d) {
    if (repeats[d] < 0) Fail(node, fmt::format("dimension {} is repeated {} times", d, repeats[d]));
    result[d] = CheckedMultiply(node, result[d], repeats[d]);
  }
  return {MakeType(node, data.type, std::move(result))};
}

void RunTile(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const Shape& shape = inputs[0]->shape();
  const Shape& repeated = outputs[0].shape();
  const Strides strides = RowMajor(shape);
  WithType(outputs[0].type(), [&]<typename T>(T) {
    const auto x = inputs[0]->values<T>();
    const auto y = outputs[0].values<T>();
    for (std::size_t i = 0; i < y.size(); ++i) {
      auto left = static_cast<std::int64_t>(i);
      std::int64_t from = 0;
      for (std::size_t d = shape.size(); d-- > 0; left /= repeated[d])
        from += left % repeated[d] % shape[d] * strides[d];
      y[i] = x[static_cast<std::size_t>(from)];
    }
  });
}

constexpr Operator kRows[] = {
    {"Transpose", 1, 1, 1, 1, kPerm, InferTranspose, RunTranspose},
    {"Concat", 1, -1, 1, 1, kAxis, InferConcat, RunConcat, 4},
    {"Split", 1, 2, 1, -1, kAxisNumOutputs, InferSplit, RunSplit, 2, false, TouchedBySplit},
    {"Slice", 3, 5, 1, 1, {}, InferSlice, RunSlice, 1, false, TouchedBySlice},
    {"Gather", 2, 2, 1, 1, kAxis, InferGather, RunGather, 1, false, TouchedByGather},
    {"Tile", 2, 2, 1, 1, {}, InferTile, RunTile, 6},
};

}  // namespace

std::span<const Operator> MovementRows() { return kRows; }

}  // namespace prefiqs::ops
