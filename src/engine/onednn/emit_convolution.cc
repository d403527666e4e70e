#include "engine/onednn/channelwise_chain.h"
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

// What is only passed through functions of a channel into products in bfloat16 may be kept in it: half the memory to
// write and read.
Type ResultType(const Builder& builder, const Fusion& fusion, ChannelForm form) {
  if (form != ChannelForm::kBf16 || fusion.added != graph::kNone) return Type::f32;
  if (builder.FormFor(fusion.output) == ChannelForm::kBf16) return Type::bf16;
  const graph::Node* reader = builder.SoleReader(fusion.output);
  if (reader == nullptr) return Type::f32;
  const auto chain = FindChannelwise(builder, *reader, fusion.output);
  return chain && builder.FormFor(chain->output) == ChannelForm::kBf16 ? Type::bf16 : Type::f32;
}

// What is left to oneDNN's choice, or not.
enum class Way {
  kChannelsLast,  // grouped: what comes before and after prefers it, and there is hardly a difference
  kAny,
};

bool EmitWith(Builder& builder, const graph::Node& node, const Fusion& fusion, Way way) {
  const graph::ValueId input = node.inputs[0], weights = node.inputs[1];
  const graph::Shape& weight_shape = builder.graph().value(weights).shape;
  const Dims weight_dims = WeightDims(weight_shape, node.Int("group", 1));
  const ChannelForm form = builder.FactorForm(node);
  const Type type = form == ChannelForm::kFloat ? Type::f32 : Type::bf16;
  Desc source(DimsOf(builder.Plain(input)), type, Tag::any);
  const ops::Window window =
      ops::ResolveWindow(node, builder.graph().value(input).shape, {weight_shape.begin() + 2, weight_shape.end()});
  Dims dilations = window.dilations;  // oneDNN counts the elements left out
  for (auto& dilation : dilations) --dilation;
  const Desc weights_any(weight_dims, type, Tag::any);
  Desc target(DimsOf(builder.Plain(node.outputs[0])), ResultType(builder, fusion, form), Tag::any);
  if (way == Way::kChannelsLast) {
    // Groups of one channel have kernels of their own.
    if (DimsOf(source).size() != 4 || weight_dims.size() != 5 || weight_dims[2] == 1) return false;
    source = ChannelsLast(DimsOf(source), type);
    target = ChannelsLast(DimsOf(target), TypeOf(target));
  }
  const Desc bias = HasBias(node) ? builder.Plain(node.inputs[2]) : Desc();
  const auto primitive = DescribeConvolution(
      builder.engine(), dnnl::algorithm::convolution_direct, source, weights_any, HasBias(node) ? &bias : nullptr,
      target, {window.strides, dilations, window.pads_begin, window.pads_end}, fusion.Attributes());

  PrimitiveStep::Arguments arguments;
  arguments.emplace_back(DNNL_ARG_SRC, form == ChannelForm::kFloat ? builder.ReadAs(input, primitive.src_desc())
                                                                   : builder.ReadFactor(input, primitive.src_desc()));
  arguments.emplace_back(DNNL_ARG_WEIGHTS, builder.Arrange(weights, RowMajor(weight_dims), primitive.weights_desc()));
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
  const auto emit = [&](const Fusion& fusion, Way way) {
    try {
      return EmitWith(builder, node, fusion, way);
    } catch (const dnnl::error& e) {
      if (e.status != dnnl_unimplemented) throw;
      return false;
    }
  };
  if (EmitTiles(builder, node) || EmitWinograd(builder, node)) return true;
  const Fusion fusion = FindFusion(builder, node);
  for (const Way way : {Way::kChannelsLast, Way::kAny}) {
    if (emit(fusion, way)) return true;
  }
  return !fusion.nodes.empty() && emit(FindFusion(builder, node, 0), Way::kAny);
}

}  // namespace prefiqs::engine::onednn
