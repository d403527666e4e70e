#include "engine/onednn/emit.h"

namespace prefiqs::engine::onednn {
namespace {

// What oneDNN's two algorithms mean in ONNX's words. Nearest: for a whole factor f, output i takes input floor(i / f)
// in both ways of counting that networks use; other factors round differently. Linear: pixel centres at halves.
std::optional<dnnl::algorithm> Algorithm(const graph::Graph& graph, const graph::Node& node) {
  const graph::Shape& from = graph.value(node.inputs[0]).shape;
  const graph::Shape& to = graph.value(node.outputs[0]).shape;
  if (from.size() < 3 || from[0] != to[0] || from[1] != to[1]) return std::nullopt;
  const std::string mode = node.String("mode", "nearest");
  const std::string coordinates = node.String("coordinate_transformation_mode", "half_pixel");
  if (mode == "nearest") {
    for (std::size_t i = 2; i < from.size(); ++i) {
      if (to[i] % from[i] != 0) return std::nullopt;
    }
    const bool floor = coordinates == "asymmetric" && node.String("nearest_mode", "round_prefer_floor") == "floor";
    const std::string rounding = node.String("nearest_mode", "round_prefer_floor");
    const bool halves =
        coordinates == "half_pixel" && (rounding == "round_prefer_floor" || rounding == "round_prefer_ceil");
    if (floor || halves) return dnnl::algorithm::resampling_nearest;
  }
  if (mode == "linear" && coordinates == "half_pixel") return dnnl::algorithm::resampling_linear;
  return std::nullopt;
}

// oneDNN takes the factors from the sizes; a file's factors may be others where the product is no whole number.
bool ScalesAgree(const graph::Graph& graph, const graph::Node& node) {
  if (node.inputs.size() < 3 || node.inputs[2] == graph::kNone) return true;
  const graph::Tensor* scales = graph.constant(node.inputs[2]);
  if (scales == nullptr || scales->type() != graph::DataType::kFloat32) return false;
  if (scales->count() == 0) return true;
  const graph::Shape& from = graph.value(node.inputs[0]).shape;
  const graph::Shape& to = graph.value(node.outputs[0]).shape;
  if (scales->count() != static_cast<std::int64_t>(from.size())) return false;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (static_cast<double>(scales->values<float>()[i]) * static_cast<double>(from[i]) != static_cast<double>(to[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool EmitResize(Builder& builder, const graph::Node& node) {
  const graph::ValueId input = node.inputs[0];
  if (!builder.Describable(input) || !builder.Describable(node.outputs[0])) return false;
  if (node.Has("axes") || node.String("keep_aspect_ratio_policy", "stretch") != "stretch") return false;
  const auto algorithm = Algorithm(builder.graph(), node);
  if (!algorithm || !ScalesAgree(builder.graph(), node)) return false;
  const auto primitive = DescribeResampling(builder.engine(), *algorithm, builder.Layout(input),
                                            builder.Any(node.outputs[0]), Builder::Attributes());
  const Operand source = builder.Read(input);
  const Operand output = builder.NewOperand(primitive.dst_desc());
  builder.Add(node, primitive, dnnl::resampling_forward(primitive), {{DNNL_ARG_SRC, source}, {DNNL_ARG_DST, output}});
  builder.Define(node.outputs[0], output);
  return true;
}

}  // namespace prefiqs::engine::onednn
