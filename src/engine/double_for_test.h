// A few operators in double, as naively as can be: for finite differences that float cannot resolve.
#ifndef PREFIQS_ENGINE_DOUBLE_FOR_TEST_H_
#define PREFIQS_ENGINE_DOUBLE_FOR_TEST_H_

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "graph/graph.h"

namespace prefiqs::engine {

// Of a graph of batch 1 whose every shape is known. Conv (any groups, zero pads all around, strides), Gemm (transB),
// BatchNormalization, InstanceNormalization, PRelu, Relu, Clip, Sigmoid, Add, Mul, Max and Min of two (of one shape, or
// by one number a channel), GlobalAveragePool, MaxPool (windows side by side), and what only changes the shape.
class DoubleForTest {
 public:
  using Doubles = std::vector<double>;
  explicit DoubleForTest(const graph::Graph& graph) : graph_(graph), values_(graph.values.size()) {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const graph::Tensor* constant = graph.values[i].constant.get();
      if (constant == nullptr || constant->type() != graph::DataType::kFloat32) continue;
      values_[i].assign(constant->values<float>().begin(), constant->values<float>().end());
    }
  }

  // A constant, or the input: to be changed as one likes.
  Doubles& At(graph::ValueId id) { return values_[static_cast<std::size_t>(id)]; }

  Doubles Run() {
    for (const graph::Node& node : graph_.nodes) At(node.outputs[0]) = Run(node);
    return At(graph_.outputs[0]);
  }

 private:
  const graph::Shape& Shape(graph::ValueId id) const { return graph_.value(id).shape; }

  Doubles Run(const graph::Node& node) {
    const Doubles& x = At(node.inputs[0]);
    const auto each = [&](auto function) {
      Doubles y = x;
      for (std::size_t i = 0; i < y.size(); ++i) y[i] = function(i, x[i]);
      return y;
    };
    // Of a constant by channel or of one shape with x.
    const auto other = [&](std::size_t input, std::size_t i) {
      const Doubles& values = At(node.inputs[input]);
      const std::size_t per_channel = x.size() / static_cast<std::size_t>(Shape(node.inputs[0])[1]);
      return values.size() == x.size() ? values[i] : values.size() == 1 ? values[0] : values[i / per_channel];
    };
    if (node.op == "Conv") return Conv(node);
    if (node.op == "Gemm") return Gemm(node);
    if (node.op == "Flatten" || node.op == "Reshape" || node.op == "Identity") return x;
    if (node.op == "Add") return each([&](std::size_t i, double v) { return v + other(1, i); });
    if (node.op == "Mul") return each([&](std::size_t i, double v) { return v * other(1, i); });
    if (node.op == "Max") return each([&](std::size_t i, double v) { return std::max(v, other(1, i)); });
    if (node.op == "Min") return each([&](std::size_t i, double v) { return std::min(v, other(1, i)); });
    if (node.op == "Relu") return each([](std::size_t, double v) { return std::max(v, 0.0); });
    if (node.op == "PRelu") return each([&](std::size_t i, double v) { return v < 0 ? other(1, i) * v : v; });
    if (node.op == "Clip")
      return each([&](std::size_t i, double v) { return std::clamp(v, other(1, i), other(2, i)); });
    if (node.op == "Sigmoid") return each([](std::size_t, double v) { return 1 / (1 + std::exp(-v)); });
    if (node.op == "BatchNormalization") {
      const double epsilon = node.Float("epsilon", 1e-5f);
      return each([&](std::size_t i, double v) {
        return (v - other(3, i)) / std::sqrt(other(4, i) + epsilon) * other(1, i) + other(2, i);
      });
    }
    const std::size_t plane = x.size() / static_cast<std::size_t>(Shape(node.inputs[0])[1]);
    const auto means = [&](auto of) {
      Doubles sums(x.size() / plane);
      for (std::size_t i = 0; i < x.size(); ++i) sums[i / plane] += of(i, x[i]) / static_cast<double>(plane);
      return sums;
    };
    if (node.op == "GlobalAveragePool") return means([](std::size_t, double v) { return v; });
    if (node.op == "InstanceNormalization") {
      const Doubles mean = means([](std::size_t, double v) { return v; });
      const auto centred = [&](std::size_t i, double v) { return v - mean[i / plane]; };
      const Doubles variance = means([&](std::size_t i, double v) { return centred(i, v) * centred(i, v); });
      const double epsilon = node.Float("epsilon", 1e-5f);
      return each([&](std::size_t i, double v) {
        return centred(i, v) / std::sqrt(variance[i / plane] + epsilon) * other(1, i) + other(2, i);
      });
    }
    if (node.op == "MaxPool") return MaxPool(node);
    throw std::runtime_error("no " + node.op + " in double");
  }

  Doubles Conv(const graph::Node& node) {
    const Doubles &x = At(node.inputs[0]), &w = At(node.inputs[1]);
    const graph::Shape &in = Shape(node.inputs[0]), &kernel = Shape(node.inputs[1]), &out = Shape(node.outputs[0]);
    const std::int64_t stride = node.Ints("strides", {1, 1})[0], pad = node.Ints("pads", {0, 0, 0, 0})[0];
    const std::int64_t outputs_a_group = out[1] / node.Int("group", 1);
    Doubles y;
    for (std::int64_t o = 0; o < out[1]; ++o) {
      for (std::int64_t at = 0; at < out[2] * out[3]; ++at) {
        double sum = node.inputs.size() > 2 ? At(node.inputs[2])[static_cast<std::size_t>(o)] : 0;
        for (std::int64_t c = 0; c < kernel[1]; ++c) {
          for (std::int64_t k = 0; k < kernel[2] * kernel[3]; ++k) {
            const std::int64_t row = at / out[3] * stride + k / kernel[3] - pad;
            const std::int64_t column = at % out[3] * stride + k % kernel[3] - pad;
            if (row < 0 || row >= in[2] || column < 0 || column >= in[3]) continue;
            const std::int64_t channel = o / outputs_a_group * kernel[1] + c;
            sum += x[static_cast<std::size_t>((channel * in[2] + row) * in[3] + column)] *
                   w[static_cast<std::size_t>((o * kernel[1] + c) * kernel[2] * kernel[3] + k)];
          }
        }
        y.push_back(sum);
      }
    }
    return y;
  }

  Doubles MaxPool(const graph::Node& node) {
    const Doubles& x = At(node.inputs[0]);
    const std::int64_t side = node.Ints("kernel_shape")[0], width = Shape(node.inputs[0])[3];
    Doubles y(x.size() / static_cast<std::size_t>(side * side), -INFINITY);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i) / width, column = static_cast<std::int64_t>(i) % width;
      double& largest = y[static_cast<std::size_t>(row / side * (width / side) + column / side)];
      largest = std::max(largest, x[i]);
    }
    return y;
  }

  Doubles Gemm(const graph::Node& node) {
    const Doubles &x = At(node.inputs[0]), &w = At(node.inputs[1]);
    Doubles y = node.inputs.size() > 2 ? At(node.inputs[2]) : Doubles(w.size() / x.size());
    for (std::size_t j = 0; j < y.size(); ++j) {
      for (std::size_t k = 0; k < x.size(); ++k) y[j] += x[k] * w[j * x.size() + k];
    }
    return y;
  }

  const graph::Graph& graph_;
  std::vector<Doubles> values_;
};

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_DOUBLE_FOR_TEST_H_
