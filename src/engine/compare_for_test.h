// One graph on both executors.
#ifndef PREFIQS_ENGINE_COMPARE_FOR_TEST_H_
#define PREFIQS_ENGINE_COMPARE_FOR_TEST_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "engine/executor.h"
#include "graph/graph.h"
#include "ops/operator.h"
#include "ops/specialise.h"

namespace prefiqs::engine {

inline void ExpectSameBits(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(a[i]), std::bit_cast<std::uint32_t>(b[i]))
        << i << ": " << a[i] << " " << b[i];
  }
}

// Builds specialised graphs: shapes come from the operators' own rules.
class GraphForTest {
 public:
  using Attributes = std::map<std::string, graph::Attribute, std::less<>>;
  explicit GraphForTest(std::uint32_t seed = 1) : random_(seed) {}

  graph::ValueId Input(graph::Shape shape) {
    const auto id = Value("input" + std::to_string(graph_.inputs.size()), graph::DataType::kFloat32, std::move(shape));
    graph_.inputs.push_back(id);
    return id;
  }
  graph::Tensor RandomTensor(graph::Shape shape, float low = -1, float high = 1) {
    graph::Tensor tensor(graph::DataType::kFloat32, std::move(shape));
    for (float& value : tensor.values<float>()) {
      value = low + (high - low) * static_cast<float>(random_() % 65536) / 65536.0f;
    }
    return tensor;
  }
  graph::ValueId Random(graph::Shape shape, float low = -1, float high = 1) {
    return Constant(RandomTensor(std::move(shape), low, high));
  }
  graph::ValueId Ints(const std::vector<std::int64_t>& values) { return Constant(graph::Tensor::FromInt64s(values)); }
  graph::ValueId Scalar(float value) { return Constant(graph::Tensor::Scalar(value)); }
  graph::ValueId Constant(graph::Tensor tensor) {
    return graph_.AddConstant("constant" + std::to_string(graph_.values.size()),
                              std::make_shared<graph::Tensor>(std::move(tensor)));
  }
  std::vector<graph::ValueId> AddMany(const std::string& op, std::vector<graph::ValueId> inputs, std::size_t outputs,
                                      Attributes attributes = {}) {
    graph::Node node;
    node.op = op;
    node.name = op + std::to_string(graph_.nodes.size());
    node.inputs = std::move(inputs);
    node.attributes = std::move(attributes);
    node.outputs.resize(outputs, 0);
    std::vector<ops::TensorType> types(node.inputs.size());
    std::vector<ops::InferInput> arguments(node.inputs.size());
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == graph::kNone) continue;
      types[i] = {graph_.value(node.inputs[i]).type, graph_.value(node.inputs[i]).shape};
      arguments[i] = {&types[i], graph_.constant(node.inputs[i])};
    }
    const auto results = ops::Find(op)->infer(node, arguments);
    for (std::size_t i = 0; i < outputs; ++i) {
      node.outputs[i] = Value(node.name + "." + std::to_string(i), results[i].type, results[i].shape);
    }
    graph_.nodes.push_back(node);
    return node.outputs;
  }
  graph::ValueId Add(const std::string& op, std::vector<graph::ValueId> inputs, Attributes attributes = {}) {
    return AddMany(op, std::move(inputs), 1, std::move(attributes)).front();
  }
  // 3×3 by default, same size.
  graph::ValueId Conv(graph::ValueId x, std::int64_t channels, std::int64_t groups = 1, std::int64_t kernel = 3) {
    const std::int64_t in = ShapeOf(x)[1], pad = kernel / 2;
    return Add("Conv", {x, Random({channels, in / groups, kernel, kernel}, -0.5f, 0.5f), Random({channels})},
               {{"pads", std::vector<std::int64_t>{pad, pad, pad, pad}}, {"group", groups}});
  }
  const graph::Shape& ShapeOf(graph::ValueId id) const { return graph_.value(id).shape; }
  std::uint32_t Draw(std::uint32_t below) { return static_cast<std::uint32_t>(random_()) % below; }
  graph::Graph Done(std::vector<graph::ValueId> outputs) {
    graph_.outputs = std::move(outputs);
    graph::Validate(graph_);
    return graph_;
  }

 private:
  graph::ValueId Value(std::string name, graph::DataType type, graph::Shape shape) {
    return graph_.AddValue({std::move(name), type, std::move(shape), true, nullptr});
  }
  graph::Graph graph_;
  std::mt19937 random_;
};

inline std::vector<graph::Tensor> RunOn(const Executor& executor, Context& context, const graph::Graph& graph,
                                        const std::vector<graph::Tensor>& inputs) {
  std::vector<const graph::Tensor*> pointers;
  for (const graph::Tensor& input : inputs) pointers.push_back(&input);
  std::vector<graph::Tensor> outputs;
  for (const graph::ValueId id : graph.outputs) outputs.emplace_back(graph.value(id).type, graph.value(id).shape);
  executor.Run(context, pointers, outputs);
  return outputs;
}

// Fails on every difference above `bound` times the largest value of the output (at least 1), and on every value that
// is not finite.
inline void ExpectClose(const graph::Tensor& actual, const graph::Tensor& expected, double bound,
                        const std::string& what) {
  ASSERT_EQ(actual.shape(), expected.shape()) << what;
  double largest = 1, worst = 0;
  for (const float value : expected.values<float>()) {
    ASSERT_TRUE(std::isfinite(value)) << what;
    largest = std::max(largest, std::fabs(static_cast<double>(value)));
  }
  for (std::size_t i = 0; i < expected.values<float>().size(); ++i) {
    const float a = actual.values<float>()[i];
    ASSERT_TRUE(std::isfinite(a)) << what << " at " << i;
    worst = std::max(worst, std::fabs(static_cast<double>(a) - static_cast<double>(expected.values<float>()[i])));
  }
  EXPECT_TRUE(worst <= bound * largest) << what << ": differs by " << worst << ", largest value " << largest;
}

// float32's rounding, over the few hundred products that these graphs sum up, through some layers.
inline constexpr double kBound = 2e-5;

// Runs twice in one context: what a run leaves behind must not matter.
inline void ExpectSameOnBoth(const graph::Graph& graph, double bound = kBound) {
  const auto reference = CompileReference(graph);
  const auto fast = CompileOneDnn(graph);
  const auto slow_context = reference->NewContext(), context = fast->NewContext();
  GraphForTest random(7);
  for (int run = 0; run < 2; ++run) {
    std::vector<graph::Tensor> inputs;
    for (const graph::ValueId id : graph.inputs) inputs.push_back(random.RandomTensor(graph.value(id).shape));
    const auto expected = RunOn(*reference, *slow_context, graph, inputs);
    const auto actual = RunOn(*fast, *context, graph, inputs);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ExpectClose(actual[i], expected[i], bound, graph.value(graph.outputs[i]).name);
    }
  }
}

// What runs the layer, from the fast executor.
inline std::string Implementation(const graph::Graph& graph, const std::string& node) {
  for (const LayerReport& layer : CompileOneDnn(graph)->Layers()) {
    if (layer.node == node) return layer.implementation;
  }
  return "no such layer";
}

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_COMPARE_FOR_TEST_H_
