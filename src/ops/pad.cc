// Elements around an array: a constant, its edge, its mirror image or its repetition. Negative pads crop.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "ops/broadcast.h"
#include "ops/rows.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::Node;
using graph::Shape;
using graph::Tensor;

enum class Mode { kConstant, kReflect, kEdge, kWrap };

Mode ModeOf(const Node& node) {
  const std::string mode = node.String("mode", "constant");
  if (mode == "constant") return Mode::kConstant;
  if (mode == "reflect") return Mode::kReflect;
  if (mode == "edge") return Mode::kEdge;
  if (mode == "wrap") return Mode::kWrap;
  Fail(node, "mode must be constant, reflect, edge or wrap");
}

// One dimension: `kept` elements from `first` on are in the result, between `before` and `after` others.
struct Span {
  std::int64_t first, kept, before, after;
};

// One for each dimension. Pads are the begins of all axes, then the ends.
std::vector<Span> ResolvePads(const Node& node, std::span<const InferInput> inputs) {
  const Shape& shape = Required(node, inputs, 0, "the data").shape;
  const std::size_t rank = shape.size();
  std::vector<std::int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (Given(inputs, 3)) axes = KnownInts(node, inputs, 3, "the axes", rank);
  const auto pads = KnownInts(node, inputs, 1, "the pads", 2 * rank);
  if (pads.size() != 2 * axes.size()) Fail(node, fmt::format("has {} pads for {} axes", pads.size(), axes.size()));
  std::vector<Span> spans;
  for (const std::int64_t size : shape) spans.push_back({0, size, 0, 0});
  std::vector<bool> named(rank, false);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto d = static_cast<std::size_t>(NormalAxis(node, axes[i], rank));
    if (named[d]) Fail(node, fmt::format("axis {} is named twice", axes[i]));
    named[d] = true;
    const std::int64_t begin = pads[i];
    const std::int64_t end = pads[axes.size() + i];
    const std::int64_t cropped = CheckedAdd(node, std::min<std::int64_t>(begin, 0), std::min<std::int64_t>(end, 0));
    if (cropped < -shape[d])
      Fail(node, fmt::format("negative pads crop more than the {} elements there are", shape[d]));
    spans[d] = {-std::min<std::int64_t>(begin, 0), shape[d] + cropped, std::max<std::int64_t>(begin, 0),
                std::max<std::int64_t>(end, 0)};
  }
  return spans;
}

std::vector<TensorType> InferPad(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& data = Required(node, inputs, 0, "the data");
  const Mode mode = ModeOf(node);
  if (Given(inputs, 2)) {
    const TensorType& value = *inputs[2].type;
    if (value.type != data.type || graph::ElementCount(value.shape) != 1) {
      Fail(node, "the value must be one element of the type of the data");
    }
  }
  Shape result;
  for (const Span& span : ResolvePads(node, inputs)) {
    if (mode != Mode::kConstant && span.kept == 0 && (span.before > 0 || span.after > 0)) {
      Fail(node, "there is nothing to fill the pads with");
    }
    result.push_back(CheckedAdd(node, CheckedAdd(node, span.before, span.kept), span.after));
  }
  return {MakeType(node, data.type, std::move(result))};
}

// Where along the input the element `at` of the result comes from; -1: from nowhere.
std::int64_t Source(Mode mode, const Span& span, std::int64_t at) {
  const std::int64_t i = at - span.before;  // in the kept part, or off its ends
  if (i >= 0 && i < span.kept) return span.first + i;
  const auto modulo = [](std::int64_t a, std::int64_t b) { return (a % b + b) % b; };
  switch (mode) {
    case Mode::kConstant:
      return -1;
    case Mode::kEdge:
      return span.first + (i < 0 ? 0 : span.kept - 1);
    case Mode::kWrap:
      return span.first + modulo(i, span.kept);
    case Mode::kReflect: {  // the edge stands once; back and forth as often as it takes
      if (span.kept == 1) return span.first;
      const std::int64_t period = 2 * (span.kept - 1);
      const std::int64_t phase = modulo(i, period);
      return span.first + std::min(phase, period - phase);
    }
  }
  return -1;
}

void RunPad(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const Shape& shape = outputs[0].shape();
  if (outputs[0].count() == 0) return;
  const Mode mode = ModeOf(node);
  const TensorInputs known(inputs);
  const std::vector<Span> spans = ResolvePads(node, known.get());
  const Strides strides = RowMajor(inputs[0]->shape());
  // Per dimension and index: the offset in the input, or -1.
  std::vector<std::vector<std::int64_t>> offsets(shape.size());
  for (std::size_t d = 0; d < shape.size(); ++d) {
    for (std::int64_t at = 0; at < shape[d]; ++at) {
      const std::int64_t source = Source(mode, spans[d], at);
      offsets[d].push_back(source < 0 ? -1 : source * strides[d]);
    }
  }
  const Strides own = RowMajor(shape);
  const Tensor* value = inputs.size() > 2 ? inputs[2] : nullptr;
  WithType(outputs[0].type(), [&]<typename T>(T zero) {
    const auto x = inputs[0]->values<T>();
    const auto y = outputs[0].values<T>();
    const T fill = value == nullptr ? zero : value->values<T>()[0];
    for (std::size_t i = 0; i < y.size(); ++i) {
      std::int64_t from = 0;
      for (std::size_t d = 0; d < shape.size() && from >= 0; ++d) {
        const std::int64_t offset =
            offsets[d][static_cast<std::size_t>(static_cast<std::int64_t>(i) / own[d] % shape[d])];
        from = offset < 0 ? -1 : from + offset;
      }
      y[i] = from < 0 ? fill : x[static_cast<std::size_t>(from)];
    }
  });
}

constexpr std::string_view kMode[] = {"mode"};

std::vector<AxisUse> TouchedByPad(const graph::Graph& inferred, const Node& node) {
  const Tensor* const constant = ConstantInput(inferred, node, 1);
  if (constant == nullptr || (node.inputs.size() > 3 && node.inputs[3] != graph::kNone)) return {};
  std::vector<AxisUse> uses = AllApart(inferred, node);
  const std::vector<std::int64_t> pads = constant->ToInt64s();
  for (std::size_t a = 0; a < uses.size(); ++a) {
    if (pads[a] != 0 || pads[a + uses.size()] != 0) uses[a] = AxisUse::kTouched;
  }
  return uses;
}

constexpr Operator kRows[] = {{"Pad", 2, 4, 1, 1, kMode, InferPad, RunPad, 2, false, TouchedByPad}};

}  // namespace

std::span<const Operator> PadRows() { return kRows; }

}  // namespace prefiqs::ops
