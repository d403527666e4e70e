// Evaluating one node on tensors written down in the test.
#ifndef PREFIQS_OPS_ELEMENTS_FOR_TEST_H_
#define PREFIQS_OPS_ELEMENTS_FOR_TEST_H_

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "ops/operator.h"

namespace prefiqs::ops {

using Floats = std::vector<float>;
using Int64s = std::vector<std::int64_t>;
using Int32s = std::vector<std::int32_t>;
using Attributes = std::map<std::string, graph::Attribute, std::less<>>;

inline graph::Tensor F(graph::Shape shape, const Floats& values) {
  return graph::Tensor::From<float>(std::move(shape), values);
}
inline graph::Tensor I(graph::Shape shape, const Int64s& values) {
  return graph::Tensor::From<std::int64_t>(std::move(shape), values);
}
inline graph::Tensor I32(graph::Shape shape, const Int32s& values) {
  return graph::Tensor::From<std::int32_t>(std::move(shape), values);
}
inline graph::Tensor B(graph::Shape shape, const std::vector<int>& values) {
  graph::Tensor tensor(graph::DataType::kBool, std::move(shape));
  const auto out = tensor.values<bool>();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = values.at(i) != 0;
  return tensor;
}

// A list: what axes, shapes and sizes are given as.
inline graph::Tensor List(const Int64s& values) { return graph::Tensor::FromInt64s(values); }

inline graph::Tensor Filled(graph::Shape shape, float value) {
  graph::Tensor tensor(graph::DataType::kFloat32, std::move(shape));
  for (float& element : tensor.values<float>()) element = value;
  return tensor;
}
// 1, 2, 3, …
inline graph::Tensor Counting(graph::Shape shape) {
  graph::Tensor tensor(graph::DataType::kFloat32, std::move(shape));
  float next = 0;
  for (float& element : tensor.values<float>()) element = ++next;
  return tensor;
}
// From -0.5 to 0.5.
inline graph::Tensor RandomTensor(graph::Shape shape, std::mt19937& random) {
  graph::Tensor tensor(graph::DataType::kFloat32, std::move(shape));
  for (float& value : tensor.values<float>()) value = static_cast<float>(random()) / 4294967296.0f - 0.5f;
  return tensor;
}

template <typename T>
std::vector<T> Values(const graph::Tensor& tensor) {
  const auto values = tensor.values<T>();
  return {values.begin(), values.end()};
}

struct TestNode {
  std::string op;
  Attributes attributes = {};
  std::size_t outputs = 1;
};

using OptionalTensor = std::optional<graph::Tensor>;

inline std::vector<graph::Tensor> RunNode(const TestNode& test, const std::vector<OptionalTensor>& inputs) {
  graph::Node node;
  node.name = "n";
  node.op = test.op;
  node.attributes = test.attributes;
  std::vector<const graph::Tensor*> tensors;
  for (const OptionalTensor& input : inputs) {
    node.inputs.push_back(input ? static_cast<graph::ValueId>(tensors.size()) : graph::kNone);
    tensors.push_back(input ? &*input : nullptr);
  }
  for (std::size_t i = 0; i < test.outputs; ++i) node.outputs.push_back(static_cast<graph::ValueId>(inputs.size() + i));
  return Evaluate(node, tensors);
}

inline graph::Tensor Run1(const TestNode& test, const std::vector<OptionalTensor>& inputs) {
  return std::move(RunNode(test, inputs).at(0));
}

// What Error(kModel) says that `work` must throw.
template <typename Work>
std::string ModelError(Work work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModel) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

inline std::string ErrorOf(const TestNode& test, const std::vector<OptionalTensor>& inputs) {
  return ModelError([&] { RunNode(test, inputs); });
}

// The shape rule alone; nothing is known but types.
inline std::vector<TensorType> Infer(const TestNode& test, const std::vector<TensorType>& inputs) {
  graph::Node node;
  node.name = "n";
  node.op = test.op;
  node.attributes = test.attributes;
  std::vector<InferInput> infer;
  for (const TensorType& type : inputs) {
    node.inputs.push_back(static_cast<graph::ValueId>(infer.size()));
    infer.push_back({&type, nullptr});
  }
  for (std::size_t i = 0; i < test.outputs; ++i) node.outputs.push_back(static_cast<graph::ValueId>(inputs.size() + i));
  return Find(test.op)->infer(node, infer);
}

// For types too large to exist, perhaps.
inline std::string RuleErrorOf(const TestNode& test, const std::vector<TensorType>& inputs) {
  return ModelError([&] { Infer(test, inputs); });
}

// The largest |a - b| / (1 + |b|); infinite where the shapes differ or a difference is not a number.
inline double Difference(const graph::Tensor& a, const graph::Tensor& b) {
  if (a.shape() != b.shape()) return INFINITY;
  double largest = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.count()); ++i) {
    const double expected = b.values<float>()[i];
    const double difference = std::abs(a.values<float>()[i] - expected) / (1 + std::abs(expected));
    if (!(difference <= largest)) largest = std::isnan(difference) ? INFINITY : difference;
  }
  return largest;
}

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_ELEMENTS_FOR_TEST_H_
