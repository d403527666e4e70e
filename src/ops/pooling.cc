#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/rows.h"
#include "ops/rule.h"
#include "ops/window.h"

namespace prefiqs::ops {
namespace {

using graph::Node;
using graph::Shape;
using graph::Tensor;

Window ResolvePool(const Node& node, const Shape& input) {
  if (!node.Has("kernel_shape")) Fail(node, "the attribute kernel_shape is missing");
  return ResolveWindow(node, input, node.Ints("kernel_shape"));
}

// MaxPool's second output: where the largest lie, counted over the whole input in row-major order.
std::vector<TensorType> InferPool(const Node& node, std::span<const InferInput> inputs) {
  const Shape& input = RequiredFloat(node, inputs, 0, "the input").shape;
  const Window window = ResolvePool(node, input);
  // A window must see at least one element of the input. A pad of a whole window, or a step over the whole input, would
  // make one that does not.
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    const std::int64_t extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
    const std::int64_t pad = std::max(window.pads_begin[i], window.pads_end[i]);
    if (pad >= extent || (pad > 0 && window.dilations[i] > input[i + 2])) {
      Fail(node, fmt::format("with pads of {} a window of {} may lie in padding alone; use smaller pads", pad, extent));
    }
  }
  Shape output{input[0], input[1]};
  output.insert(output.end(), window.output.begin(), window.output.end());
  std::vector<TensorType> results{MakeType(node, graph::DataType::kFloat32, output)};
  if (node.outputs.size() > 1) results.push_back(MakeType(node, graph::DataType::kInt64, std::move(output)));
  return results;
}

// What one window sees of a plane of the input, and how many places it has there and in the padding together.
struct Seen {
  double sum = 0;
  double largest = 0;
  std::int64_t place = 0;  // of the largest in the plane: of the first where several are equal
  std::int64_t inside = 0;
  std::int64_t with_padding = 0;
};

Seen Look(const float* plane, const std::array<std::int64_t, 3>& size, const Window& window,
          const std::array<std::int64_t, 3>& position) {
  std::array<std::int64_t, 3> start{};
  std::array<Taps, 3> taps;
  Seen seen{.with_padding = 1};
  for (std::size_t i = 0; i < 3; ++i) {
    start[i] = position[i] * window.strides[i] - window.pads_begin[i];
    taps[i] = TapsInside(start[i], window.dilations[i], window.kernel[i], size[i]);
    // The part of a last window of ceil_mode that lies behind the padding does not count.
    const Taps padded = TapsInside(start[i], window.dilations[i], window.kernel[i], size[i] + window.pads_end[i]);
    seen.with_padding *= padded.last;
  }
  for (std::int64_t a = taps[0].first; a < taps[0].last; ++a) {
    for (std::int64_t b = taps[1].first; b < taps[1].last; ++b) {
      for (std::int64_t c = taps[2].first; c < taps[2].last; ++c) {
        const std::int64_t z = start[0] + a * window.dilations[0];
        const std::int64_t y = start[1] + b * window.dilations[1];
        const std::int64_t x = start[2] + c * window.dilations[2];
        const std::int64_t place = (z * size[1] + y) * size[2] + x;
        const double value = plane[place];
        seen.sum += value;
        if (seen.inside++ == 0 || value > seen.largest || std::isnan(value)) {  // a NaN stays, the last of several
          seen.largest = value;
          seen.place = place;
        }
      }
    }
  }
  return seen;
}

// Calls visit(first, seen) for what each window sees of the plane that begins at element `first`, in the order of the
// output.
template <typename Visit>
void Slide(const Node& node, const Tensor& input, Visit visit) {
  const Window window = ThreeDimensional(ResolvePool(node, input.shape()));
  const std::array<std::int64_t, 3> size = SpatialSize(input.shape());
  const float* elements = input.values<float>().data();
  const std::int64_t plane = size[0] * size[1] * size[2];
  for (std::int64_t p = 0; p < input.shape()[0] * input.shape()[1]; ++p) {
    for (std::int64_t d = 0; d < window.output[0]; ++d) {
      for (std::int64_t h = 0; h < window.output[1]; ++h) {
        for (std::int64_t w = 0; w < window.output[2]; ++w) {
          visit(p * plane, Look(elements + p * plane, size, window, {d, h, w}));
        }
      }
    }
  }
}

void RunMaxPool(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  float* value = outputs[0].values<float>().data();
  std::int64_t* place = outputs.size() > 1 ? outputs[1].values<std::int64_t>().data() : nullptr;
  Slide(node, *inputs[0], [&](std::int64_t first, const Seen& seen) {
    *value++ = static_cast<float>(seen.largest);
    if (place != nullptr) *place++ = first + seen.place;
  });
}

void RunAveragePool(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const bool count_padding = node.Int("count_include_pad", 0) != 0;
  float* value = outputs[0].values<float>().data();
  Slide(node, *inputs[0], [&](std::int64_t, const Seen& seen) {
    *value++ = static_cast<float>(seen.sum / static_cast<double>(count_padding ? seen.with_padding : seen.inside));
  });
}

std::vector<TensorType> InferGlobalAveragePool(const Node& node, std::span<const InferInput> inputs) {
  Shape shape = RequiredFloat(node, inputs, 0, "the input").shape;
  if (shape.size() < 3) {
    Fail(node,
         fmt::format("the input is {}; batch, channels and spatial dimensions are needed", graph::ToString(shape)));
  }
  for (std::size_t i = 2; i < shape.size(); ++i) {
    if (shape[i] < 1) {
      Fail(node, fmt::format("the input is {}; its spatial dimensions are empty", graph::ToString(shape)));
    }
    shape[i] = 1;
  }
  return {MakeType(node, graph::DataType::kFloat32, std::move(shape))};
}

void RunGlobalAveragePool(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const auto in = inputs[0]->values<float>();
  const auto out = outputs[0].values<float>();
  if (out.empty()) return;
  const std::size_t plane = in.size() / out.size();
  for (std::size_t p = 0; p < out.size(); ++p) {
    double sum = 0;
    for (const float value : in.subspan(p * plane, plane)) sum += value;
    out[p] = static_cast<float>(sum / static_cast<double>(plane));
  }
}

constexpr std::string_view kMaxPoolAttributes[] = {"auto_pad",     "ceil_mode", "dilations",
                                                   "kernel_shape", "pads",      "strides"};
constexpr std::string_view kAveragePoolAttributes[] = {
    "auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"};
constexpr Operator kPoolingRows[] = {
    {"MaxPool", 1, 1, 1, 2, kMaxPoolAttributes, InferPool, RunMaxPool},
    {"AveragePool", 1, 1, 1, 1, kAveragePoolAttributes, InferPool, RunAveragePool},
    {"GlobalAveragePool", 1, 1, 1, 1, {}, InferGlobalAveragePool, RunGlobalAveragePool},
};

}  // namespace

std::span<const Operator> PoolingRows() { return kPoolingRows; }

}  // namespace prefiqs::ops
