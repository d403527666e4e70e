#include "model/ranks.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "ops/operator.h"

namespace prefiqs::model {
namespace {

using graph::Graph;
using graph::Node;
using graph::ValueId;
using Rank = std::optional<std::size_t>;

// Operators whose result has as many dimensions as their first input.
constexpr std::array<std::string_view, 14> kSame = {"AveragePool",
                                                    "BatchNormalization",
                                                    "Concat",
                                                    "Conv",
                                                    "GlobalAveragePool",
                                                    "InstanceNormalization",
                                                    "LayerNormalization",
                                                    "MaxPool",
                                                    "Pad",
                                                    "Resize",
                                                    "Slice",
                                                    "Softmax",
                                                    "Split",
                                                    "Tile"};

// The number of elements of a constant list at input i.
Rank Listed(const Graph& graph, const Node& node, std::size_t i) {
  if (i >= node.inputs.size()) return std::nullopt;
  const graph::Tensor* const list = graph.constant(node.inputs[i]);
  if (list == nullptr || list->shape().size() != 1) return std::nullopt;
  return static_cast<std::size_t>(list->count());
}

}  // namespace

void Ranks::Declare(ValueId id, std::size_t rank) {
  const auto place = static_cast<std::size_t>(id);
  if (ranks_.size() <= place) ranks_.resize(place + 1);
  ranks_[place] = rank;
}

Rank Ranks::Of(const Graph& graph, ValueId id) const {
  if (id == graph::kNone) return std::nullopt;
  const graph::Value& value = graph.value(id);
  if (value.shape_known) return value.shape.size();
  const auto place = static_cast<std::size_t>(id);
  return place < ranks_.size() ? ranks_[place] : std::nullopt;
}

void Ranks::Follow(const Graph& graph, const Node& node) {
  if (node.inputs.empty()) return;
  const Rank first = Of(graph, node.inputs[0]), listed = Listed(graph, node, 1);
  Rank result;
  if (const ops::Operator* const row = ops::Find(node.op);
      node.op == "MatMul" || (row != nullptr && row->elementwise)) {
    result = first;
    for (const ValueId id : node.inputs) {
      const Rank other = Of(graph, id);
      result = id == graph::kNone ? result : result && other ? Rank(std::max(*result, *other)) : std::nullopt;
    }
  } else if (std::ranges::find(kSame, node.op) != kSame.end()) {
    result = first;
  } else if (node.op == "Transpose") {
    result = node.Has("perm") ? Rank(node.Ints("perm").size()) : first;
  } else if (node.op == "Gemm" || node.op == "Flatten") {
    result = 2;
  } else if (node.op == "Reshape") {
    result = listed;
  } else if (node.op == "Unsqueeze" && first && listed) {
    result = *first + *listed;
  } else if (node.op.starts_with("Reduce") && node.Int("keepdims", 1) != 0) {
    result = first;
  }
  if (!result) return;
  for (const ValueId id : node.outputs) {
    if (id != graph::kNone) Declare(id, *result);
  }
}

}  // namespace prefiqs::model
