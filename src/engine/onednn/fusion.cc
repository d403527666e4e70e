#include "engine/onednn/fusion.h"

#include <limits>

#include "engine/vectors.h"

namespace prefiqs::engine::onednn {
namespace {

using dnnl::algorithm;

// One bound of a Clip: `open` where it is left out, nothing where it is not known before the run.
std::optional<float> Bound(const graph::Graph& graph, const graph::Node& node, std::size_t i, float open) {
  if (i >= node.inputs.size() || node.inputs[i] == graph::kNone) return open;
  const graph::Tensor* constant = graph.constant(node.inputs[i]);
  if (constant == nullptr || constant->type() != graph::DataType::kFloat32 || constant->count() != 1) {
    return std::nullopt;
  }
  return constant->values<float>()[0];
}

std::optional<Eltwise> ClipAsEltwise(const graph::Graph& graph, const graph::Node& node) {
  const auto low = Bound(graph, node, 1, -std::numeric_limits<float>::infinity());
  const auto high = Bound(graph, node, 2, std::numeric_limits<float>::infinity());
  if (!low || !high) return std::nullopt;
  return Eltwise{algorithm::eltwise_clip, *low, *high};
}

}  // namespace

std::optional<Eltwise> AsEltwise(const graph::Graph& graph, const graph::Node& node) {
  if (node.outputs.size() != 1 || graph.value(node.outputs[0]).type != graph::DataType::kFloat32) return std::nullopt;
  if (node.op == "Relu") return Eltwise{algorithm::eltwise_relu};
  if (node.op == "LeakyRelu") return Eltwise{algorithm::eltwise_relu, node.Float("alpha", 0.01f)};
  if (node.op == "Clip") return ClipAsEltwise(graph, node);
  if (node.op == "Sigmoid") return Eltwise{algorithm::eltwise_logistic};
  if (node.op == "HardSigmoid") {
    return Eltwise{algorithm::eltwise_linear, node.Float("alpha", 0.2f), node.Float("beta", 0.5f), true};
  }
  if (node.op == "HardSwish") return Eltwise{algorithm::eltwise_hardswish, 1.0f / 6, 0.5f};
  if (node.op == "Neg") return Eltwise{algorithm::eltwise_linear, -1.0f};
  if (node.op == "Abs") return Eltwise{algorithm::eltwise_abs};
  if (node.op == "Reciprocal") return Eltwise{algorithm::eltwise_pow, 1.0f, -1.0f};
  if (node.op == "Elu") return Eltwise{algorithm::eltwise_elu, node.Float("alpha", 1.0f)};
  if (node.op == "Softplus") return Eltwise{algorithm::eltwise_soft_relu, 1.0f};
  if (node.op == "Tanh") return Eltwise{algorithm::eltwise_tanh};
  if (node.op == "Exp") return Eltwise{algorithm::eltwise_exp};
  if (node.op == "Sqrt") return Eltwise{algorithm::eltwise_sqrt};
  if (node.op == "Gelu") {
    const bool tanh = node.String("approximate", "none") == "tanh";
    return Eltwise{tanh ? algorithm::eltwise_gelu_tanh : algorithm::eltwise_gelu_erf};
  }
  return std::nullopt;
}

void Append(dnnl::post_ops& post_ops, const Eltwise& eltwise) {
  AppendEltwise(post_ops, eltwise.algorithm, eltwise.alpha, eltwise.beta);
  if (eltwise.clip_to_one) AppendEltwise(post_ops, algorithm::eltwise_clip, 0.0f, 1.0f);
}

dnnl::primitive_attr Fusion::Attributes() const {
  dnnl::primitive_attr attributes = Builder::Attributes();
  attributes.set_post_ops(post_ops);
  return attributes;
}

Fusion FindFusion(const Builder& builder, const graph::Node& node, std::size_t limit) {
  Fusion fusion;
  fusion.output = node.outputs[0];
  while (fusion.nodes.size() < limit) {
    const graph::Node* reader = builder.SoleReader(fusion.output);
    if (reader == nullptr || reader->outputs.size() != 1) break;
    if (const auto eltwise = AsEltwise(builder.graph(), *reader); eltwise && reader->inputs[0] == fusion.output) {
      if (!kIsX86 && eltwise->algorithm == algorithm::eltwise_hardswish) break;  // Arm's convolutions leave it out
      Append(fusion.post_ops, *eltwise);
    } else if (reader->op == "Add" && fusion.added == graph::kNone) {
      const graph::ValueId other = reader->inputs[reader->inputs[0] == fusion.output ? 1 : 0];
      // The sum happens in place of the other operand, so that must be memory of the run.
      if (!builder.Available(other) || builder.graph().constant(other) != nullptr || !builder.Describable(other) ||
          builder.graph().value(other).shape != builder.graph().value(fusion.output).shape) {
        break;
      }
      fusion.added = other;
      fusion.post_ops.append_sum(1.0f);
    } else {
      break;
    }
    fusion.nodes.push_back(reader);
    fusion.output = reader->outputs[0];
  }
  return fusion;
}

Operand PrepareOutput(Builder& builder, const Fusion& fusion, const Desc& desc) {
  if (fusion.added == graph::kNone) return builder.NewOperand(desc);
  return builder.Overwritable(fusion.added, builder.ReadAs(fusion.added, desc));
}

void Finish(Builder& builder, const graph::Node& node, const Fusion& fusion, const Operand& output) {
  for (const graph::Node* fused : fusion.nodes) builder.MarkFused(*fused, node);
  builder.Define(fusion.output, output);
}

}  // namespace prefiqs::engine::onednn
