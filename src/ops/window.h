// The sliding window of Conv and the pools, with its defaults and auto_pad resolved for an input.
#ifndef PREFIQS_OPS_WINDOW_H_
#define PREFIQS_OPS_WINDOW_H_

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

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_WINDOW_H_
