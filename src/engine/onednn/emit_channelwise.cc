// Batch normalisations and PReLUs between two multiplications as one pass of ours: oneDNN has a primitive for each, and
// each is a pass over memory.
#include <optional>

#include "engine/onednn/channelwise_chain.h"
#include "engine/onednn/emit.h"
#include "engine/onednn/tile_operands.h"
#include "graph/passes/rewrite.h"

namespace prefiqs::engine::onednn {
namespace {

// One number a channel of `value`, whose channels are dimension 1; nothing where it is no such constant.
std::optional<std::vector<float>> PerChannel(const Builder& builder, graph::ValueId constant, graph::ValueId value) {
  const graph::Tensor* tensor = graph::FloatConstant(builder.graph(), constant);
  if (tensor == nullptr) return std::nullopt;
  const graph::Shape& shape = builder.graph().value(value).shape;
  const std::int64_t channels = shape[1];
  const auto values = tensor->values<float>();
  if (tensor->count() == 1) return std::vector<float>(static_cast<std::size_t>(channels), values[0]);
  // Broadcasting begins at the last dimension: the channels stand before shape.size() - 2 ones.
  const auto rank = static_cast<std::ptrdiff_t>(tensor->shape().size());
  const std::ptrdiff_t axis = rank - static_cast<std::ptrdiff_t>(shape.size() - 1);
  if (axis < 0 || tensor->count() != channels || tensor->shape()[static_cast<std::size_t>(axis)] != channels) {
    return std::nullopt;
  }
  return std::vector<float>(values.begin(), values.end());
}

// `node`, which reads `value`, put behind `function`.
bool Extend(const Builder& builder, const graph::Node& node, graph::ValueId value, ChannelFunction& function) {
  const graph::Graph& graph = builder.graph();
  if (node.outputs.size() != 1 || graph.value(node.outputs[0]).shape != graph.value(value).shape) return false;
  if (node.op == "PRelu") {
    if (node.inputs[0] != value) return false;
    const auto slopes = PerChannel(builder, node.inputs[1], value);
    return slopes && function.ThenPRelu(*slopes);
  }
  std::size_t data = 0;
  const auto affine = graph::AsAffine(graph, node, data);
  if (!affine || node.inputs[data] != value) return false;
  return function.ThenAffine(affine->scale, affine->shift);
}

}  // namespace

std::optional<ChannelwiseChain> FindChannelwise(const Builder& builder, const graph::Node& node, graph::ValueId input) {
  const graph::Graph& graph = builder.graph();
  const std::size_t rank = graph.value(input).shape.size();
  if (!builder.Describable(input) || graph.constant(input) != nullptr || (rank != 2 && rank != 4)) return std::nullopt;
  ChannelwiseChain chain{ChannelFunction::Identity(static_cast<std::size_t>(graph.value(input).shape[1])), {}, input};
  for (const graph::Node* next = &node; next != nullptr; next = builder.SoleReader(chain.output)) {
    if (!Extend(builder, *next, chain.output, chain.function)) break;
    chain.nodes.push_back(next);
    chain.output = next->outputs[0];
  }
  if (chain.nodes.empty()) return std::nullopt;
  return chain;
}

bool EmitChannelwise(Builder& builder, const graph::Node& node) {
  graph::ValueId input = node.inputs[0];
  if (builder.graph().constant(input) != nullptr && node.inputs.size() == 2) input = node.inputs[1];
  auto chain = FindChannelwise(builder, node, input);
  if (!chain) return false;
  const auto rows = RowsOf(builder.Layout(input));
  if (!rows) return false;
  const ChannelForm form = builder.FormFor(chain->output);
  const auto finish = [&](const Operand& target) {
    for (std::size_t i = 1; i < chain->nodes.size(); ++i) builder.MarkFused(*chain->nodes[i], node);
    builder.Define(chain->output, target);
    return true;
  };
  if (const auto tiles = TilesFrom(builder, chain->output); tiles && IsPictureSource(builder.Layout(input))) {
    const Operand target = AddPicture(builder, *tiles, builder.Read(input), std::move(chain->function));
    builder.Report(node, "channelwise");
    return finish(target);
  }
  const bool as_it_lies = form == ChannelForm::kFloat || rows->blocks == 1;
  const Operand source =
      as_it_lies ? builder.Read(input)
                 : builder.ReadAs(input, ChannelsLast(DimsOf(builder.Plain(input)), dnnl::memory::data_type::f32));
  const Operand target =
      builder.AddChannelwise(node, source, std::move(chain->function), form, builder.MayOverwrite(input, source));
  return finish(target);
}

}  // namespace prefiqs::engine::onednn
