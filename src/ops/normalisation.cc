#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/count.h"
#include "ops/broadcast.h"
#include "ops/rows.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::Node;
using graph::Shape;
using graph::Tensor;

constexpr float kDefaultEpsilon = 1e-5f;

// The input: batch, channels, and what lies in a channel.
std::int64_t Channels(const Shape& shape) { return shape.size() > 1 ? shape[1] : 1; }

void CheckPerChannel(const Node& node, std::span<const InferInput> inputs, std::size_t i, std::string_view what,
                     std::int64_t channels) {
  const Shape& shape = RequiredFloat(node, inputs, i, what).shape;
  if (shape != Shape{channels}) {
    Fail(node,
         fmt::format("input {} ({}) is {}, it needs {}", i, what, graph::ToString(shape), Count(channels, "value")));
  }
}

struct Moments {
  double mean = 0;
  double variance = 0;  // of the values themselves, not an estimate from a sample
};

Moments MomentsOf(std::span<const float> values) {
  const auto count = static_cast<double>(values.size());
  Moments moments;
  for (const float value : values) moments.mean += value;
  moments.mean /= count;
  for (const float value : values) moments.variance += (value - moments.mean) * (value - moments.mean);
  moments.variance /= count;
  return moments;
}

std::vector<TensorType> InferBatchNormalization(const Node& node, std::span<const InferInput> inputs) {
  const Shape& input = RequiredFloat(node, inputs, 0, "the input").shape;
  if (input.empty()) Fail(node, "the input is a scalar; it has no channels");
  constexpr std::string_view kNames[] = {"scale", "B", "mean", "variance"};
  for (std::size_t i = 0; i < std::size(kNames); ++i) {
    CheckPerChannel(node, inputs, i + 1, kNames[i], Channels(input));
  }
  return {MakeType(node, graph::DataType::kFloat32, input)};
}

void RunBatchNormalization(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const auto in = inputs[0]->values<float>();
  const auto out = outputs[0].values<float>();
  if (out.empty()) return;
  const auto channels = static_cast<std::size_t>(Channels(inputs[0]->shape()));
  const Shape& shape = inputs[0]->shape();
  const std::size_t inner = shape.size() > 1 ? out.size() / static_cast<std::size_t>(shape[0]) / channels : 1;
  const double epsilon = node.Float("epsilon", kDefaultEpsilon);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t c = i / inner % channels;
    const double scale = inputs[1]->values<float>()[c];
    const double offset = inputs[2]->values<float>()[c];
    const double mean = inputs[3]->values<float>()[c];
    const double variance = inputs[4]->values<float>()[c];
    out[i] = static_cast<float>((in[i] - mean) / std::sqrt(variance + epsilon) * scale + offset);
  }
}

std::vector<TensorType> InferInstanceNormalization(const Node& node, std::span<const InferInput> inputs) {
  const Shape& input = RequiredFloat(node, inputs, 0, "the input").shape;
  if (input.size() < 3) {
    Fail(node,
         fmt::format("the input is {}; batch, channels and spatial dimensions are needed", graph::ToString(input)));
  }
  CheckPerChannel(node, inputs, 1, "scale", input[1]);
  CheckPerChannel(node, inputs, 2, "B", input[1]);
  return {MakeType(node, graph::DataType::kFloat32, input)};
}

void RunInstanceNormalization(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const auto in = inputs[0]->values<float>();
  const auto out = outputs[0].values<float>();
  if (out.empty()) return;
  const auto channels = static_cast<std::size_t>(inputs[0]->shape()[1]);
  const std::size_t planes = static_cast<std::size_t>(inputs[0]->shape()[0]) * channels;
  const std::size_t plane = out.size() / planes;
  const double epsilon = node.Float("epsilon", kDefaultEpsilon);
  for (std::size_t p = 0; p < planes; ++p) {
    const Moments moments = MomentsOf(in.subspan(p * plane, plane));
    const double scale = inputs[1]->values<float>()[p % channels];
    const double offset = inputs[2]->values<float>()[p % channels];
    for (std::size_t i = p * plane; i < (p + 1) * plane; ++i) {
      out[i] = static_cast<float>((in[i] - moments.mean) / std::sqrt(moments.variance + epsilon) * scale + offset);
    }
  }
}

// Outputs: the result and, where the node names them, mean and inverse standard deviation.
std::vector<TensorType> InferLayerNormalization(const Node& node, std::span<const InferInput> inputs) {
  const Shape& input = RequiredFloat(node, inputs, 0, "the input").shape;
  const auto axis = static_cast<std::size_t>(NormalAxis(node, node.Int("axis", -1), input.size()));
  for (std::size_t i = 1; i < 3; ++i) {
    if (i == 2 && !Given(inputs, i)) continue;
    const Shape& shape = RequiredFloat(node, inputs, i, i == 1 ? "scale" : "B").shape;
    if (BroadcastShape(node, shape, input) != input) {
      Fail(node,
           fmt::format("input {}, {}, does not fit an input of {}", i, graph::ToString(shape), graph::ToString(input)));
    }
  }
  Shape moments = input;
  for (std::size_t d = axis; d < input.size(); ++d) {
    if (input[d] < 1) Fail(node, fmt::format("an input of {} has nothing to normalise", graph::ToString(input)));
    moments[d] = 1;
  }
  std::vector<TensorType> results(std::clamp<std::size_t>(node.outputs.size(), 1, 3),
                                  MakeType(node, graph::DataType::kFloat32, moments));
  results[0] = MakeType(node, graph::DataType::kFloat32, input);
  return results;
}

void RunLayerNormalization(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const auto in = inputs[0]->values<float>();
  const Shape& shape = inputs[0]->shape();
  if (in.empty()) return;
  const std::int64_t axis = NormalAxis(node, node.Int("axis", -1), shape.size());
  const std::size_t length = static_cast<std::size_t>(graph::ElementCount({shape.begin() + axis, shape.end()}));
  const double epsilon = node.Float("epsilon", kDefaultEpsilon);
  std::vector<double> normalised(in.size());
  for (std::size_t r = 0; r < in.size() / length; ++r) {
    const Moments moments = MomentsOf(in.subspan(r * length, length));
    const double inverse = 1 / std::sqrt(moments.variance + epsilon);
    for (std::size_t i = r * length; i < (r + 1) * length; ++i) normalised[i] = (in[i] - moments.mean) * inverse;
    if (outputs.size() > 1) outputs[1].values<float>()[r] = static_cast<float>(moments.mean);
    if (outputs.size() > 2) outputs[2].values<float>()[r] = static_cast<float>(inverse);
  }
  const Tensor zero = Tensor::Scalar(0.0f);
  const Tensor& offset = inputs.size() > 2 && inputs[2] != nullptr ? *inputs[2] : zero;
  const auto scales = inputs[1]->values<float>();
  const auto offsets = offset.values<float>();
  const auto out = outputs[0].values<float>();
  const Strides strides[] = {BroadcastStrides(inputs[1]->shape(), shape), BroadcastStrides(offset.shape(), shape)};
  Walk(shape, strides, [&](std::size_t i, std::span<const std::int64_t> at) {
    out[i] = static_cast<float>(normalised[i] * scales[static_cast<std::size_t>(at[0])] +
                                offsets[static_cast<std::size_t>(at[1])]);
  });
}

std::vector<TensorType> InferSoftmax(const Node& node, std::span<const InferInput> inputs) {
  const Shape& input = RequiredFloat(node, inputs, 0, "the input").shape;
  NormalAxis(node, node.Int("axis", -1), input.size());
  return {MakeType(node, graph::DataType::kFloat32, input)};
}

// coerce_2d: over all dimensions from the axis on together, as before opset 13; else over the axis alone.
void RunSoftmax(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const auto in = inputs[0]->values<float>();
  const auto out = outputs[0].values<float>();
  if (out.empty()) return;
  const Shape& shape = inputs[0]->shape();
  const std::int64_t axis = NormalAxis(node, node.Int("axis", -1), shape.size());
  const bool coerce = node.Int("coerce_2d", 0) != 0;
  const auto rest = static_cast<std::size_t>(graph::ElementCount({shape.begin() + axis, shape.end()}));
  const std::size_t length = coerce ? rest : static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]);
  const std::size_t step = rest / length;
  std::vector<double> powers(length);
  for (std::size_t line = 0; line < out.size() / length; ++line) {
    const std::size_t first = line / step * rest + line % step;
    float largest = -std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < length; ++i) largest = std::max(largest, in[first + i * step]);
    double sum = 0;
    for (std::size_t i = 0; i < length; ++i) {
      powers[i] = std::exp(double{in[first + i * step]} - double{largest});
      sum += powers[i];
    }
    for (std::size_t i = 0; i < length; ++i) out[first + i * step] = static_cast<float>(powers[i] / sum);
  }
}

std::vector<AxisUse> TouchedBySoftmax(const graph::Graph& inferred, const Node& node) {
  if (node.Int("coerce_2d", 0) != 0) return {};
  std::vector<AxisUse> uses = AllApart(inferred, node);
  SetUse(node, node.Int("axis", -1), AxisUse::kTouched, uses);
  return uses;
}

std::vector<AxisUse> TouchedByLayerNormalization(const graph::Graph& inferred, const Node& node) {
  if (node.outputs.size() != 1) return {};
  std::vector<AxisUse> uses = AllApart(inferred, node);
  const std::int64_t first = NormalAxis(node, node.Int("axis", -1), uses.size());
  std::fill(uses.begin() + first, uses.end(), AxisUse::kTouched);
  return uses;
}

constexpr std::string_view kEpsilonOnly[] = {"epsilon"};
constexpr std::string_view kLayerAttributes[] = {"axis", "epsilon"};
constexpr std::string_view kSoftmaxAttributes[] = {"axis", "coerce_2d"};
constexpr Operator kNormalisationRows[] = {
    {"BatchNormalization", 5, 5, 1, 1, kEpsilonOnly, InferBatchNormalization, RunBatchNormalization, 7},
    {"LayerNormalization", 2, 3, 1, 3, kLayerAttributes, InferLayerNormalization, RunLayerNormalization, 1, false,
     TouchedByLayerNormalization},
    {"InstanceNormalization", 3, 3, 1, 1, kEpsilonOnly, InferInstanceNormalization, RunInstanceNormalization, 6},
    {"Softmax", 1, 1, 1, 1, kSoftmaxAttributes, InferSoftmax, RunSoftmax, 1, false, TouchedBySoftmax},
};

}  // namespace

std::span<const Operator> NormalisationRows() { return kNormalisationRows; }

}  // namespace prefiqs::ops
