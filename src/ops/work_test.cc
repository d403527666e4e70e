#include "ops/work.h"

#include <gtest/gtest.h>

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Graph;
using Int64s = std::vector<std::int64_t>;

// Two pictures -> 3×3 convolution of stride 2, 4 channels -> depthwise 3×3 -> Relu -> product with a matrix.
TEST(MultiplyAdds, OfAGraphCountedByHand) {
  Graph graph;
  const auto value = [&](const char* name, graph::Shape shape) {
    return graph.AddValue({name, DataType::kFloat32, std::move(shape), true, nullptr});
  };
  const auto weight = [&](const char* name, graph::Shape shape) {
    return graph.AddConstant(name, std::make_shared<graph::Tensor>(DataType::kFloat32, std::move(shape)));
  };
  const auto x = value("x", {2, 3, 8, 8}), a = value("a", {2, 4, 4, 4}), b = value("b", {2, 4, 4, 4});
  const auto c = value("c", {2, 4, 4, 4}), d = value("d", {2, 4, 4, 5});
  graph.nodes = {
      {"conv", "Conv", {x, weight("w1", {4, 3, 3, 3}), weight("bias", {4})}, {a}, {{"strides", Int64s{2, 2}}}},
      {"depthwise", "Conv", {a, weight("w2", {4, 1, 3, 3}), graph::kNone}, {b}, {{"group", std::int64_t{4}}}},
      {"relu", "Relu", {b}, {c}, {}},
      {"matmul", "MatMul", {c, weight("w3", {4, 5})}, {d}, {}},
  };
  graph.inputs = {x};
  graph.outputs = {d};
  constexpr std::int64_t kConv = 2 * 4 * 4 * 4 * 27, kDepthwise = 2 * 4 * 4 * 4 * 9, kMatMul = 2 * 4 * 4 * 5 * 4;
  EXPECT_EQ(MultiplyAdds(graph, graph.nodes[0]), kConv);
  EXPECT_EQ(MultiplyAdds(graph, graph.nodes[1]), kDepthwise);
  EXPECT_EQ(MultiplyAdds(graph, graph.nodes[2]), 0);
  EXPECT_EQ(MultiplyAdds(graph), kConv + kDepthwise + kMatMul);
}

}  // namespace
}  // namespace prefiqs::ops
