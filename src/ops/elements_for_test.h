// Evaluating one node on tensors written down in the test.
#ifndef PREFIQS_OPS_ELEMENTS_FOR_TEST_H_
#define PREFIQS_OPS_ELEMENTS_FOR_TEST_H_

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <map>
#include <optional>
#include <string>
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

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_ELEMENTS_FOR_TEST_H_
