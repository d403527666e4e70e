#include <algorithm>

#include "engine/onednn/emit.h"
#include "engine/onednn/fusion.h"

namespace prefiqs::engine::onednn {
namespace {

// A result of the layout that `input` has, in its place where that may be.
Operand InPlace(Builder& builder, graph::ValueId input, const Operand& operand) {
  return builder.MayOverwrite(input, operand) ? operand : builder.NewOperand(operand.desc);
}

// One dimension more in front until there are as many as in `rank`.
Dims Widened(const graph::Shape& shape, std::size_t rank) {
  Dims dims = shape;
  dims.insert(dims.begin(), rank - dims.size(), 1);
  return dims;
}

}  // namespace

bool EmitUnary(Builder& builder, const graph::Node& node) {
  const auto eltwise = AsEltwise(builder.graph(), node);
  const graph::ValueId input = node.inputs[0];
  if (!eltwise || !builder.Describable(input)) return false;
  const Desc layout = builder.Layout(input);
  const auto make = [&](dnnl::algorithm algorithm, float alpha, float beta) {
    return DescribeEltwise(builder.engine(), algorithm, layout, alpha, beta, Builder::Attributes());
  };
  const auto primitive = make(eltwise->algorithm, eltwise->alpha, eltwise->beta);
  const auto clip = make(dnnl::algorithm::eltwise_clip, 0.0f, 1.0f);
  const Operand source = builder.Read(input);
  const Operand output = InPlace(builder, input, source);
  builder.Add(node, primitive, dnnl::eltwise_forward(primitive), {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, output}});
  if (eltwise->clip_to_one) {
    // On its own: oneDNN 2.6 takes this as a post-op of an eltwise primitive, and then leaves the result unwritten.
    builder.AddStep(dnnl::eltwise_forward(clip), {{DNNL_ARG_SRC, output}, {DNNL_ARG_DST, output}},
                    clip.scratchpad_desc());
  }
  builder.Define(node.outputs[0], output);
  return true;
}

bool EmitPRelu(Builder& builder, const graph::Node& node) {
  if (EmitChannelwise(builder, node)) return true;
  const graph::ValueId input = node.inputs[0], slope = node.inputs[1];
  if (!builder.Describable(input) || !builder.Describable(slope)) return false;
  const graph::Shape& shape = builder.graph().value(input).shape;
  if (shape.empty() || builder.graph().value(node.outputs[0]).shape != shape) return false;
  const Desc layout = builder.Layout(input);
  const Desc slopes = builder.Plain(slope).reshape(Widened(builder.graph().value(slope).shape, shape.size()));
  const auto primitive = DescribePRelu(builder.engine(), layout, slopes, Builder::Attributes());
  const Operand source = builder.Read(input);
  const Operand weights = builder.Arrange(slope, slopes, slopes);
  const Operand output = InPlace(builder, input, source);
  builder.Add(node, primitive, dnnl::prelu_forward(primitive),
              {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, output}});
  builder.Define(node.outputs[0], output);
  return true;
}

}  // namespace prefiqs::engine::onednn
