#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include "engine/executor.h"

namespace prefiqs::engine {
namespace {

using graph::Tensor;

graph::ValueId AddValue(graph::Graph& graph, const std::string& name, graph::Shape shape) {
  graph::Value value;
  value.name = name;
  value.shape = std::move(shape);
  value.shape_known = true;
  return graph.AddValue(std::move(value));
}

void AddNode(graph::Graph& graph, const std::string& op, std::vector<graph::ValueId> inputs, graph::ValueId output) {
  graph::Node node;
  node.op = op;
  node.name = op + std::to_string(graph.nodes.size());
  node.inputs = std::move(inputs);
  node.outputs = {output};
  graph.nodes.push_back(std::move(node));
}

// outputs: relu(x + c), x + c, x itself, and the constant.
graph::Graph Small() {
  graph::Graph graph;
  const auto x = AddValue(graph, "x", {2, 2});
  const auto sum = AddValue(graph, "sum", {2, 2});
  const auto y = AddValue(graph, "y", {2, 2});
  const auto c = graph.AddConstant("c", std::make_shared<Tensor>(Tensor::Scalar(-1)));
  AddNode(graph, "Add", {x, c}, sum);
  AddNode(graph, "Relu", {sum}, y);
  graph.inputs = {x};
  graph.outputs = {y, sum, x, c};
  return graph;
}

TEST(Reference, RunsNodeByNode) {
  const auto executor = CompileReference(Small());
  const auto context = executor->NewContext();
  const Tensor x = Tensor::From<float>({2, 2}, std::vector<float>{0, 1, 2, 3});
  const Tensor* const inputs[] = {&x};
  std::vector<Tensor> outputs(3, Tensor(graph::DataType::kFloat32, {2, 2}));
  outputs.emplace_back(graph::DataType::kFloat32, graph::Shape{});
  for (int run = 0; run < 2; ++run) {
    executor->Run(*context, inputs, outputs);
    EXPECT_TRUE(Identical(outputs[0], Tensor::From<float>({2, 2}, std::vector<float>{0, 0, 1, 2})));
    EXPECT_TRUE(Identical(outputs[1], Tensor::From<float>({2, 2}, std::vector<float>{-1, 0, 1, 2})));
    EXPECT_TRUE(Identical(outputs[2], x));
    EXPECT_EQ(outputs[3].values<float>()[0], -1);
  }
  EXPECT_EQ(executor->Layers().size(), 2u);
  EXPECT_EQ(executor->Layers()[1].op, "Relu");
}

TEST(Reference, RefusesWhatDoesNotFit) {
  const auto executor = CompileReference(Small());
  const auto context = executor->NewContext();
  const Tensor x(graph::DataType::kFloat32, {4});
  const Tensor* const inputs[] = {&x};
  std::vector<Tensor> outputs(4, Tensor(graph::DataType::kFloat32, {2, 2}));
  EXPECT_THROW(executor->Run(*context, inputs, outputs), Error);
  EXPECT_THROW(executor->Run(*context, {}, outputs), Error);
  graph::Graph open = Small();
  open.values[0].shape[0] = graph::kUnknown;
  EXPECT_THROW(CompileReference(open), Error);
}

}  // namespace
}  // namespace prefiqs::engine
