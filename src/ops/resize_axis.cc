#include "ops/resize_axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::Node;

template <typename Enum, std::size_t kCount>
Enum Word(const Node& node, std::string_view key, std::string_view fallback,
          const std::pair<std::string_view, Enum> (&words)[kCount]) {
  const std::string written = node.String(key, fallback);
  for (const auto& [word, value] : words) {
    if (word == written) return value;
  }
  Fail(node, fmt::format("{} '{}' is not supported", key, written));
}

constexpr std::pair<std::string_view, Coordinates> kCoordinates[] = {
    {"half_pixel", Coordinates::kHalfPixel},
    {"half_pixel_symmetric", Coordinates::kHalfPixelSymmetric},
    {"pytorch_half_pixel", Coordinates::kPytorchHalfPixel},
    {"align_corners", Coordinates::kAlignCorners},
    {"asymmetric", Coordinates::kAsymmetric},
    {"tf_crop_and_resize", Coordinates::kCropAndResize},
};
constexpr std::pair<std::string_view, Interpolation> kInterpolations[] = {
    {"nearest", Interpolation::kNearest},
    {"linear", Interpolation::kLinear},
    {"cubic", Interpolation::kCubic},
};
constexpr std::pair<std::string_view, Rounding> kRoundings[] = {
    {"round_prefer_floor", Rounding::kPreferFloor},
    {"round_prefer_ceil", Rounding::kPreferCeil},
    {"floor", Rounding::kFloor},
    {"ceil", Rounding::kCeil},
};

// Formulas: text and reference of ONNX's Resize. `length` is the output's before rounding, as the reference has it.
double InputCoordinate(std::int64_t output_position, const ResizeAxis& axis, Coordinates coordinates) {
  const auto x = static_cast<double>(output_position);
  const auto last = static_cast<double>(axis.input - 1);
  const double length = axis.scale * static_cast<double>(axis.input);
  const double half_pixel = (x + 0.5) / axis.scale - 0.5;
  switch (coordinates) {
    case Coordinates::kHalfPixel:
      break;
    case Coordinates::kHalfPixelSymmetric: {
      const double adjustment = static_cast<double>(axis.output) / length;
      return static_cast<double>(axis.input) / 2 * (1 - adjustment) + half_pixel;
    }
    case Coordinates::kPytorchHalfPixel:
      return axis.output == 1 ? 0.0 : half_pixel;
    case Coordinates::kAlignCorners:
      return axis.output == 1 ? 0.0 : x * last / (length - 1);
    case Coordinates::kAsymmetric:
      return x / axis.scale;
    case Coordinates::kCropAndResize: {
      const double crop = axis.crop_end - axis.crop_begin;
      return axis.crop_begin * last + (axis.output == 1 ? crop * last / 2 : x * crop * last / (length - 1));
    }
  }
  return half_pixel;
}

bool TakesNext(double ratio, Rounding rounding) {
  switch (rounding) {
    case Rounding::kPreferFloor:
      return ratio > 0.5;
    case Rounding::kPreferCeil:
      return ratio >= 0.5;
    case Rounding::kFloor:
      return false;
    case Rounding::kCeil:
      return ratio > 0;
  }
  return false;
}

// Keys' cubic convolution: of an element at distance 0 … 1, and at distance 1 … 2.
double CubicNear(double distance, double a) { return ((a + 2) * distance - (a + 3)) * distance * distance + 1; }
double CubicFar(double distance, double a) { return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a; }

}  // namespace

ResizeMode ReadResizeMode(const Node& node) {
  ResizeMode mode;
  mode.coordinates = Word(node, "coordinate_transformation_mode", "half_pixel", kCoordinates);
  mode.interpolation = Word(node, "mode", "nearest", kInterpolations);
  mode.rounding = Word(node, "nearest_mode", "round_prefer_floor", kRoundings);
  mode.cubic_coefficient = node.Float("cubic_coeff_a", -0.75f);
  mode.exclude_outside = node.Int("exclude_outside", 0) != 0;
  mode.extrapolation_value = node.Float("extrapolation_value", 0.0f);
  return mode;
}

Contributions ContributionsTo(std::int64_t x, const ResizeAxis& axis, const ResizeMode& mode) {
  const double exact = InputCoordinate(x, axis, mode.coordinates);
  const auto last = static_cast<double>(axis.input - 1);
  Contributions result;
  if (mode.coordinates == Coordinates::kCropAndResize && !(exact >= 0 && exact <= last)) {
    result.outside = true;
    return result;
  }
  // Further out all elements are the edge anyway; and what is not a number goes to the edge too.
  constexpr double kMargin = 4;
  const double position = exact >= -kMargin ? std::min(exact, last + kMargin) : -kMargin;
  const double floor = std::floor(position);
  const double ratio = position - floor;
  const auto left = static_cast<std::int64_t>(floor);

  std::int64_t first = left;
  switch (mode.interpolation) {
    case Interpolation::kNearest:
      result.count = 1;
      result.weight = {1.0};
      if (TakesNext(ratio, mode.rounding)) ++first;
      break;
    case Interpolation::kLinear:
      result.count = 2;
      result.weight = {1 - ratio, ratio};
      break;
    case Interpolation::kCubic: {
      const double a = mode.cubic_coefficient;
      result.count = 4;
      result.weight = {CubicFar(1 + ratio, a), CubicNear(ratio, a), CubicNear(1 - ratio, a), CubicFar(2 - ratio, a)};
      first = left - 1;
      break;
    }
  }

  std::array<bool, 4> inside{};
  double weight_inside = 0;
  for (int i = 0; i < result.count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    inside[at] = first + i >= 0 && first + i < axis.input;
    if (inside[at]) weight_inside += result.weight[at];
    result.index[at] = std::clamp<std::int64_t>(first + i, 0, axis.input - 1);
  }
  // Where nothing inside has weight, the edge has to do.
  if (mode.exclude_outside && weight_inside != 0) {
    for (std::size_t at = 0; at < static_cast<std::size_t>(result.count); ++at) {
      result.weight[at] = inside[at] ? result.weight[at] / weight_inside : 0.0;
    }
  }
  return result;
}

}  // namespace prefiqs::ops
