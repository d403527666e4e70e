// Exported networks often have their batch normalisation folded into the convolution before it, so magnitudes are not
// the trained ones. The channel scope is made not to see that; the global one does.
#include <gtest/gtest.h>
#include <prefiqs/network.h>

#include <cmath>
#include <filesystem>
#include <vector>

#include "engine/twin.h"
#include "graph/passes/fold_affine.h"
#include "pipeline/network_for_test.h"
#include "pipeline/network_impl.h"
#include "pipeline/preprocess.h"
#include "prune/prune.h"
#include "score/drift.h"

namespace prefiqs::pipeline {
namespace {

const std::filesystem::path kShared = PREFIQS_SHARED_DIR;

std::vector<double> Drifts(const graph::Graph& graph, const Recipe& recipe,
                           const std::vector<std::vector<float>>& faces) {
  const graph::Graph pruned = prune::ApplyMasks(graph, prune::ComputeMasks(graph, recipe));
  const auto twin = engine::Twin::Compile(graph, &pruned, ExecutorKind::kOneDnn);
  const auto context = twin->NewContext();
  std::vector<double> drifts;
  for (const engine::TwinEmbedding& embedding : twin->Run(*context, faces)) {
    drifts.push_back(score::Drift(embedding.dense, embedding.pruned).value());
  }
  return drifts;
}

// How much folding moves drifts, at most.
double Moved(const Network& network, const std::vector<Image>& crops, const Recipe& recipe) {
  const graph::Graph unfolded = network.impl().Specialised(), folded = graph::FoldAffine(unfolded);
  EXPECT_LT(folded.nodes.size(), unfolded.nodes.size()) << "nothing to fold";
  std::vector<std::vector<float>> faces;
  for (const Image& crop : crops) faces.push_back(Preprocess(crop, network.preprocessing()));
  const std::vector<double> a = Drifts(unfolded, recipe, faces), b = Drifts(folded, recipe, faces);
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_GT(a[i], 0.01);
    most = std::isnan(a[i] - b[i]) ? HUGE_VAL : std::max(most, std::fabs(a[i] - b[i]));
  }
  return most;
}

TEST(Folding, IsNotSeenByTheChannelScope) {
  const Network network = Network::load(default_network());
  std::vector<Image> crops;
  for (std::uint32_t seed = 0; seed < 4; ++seed) crops.push_back(TestPicture(112, 112, seed));
  EXPECT_LT(Moved(network, crops, {.scope = Scope::kChannel, .sparsity = 0.3}), 1e-3);
  EXPECT_GT(Moved(network, crops, {.scope = Scope::kGlobal, .sparsity = 0.3}), 1e-2);
}

TEST(Folding, OfARealNetwork) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << kShared << " is not there: no real network to test with";
  const Network network = Network::load((kShared / "models/xiaoccer_mobilefacenet_112x96_casia.onnx").string(),
                                        {.preprocessing = Preprocessing::preset("mobilefacenet128")});
  std::vector<Image> crops;
  for (std::uint32_t seed = 0; seed < 4; ++seed) crops.push_back(TestPicture(96, 112, seed));
  EXPECT_LT(Moved(network, crops, {.scope = Scope::kChannel, .sparsity = 0.2}), 1e-3);
  EXPECT_GT(Moved(network, crops, {.scope = Scope::kGlobal, .sparsity = 0.2}), 1e-2);
}

}  // namespace
}  // namespace prefiqs::pipeline
