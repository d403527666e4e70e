// Resize along one dimension: which input elements an output element is made of, and with what weights.
#ifndef PREFIQS_OPS_RESIZE_AXIS_H_
#define PREFIQS_OPS_RESIZE_AXIS_H_

#include <array>
#include <cstdint>
#include <string_view>

#include "graph/graph.h"

namespace prefiqs::ops {

// Where the middle of an output element lies in the input.
enum class Coordinates {
  kHalfPixel,
  kHalfPixelSymmetric,
  kPytorchHalfPixel,
  kAlignCorners,
  kAsymmetric,
  kCropAndResize
};
enum class Interpolation { kNearest, kLinear, kCubic };
enum class Rounding { kPreferFloor, kPreferCeil, kFloor, kCeil };

// The attributes of a Resize node.
struct ResizeMode {
  Coordinates coordinates = Coordinates::kHalfPixel;
  Interpolation interpolation = Interpolation::kNearest;
  Rounding rounding = Rounding::kPreferFloor;
  double cubic_coefficient = -0.75;
  bool exclude_outside = false;  // else the edge element stands for those outside
  double extrapolation_value = 0.0;
};

// Throws Error(kModel) for a word that ONNX does not have.
ResizeMode ReadResizeMode(const graph::Node& node);

struct ResizeAxis {
  std::int64_t input = 0;
  std::int64_t output = 0;
  double scale = 1.0;                       // near output / input: `output` is rounded
  double crop_begin = 0.0, crop_end = 1.0;  // of kCropAndResize, in lengths of the input
};

struct Contributions {
  bool outside = false;  // of the crop's input: the element is extrapolation_value
  int count = 0;
  std::array<std::int64_t, 4> index{};  // in 0 … input - 1; an index may stand more than once
  std::array<double, 4> weight{};
};

// 0 <= x < axis.output.
Contributions ContributionsTo(std::int64_t x, const ResizeAxis& axis, const ResizeMode& mode);

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_RESIZE_AXIS_H_
