#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/count.h"
#include "ops/rows.h"
#include "ops/rule.h"
#include "ops/window.h"

namespace prefiqs::ops {
namespace {

using graph::Node;
using graph::Shape;
using graph::Tensor;

Shape KernelOf(const Shape& weights) { return {weights.begin() + 2, weights.end()}; }

std::vector<TensorType> InferConv(const Node& node, std::span<const InferInput> inputs) {
  const Shape& input = RequiredFloat(node, inputs, 0, "the input").shape;
  const Shape& weights = RequiredFloat(node, inputs, 1, "the weights").shape;
  if (weights.size() != input.size() || input.size() < 3) {
    Fail(node, fmt::format("an input of {} and weights of {} do not go together", graph::ToString(input),
                           graph::ToString(weights)));
  }
  const Shape kernel = KernelOf(weights);
  if (node.Ints("kernel_shape", kernel) != kernel) {
    Fail(node, fmt::format("kernel_shape disagrees with the weights, {}", graph::ToString(weights)));
  }
  const std::int64_t groups = node.Int("group", 1);
  if (groups < 1 || input[1] % groups != 0 || weights[0] % groups != 0 || input[1] / groups != weights[1]) {
    Fail(node, fmt::format("group {}, an input of {} and weights of {} do not go together", groups,
                           graph::ToString(input), graph::ToString(weights)));
  }
  if (Given(inputs, 2) && RequiredFloat(node, inputs, 2, "the bias").shape != Shape{weights[0]}) {
    Fail(node, fmt::format("the bias is {}, it needs {}", graph::ToString(inputs[2].type->shape),
                           Count(weights[0], "value")));
  }
  const Window window = ResolveWindow(node, input, kernel);
  Shape output{input[0], weights[0]};
  output.insert(output.end(), window.output.begin(), window.output.end());
  return {MakeType(node, graph::DataType::kFloat32, std::move(output))};
}

// Rows and columns of the products below. Sized for the second-level cache: 256 × 128 doubles are 256 KiB.
constexpr std::int64_t kRows = 256;
constexpr std::int64_t kColumns = 128;

// What the filters of one group see, unfolded: row r is one weight's input (channel, then kernel offsets, as weights
// are stored), column c is one output position.
class Unfolding {
 public:
  Unfolding(const Window& window, const Shape& input) : window_(ThreeDimensional(window)), size_(SpatialSize(input)) {}

  std::int64_t positions() const { return window_.output[0] * window_.output[1] * window_.output[2]; }
  std::int64_t plane() const { return size_[0] * size_[1] * size_[2]; }

  // Rows first_row … first_row + rows - 1 of the output positions first … first + columns - 1; zero in the padding.
  void Fill(const float* channels, std::int64_t first_row, std::int64_t rows, std::int64_t first, std::int64_t columns,
            double* values) const {
    const auto& k = window_.kernel;
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t weight = first_row + r;
      const float* plane_values = channels + weight / (k[0] * k[1] * k[2]) * plane();
      const std::int64_t offset_d = Offset(0, weight / (k[1] * k[2]) % k[0]);
      const std::int64_t offset_h = Offset(1, weight / k[2] % k[1]);
      const std::int64_t offset_w = Offset(2, weight % k[2]);
      std::int64_t w = first % window_.output[2];
      std::int64_t h = first / window_.output[2] % window_.output[1];
      std::int64_t d = first / window_.output[2] / window_.output[1];
      for (std::int64_t c = 0; c < columns; ++c) {
        const std::int64_t x = w * window_.strides[2] + offset_w;
        const std::int64_t y = h * window_.strides[1] + offset_h;
        const std::int64_t z = d * window_.strides[0] + offset_d;
        const bool inside = Inside(0, z) && Inside(1, y) && Inside(2, x);
        values[r * kColumns + c] = inside ? double{plane_values[(z * size_[1] + y) * size_[2] + x]} : 0.0;
        if (++w < window_.output[2]) continue;
        w = 0;
        if (++h < window_.output[1]) continue;
        h = 0;
        ++d;
      }
    }
  }

 private:
  std::int64_t Offset(std::size_t dimension, std::int64_t kernel_position) const {
    return kernel_position * window_.dilations[dimension] - window_.pads_begin[dimension];
  }
  bool Inside(std::size_t dimension, std::int64_t position) const {
    return position >= 0 && position < size_[dimension];
  }

  const Window window_;
  const std::array<std::int64_t, 3> size_;
};

void RunConv(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const Tensor& input = *inputs[0];
  const Tensor& weights = *inputs[1];
  const Unfolding unfolding(ResolveWindow(node, input.shape(), KernelOf(weights.shape())), input.shape());
  const std::int64_t groups = node.Int("group", 1);
  const std::int64_t filters = weights.shape()[0] / groups;  // of one group
  const std::int64_t channels = weights.shape()[1];          // of one group
  if (outputs[0].count() == 0) return;
  const std::int64_t depth = weights.count() / weights.shape()[0];  // weights of one filter
  const std::int64_t positions = unfolding.positions();

  // Of one row of `sums`: no more than needed, so that `sums` stays near the size of the output.
  const std::int64_t width = std::min(kColumns, positions);
  std::vector<double> seen(static_cast<std::size_t>(kRows * kColumns));
  std::vector<double> sums(static_cast<std::size_t>(filters * width));
  for (std::int64_t image_group = 0; image_group < input.shape()[0] * groups; ++image_group) {
    const std::int64_t first_filter = image_group % groups * filters;
    const float* group_input = input.values<float>().data() + image_group * channels * unfolding.plane();
    const float* group_weights = weights.values<float>().data() + first_filter * depth;
    float* group_output = outputs[0].values<float>().data() + image_group * filters * positions;
    for (std::int64_t first = 0; first < positions; first += kColumns) {
      const std::int64_t columns = std::min(kColumns, positions - first);
      for (std::int64_t f = 0; f < filters; ++f) {
        const bool biased = inputs.size() > 2 && inputs[2] != nullptr;
        const double bias = biased ? inputs[2]->values<float>()[static_cast<std::size_t>(first_filter + f)] : 0.0;
        std::fill_n(&sums[static_cast<std::size_t>(f * width)], columns, bias);
      }
      for (std::int64_t first_row = 0; first_row < depth; first_row += kRows) {
        const std::int64_t rows = std::min(kRows, depth - first_row);
        unfolding.Fill(group_input, first_row, rows, first, columns, seen.data());
        for (std::int64_t f = 0; f < filters; ++f) {
          double* sum = &sums[static_cast<std::size_t>(f * width)];
          for (std::int64_t r = 0; r < rows; ++r) {
            const double weight = group_weights[f * depth + first_row + r];
            const double* row = &seen[static_cast<std::size_t>(r * kColumns)];
            for (std::int64_t c = 0; c < columns; ++c) sum[c] += weight * row[c];
          }
        }
      }
      for (std::int64_t f = 0; f < filters; ++f) {
        const double* sum = &sums[static_cast<std::size_t>(f * width)];
        for (std::int64_t c = 0; c < columns; ++c) {
          group_output[f * positions + first + c] = static_cast<float>(sum[c]);
        }
      }
    }
  }
}

constexpr std::string_view kConvAttributes[] = {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"};
constexpr Operator kConvolutionRows[] = {{"Conv", 2, 3, 1, 1, kConvAttributes, InferConv, RunConv}};

}  // namespace

std::span<const Operator> ConvolutionRows() { return kConvolutionRows; }

}  // namespace prefiqs::ops
