#include "engine/twin.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include "engine/compare_for_test.h"

namespace prefiqs::engine {
namespace {

// As read from a file: only the input's shape is known, its batch perhaps.
void OpenBatch(graph::Graph& graph, std::int64_t batch) {
  for (graph::Value& value : graph.values) {
    if (value.constant != nullptr) continue;
    value.shape_known = value.name == "input0";
    if (value.shape_known) value.shape[0] = batch;
  }
}

// Convolution, PRelu, and a Gemm whose weights `last` scales: the pruned copy differs from there on.
graph::Graph Network(float last, std::int64_t batch) {
  GraphForTest g(5);
  const auto x = g.Input({1, 3, 8, 8});
  const auto features = g.Add("PRelu", {g.Conv(x, 8), g.Random({8, 1, 1})});
  auto weights = g.RandomTensor({512, 6});
  for (float& w : weights.values<float>()) w *= last;
  graph::Graph graph = g.Done({g.Add("Gemm", {g.Add("Flatten", {features}), g.Constant(std::move(weights))})});
  OpenBatch(graph, batch);
  return graph;
}

std::vector<std::vector<float>> Faces(std::size_t count) {
  GraphForTest random(9);
  std::vector<std::vector<float>> faces(count);
  for (auto& face : faces) {
    const graph::Tensor tensor = random.RandomTensor({3, 8, 8});
    face.assign(tensor.values<float>().begin(), tensor.values<float>().end());
  }
  return faces;
}

class TwinTest : public testing::TestWithParam<ExecutorKind> {};

TEST_P(TwinTest, GivesWhatTwoNetworksGive) {
  const graph::Graph dense = Network(1, graph::kUnknown), pruned = Network(0.5f, graph::kUnknown);
  const auto twin = Twin::Compile(dense, &pruned, GetParam());
  const auto alone = Twin::Compile(pruned, nullptr, GetParam());
  const auto context = twin->NewContext(), context_alone = alone->NewContext();
  const auto faces = Faces(3);
  const auto both = twin->Run(*context, faces), one = alone->Run(*context_alone, faces);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    EXPECT_EQ(both[i].pruned, one[i].dense);
    EXPECT_TRUE(one[i].pruned.empty());
    ASSERT_EQ(both[i].dense.size(), 6u);
    // Halved weights: exactly half of everything, if the convolution in front is the same.
    for (std::size_t k = 0; k < 6; ++k) EXPECT_EQ(both[i].dense[k], 2 * both[i].pruned[k]);
  }
  EXPECT_EQ(twin->Layers().size(), 5u);  // convolution, PRelu and Flatten once, Gemm twice
}

TEST_P(TwinTest, DoesNotCareAboutCompany) {
  const graph::Graph dense = Network(1, graph::kUnknown), pruned = Network(0.5f, graph::kUnknown);
  const auto twin = Twin::Compile(dense, &pruned, GetParam());
  const auto context = twin->NewContext();
  auto faces = Faces(7);
  const auto together = twin->Run(*context, faces);
  std::reverse(faces.begin(), faces.end());
  const auto reversed = twin->Run(*context, faces);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    EXPECT_EQ(twin->Run(*context, {&faces[i], 1})[0].dense, reversed[i].dense);
    EXPECT_EQ(reversed[i].dense, together[faces.size() - 1 - i].dense);
    EXPECT_EQ(reversed[i].pruned, together[faces.size() - 1 - i].pruned);
  }
  EXPECT_TRUE(twin->Run(*context, {}).empty());
}

TEST_P(TwinTest, RunsNetworksOfOneBatchSize) {
  const graph::Graph dense = Network(1, 4);
  const auto fixed = Twin::Compile(dense, nullptr, GetParam());
  EXPECT_EQ(fixed->micro_batch(), 4);
  const auto context = fixed->NewContext();
  const auto faces = Faces(6);  // one and a half batches
  const auto together = fixed->Run(*context, faces);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    EXPECT_EQ(fixed->Run(*context, {&faces[i], 1})[0].dense, together[i].dense);
  }
}

// A Gemm, plus one divided by the integer part of the face's mean: stops where that is zero.
graph::Graph DividesByMean(std::int64_t batch) {
  GraphForTest g(5);
  const auto x = g.Input({1, 3, 8, 8});
  constexpr std::int64_t kFloat = 1, kInt = 7;  // ONNX's numbers of the types
  const auto mean = g.Add("ReduceMean", {x, g.Ints({1, 2, 3})}, {{"keepdims", std::int64_t{1}}});
  const auto whole = g.Add("Cast", {g.Add("Flatten", {mean})}, {{"to", kInt}});
  const auto quotient = g.Add("Div", {g.Ints({1}), whole});
  const auto embedding = g.Add("Gemm", {g.Add("Flatten", {x}), g.Random({192, 6})});
  graph::Graph graph = g.Done({g.Add("Add", {embedding, g.Add("Cast", {quotient}, {{"to", kFloat}})})});
  OpenBatch(graph, batch);
  return graph;
}

TEST_P(TwinTest, SaysWhichFaceItCannotBeRunOn) {
  auto faces = Faces(10);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const float shift = i == 1 || i == 9 ? 0.0f : 2.0f;
    for (float& value : faces[i]) value += shift;
  }
  for (const std::int64_t batch : {graph::kUnknown, std::int64_t{1}, std::int64_t{4}}) {
    const graph::Graph dense = DividesByMean(batch);
    const auto twin = Twin::Compile(dense, nullptr, GetParam());
    const auto context = twin->NewContext();
    const auto together = twin->Run(*context, faces);
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const bool fails = i == 1 || i == 9;
      EXPECT_EQ(together[i].failure.find("integer is divided by zero") != std::string::npos, fails) << i;
      EXPECT_EQ(together[i].dense.size(), fails ? 0u : 6u) << i;
      const auto alone = twin->Run(*context, {&faces[i], 1})[0];
      EXPECT_EQ(alone.dense, together[i].dense) << i;
      EXPECT_EQ(alone.failure, together[i].failure) << i;
    }
  }
}

TEST_P(TwinTest, RefusesWhatDoesNotFit) {
  const graph::Graph dense = Network(1, graph::kUnknown);
  const auto twin = Twin::Compile(dense, nullptr, GetParam());
  const auto context = twin->NewContext();
  const std::vector<std::vector<float>> wrong{std::vector<float>(5)};
  EXPECT_THROW(twin->Run(*context, wrong), Error);
}

INSTANTIATE_TEST_SUITE_P(Executors, TwinTest, testing::Values(ExecutorKind::kReference, ExecutorKind::kOneDnn),
                         [](const auto& executor) {
                           return executor.param == ExecutorKind::kReference ? "reference" : "onednn";
                         });

}  // namespace
}  // namespace prefiqs::engine
