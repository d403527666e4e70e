#include "prune/touched_axes.h"

#include <cstdint>

#include "ops/rule.h"

namespace prefiqs::prune {

std::vector<bool> TouchedAxes(const graph::Graph& inferred, const graph::Node& node) {
  const std::size_t rank = inferred.value(node.inputs[0]).shape.size();
  std::vector<bool> touched(rank, false);
  const auto touch = [&](std::int64_t axis) {
    touched[static_cast<std::size_t>(ops::NormalAxis(node, axis, rank))] = true;
  };
  const auto constant = [&](std::size_t i) -> const graph::Tensor* {
    return i < node.inputs.size() && node.inputs[i] != graph::kNone ? inferred.constant(node.inputs[i]) : nullptr;
  };
  const graph::Tensor* const second = constant(1);
  if (node.op == "ReduceMean" || node.op == "ReduceL2") {
    if (second == nullptr) return {};
    for (const std::int64_t axis : second->ToInt64s()) touch(axis);
    if (second->count() == 0) return {};
  } else if (node.op == "Softmax") {
    if (node.Int("coerce_2d", 0) != 0) return {};
    touch(node.Int("axis", -1));
  } else if (node.op == "LayerNormalization") {
    if (node.outputs.size() != 1) return {};
    const std::int64_t first = ops::NormalAxis(node, node.Int("axis", -1), rank);
    for (std::int64_t a = first; a < static_cast<std::int64_t>(rank); ++a) touch(a);
  } else if (node.op == "Split") {
    touch(node.Int("axis", 0));
  } else if (node.op == "Gather") {
    if (inferred.value(node.inputs[1]).shape.size() > 1) return {};
    touch(node.Int("axis", 0));
  } else if (node.op == "Slice") {
    const graph::Tensor* const axes = constant(3);
    if (axes == nullptr) return {};
    for (const std::int64_t axis : axes->ToInt64s()) touch(axis);
  } else if (node.op == "Pad") {
    if (second == nullptr || (node.inputs.size() > 3 && node.inputs[3] != graph::kNone)) return {};
    const std::vector<std::int64_t> pads = second->ToInt64s();
    for (std::size_t a = 0; a < rank; ++a) touched[a] = pads[a] != 0 || pads[a + rank] != 0;
  } else if (node.op == "Resize") {
    // Sizes that the file spells out would have to shrink too.
    const graph::Tensor* const scales = constant(2);
    const bool plain =
        !node.Has("axes") && node.String("coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize";
    if (!plain || scales == nullptr || scales->count() != static_cast<std::int64_t>(rank)) return {};
    for (std::size_t a = 0; a < rank; ++a) touched[a] = scales->values<float>()[a] != 1.0f;
  } else {
    return {};
  }
  return touched;
}

}  // namespace prefiqs::prune
