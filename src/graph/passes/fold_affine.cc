#include "graph/passes/fold_affine.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "graph/passes/rewrite.h"

namespace prefiqs::graph {
namespace {

// One node's weights seen as [outer][channels][inner], and its bias per channel.
struct Linear {
  TensorPtr weights;
  std::size_t weights_input = 1;
  std::int64_t inner = 1;  // elements between neighbouring channels; weights.count / (channels * inner) is outer
  std::vector<double> bias;
};

bool ReadBias(const Graph& graph, const Node& node, std::int64_t channels, double factor, Linear& linear) {
  linear.bias.assign(static_cast<std::size_t>(channels), 0.0);
  if (node.inputs.size() < 3 || node.inputs[2] == kNone) return true;
  const Tensor* bias = FloatConstant(graph, node.inputs[2]);
  if (bias == nullptr || (bias->count() != channels && bias->count() != 1)) return false;
  if (bias->count() > 1 && bias->shape().back() != channels) return false;  // one value a row, not a column
  const auto values = bias->values<float>();
  for (std::size_t c = 0; c < linear.bias.size(); ++c) linear.bias[c] = factor * values[values.size() > 1 ? c : 0];
  return true;
}

bool TakeWeights(const Graph& graph, const Node& node, Linear& linear) {
  if (FloatConstant(graph, node.inputs[1]) == nullptr) return false;
  linear.weights = graph.value(node.inputs[1]).constant;
  return true;
}

bool Describe(const Graph& graph, const Node& node, Linear& linear) {
  if (node.op == "Conv") {
    if (!TakeWeights(graph, node, linear)) return false;
    const std::int64_t channels = linear.weights->shape()[0];
    linear.inner = channels == 0 ? 0 : linear.weights->count() / channels;
    return ReadBias(graph, node, channels, 1.0, linear);
  }
  if (node.op == "Gemm") {
    if (!TakeWeights(graph, node, linear)) return false;
    const bool transposed = node.Int("transB", 0) != 0;
    const std::int64_t channels = linear.weights->shape()[transposed ? 0 : 1];
    linear.inner = transposed ? linear.weights->shape()[1] : 1;
    return ReadBias(graph, node, channels, node.Float("beta", 1.0f), linear);
  }
  return false;
}

bool IsFinite(const Affine& affine) {
  const auto finite = [](double v) { return std::isfinite(v); };
  return std::all_of(affine.scale.begin(), affine.scale.end(), finite) &&
         std::all_of(affine.shift.begin(), affine.shift.end(), finite);
}

// Elements from `first` on of [outer][channels][inner], times a factor a channel.
void Scale(std::span<float> values, std::size_t first, const std::vector<double>& scale, std::size_t inner) {
  for (std::size_t i = 0; i < values.size();) {
    const std::size_t row = (first + i) / inner;
    const double factor = scale[row % scale.size()];
    const std::size_t end = std::min((row + 1) * inner - first, values.size());
    for (; i < end; ++i) values[i] = static_cast<float>(values[i] * factor);
  }
}

// Of a large network weights are the memory: they are scaled when they are packed.
TensorPtr Scaled(const Linear& linear, const std::vector<double>& scale) {
  const auto write = [weights = linear.weights, scale, inner = static_cast<std::size_t>(linear.inner)](
                         std::int64_t first, std::int64_t count, std::byte* out) {
    weights->CopyTo(first, count, out);
    Scale({reinterpret_cast<float*>(out), static_cast<std::size_t>(count)}, static_cast<std::size_t>(first), scale,
          inner);
  };
  return std::make_shared<const Tensor>(
      Tensor::Deferred(linear.weights->type(), linear.weights->shape(), write, linear.weights));
}

// MatMul of a matrix by a constant matrix is a Gemm without a bias.
void MatMulToGemm(const Graph& graph, Node& node) {
  if (node.op != "MatMul" || FloatConstant(graph, node.inputs[1]) == nullptr) return;
  if (graph.value(node.inputs[0]).shape.size() != 2 || graph.value(node.inputs[1]).shape.size() != 2) return;
  node.op = "Gemm";
}

}  // namespace

Graph FoldAffine(const Graph& graph) {
  Graph result = graph;
  const SoleReader sole_reader(graph);
  std::vector<std::int32_t> producers = Producers(graph);
  std::vector<char> drop(result.nodes.size(), 0);
  for (std::size_t n = 0; n < result.nodes.size(); ++n) {
    std::size_t data = 0;
    const auto affine = AsAffine(result, result.nodes[n], data);
    if (!affine || !IsFinite(*affine)) continue;
    const ValueId between = result.nodes[n].inputs[data];
    const ValueId output = result.nodes[n].outputs[0];
    const std::int32_t producer = producers[static_cast<std::size_t>(between)];
    if (producer < 0 || !sole_reader(between)) continue;
    if (result.value(between).shape != result.value(output).shape) continue;
    Node& target = result.nodes[static_cast<std::size_t>(producer)];
    MatMulToGemm(result, target);
    Linear linear;
    if (!Describe(result, target, linear) || linear.bias.size() != affine->scale.size()) continue;
    if (linear.weights->count() == 0) continue;

    Tensor bias(DataType::kFloat32, {static_cast<std::int64_t>(linear.bias.size())});
    for (std::size_t c = 0; c < linear.bias.size(); ++c) {
      bias.values<float>()[c] = static_cast<float>(linear.bias[c] * affine->scale[c] + affine->shift[c]);
    }
    const bool scales = std::any_of(affine->scale.begin(), affine->scale.end(), [](double s) { return s != 1.0; });
    if (scales) target.inputs[1] = result.AddConstant(target.name + "/weights", Scaled(linear, affine->scale));
    target.inputs.resize(3, kNone);
    target.inputs[2] = result.AddConstant(target.name + "/bias", std::make_shared<Tensor>(std::move(bias)));
    if (target.op == "Gemm") target.attributes["beta"] = 1.0f;
    target.outputs[0] = output;
    producers[static_cast<std::size_t>(output)] = producer;
    drop[n] = 1;
  }
  DropNodes(result, drop);
  return RemoveUnused(result);
}

}  // namespace prefiqs::graph
