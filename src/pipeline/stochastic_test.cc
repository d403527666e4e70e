#include "pipeline/stochastic.h"

#include <gtest/gtest.h>
#include <prefiqs/assessor.h>

#include <cmath>
#include <numeric>

#include "base/folder_for_test.h"
#include "ops/specialise.h"
#include "pipeline/network_for_test.h"
#include "score/drift.h"

namespace prefiqs::pipeline {
namespace {

graph::Graph Specialised(const graph::Graph& graph, std::int64_t batch = 1) {
  return ops::Specialise(graph, {{"input", {batch, 3, kTestSide, kTestSide}}});
}

constexpr std::size_t kFeatures = 8 * (kTestSide / 2) * (kTestSide / 2);

std::vector<float> Feature(std::uint32_t seed) {
  const graph::TensorPtr tensor = RandomTensor({kFeatures}, seed);
  return {tensor->values<float>().begin(), tensor->values<float>().end()};
}

// The definition, over the Gemm of the test network.
double Naive(const std::vector<float>& feature) {
  const graph::TensorPtr matrix = RandomTensor({kTestEmbedding, kFeatures}, 3),
                         offset = RandomTensor({kTestEmbedding}, 4);
  std::vector<std::vector<float>> embeddings;
  for (int sample = 0; sample < Stochastic::kSamples; ++sample) {
    std::vector<float>& embedding = embeddings.emplace_back();
    for (std::size_t out = 0; out < kTestEmbedding; ++out) {
      double sum = offset->values<float>()[out];
      for (std::size_t k = 0; k < kFeatures; ++k) {
        if (StochasticKeeps(sample, k)) sum += 2.0 * feature[k] * matrix->values<float>()[out * kFeatures + k];
      }
      embedding.push_back(static_cast<float>(sum));
    }
  }
  double sum = 0;
  int pairs = 0;
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    for (std::size_t j = i + 1; j < embeddings.size(); ++j, ++pairs) sum += *score::Drift(embeddings[i], embeddings[j]);
  }
  return 2 / (1 + std::exp(sum / pairs));
}

TEST(Stochastic, IsWhatItsDefinitionSays) {
  for (const ExecutorKind executor : {ExecutorKind::kOneDnn, ExecutorKind::kReference}) {
    for (const std::int64_t batch : {1, 3}) {
      const Stochastic stochastic(Specialised(TestGraph(), batch), executor);
      for (const std::uint32_t seed : {7u, 8u}) {
        const std::vector<float> feature = Feature(seed);
        const std::optional<double> quality = stochastic.Quality(feature);
        ASSERT_TRUE(quality);
        EXPECT_NEAR(*quality, Naive(feature), 1e-6) << batch;
      }
    }
  }
}

TEST(Stochastic, LeavesOutHalfAndNeverTheSame) {
  int kept = 0, same = 0;
  for (int sample = 0; sample < Stochastic::kSamples; ++sample) {
    for (std::size_t place = 0; place < 512; ++place) {
      kept += StochasticKeeps(sample, place);
      same += StochasticKeeps(sample, place) == StochasticKeeps((sample + 1) % Stochastic::kSamples, place);
    }
  }
  EXPECT_NEAR(kept, 25600, 600);  // five standard deviations are 566
  EXPECT_NEAR(same, 25600, 600);
}

TEST(Stochastic, ReachesTheRowsOfAnAssessor) {
  FolderForTest folder;
  const Network network = Network::load(WriteTestNetwork(folder / "net.onnx"));
  const Assessor assessor(network, {.guarded = false, .method = Method::kStochastic}),
      plain(network, {.guarded = false, .method = Method::kNorm});
  for (const std::uint32_t seed : {1u, 2u, 3u}) {
    const Image crop = TestPicture(kTestSide, kTestSide, seed);
    const Assessment a = assessor.assess(crop), b = plain.assess(crop);
    ASSERT_EQ(a.status, Status::kOk) << a.detail;
    EXPECT_GT(a.quality, 0.2f);
    EXPECT_LT(a.quality, 1.0f);
    EXPECT_EQ(a.scalar, -1);
    EXPECT_TRUE(std::isnan(a.drift));
    EXPECT_FLOAT_EQ(a.embedding_norm, b.embedding_norm);
    EXPECT_EQ(b.quality, b.embedding_norm);
  }
}

TEST(Stochastic, HasNoQualityWithoutADirection) {
  const Stochastic stochastic(Specialised(TestGraph()), ExecutorKind::kOneDnn);
  std::vector<float> feature = Feature(1);
  feature[5] = std::nanf("");
  EXPECT_FALSE(stochastic.Quality(feature));
}

std::string Refusal(const graph::Graph& graph) {
  try {
    const Stochastic stochastic(Specialised(graph), ExecutorKind::kReference);
  } catch (const Error& error) {
    return error.code() == ErrorCode::kNotAvailable ? error.what() : "another code";
  }
  return "";
}

TEST(Stochastic, NeedsALastLayerThatEverythingGoesThrough) {
  // A way around the Gemm: its output and a part of its input are added.
  graph::Graph around = TestGraph();
  const auto value = [&](const char* name) {
    return around.AddValue({name, graph::DataType::kFloat32, {graph::kUnknown, kTestEmbedding}, true, nullptr});
  };
  const auto constant = [&](const char* name, std::vector<std::int64_t> values) {
    auto tensor = std::make_shared<graph::Tensor>(graph::DataType::kInt64,
                                                  graph::Shape{static_cast<std::int64_t>(values.size())});
    std::ranges::copy(values, tensor->values<std::int64_t>().begin());
    return around.AddConstant(name, tensor);
  };
  const graph::ValueId relu = around.nodes[1].outputs[0];
  const auto flat = around.AddValue({"other", graph::DataType::kFloat32, {graph::kUnknown, kFeatures}, true, nullptr});
  const auto part = value("part"), sum = value("sum");
  around.nodes.push_back({"flatten2", "Flatten", {relu}, {flat}, {{"axis", std::int64_t{1}}}});
  around.nodes.push_back({"slice",
                          "Slice",
                          {flat, constant("start", {0}), constant("stop", {kTestEmbedding}), constant("axis", {1})},
                          {part},
                          {}});
  around.nodes.push_back({"add", "Add", {around.outputs[0], part}, {sum}, {}});
  around.outputs = {sum};
  EXPECT_NE(Refusal(around).find("more than"), std::string::npos) << Refusal(around);

  graph::Graph alone = TestGraph();
  alone.outputs = {alone.nodes[2].outputs[0]};
  EXPECT_NE(Refusal(graph::RemoveUnused(alone)).find("no weighted layer behind"), std::string::npos);
}

}  // namespace
}  // namespace prefiqs::pipeline
