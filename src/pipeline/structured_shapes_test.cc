// Channels taken out of graphs that compute with their own shapes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/network.h>

#include <algorithm>

#include "pipeline/structured_for_test.h"
#include "prune/structured.h"

namespace prefiqs {
namespace {

using graph::Graph;
using graph::Tensor;
using graph::ValueId;

// As PyTorch flattens with an open batch: to the batch's size, read in the graph, and `columns`; as a product, to what
// is twice their half.
Graph ReshapedAsComputed(std::int64_t columns, bool product = false) {
  SlicedBuilder b;
  const Places a = b.All(4);
  ValueId x = b.ConvOf(b.Input({1, 3, kSide, kSide}), "1", b.All(3), a);
  x = b.Add("Reshape", {x, b.Ints({1, 4 * kSide * kSide})});
  Graph graph = b.Done({b.Add("Gemm", {x, b.Weights("head", {a.Each(kSide * kSide), b.All(5)})})});
  const auto at = std::ranges::find(graph.nodes, "Reshape", &graph::Node::op);
  const auto value = [&](const char* name) {
    return graph.AddValue({name, graph::DataType::kInt64, {}, false, nullptr});
  };
  const auto ints = [&](const char* name, const std::vector<std::int64_t>& values) {
    return graph.AddConstant(name, std::make_shared<Tensor>(Tensor::FromInt64s(values)));
  };
  const ValueId shape = value("shape"), batch = value("batch"), target = value("target");
  const ValueId first = ints("first", {0}), rest = ints("rest", {columns}), input = at->inputs[0];
  at->inputs[1] = target;
  graph.nodes.insert(at, {{"shape", "Shape", {input}, {shape}, {}},
                          {"batch", "Gather", {shape, first}, {batch}, {{"axis", std::int64_t{0}}}},
                          {"target", "Concat", {batch, rest}, {target}, {{"axis", std::int64_t{0}}}}});
  if (product) {
    const ValueId half = ints("half", {columns / 2}), two = ints("two", {2}), all = value("all"), one = value("one");
    const auto target_at = std::ranges::find(graph.nodes, "target", &graph::Node::name);
    target_at->outputs = {one};
    graph.nodes.insert(target_at + 1, {"product", "Mul", {one, ints("times", {1, 1})}, {target}, {}});
    graph.nodes.insert(std::ranges::find(graph.nodes, "target", &graph::Node::name),
                       {"all", "Mul", {half, two}, {all}, {}});
    std::ranges::find(graph.nodes, "target", &graph::Node::name)->inputs[1] = all;
  }
  return graph;
}

TEST(StructuredForms, ComputedShapesFollow) {
  for (const std::int64_t columns : {std::int64_t{-1}, 4 * kSide * kSide}) {
    const Graph whole = ReshapedAsComputed(columns);
    const prune::Masks masks = prune::ComputeMasks(whole, Structured(0.5));
    EXPECT_EQ(masks.pruned, 2 * (27 + kSide * kSide * 5));
    const Graph smaller = prune::RemoveChannels(whole, masks, {});
    graph::Validate(smaller);
    ExpectSameResult(smaller, prune::ApplyMasks(whole, masks), "taken out");
  }
}

TEST(StructuredForms, ShapesThatDoNotFollowAreRefused) {
  const Graph whole = ReshapedAsComputed(4 * kSide * kSide, true);
  const prune::Masks masks = prune::ComputeMasks(whole, Structured(0.5));
  EXPECT_EQ(RunGraph(prune::ApplyMasks(whole, masks), ExecutorKind::kReference).count(), 5);
  try {
    prune::RemoveChannels(whole, masks, {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kRecipe);
    EXPECT_THAT(e.what(), ::testing::HasSubstr("Reshape"));
  }
}

// Channels of all pictures along one axis: how many there are is no number that could be written down.
TEST(StructuredForms, SizesThatHangOnTheBatchAreRefused) {
  SlicedBuilder b;
  const Places a = b.All(4);
  ValueId x = b.ConvOf(b.Input({1, 3, kSide, kSide}), "1", b.All(3), a);
  x = b.Add("Relu", {b.Add("Reshape", {x, b.Ints({1, 4, kSide, kSide})})});
  x = b.Add("Reshape", {x, b.Ints({-1, 4, kSide, kSide})});
  Graph graph = b.Done({b.Head(x, a)});
  graph.value(graph.inputs[0]).shape[0] = graph::kUnknown;
  const prune::InputShapes one = {{graph.value(graph.inputs[0]).name, {1, 3, kSide, kSide}}};
  const prune::Masks masks = prune::ComputeMasks(graph, Structured(0.5), one);
  EXPECT_EQ(masks.pruned, 2 * (27 + kSide * kSide * 5));
  EXPECT_LT(Parameters(prune::RemoveChannels(graph, masks, one)), Parameters(graph));  // written down
  const auto ints = [&](const char* name, const std::vector<std::int64_t>& values) {
    return graph.AddConstant(name, std::make_shared<Tensor>(Tensor::FromInt64s(values)));
  };
  const auto value = [&](const char* name) {
    return graph.AddValue({name, graph::DataType::kInt64, {}, false, nullptr});
  };
  const auto at = std::ranges::find(graph.nodes, "Reshape", &graph::Node::op);
  const ValueId shape = value("shape"), batch = value("batch"), channels = value("channels"), target = value("target");
  const ValueId zero = ints("zero", {0}), four = ints("four", {4}), first = ints("first", {1});
  const ValueId side = ints("side", {kSide}), input = at->inputs[0];
  at->inputs[1] = target;
  graph.nodes.insert(at, {{"shape", "Shape", {input}, {shape}, {}},
                          {"batch", "Gather", {shape, zero}, {batch}, {{"axis", std::int64_t{0}}}},
                          {"channels", "Mul", {batch, four}, {channels}, {}},
                          {"target", "Concat", {first, channels, side, side}, {target}, {{"axis", std::int64_t{0}}}}});
  EXPECT_EQ(prune::ComputeMasks(graph, Structured(0.5), one).pruned, masks.pruned);
  EXPECT_THROW(prune::RemoveChannels(graph, masks, one), Error);
}

}  // namespace
}  // namespace prefiqs
