#include <algorithm>

#include "engine/onednn/emit.h"
#include "ops/window.h"

namespace prefiqs::engine::onednn {
namespace {

bool EmitWindow(Builder& builder, const graph::Node& node, dnnl::algorithm algorithm, const Dims& strides,
                const Dims& kernel, const Dims& before, const Dims& after) {
  const graph::ValueId input = node.inputs[0];
  const auto primitive =
      DescribePooling(builder.engine(), algorithm, builder.Layout(input), builder.Any(node.outputs[0]), kernel,
                      {strides, {}, before, after}, Builder::Attributes());
  const Operand source = builder.Read(input);
  const Operand output = builder.NewOperand(primitive.dst_desc());
  builder.Add(node, primitive, dnnl::pooling_forward(primitive), {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, output}});
  builder.Define(node.outputs[0], output);
  return true;
}

}  // namespace

bool EmitPool(Builder& builder, const graph::Node& node) {
  const graph::ValueId input = node.inputs[0];
  if (!builder.Describable(input) || !builder.Describable(node.outputs[0]) || node.outputs.size() != 1) return false;
  const graph::Shape& shape = builder.graph().value(input).shape;
  if (shape.size() < 3) return false;
  if (node.op == "GlobalAveragePool") {
    const Dims whole(shape.begin() + 2, shape.end()), none(whole.size(), 0);
    return EmitWindow(builder, node, dnnl::algorithm::pooling_avg_include_padding, whole, whole, none, none);
  }
  const ops::Window window = ops::ResolveWindow(node, shape, node.Ints("kernel_shape"));
  if (std::any_of(window.dilations.begin(), window.dilations.end(), [](std::int64_t d) { return d != 1; })) {
    return false;
  }
  // With ceil_mode the last window may reach further than the padding: more padding then, and what is not used of the
  // padding is none.
  Dims after = window.pads_end;
  bool beyond = false;
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::int64_t end = (window.output[i] - 1) * window.strides[i] + window.kernel[i] - window.pads_begin[i];
    beyond = beyond || end - shape[i + 2] > after[i];
    after[i] = end - shape[i + 2];
  }
  const bool include = node.Int("count_include_pad", 0) != 0;
  // What lies beyond the padding does not count, which oneDNN has no word for.
  if (node.op == "AveragePool" && include && beyond) return false;
  const dnnl::algorithm average =
      include ? dnnl::algorithm::pooling_avg_include_padding : dnnl::algorithm::pooling_avg_exclude_padding;
  return EmitWindow(builder, node, node.op == "MaxPool" ? dnnl::algorithm::pooling_max : average, window.strides,
                    window.kernel, window.pads_begin, after);
}

}  // namespace prefiqs::engine::onednn
