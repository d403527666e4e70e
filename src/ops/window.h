// The sliding window of Conv and the pools, with its defaults and auto_pad resolved for an input.
#ifndef PREFIQS_OPS_WINDOW_H_
#define PREFIQS_OPS_WINDOW_H_

#include <array>
#include <cstdint>
#include <vector>

#include "graph/graph.h"
#include "graph/tensor.h"

namespace prefiqs::ops {

// One entry per spatial dimension.
struct Window {
  std::vector<std::int64_t> kernel, strides, dilations;
  std::vector<std::int64_t> pads_begin, pads_end;
  std::vector<std::int64_t> output;  // spatial size of the result; ceil_mode counted in
};

// `input`: N×C×spatial. `kernel`: from the attribute (pools) or the weights (Conv). Throws Error(kModel) for wrong
// counts, sizes not positive, negative pads, and windows that do not fit.
Window ResolveWindow(const graph::Node& node, const graph::Shape& input, std::vector<std::int64_t> kernel);

// The same window with unit dimensions in front, so that loops are always over depth, height and width.
Window ThreeDimensional(const Window& window);
// The spatial dimensions of N×C×spatial, with ones in front, as depth, height and width.
std::array<std::int64_t, 3> SpatialSize(const graph::Shape& shape);

// Half-open.
struct Taps {
  std::int64_t first = 0;
  std::int64_t last = 0;
};
// Those j in 0 … count - 1 for which start + j * step lies in 0 … size - 1. Of positive step.
Taps TapsInside(std::int64_t start, std::int64_t step, std::int64_t count, std::int64_t size);

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_WINDOW_H_
