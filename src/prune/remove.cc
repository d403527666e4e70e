#include <fmt/format.h>
#include <prefiqs/error.h>

#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ops/specialise.h"
#include "prune/structured.h"

namespace prefiqs::prune {
namespace {

using graph::Graph;
using graph::Node;
using graph::Shape;
using graph::Tensor;
using graph::ValueId;

// The tensor without these places of an axis (ascending).
Tensor Without(const Tensor& tensor, std::size_t axis, const std::vector<std::int64_t>& indices) {
  Shape shape = tensor.shape();
  std::size_t outer = 1, inner = graph::SizeOf(tensor.type());
  for (std::size_t a = 0; a < axis; ++a) outer *= static_cast<std::size_t>(shape[a]);
  for (std::size_t a = axis + 1; a < shape.size(); ++a) inner *= static_cast<std::size_t>(shape[a]);
  const std::int64_t size = std::exchange(shape[axis], shape[axis] - std::ssize(indices));
  Tensor result(tensor.type(), std::move(shape));
  const std::byte* from = tensor.bytes();
  std::byte* to = result.bytes();
  for (std::size_t o = 0; o < outer; ++o) {
    auto next = indices.begin();
    for (std::int64_t i = 0; i < size; ++i, from += inner) {
      if (next != indices.end() && *next == i) {
        ++next;
        continue;
      }
      std::memcpy(to, from, inner);
      to += inner;
    }
  }
  return result;
}

class Remover {
 public:
  // `inferred`: the graph with known shapes; `of_two`: the same with a batch of two, where that is open and can be.
  Remover(const Graph& graph, const Graph& inferred, const std::optional<Graph>& of_two, const Masks& masks)
      : graph_(graph), inferred_(inferred), of_two_(of_two), masks_(masks), smaller_(graph) {
    for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
      for (const ValueId id : graph.nodes[n].outputs) maker_[id] = n;
    }
  }

  Graph Run() && {
    for (const auto& [where, indices] : masks_.removed) Shrink(where.first, where.second, indices);
    std::vector<Node> nodes = std::exchange(smaller_.nodes, {});
    for (Node& node : nodes) {
      if (node.op == "Conv") AdjustGroups(node);
      if (node.op == "Reshape") AdjustTarget(node);
      smaller_.nodes.push_back(std::move(node));
    }
    return std::move(smaller_);
  }

 private:
  void Shrink(ValueId id, std::size_t axis, const std::vector<std::int64_t>& indices) {
    graph::Value& value = smaller_.value(id);
    if (value.constant != nullptr) {
      value.constant = std::make_shared<Tensor>(Without(*value.constant, axis, indices));
      value.shape = value.constant->shape();
    } else {  // what the file says of it is no longer so
      value.shape_known = false;
      value.shape.clear();
    }
  }

  std::int64_t Removed(ValueId id, std::size_t axis) const {
    const auto it = masks_.removed.find({id, axis});
    return it == masks_.removed.end() ? 0 : std::ssize(it->second);
  }

  // A depthwise convolution has a group a channel; others lose channels within each group.
  void AdjustGroups(Node& node) const {
    const Tensor* const weights = graph_.constant(node.inputs[1]);
    const std::int64_t groups = node.Int("group", 1);
    if (groups > 1 && weights != nullptr && weights->shape()[1] == 1) {
      node.attributes["group"] = groups - Removed(node.inputs[0], 1);
    }
  }

  // Others may read the same target.
  void AdjustTarget(Node& node) {
    const Tensor* const target = graph_.constant(node.inputs[1]);
    if (target == nullptr) return AdjustJoinedTarget(node);
    std::vector<std::int64_t> sizes = target->ToInt64s();
    bool changed = false;
    for (std::size_t a = 0; a < sizes.size(); ++a) {
      const std::int64_t removed = Removed(node.outputs[0], a);
      if (sizes[a] <= 0 || removed == 0) continue;  // 0 and -1 follow by themselves
      sizes[a] -= removed;
      changed = true;
    }
    if (changed) node.inputs[1] = Sizes(smaller_.value(node.inputs[1]).name, sizes);
  }

  // A target that is joined of single sizes, as exports with an open batch have it: a size of channels is fixed by the
  // weights, however the file comes by it.
  void AdjustJoinedTarget(Node& node) {
    const auto made = maker_.find(node.inputs[1]);
    if (made == maker_.end() || graph_.nodes[made->second].op != "Concat" || !of_two_) return;
    Node joined = graph_.nodes[made->second];
    const Shape& sizes = inferred_.value(node.outputs[0]).shape;
    const Shape& sizes_of_two = of_two_->value(node.outputs[0]).shape;
    if (joined.inputs.size() != sizes.size()) return;
    bool changed = false;
    for (std::size_t a = 0; a < sizes.size(); ++a) {
      const std::int64_t removed = Removed(node.outputs[0], a);
      if (removed == 0) continue;
      if (sizes_of_two[a] != sizes[a]) return;  // hangs on the batch as well
      joined.inputs[a] = Sizes(fmt::format("{}.{}", node.name, a), {sizes[a] - removed});
      changed = true;
    }
    if (!changed) return;
    joined.name = node.name + ".target";
    node.inputs[1] = smaller_.AddValue({joined.name, graph::DataType::kInt64, {}, false, nullptr});
    joined.outputs = {node.inputs[1]};
    smaller_.nodes.push_back(std::move(joined));
  }

  ValueId Sizes(const std::string& of, const std::vector<std::int64_t>& sizes) {
    return smaller_.AddConstant(of + ".smaller", std::make_shared<Tensor>(Tensor::FromInt64s(sizes)));
  }

  const Graph& graph_;
  const Graph& inferred_;
  const std::optional<Graph>& of_two_;
  const Masks& masks_;
  Graph smaller_;
  std::map<ValueId, std::size_t> maker_;  // nodes of graph_
};

[[noreturn]] void Fail(const std::string& cause) {
  throw Error(ErrorCode::kRecipe,
              fmt::format("recipe: channels of this network can be set to zero but not taken out: {}", cause));
}

// Nothing where the batch cannot be two.
std::optional<Graph> InferOfTwo(const Graph& graph, InputShapes input_shapes) {
  const graph::Value& input = graph.value(graph.inputs[0]);
  if (!input.shape_known || input.shape.empty() || input.shape[0] == graph::kUnknown) {
    const auto batch = input_shapes.find(input.name);
    if (batch == input_shapes.end() || batch->second.empty()) return std::nullopt;
    batch->second[0] = 2;
  }
  try {
    return ops::InferShapes(graph, input_shapes);
  } catch (const Error&) {
    return std::nullopt;
  }
}

// Parts of a graph may compute with shapes, and so with how many channels there are.
void Check(const Graph& graph, const Graph& before, const Graph& smaller, const Masks& masks,
           const InputShapes& input_shapes) {
  Graph after;
  try {
    after = ops::InferShapes(smaller, input_shapes);
  } catch (const Error& e) {
    Fail(e.what());
  }
  for (std::size_t i = 0; i < before.values.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (!before.values[i].shape_known) continue;
    Shape expected = before.values[i].shape;
    for (std::size_t axis = 0; axis < expected.size(); ++axis) {
      if (const auto it = masks.removed.find({id, axis}); it != masks.removed.end()) {
        expected[axis] -= std::ssize(it->second);
      }
    }
    const Tensor* const constant = before.constant(id);
    // Integers are shapes, which may differ; a number that was computed from one may not.
    const bool same = constant == nullptr || graph.constant(id) != nullptr ||
                      constant->type() != graph::DataType::kFloat32 ||
                      (after.constant(id) != nullptr && Identical(*constant, *after.constant(id)));
    if (after.values[i].shape != expected || !same) {
      Fail(fmt::format("value '{}' depends on how many there are", before.values[i].name));
    }
  }
}

}  // namespace

Graph RemoveChannels(const Graph& graph, const Masks& masks, const InputShapes& input_shapes) {
  const Graph inferred = ops::InferShapes(graph, input_shapes);
  const std::optional<Graph> of_two = InferOfTwo(graph, input_shapes);
  Graph smaller = Remover(graph, inferred, of_two, masks).Run();
  Check(graph, inferred, smaller, masks, input_shapes);
  return graph::RemoveUnused(smaller);
}

}  // namespace prefiqs::prune
