#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "ops/resize_axis.h"
#include "ops/rows.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Node;
using graph::Shape;
using graph::Tensor;

// Output sizes from a file; a product of them is checked apart.
constexpr double kMaxSize = 1e12;

std::vector<float> FloatsOf(const Node& node, const Tensor& tensor, std::string_view what, std::size_t count) {
  if (tensor.type() != DataType::kFloat32 || tensor.count() != static_cast<std::int64_t>(count)) {
    Fail(node, fmt::format("{} must be {} float values, one an axis", what, count));
  }
  const auto values = tensor.values<float>();
  return {values.begin(), values.end()};
}

std::vector<std::int64_t> SizesOf(const Node& node, const Tensor& tensor, std::size_t count) {
  if (tensor.type() == DataType::kFloat32 || tensor.count() != static_cast<std::int64_t>(count)) {
    Fail(node, fmt::format("sizes must be {} integers, one an axis", count));
  }
  return tensor.ToInt64s();
}

// The dimensions that scales, sizes and roi are about, in their order.
std::vector<std::size_t> ResizedAxes(const Node& node, std::size_t rank) {
  if (!node.Has("axes")) {
    std::vector<std::size_t> all(rank);
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
  }
  std::vector<std::size_t> axes;
  for (const std::int64_t written : node.Ints("axes")) {
    const auto axis = static_cast<std::size_t>(NormalAxis(node, written, rank));
    if (std::find(axes.begin(), axes.end(), axis) != axes.end()) {
      Fail(node, fmt::format("axis {} is given twice", written));
    }
    axes.push_back(axis);
  }
  return axes;
}

void SetScale(const Node& node, ResizeAxis& axis, float scale) {
  if (!(scale > 0) || !std::isfinite(scale)) Fail(node, fmt::format("a scale of {} is not positive", scale));
  // In float, as ONNX's shape inference has it: 10 elements by 0.7f are 7.
  const float size = std::floor(static_cast<float>(axis.input) * scale);
  if (!(size < kMaxSize)) Fail(node, fmt::format("a scale of {} makes a dimension too large", scale));
  axis.scale = scale;
  if (scale != 1) axis.output = static_cast<std::int64_t>(size);
}

// keep_aspect_ratio_policy: one scale for all axes, so that the result is not larger, or not smaller, than `sizes`.
void KeepAspectRatio(const Node& node, std::string_view policy, std::span<const std::size_t> axes,
                     std::vector<ResizeAxis>& all) {
  if (policy != "not_larger" && policy != "not_smaller") {
    Fail(node, fmt::format("keep_aspect_ratio_policy '{}' is not supported", policy));
  }
  if (axes.empty()) return;
  double scale = all[axes[0]].scale;
  for (const std::size_t d : axes) {
    scale = policy == "not_larger" ? std::min(scale, all[d].scale) : std::max(scale, all[d].scale);
  }
  for (const std::size_t d : axes) {
    const double size = std::floor(scale * static_cast<double>(all[d].input) + 0.5);
    if (!(size < kMaxSize)) Fail(node, "sizes and keep_aspect_ratio_policy make a dimension too large");
    all[d].scale = scale;
    all[d].output = static_cast<std::int64_t>(size);
  }
}

// Inputs 1 … 3; null: left out, or empty, which older opsets have for "left out".
struct Targets {
  const Tensor* roi = nullptr;
  const Tensor* scales = nullptr;
  const Tensor* sizes = nullptr;
};

std::vector<ResizeAxis> PlanResize(const Node& node, const Shape& input, const Targets& targets) {
  std::vector<ResizeAxis> all;
  for (const std::int64_t size : input) all.push_back({.input = size, .output = size});
  const std::vector<std::size_t> axes = ResizedAxes(node, input.size());
  const bool crop = ReadResizeMode(node).coordinates == Coordinates::kCropAndResize;
  const std::string policy = node.String("keep_aspect_ratio_policy", "stretch");

  if ((targets.scales != nullptr) == (targets.sizes != nullptr)) Fail(node, "it needs either scales or sizes");
  if (targets.scales != nullptr) {
    if (crop) Fail(node, "tf_crop_and_resize with scales has no agreed meaning; export the network with sizes");
    const std::vector<float> scales = FloatsOf(node, *targets.scales, "scales", axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) SetScale(node, all[axes[i]], scales[i]);
  } else {
    const std::vector<std::int64_t> sizes = SizesOf(node, *targets.sizes, axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) {
      ResizeAxis& axis = all[axes[i]];
      if (sizes[i] < 0 || (axis.input == 0) != (sizes[i] == 0)) {
        Fail(node, fmt::format("a dimension of {} cannot be resized to {}", axis.input, sizes[i]));
      }
      axis.output = sizes[i];
      if (axis.input > 0) axis.scale = static_cast<double>(sizes[i]) / static_cast<double>(axis.input);
    }
    if (policy != "stretch") KeepAspectRatio(node, policy, axes, all);
  }
  for (const ResizeAxis& axis : all) {
    if (axis.output == 0 && axis.input != 0) {
      Fail(node, fmt::format("a dimension of {} shrinks to nothing", axis.input));
    }
  }
  if (crop) {
    if (targets.roi == nullptr) Fail(node, "tf_crop_and_resize needs the input roi");
    const std::vector<float> roi = FloatsOf(node, *targets.roi, "roi", 2 * axes.size());
    for (std::size_t i = 0; i < axes.size(); ++i) {
      all[axes[i]].crop_begin = roi[i];
      all[axes[i]].crop_end = roi[i + axes.size()];
    }
  }
  return all;
}

std::vector<TensorType> InferResize(const Node& node, std::span<const InferInput> inputs) {
  const Shape& input = RequiredFloat(node, inputs, 0, "the input").shape;
  const ResizeMode mode = ReadResizeMode(node);
  const auto known = [&](std::size_t i, std::string_view what) -> const Tensor* {
    if (!Given(inputs, i) || inputs[i].type->shape == Shape{0}) return nullptr;
    return KnownInput(node, inputs, i, what);
  };
  Targets targets{.scales = known(2, "scales"), .sizes = known(3, "sizes")};
  if (mode.coordinates == Coordinates::kCropAndResize) targets.roi = known(1, "roi");
  const std::vector<ResizeAxis> axes = PlanResize(node, input, targets);
  // It changes nothing where no dimension shrinks.
  const auto shrinks = [](const ResizeAxis& axis) { return axis.scale < 1; };
  if (node.Int("antialias", 0) != 0 && std::any_of(axes.begin(), axes.end(), shrinks)) {
    Fail(node, "antialias is not supported; export the network without it");
  }
  Shape output;
  for (const ResizeAxis& axis : axes) output.push_back(axis.output);
  return {MakeType(node, graph::DataType::kFloat32, std::move(output))};
}

// Along dimension d of `values`, whose shape is `shape`; gives both the new form.
void ResizeAlong(std::size_t d, const ResizeAxis& axis, const ResizeMode& mode, Shape& shape,
                 std::vector<double>& values) {
  const auto front = static_cast<std::ptrdiff_t>(d);
  const auto outer = static_cast<std::size_t>(graph::ElementCount({shape.begin(), shape.begin() + front}));
  const auto inner = static_cast<std::size_t>(graph::ElementCount({shape.begin() + front + 1, shape.end()}));
  const auto before = static_cast<std::size_t>(axis.input);
  const auto after = static_cast<std::size_t>(axis.output);
  std::vector<double> result(outer * after * inner);
  for (std::size_t x = 0; x < after; ++x) {
    const Contributions from = ContributionsTo(static_cast<std::int64_t>(x), axis, mode);
    for (std::size_t o = 0; o < outer; ++o) {
      double* to = &result[(o * after + x) * inner];
      if (from.outside) std::fill_n(to, inner, mode.extrapolation_value);
      for (std::size_t c = 0; c < static_cast<std::size_t>(from.count); ++c) {
        // An element without weight does not count, even one that is not finite.
        if (from.weight[c] == 0) continue;
        const double* source = &values[(o * before + static_cast<std::size_t>(from.index[c])) * inner];
        for (std::size_t i = 0; i < inner; ++i) to[i] += from.weight[c] * source[i];
      }
    }
  }
  shape[d] = axis.output;
  values = std::move(result);
}

void RunResize(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  if (outputs[0].count() == 0) return;
  const auto given = [&](std::size_t i) {
    return i < inputs.size() && inputs[i] != nullptr && inputs[i]->count() > 0 ? inputs[i] : nullptr;
  };
  const ResizeMode mode = ReadResizeMode(node);
  Shape shape = inputs[0]->shape();
  const std::vector<ResizeAxis> axes =
      PlanResize(node, shape, {.roi = given(1), .scales = given(2), .sizes = given(3)});
  // Dimensions that shrink come first: so nothing on the way is larger than both input and output.
  std::vector<std::size_t> order(axes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return axes[a].output < axes[a].input && axes[b].output >= axes[b].input;
  });
  const auto in = inputs[0]->values<float>();
  std::vector<double> values(in.begin(), in.end());
  for (const std::size_t d : order) {
    const ResizeAxis& axis = axes[d];
    const bool whole = axis.crop_begin == 0 && axis.crop_end == 1;
    if (axis.output == axis.input && axis.scale == 1 && whole) continue;  // every output element is its input element
    ResizeAlong(d, axis, mode, shape, values);
  }
  std::transform(values.begin(), values.end(), outputs[0].values<float>().begin(),
                 [](double value) { return static_cast<float>(value); });
}

constexpr std::string_view kResizeAttributes[] = {"antialias",
                                                  "axes",
                                                  "coordinate_transformation_mode",
                                                  "cubic_coeff_a",
                                                  "exclude_outside",
                                                  "extrapolation_value",
                                                  "keep_aspect_ratio_policy",
                                                  "mode",
                                                  "nearest_mode"};
// Sizes that the file spells out would have to shrink too.
std::vector<AxisUse> TouchedByResize(const graph::Graph& inferred, const Node& node) {
  const bool plain =
      !node.Has("axes") && node.String("coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize";
  const Tensor* const scales = ConstantInput(inferred, node, 2);
  std::vector<AxisUse> uses = AllApart(inferred, node);
  if (!plain || scales == nullptr || scales->count() != static_cast<std::int64_t>(uses.size())) return {};
  for (std::size_t a = 0; a < uses.size(); ++a) {
    if (scales->values<float>()[a] != 1.0f) uses[a] = AxisUse::kTouched;
  }
  return uses;
}

constexpr Operator kResizeRows[] = {
    {"Resize", 1, 4, 1, 1, kResizeAttributes, InferResize, RunResize, 10, false, TouchedByResize}};

}  // namespace

std::span<const Operator> ResizeRows() { return kResizeRows; }

}  // namespace prefiqs::ops
