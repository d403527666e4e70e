#include <prefiqs/network.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>

#include "engine/twin.h"
#include "ops/work.h"
#include "pipeline/network_impl.h"
#include "prune/prune.h"

namespace prefiqs {
namespace {

std::vector<TensorInfo> Describe(const graph::Graph& graph, const std::vector<graph::ValueId>& ids,
                                 const graph::Graph& specialised, const std::vector<graph::ValueId>& specialised_ids) {
  std::vector<TensorInfo> tensors;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const graph::Value& value = graph.value(ids[i]);
    const graph::Value& known = specialised.value(specialised_ids[i]);
    graph::Shape shape = known.shape;
    if (value.shape_known && value.shape.size() == shape.size()) {
      shape = value.shape;
    } else if (!shape.empty()) {
      shape[0] = graph::kUnknown;  // nothing said: any batch
    }
    const std::string_view type = value.is_uint8 ? "uint8" : graph::Name(known.type);
    tensors.push_back({value.name, std::string(type), std::move(shape)});
  }
  return tensors;
}

struct Prunable {
  std::int64_t weights = 0;
  std::int64_t pruned = 0;
};

std::int64_t Zeros(const graph::Tensor& weight) {
  std::vector<float> part(std::size_t{1} << 16);  // a large network's weights are not kept in memory
  const auto most = static_cast<std::int64_t>(part.size());
  std::int64_t zeros = 0;
  for (std::int64_t first = 0; first < weight.count(); first += most) {
    const std::int64_t count = std::min(most, weight.count() - first);
    weight.CopyTo(first, count, reinterpret_cast<std::byte*>(part.data()));
    zeros += std::count(part.begin(), part.begin() + count, 0.0f);
  }
  return zeros;
}

// By the name of the first node that uses a weight; names survive specialisation, indices do not.
std::unordered_map<std::string, Prunable> PrunablePerNode(const Network::Impl& network, const Recipe& recipe) {
  const graph::Graph& graph = network.graph;
  std::unordered_map<std::string, Prunable> per_node;
  const std::vector<prune::PrunableWeight> weights = prune::PrunableWeights(graph);
  if (weights.empty()) return per_node;
  const auto node_name = [&](const prune::PrunableWeight& weight) {
    return graph.nodes[static_cast<std::size_t>(weight.node)].name;
  };
  for (const prune::PrunableWeight& weight : weights) {
    per_node[node_name(weight)].weights += graph.constant(weight.value)->count();
  }
  if (network.is_pruned) {
    // What its recipe took is zeros by now, or is no longer there: by magnitude the zeros would go first once more.
    for (const prune::PrunableWeight& weight : weights)
      per_node[node_name(weight)].pruned += Zeros(*graph.constant(weight.value));
    return per_node;
  }
  const prune::Masks masks = network.Masks(recipe);
  for (std::size_t i = 0; i < masks.weights.size(); ++i) {
    per_node[node_name(masks.weights[i])].pruned += std::count(masks.keep[i].begin(), masks.keep[i].end(), 0);
  }
  return per_node;
}

}  // namespace

Inspection Network::inspect(const Recipe& recipe, ExecutorKind executor) const {
  const graph::Graph specialised = impl_->Specialised();
  const auto twin = engine::Twin::Compile(impl_->graph, nullptr, executor);
  std::unordered_map<std::string, std::string> implementations;
  for (engine::LayerReport& layer : twin->Layers()) implementations[layer.node] = std::move(layer.implementation);
  const auto prunable = PrunablePerNode(*impl_, recipe);

  Inspection result;
  const graph::Graph& file = impl_->file;
  graph::Graph known = file;
  for (const graph::ValueId id : file.inputs) known.value(id).shape = impl_->file_shapes.at(file.value(id).name);
  result.inputs = Describe(file, file.inputs, known, file.inputs);
  result.outputs = Describe(file, file.outputs, specialised, specialised.outputs);
  result.opset = file.opset;
  result.producer = file.producer;
  result.denormals = impl_->denormals.Count();
  result.instruction_set = twin->InstructionSet();
  std::set<graph::ValueId> counted;
  for (const graph::Node& node : specialised.nodes) {
    LayerInfo layer;
    layer.name = node.name;
    layer.op = node.op;
    if (!node.outputs.empty() && node.outputs[0] != graph::kNone)
      layer.shape = specialised.value(node.outputs[0]).shape;
    for (const graph::ValueId id : node.inputs) {
      const graph::Tensor* constant = specialised.constant(id);
      if (constant == nullptr || constant->type() != graph::DataType::kFloat32) continue;
      if (counted.insert(id).second) layer.parameters += constant->count();
    }
    layer.macs = ops::MultiplyAdds(specialised, node);
    if (const auto it = prunable.find(node.name); it != prunable.end()) {
      layer.prunable = it->second.weights;
      layer.pruned = it->second.pruned;
    }
    if (const auto it = implementations.find(node.name); it != implementations.end()) {
      layer.implementation = it->second;
    }
    result.parameters += layer.parameters;
    result.macs += layer.macs;
    result.prunable += layer.prunable;
    result.pruned += layer.pruned;
    result.layers.push_back(std::move(layer));
  }
  return result;
}

}  // namespace prefiqs
