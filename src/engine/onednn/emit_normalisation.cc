#include <algorithm>
#include <string_view>

#include "engine/onednn/emit.h"

namespace prefiqs::engine::onednn {
namespace {

bool AllDescribable(const Builder& builder, const graph::Node& node) {
  return std::all_of(node.inputs.begin(), node.inputs.end(),
                     [&](graph::ValueId id) { return id == graph::kNone || builder.Describable(id); });
}

}  // namespace

bool EmitBatchNormalization(Builder& builder, const graph::Node& node) {
  if (node.outputs.size() != 1 || node.inputs.size() != 5 || !AllDescribable(builder, node)) return false;
  const graph::ValueId input = node.inputs[0];
  const auto primitive = DescribeBatchNormalization(builder.engine(), builder.Layout(input),
                                                    node.Float("epsilon", 1e-5f), Builder::Attributes());
  const Operand source = builder.Read(input);
  PrimitiveStep::Arguments arguments{{DNNL_ARG_SRC, source}};
  constexpr int kParameters[] = {DNNL_ARG_SCALE, DNNL_ARG_SHIFT, DNNL_ARG_MEAN, DNNL_ARG_VARIANCE};
  for (std::size_t i = 0; i < 4; ++i) arguments.emplace_back(kParameters[i], builder.ReadPlain(node.inputs[i + 1]));
  const Operand output = builder.NewOperand(primitive.dst_desc());
  arguments.emplace_back(DNNL_ARG_DST, output);
  builder.Add(node, primitive, dnnl::batch_normalization_forward(primitive), std::move(arguments));
  builder.Define(node.outputs[0], output);
  return true;
}

bool EmitLayerNormalization(Builder& builder, const graph::Node& node) {
  if (node.outputs.size() != 1 || !AllDescribable(builder, node)) return false;
  const graph::ValueId input = node.inputs[0];
  const graph::Shape& shape = builder.graph().value(input).shape;
  const auto rank = static_cast<std::int64_t>(shape.size());
  const std::int64_t axis = node.Int("axis", -1);
  // oneDNN normalises over the last dimension.
  if (rank < 2 || (axis != -1 && axis != rank - 1)) return false;
  const bool has_shift = node.inputs.size() > 2 && node.inputs[2] != graph::kNone;
  for (std::size_t i = 1; i < (has_shift ? 3u : 2u); ++i) {
    if (builder.graph().value(node.inputs[i]).shape != graph::Shape{shape.back()}) return false;
  }
  const auto primitive = DescribeLayerNormalization(builder.engine(), builder.Plain(input),
                                                    node.Float("epsilon", 1e-5f), has_shift, Builder::Attributes());
  PrimitiveStep::Arguments arguments{{DNNL_ARG_SRC, builder.ReadPlain(input)},
                                     {DNNL_ARG_SCALE, builder.ReadPlain(node.inputs[1])}};
  if (has_shift) arguments.emplace_back(DNNL_ARG_SHIFT, builder.ReadPlain(node.inputs[2]));
  const Operand output = builder.NewOperand(primitive.dst_desc());
  arguments.emplace_back(DNNL_ARG_DST, output);
  builder.Add(node, primitive, dnnl::layer_normalization_forward(primitive), std::move(arguments));
  builder.Define(node.outputs[0], output);
  return true;
}

bool EmitSoftmax(Builder& builder, const graph::Node& node) {
  const graph::ValueId input = node.inputs[0];
  if (!builder.Describable(input)) return false;
  const auto rank = static_cast<std::int64_t>(builder.graph().value(input).shape.size());
  std::int64_t axis = node.Int("axis", -1);
  if (axis < 0) axis += rank;
  if (rank == 0) return false;
  // Over several axes at once, unless the last is the only one.
  if (node.Int("coerce_2d", 0) != 0 && axis != rank - 1) return false;
  const auto primitive =
      DescribeSoftmax(builder.engine(), builder.Layout(input), static_cast<int>(axis), Builder::Attributes());
  const Operand source = builder.Read(input);
  const Operand output = builder.NewOperand(primitive.dst_desc());
  builder.Add(node, primitive, dnnl::softmax_forward(primitive), {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, output}});
  builder.Define(node.outputs[0], output);
  return true;
}

namespace {

struct Reduction {
  std::string_view op;
  dnnl::algorithm algorithm;
  float p = 0;
};
constexpr Reduction kReductions[] = {
    {"ReduceMean", dnnl::algorithm::reduction_mean}, {"ReduceSum", dnnl::algorithm::reduction_sum},
    {"ReduceProd", dnnl::algorithm::reduction_mul},  {"ReduceMax", dnnl::algorithm::reduction_max},
    {"ReduceMin", dnnl::algorithm::reduction_min},   {"ReduceL2", dnnl::algorithm::reduction_norm_lp_sum, 2.0f},
};

}  // namespace

bool EmitReduce(Builder& builder, const graph::Node& node) {
  const graph::ValueId input = node.inputs[0];
  if (!builder.Describable(input)) return false;
  const graph::Shape& shape = builder.graph().value(input).shape;
  const auto rank = static_cast<std::int64_t>(shape.size());
  std::vector<std::int64_t> axes;
  if (node.inputs.size() > 1 && node.inputs[1] != graph::kNone) {
    const graph::Tensor* constant = builder.graph().constant(node.inputs[1]);
    if (constant == nullptr) return false;
    axes = constant->ToInt64s();
  }
  if (axes.empty() && node.Int("noop_with_empty_axes", 0) != 0) return false;
  Dims reduced = shape;
  for (std::int64_t axis : axes) reduced[static_cast<std::size_t>(axis < 0 ? axis + rank : axis)] = 1;
  if (axes.empty()) reduced.assign(shape.size(), 1);
  if (reduced == shape) return false;
  const Reduction& row = *std::ranges::find(kReductions, node.op, &Reduction::op);
  const Desc target(reduced, dnnl::memory::data_type::f32, dnnl::memory::format_tag::any);
  const auto primitive =
      DescribeReduction(builder.engine(), row.algorithm, builder.Layout(input), target, row.p, Builder::Attributes());
  const Operand source = builder.Read(input);
  Operand output = builder.NewOperand(primitive.dst_desc());
  builder.Add(node, primitive, dnnl::reduction(primitive), {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, output}});
  const Desc plain = builder.Plain(node.outputs[0]).reshape(reduced);
  if (node.Int("keepdims", 1) != 0) {
    builder.Define(node.outputs[0], output);
  } else {
    builder.DefineAlias(node.outputs[0], builder.Rearranged(output, plain), builder.Plain(node.outputs[0]));
  }
  return true;
}

}  // namespace prefiqs::engine::onednn
