// One node, run on given tensors.
#ifndef PREFIQS_OPS_NUMERIC_FOR_TEST_H_
#define PREFIQS_OPS_NUMERIC_FOR_TEST_H_

#include <prefiqs/error.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"
#include "graph/tensor.h"
#include "ops/operator.h"

namespace prefiqs::ops {

using Ints = std::vector<std::int64_t>;
using Attributes = std::map<std::string, graph::Attribute, std::less<>>;

inline graph::Tensor Floats(graph::Shape shape, const std::vector<float>& values) {
  return graph::Tensor::From<float>(std::move(shape), values);
}
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
inline graph::Tensor RandomTensor(graph::Shape shape, std::mt19937& random) {
  graph::Tensor tensor(graph::DataType::kFloat32, std::move(shape));
  for (float& value : tensor.values<float>()) value = static_cast<float>(random()) / 4294967296.0f - 0.5f;
  return tensor;
}

// A null input is left out. The node's name is "n".
inline std::vector<graph::Tensor> RunAll(const std::string& op, Attributes attributes,
                                         const std::vector<const graph::Tensor*>& inputs, std::size_t outputs = 1) {
  graph::Node node;
  node.name = "n";
  node.op = op;
  node.attributes = std::move(attributes);
  graph::ValueId next = 0;
  for (const graph::Tensor* input : inputs) node.inputs.push_back(input == nullptr ? graph::kNone : next++);
  for (std::size_t i = 0; i < outputs; ++i) node.outputs.push_back(next++);
  return Evaluate(node, inputs);
}
inline graph::Tensor RunOne(const std::string& op, Attributes attributes,
                            const std::vector<const graph::Tensor*>& inputs) {
  return RunAll(op, std::move(attributes), inputs).at(0);
}

// What running it throws.
inline std::string RefusalOf(const std::string& op, Attributes attributes,
                             const std::vector<const graph::Tensor*>& inputs) {
  try {
    RunOne(op, std::move(attributes), inputs);
  } catch (const Error& e) {
    return e.code() == ErrorCode::kModel ? e.what() : "not a model error";
  }
  return "nothing was thrown";
}

// What the shape rule throws for inputs that are only types, too large to exist perhaps.
inline std::string RuleRefusalOf(const std::string& op, Attributes attributes, const std::vector<TensorType>& types) {
  graph::Node node;
  node.name = "n";
  node.op = op;
  node.attributes = std::move(attributes);
  node.outputs = {0};
  std::vector<InferInput> inputs;
  for (const TensorType& type : types) inputs.push_back({.type = &type});
  try {
    Find(op)->infer(node, inputs);
  } catch (const Error& e) {
    return e.code() == ErrorCode::kModel ? e.what() : "not a model error";
  }
  return "nothing was thrown";
}

inline std::vector<float> ValuesOf(const graph::Tensor& tensor) {
  const auto values = tensor.values<float>();
  return {values.begin(), values.end()};
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

#endif  // PREFIQS_OPS_NUMERIC_FOR_TEST_H_
