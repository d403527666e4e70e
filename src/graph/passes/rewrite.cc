#include "graph/passes/rewrite.h"

#include <cmath>
#include <utility>

namespace prefiqs::graph {
namespace {

// The constant's value for every channel of a tensor of shape `data`, if it broadcasts onto it that way.
std::optional<std::vector<double>> PerChannel(const Tensor& constant, const Shape& data) {
  if (data.size() < 2 || constant.shape().size() > data.size()) return std::nullopt;
  const std::size_t lead = data.size() - constant.shape().size();
  bool varies = false;
  for (std::size_t i = 0; i < constant.shape().size(); ++i) {
    if (constant.shape()[i] == 1) continue;
    if (lead + i != 1 || constant.shape()[i] != data[1]) return std::nullopt;
    varies = true;
  }
  std::vector<double> result(static_cast<std::size_t>(data[1]));
  const auto values = constant.values<float>();
  for (std::size_t c = 0; c < result.size(); ++c) result[c] = values[varies ? c : 0];
  return result;
}

std::optional<Affine> BatchNormalization(const Graph& graph, const Node& node) {
  const Tensor* parameters[4];
  for (std::size_t i = 0; i < 4; ++i) {
    parameters[i] = FloatConstant(graph, node.inputs[i + 1]);
    if (parameters[i] == nullptr) return std::nullopt;
  }
  const double epsilon = node.Float("epsilon", 1e-5f);
  const auto gamma = parameters[0]->values<float>(), beta = parameters[1]->values<float>(),
             mean = parameters[2]->values<float>(), variance = parameters[3]->values<float>();
  Affine affine;
  for (std::size_t c = 0; c < gamma.size(); ++c) {
    const double scale = gamma[c] / std::sqrt(variance[c] + epsilon);
    affine.scale.push_back(scale);
    affine.shift.push_back(beta[c] - mean[c] * scale);
  }
  return affine;
}

}  // namespace

void DropNodes(Graph& graph, const std::vector<char>& marks) {
  std::size_t kept = 0;
  for (std::size_t n = 0; n < marks.size(); ++n) {
    if (marks[n]) continue;
    if (kept != n) graph.nodes[kept] = std::move(graph.nodes[n]);
    ++kept;
  }
  graph.nodes.resize(kept);
}

void ReplaceReaders(Graph& graph, ValueId from, ValueId to) {
  for (Node& node : graph.nodes) {
    for (ValueId& id : node.inputs) {
      if (id == from) id = to;
    }
  }
  for (ValueId& id : graph.outputs) {
    if (id == from) id = to;
  }
}

SoleReader::SoleReader(const Graph& graph) : reads_(graph.values.size(), 0) {
  for (const Node& node : graph.nodes) {
    for (ValueId id : node.inputs) {
      if (id != kNone) ++reads_[static_cast<std::size_t>(id)];
    }
  }
  for (ValueId id : graph.outputs) reads_[static_cast<std::size_t>(id)] += 2;
}

const Tensor* FloatConstant(const Graph& graph, ValueId id) {
  const Tensor* constant = graph.constant(id);
  return constant != nullptr && constant->type() == DataType::kFloat32 ? constant : nullptr;
}

std::optional<Affine> AsAffine(const Graph& graph, const Node& node, std::size_t& data) {
  data = 0;
  if (node.op == "BatchNormalization") {
    if (node.outputs.size() != 1) return std::nullopt;  // statistics of training are asked for
    if (graph.constant(node.inputs[0]) != nullptr) return std::nullopt;
    return BatchNormalization(graph, node);
  }
  const bool add = node.op == "Add", sub = node.op == "Sub", mul = node.op == "Mul", div = node.op == "Div";
  if (!add && !sub && !mul && !div) return std::nullopt;
  const bool commutes = add || mul;
  data = commutes && graph.constant(node.inputs[0]) != nullptr ? 1 : 0;
  const Tensor* constant = FloatConstant(graph, node.inputs[1 - data]);
  if (constant == nullptr || graph.constant(node.inputs[data]) != nullptr) return std::nullopt;
  const auto values = PerChannel(*constant, graph.value(node.inputs[data]).shape);
  if (!values) return std::nullopt;
  Affine affine{std::vector<double>(values->size(), 1.0), std::vector<double>(values->size(), 0.0)};
  for (std::size_t c = 0; c < values->size(); ++c) {
    const double v = (*values)[c];
    if (add) affine.shift[c] = v;
    if (sub) affine.shift[c] = -v;
    if (mul) affine.scale[c] = v;
    if (div) affine.scale[c] = 1.0 / v;
  }
  return affine;
}

}  // namespace prefiqs::graph
