#include "ops/window.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>

#include "base/count.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::Node;
using Sizes = std::vector<std::int64_t>;

// Of kernels, strides, dilations and pads: products of two of them, and sums of those, stay far from overflow.
constexpr std::int64_t kMaxSize = std::numeric_limits<std::int32_t>::max();
constexpr std::size_t kMaxSpatial = 3;

void CheckSizes(const Node& node, const Sizes& sizes, std::string_view what, std::size_t count, std::int64_t least) {
  if (sizes.size() != count) {
    Fail(node, fmt::format("{}: {} in place of {}", what, Count(sizes.size(), "value"), count));
  }
  for (const std::int64_t size : sizes) {
    if (size < least || size > kMaxSize) Fail(node, fmt::format("{} holds {}, which is out of range", what, size));
  }
}

// Of one dimension.
struct Padding {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

// As many output positions as strides start in the input; an odd pad is larger at the end (upper) or at the begin.
Padding SamePadding(std::int64_t input, std::int64_t extent, std::int64_t stride, bool upper) {
  const std::int64_t output = (input - 1) / stride + 1;
  const std::int64_t total = std::max<std::int64_t>((output - 1) * stride + extent - input, 0);
  const std::int64_t less = total / 2;
  return upper ? Padding{less, total - less} : Padding{total - less, less};
}

std::int64_t OutputSize(const Node& node, std::int64_t input, const Padding& padding, std::int64_t extent,
                        std::int64_t stride, bool ceil_mode) {
  const std::int64_t room = input + padding.begin + padding.end - extent;
  if (room < 0) {
    Fail(node, fmt::format("a window of {} does not fit an input of {} with pads {} and {}", extent, input,
                           padding.begin, padding.end));
  }
  std::int64_t output = room / stride + 1;
  // One more, over the edge, unless it would start in the padding at the end: that one would see no input.
  if (ceil_mode && room % stride != 0 && output * stride < input + padding.begin) ++output;
  return output;
}

}  // namespace

Window ResolveWindow(const Node& node, const graph::Shape& input, Sizes kernel) {
  if (input.size() < 3 || input.size() > 2 + kMaxSpatial) {
    Fail(node, fmt::format("the input is {}; batch, channels and one to three spatial dimensions are needed",
                           graph::ToString(input)));
  }
  const std::size_t rank = input.size() - 2;
  Window window;
  window.kernel = std::move(kernel);
  window.strides = node.Ints("strides", Sizes(rank, 1));
  window.dilations = node.Ints("dilations", Sizes(rank, 1));
  const Sizes pads = node.Ints("pads", Sizes(2 * rank, 0));
  CheckSizes(node, window.kernel, "the kernel", rank, 1);
  CheckSizes(node, window.strides, "strides", rank, 1);
  CheckSizes(node, window.dilations, "dilations", rank, 1);
  CheckSizes(node, pads, "pads", 2 * rank, 0);

  const std::string auto_pad = node.String("auto_pad", "NOTSET");
  const bool same = auto_pad == "SAME_UPPER" || auto_pad == "SAME_LOWER";
  if (!same && auto_pad != "NOTSET" && auto_pad != "VALID") {
    Fail(node, fmt::format("auto_pad '{}' is unknown; use NOTSET, VALID, SAME_UPPER or SAME_LOWER", auto_pad));
  }
  const bool ceil_mode = node.Int("ceil_mode", 0) != 0;

  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t size = input[i + 2];
    if (size < 1) Fail(node, fmt::format("the input is {}; its spatial dimensions are empty", graph::ToString(input)));
    const std::int64_t extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
    const Padding written{pads[i], pads[i + rank]};
    Padding padding = written;
    if (same) padding = SamePadding(size, extent, window.strides[i], auto_pad == "SAME_UPPER");
    if (auto_pad == "VALID") padding = {};
    const bool contradicts = written.begin != padding.begin || written.end != padding.end;
    if (contradicts && (written.begin != 0 || written.end != 0)) {
      Fail(node, fmt::format("pads and auto_pad {} disagree; export the network with one of them", auto_pad));
    }
    std::int64_t output = OutputSize(node, size, padding, extent, window.strides[i], ceil_mode && !same);
    // ONNX's text and its shape inference differ here.
    if (auto_pad == "VALID" && output != OutputSize(node, size, padding, extent, window.strides[i], false)) {
      Fail(node, "ceil_mode with auto_pad VALID has no agreed meaning; export the network with pads");
    }
    window.pads_begin.push_back(padding.begin);
    window.pads_end.push_back(padding.end);
    window.output.push_back(output);
  }
  return window;
}

Window ThreeDimensional(const Window& window) {
  Window result = window;
  const std::size_t missing = kMaxSpatial - window.kernel.size();
  for (Sizes* sizes : {&result.kernel, &result.strides, &result.dilations, &result.output}) {
    sizes->insert(sizes->begin(), missing, 1);
  }
  for (Sizes* sizes : {&result.pads_begin, &result.pads_end}) sizes->insert(sizes->begin(), missing, 0);
  return result;
}

std::array<std::int64_t, 3> SpatialSize(const graph::Shape& shape) {
  std::array<std::int64_t, 3> size{1, 1, 1};
  std::copy_backward(shape.begin() + 2, shape.end(), size.end());
  return size;
}

Taps TapsInside(std::int64_t start, std::int64_t step, std::int64_t count, std::int64_t size) {
  const std::int64_t first = start < 0 ? (-start + step - 1) / step : 0;
  const std::int64_t behind = start < size ? (size - start + step - 1) / step : 0;
  const std::int64_t last = std::min(count, behind);
  return {std::min(first, last), last};
}

}  // namespace prefiqs::ops
