// A network with denormal weights gives what it gives with zeros in their place, to the last bit.
#include <gtest/gtest.h>
#include <prefiqs/assessor.h>
#include <prefiqs/network.h>

#include <algorithm>
#include <bit>
#include <string>
#include <vector>

#include "base/folder_for_test.h"
#include "model/onnx_reader.h"
#include "pipeline/network_for_test.h"
#include "pipeline/network_impl.h"

namespace prefiqs {
namespace {

// TestGraph with a matrix that is large enough to stay in the file. A third of all weights is `tiny` or smaller.
graph::Graph GraphWith(float tiny) {
  constexpr std::int64_t kLarge = 64;
  graph::Graph graph = pipeline::TestGraph();
  const auto constant = [&](graph::Node& node, std::size_t input, graph::Shape shape, std::uint32_t seed) {
    graph::Tensor tensor = *pipeline::RandomTensor(std::move(shape), seed);
    const auto values = tensor.values<float>();
    for (std::size_t i = 0; i < values.size(); i += 3) values[i] = i % 2 == 0 ? tiny : -tiny / 3;
    graph.value(node.inputs[input]).shape = tensor.shape();
    graph.value(node.inputs[input]).constant = std::make_shared<const graph::Tensor>(std::move(tensor));
  };
  constant(graph.nodes[0], 1, {8, 3, 3, 3}, 11);
  constant(graph.nodes[3], 1, {kLarge, 512}, 12);
  constant(graph.nodes[3], 2, {kLarge}, 13);
  graph.value(graph.outputs[0]).shape = {graph::kUnknown, kLarge};
  return graph;
}

bool SameBits(float a, float b) { return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b); }

TEST(DenormalWeights, ScoreAndPruneAsZerosDo) {
  const FolderForTest folder;
  const Network denormal = Network::load(pipeline::WriteTestNetwork(folder / "denormal.onnx", GraphWith(1e-40f)));
  const Network zero = Network::load(pipeline::WriteTestNetwork(folder / "zero.onnx", GraphWith(0)));
  ASSERT_TRUE(std::ranges::any_of(denormal.impl().graph.values, [](const graph::Value& value) {
    return value.constant != nullptr && value.constant->deferred();
  }));
  EXPECT_NE(denormal.content_hash(), zero.content_hash());
  EXPECT_EQ(zero.inspect().denormals, 0);
  EXPECT_EQ(denormal.inspect().denormals, (216 + 2) / 3 + (64 * 512 + 2) / 3 + (64 + 2) / 3);
  std::vector<Image> pictures;
  for (std::uint32_t seed = 0; seed < 5; ++seed) {
    pictures.push_back(pipeline::TestPicture(pipeline::kTestSide, pipeline::kTestSide, seed));
  }
  // Of the weights a third is zero: 0.2 takes some of them, and the order among them decides which; 0.5 takes all.
  for (const double sparsity : {0.2, 0.5}) {
    for (const ExecutorKind executor : {ExecutorKind::kOneDnn, ExecutorKind::kReference}) {
      const AssessorOptions options{.recipe = Recipe{.sparsity = sparsity}, .guarded = false, .executor = executor};
      const Assessor a(denormal, options), b(zero, options);
      EXPECT_EQ(a.achieved_sparsity(), b.achieved_sparsity());
      const std::vector<Assessment> of_a = a.assess(pictures), of_b = b.assess(pictures);
      for (std::size_t i = 0; i < pictures.size(); ++i) {
        ASSERT_EQ(of_a[i].status, Status::kOk) << of_a[i].detail;
        EXPECT_TRUE(SameBits(of_a[i].drift, of_b[i].drift)) << of_a[i].drift << " " << of_b[i].drift;
        EXPECT_EQ(of_a[i].embedding, of_b[i].embedding);
      }
    }
    EXPECT_EQ(denormal.save_pruned({.sparsity = sparsity}, folder / "a.onnx"),
              zero.save_pruned({.sparsity = sparsity}, folder / "b.onnx"));
    const auto copy = model::ReadOnnxFile(folder / "a.onnx"), by_hand = model::ReadOnnxFile(folder / "b.onnx");
    EXPECT_EQ(copy.denormals.Count(), 0);
    ASSERT_EQ(copy.graph.values.size(), by_hand.graph.values.size());
    for (std::size_t i = 0; i < copy.graph.values.size(); ++i) {
      const graph::Tensor* const mine = copy.graph.values[i].constant.get();
      const graph::Tensor* const wanted = by_hand.graph.values[i].constant.get();
      ASSERT_EQ(mine == nullptr, wanted == nullptr);
      if (mine == nullptr || mine->type() != graph::DataType::kFloat32) continue;
      const auto values = mine->values<float>(), others = wanted->values<float>();
      EXPECT_TRUE(std::ranges::equal(values, others)) << copy.graph.values[i].name;
    }
  }
}

}  // namespace
}  // namespace prefiqs
