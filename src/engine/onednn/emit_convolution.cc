#include "engine/onednn/emit.h"
#include "engine/onednn/fusion.h"
#include "ops/window.h"

namespace prefiqs::engine::onednn {
namespace {

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

bool HasBias(const graph::Node& node) { return node.inputs.size() > 2 && node.inputs[2] != graph::kNone; }

// O×(I/g)×kernel as ONNX has it, or g×(O/g)×(I/g)×kernel.
Dims WeightDims(const graph::Shape& weights, std::int64_t groups) {
  Dims dims = weights;
  if (groups > 1) {
    dims[0] /= groups;
    dims.insert(dims.begin(), groups);
  }
  return dims;
}

Desc Dense(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (std::size_t i = dims.size(); i-- > 1;) strides[i - 1] = strides[i] * dims[i];
  return Desc(dims, Type::f32, strides);
}

bool EmitWith(Builder& builder, const graph::Node& node, const Fusion& fusion) {
  const graph::ValueId input = node.inputs[0], weights = node.inputs[1];
  const graph::Shape& weight_shape = builder.graph().value(weights).shape;
  const Dims weight_dims = WeightDims(weight_shape, node.Int("group", 1));
  const ops::Window window =
      ops::ResolveWindow(node, builder.graph().value(input).shape, {weight_shape.begin() + 2, weight_shape.end()});
  Dims dilations = window.dilations;  // oneDNN counts the elements left out
  for (auto& dilation : dilations) --dilation;
  const Desc weights_any(weight_dims, Type::f32, Tag::any);
  const Desc source = builder.Any(input), target = builder.Any(node.outputs[0]);
  constexpr auto kKind = dnnl::prop_kind::forward_inference;
  constexpr auto kDirect = dnnl::algorithm::convolution_direct;
  const auto desc =
      HasBias(node)
          ? dnnl::convolution_forward::desc(kKind, kDirect, source, weights_any, builder.Plain(node.inputs[2]), target,
                                            window.strides, dilations, window.pads_begin, window.pads_end)
          : dnnl::convolution_forward::desc(kKind, kDirect, source, weights_any, target, window.strides, dilations,
                                            window.pads_begin, window.pads_end);
  const dnnl::convolution_forward::primitive_desc primitive(desc, fusion.Attributes(), builder.engine());

  PrimitiveStep::Arguments arguments;
  arguments.emplace_back(DNNL_ARG_SRC, builder.ReadAs(input, primitive.src_desc()));
  arguments.emplace_back(DNNL_ARG_WEIGHTS, builder.Arrange(weights, Dense(weight_dims), primitive.weights_desc()));
  if (HasBias(node)) arguments.emplace_back(DNNL_ARG_BIAS, builder.ReadPlain(node.inputs[2]));
  const Operand output = PrepareOutput(builder, fusion, primitive.dst_desc());
  arguments.emplace_back(DNNL_ARG_DST, output);
  builder.Add(node, primitive, dnnl::convolution_forward(primitive), std::move(arguments));
  Finish(builder, node, fusion, output);
  return true;
}

}  // namespace

bool EmitConvolution(Builder& builder, const graph::Node& node) {
  for (const graph::ValueId id : node.inputs) {
    if (id != graph::kNone && !builder.Describable(id)) return false;
  }
  if (!builder.Describable(node.outputs[0])) return false;
  const Fusion fusion = FindFusion(builder, node);
  if (!fusion.nodes.empty()) {
    try {
      return EmitWith(builder, node, fusion);
    } catch (const dnnl::error& e) {
      if (e.status != dnnl_unimplemented) throw;
    }
  }
  return EmitWith(builder, node, FindFusion(builder, node, 0));
}

}  // namespace prefiqs::engine::onednn
