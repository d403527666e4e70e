// Structured pruning of the network that comes with prefiqs and of those that lie beside the project: masked and
// smaller copies give the same embedding.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/folder_for_test.h"
#include "engine/twin.h"
#include "ops/tangent.h"
#include "pipeline/network_impl.h"
#include "pipeline/structured_for_test.h"
#include "prune/structured.h"

namespace prefiqs {
namespace {

class StructuredNetworks : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string path = GetParam();
    const bool is_shared = path.starts_with(PREFIQS_SHARED_DIR);
    if (is_shared && !std::filesystem::exists(PREFIQS_SHARED_DIR)) {
      GTEST_SKIP() << PREFIQS_SHARED_DIR " is not there: no real networks to test with";
    }
    network_ = Network::load(path);
  }

  engine::TwinEmbedding Run(const graph::Graph& graph, ExecutorKind kind) const {
    const Network::Impl& impl = network_->impl();
    std::vector<float> face(static_cast<std::size_t>(3 * impl.width * impl.height));
    for (std::size_t i = 0; i < face.size(); ++i)
      face[i] = static_cast<float>(std::sin(0.001 * static_cast<double>(i)));
    const auto twin = engine::Twin::Compile(graph, nullptr, kind);
    const auto context = twin->NewContext();
    return twin->Run(*context, {&face, 1})[0];
  }

  // Unit length.
  std::vector<double> Embed(const graph::Graph& graph, ExecutorKind kind) const {
    const std::vector<float> embedding = Run(graph, kind).dense;
    double norm = 0;
    for (const double v : embedding) norm += v * v;
    std::vector<double> unit;
    for (const double v : embedding) unit.push_back(v / std::sqrt(norm));
    return unit;
  }

  std::optional<Network> network_;
};

double Largest(const std::vector<double>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    EXPECT_TRUE(std::isfinite(a[i]) && std::isfinite(b[i]));
    largest = std::max(largest, std::fabs(a[i] - b[i]));
  }
  return largest;
}

TEST_P(StructuredNetworks, MaskedAndSmallerAgree) {
  const Network::Impl& impl = network_->impl();
  for (const Recipe& recipe : {Recipe{.granularity = Granularity::kStructured, .sparsity = 0.1},
                               Recipe{.granularity = Granularity::kStructured, .sparsity = 0.3},
                               Recipe{.granularity = Granularity::kStructured, .scope = Scope::kLayer, .sparsity = 0.6},
                               Recipe{.granularity = Granularity::kStructured,
                               .criterion = Criterion::kRandom,
                               .sparsity = 0.3,
                               .from = 0.4,
                               .seed = 3}}) {
    SCOPED_TRACE(recipe.name());
    const prune::Masks masks = impl.Masks(recipe);
    EXPECT_GT(masks.achieved_sparsity(), 0.3 * recipe.sparsity);
    const graph::Graph masked = prune::ApplyMasks(impl.graph, masks);
    const graph::Graph smaller = prune::RemoveChannels(impl.graph, masks, impl.InputShapes());
    const std::vector<double> expected = Embed(masked, ExecutorKind::kReference);
    EXPECT_LT(Largest(Embed(smaller, ExecutorKind::kReference), expected), 1e-4);
    EXPECT_LT(Largest(Embed(smaller, ExecutorKind::kOneDnn), expected), 1e-4);
    EXPECT_LT(Largest(Embed(masked, ExecutorKind::kOneDnn), expected), 1e-4);
    EXPECT_GT(Largest(Embed(impl.graph, ExecutorKind::kOneDnn), expected), 1e-2);
  }
}

TEST_P(StructuredNetworks, HaveADerivativeAlongWhatIsMasked) {
  const graph::Graph& whole = network_->impl().graph;
  const Recipe recipe{.granularity = Granularity::kStructured, .sparsity = 0.1};
  const graph::Graph masked = prune::ApplyMasks(whole, network_->impl().Masks(recipe));
  const auto doubles = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
  const std::vector<double> expected =
      Slope([&](double t) { return doubles(Run(Towards(whole, masked, t), ExecutorKind::kOneDnn).dense); }, 1.0 / 4096);
  const graph::Graph tangent = ops::WithTangent(whole, masked);
  for (const ExecutorKind kind : {ExecutorKind::kReference, ExecutorKind::kOneDnn}) {
    // Smaller steps drown in rounding, larger ones pass more kinks; a term that is missing is most of the derivative.
    EXPECT_LT(RelativeDifference(doubles(Run(tangent, kind).pruned), expected), 0.05);
  }
}

// What is taken out of the file is what was counted.
TEST_P(StructuredNetworks, WrittenAndReadAgain) {
  const FolderForTest folder;
  const Recipe recipe{.granularity = Granularity::kStructured, .sparsity = 0.3};
  const std::string path = folder / "smaller.onnx";
  const double achieved = network_->save_pruned(recipe, path, PrunedForm::kRemoved);
  const Network smaller = Network::load(path);
  EXPECT_TRUE(smaller.is_pruned());
  EXPECT_EQ(smaller.embedding_size(), network_->embedding_size());
  const auto prunable = static_cast<double>(network_->inspect().prunable);
  EXPECT_NEAR(static_cast<double>(smaller.inspect().prunable) / prunable, 1 - achieved, 1e-9);
  EXPECT_LT(smaller.inspect().macs, network_->inspect().macs);
  const graph::Graph masked = prune::ApplyMasks(network_->impl().graph, network_->impl().Masks(recipe));
  EXPECT_LT(Largest(Embed(smaller.impl().graph, ExecutorKind::kOneDnn), Embed(masked, ExecutorKind::kOneDnn)), 1e-4);
}

constexpr const char* kNetworks[] = {
    PREFIQS_SOURCE_DIR "/models/prefiqs_face.onnx",
    PREFIQS_SHARED_DIR "/models/w600k_mbf_dequantised_fp32.onnx",
    PREFIQS_SHARED_DIR "/models/vface_mobilefacenet.onnx",
    PREFIQS_SHARED_DIR "/models/foamliu_MobileFaceNet.onnx",
    PREFIQS_SHARED_DIR "/models/xiaoccer_mobilefacenet_112x96_casia.onnx",
};

INSTANTIATE_TEST_SUITE_P(Networks, StructuredNetworks, ::testing::ValuesIn(kNetworks), [](const auto& param_info) {
  return std::filesystem::path(param_info.param).stem().string();
});

}  // namespace
}  // namespace prefiqs
