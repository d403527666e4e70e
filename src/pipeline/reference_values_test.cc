// Drifts and embeddings against values computed independently of this project (a PyTorch interpreter), for real
// networks and faces that lie beside the project.
#include <gtest/gtest.h>
#include <prefiqs/assessor.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <tuple>

#include "align/align.h"
#include "engine/twin.h"
#include "pipeline/network_impl.h"
#include "pipeline/preprocess.h"
#include "prune/prune.h"
#include "score/drift.h"

namespace prefiqs {
namespace {

const std::filesystem::path kShared = PREFIQS_SHARED_DIR;

constexpr double kMaxDriftDifference = 1e-4;
constexpr double kMaxSensitivityDifference = 1e-3;  // relative
// Of one embedding value: this part of a typical one, ‖f‖/√d.
constexpr double kMaxEmbeddingDifference = 1e-3;

// Sanitizers make the loops an order of magnitude slower; a few faces do there.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kStride = 16;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr std::size_t kStride = 16;
#else
constexpr std::size_t kStride = 1;
#endif
#else
constexpr std::size_t kStride = 1;
#endif

std::vector<std::vector<std::string>> ReadRows(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path.string() + ": cannot read");
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(file, line);) {
    if (line.ends_with('\r')) line.pop_back();
    rows.emplace_back();
    std::istringstream cells(line);
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  rows.erase(rows.begin());  // names
  return rows;
}

double Number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') throw std::runtime_error("not a number: " + text);
  return value;
}

// Fails on NaN too.
void ExpectWithin(double actual, double expected, double bound, const std::string& what) {
  EXPECT_TRUE(std::fabs(actual - expected) <= bound) << what << ": " << actual << ", reference " << expected;
}

struct Case {
  const char* model;
  const char* preset;
  ExecutorKind executor;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.model; }

std::string NameOf(const ::testing::TestParamInfo<Case>& info) {
  return std::string(info.param.model).substr(0, 5) +
         (info.param.executor == ExecutorKind::kOneDnn ? "_onednn" : "_reference");
}

class ReferenceValues : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kShared)) GTEST_SKIP() << kShared << " is not there: no real networks to test with";
    const std::string model = GetParam().model;
    network_ = Network::load((kShared / "models" / (model + ".onnx")).string(),
                             {.preprocessing = Preprocessing::preset(GetParam().preset)});
    std::size_t i = 0;
    for (const auto& row : ReadRows(kShared / "reference/embeddings.csv")) {
      if (row[0] == model && i++ % stride_ == 0) embeddings_[row[1]] = row;
    }
    for (const auto& row : ReadRows(kShared / "reference/drift.csv")) {
      if (row[0] == model && embeddings_.contains(row[4])) drifts_[{row[1], row[2]}].push_back(row);
    }
  }

  Image Crop(const std::string& name) const {
    DecodedImage picture = Image::open((kShared / "reference/crops" / name).string());
    EXPECT_EQ(picture.status, Status::kOk) << name << ": " << picture.detail;
    return std::move(picture.image);
  }

  void CheckEmbedding(const std::vector<float>& embedding, const std::vector<std::string>& row) const {
    ASSERT_EQ(embedding.size(), static_cast<std::size_t>(network_->embedding_size())) << row[1];
    const double norm = Number(row[2]);
    const double bound = kMaxEmbeddingDifference * norm / std::sqrt(static_cast<double>(embedding.size()));
    ExpectWithin(score::Norm(embedding), norm, kMaxEmbeddingDifference * norm, row[1] + " norm");
    for (std::size_t i = 3; i < row.size(); ++i) {
      ExpectWithin(embedding[i - 3], Number(row[i]), bound, row[1] + " e" + std::to_string(i - 3));
    }
  }

  static Recipe RecipeOf(const std::pair<std::string, std::string>& key) {
    return Recipe::from_json("{\"scope\":\"" + key.first + "\",\"sparsity\":" + key.second + "}");
  }

  static void CheckSparsity(double achieved, const std::vector<std::string>& row) {
    ExpectWithin(achieved, Number(row[3]), 1e-6, row[1] + " " + row[2] + " achieved sparsity");
  }

  // The loops take a second a face and network; every fourth face meets every node just so.
  const std::size_t stride_ =
      GetParam().executor == ExecutorKind::kReference ? std::max<std::size_t>(kStride, 4) : kStride;
  std::optional<Network> network_;
  std::map<std::string, std::vector<std::string>> embeddings_;                                   // by crop
  std::map<std::pair<std::string, std::string>, std::vector<std::vector<std::string>>> drifts_;  // by scope, sparsity
};

// Dense and pruned networks one by one, so that the dense one runs once a crop.
TEST_P(ReferenceValues, OfEachNetworkByItself) {
  const Network::Impl& impl = network_->impl();
  std::map<std::string, std::vector<float>> inputs;
  for (const auto& [name, row] : embeddings_) {
    const auto crop = align::FitCrop(Crop(name), impl.width, impl.height);
    ASSERT_TRUE(crop) << name;
    inputs[name] = pipeline::Preprocess(*crop, impl.preprocessing);
  }
  const auto embed = [&](const graph::Graph& graph) {
    const auto twin = engine::Twin::Compile(graph, nullptr, GetParam().executor);
    const auto context = twin->NewContext();
    std::map<std::string, std::vector<float>> result;
    for (const auto& [name, input] : inputs) result[name] = twin->Run(*context, {&input, 1})[0].dense;
    return result;
  };
  const auto dense = embed(impl.graph);
  for (const auto& [name, row] : embeddings_) CheckEmbedding(dense.at(name), row);
  std::size_t compared = 0;
  for (const auto& [key, rows] : drifts_) {
    const prune::Masks masks = prune::ComputeMasks(impl.graph, RecipeOf(key));
    CheckSparsity(masks.achieved_sparsity(), rows[0]);
    const auto pruned = embed(prune::ApplyMasks(impl.graph, masks));
    for (const auto& row : rows) {
      const auto drift = score::Drift(dense.at(row[4]), pruned.at(row[4]));
      ASSERT_TRUE(drift) << row[4];
      ExpectWithin(*drift, Number(row[5]), kMaxDriftDifference, key.first + " " + key.second + " " + row[4]);
      ++compared;
    }
  }
  EXPECT_EQ(compared, embeddings_.size() * drifts_.size());
  EXPECT_EQ(drifts_.size(), 7u);
  EXPECT_EQ(embeddings_.size(), 64 / stride_);
}

// As users get them: crop in, assessment out, both networks in one plan.
TEST_P(ReferenceValues, ThroughTheAssessor) {
  if (GetParam().executor == ExecutorKind::kReference) {
    // The loops take a quarter of a second a network: the two recipes that differ most.
    std::erase_if(drifts_, [](const auto& entry) {
      return entry.first != std::pair<std::string, std::string>("global", "0.4") &&
             entry.first != std::pair<std::string, std::string>("channel", "0.2");
    });
    for (auto& [key, rows] : drifts_) rows.resize(std::min<std::size_t>(rows.size(), 8));
  }
  for (const auto& [key, rows] : drifts_) {
    const Assessor assessor(*network_,
                            {.recipe = RecipeOf(key), .threads = 1, .guarded = false, .executor = GetParam().executor});
    CheckSparsity(assessor.achieved_sparsity(), rows[0]);
    std::vector<Image> crops;
    for (const auto& row : rows) crops.push_back(Crop(row[4]));
    const std::vector<Assessment> results = assessor.assess(crops);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string what = key.first + " " + key.second + " " + rows[i][4];
      ASSERT_EQ(results[i].status, Status::kOk) << what << " " << results[i].detail;
      ExpectWithin(results[i].drift, Number(rows[i][5]), kMaxDriftDifference, what);
      ExpectWithin(results[i].quality, 1 - Number(rows[i][5]) / 2, kMaxDriftDifference, what + " quality");
      CheckEmbedding(results[i].embedding, embeddings_.at(rows[i][4]));
    }
  }
}

// The first-order theory; the reference differentiated by another program's automatic differentiation.
TEST_P(ReferenceValues, ToFirstOrder) {
  const bool fast = GetParam().executor == ExecutorKind::kOneDnn;
  std::size_t compared = 0;
  for (auto& [key, rows] : drifts_) {
    std::erase_if(rows, [](const auto& row) { return row.size() < 7 || row[6].empty(); });
    if (!fast) rows.resize(std::min<std::size_t>(rows.size(), 2));  // the loops take a second each
    if (rows.empty()) continue;
    const Assessor assessor(
        *network_,
        {.recipe = RecipeOf(key), .guarded = false, .method = Method::kJvp, .executor = GetParam().executor});
    std::vector<Image> crops;
    for (const auto& row : rows) crops.push_back(Crop(row[4]));
    const std::vector<Assessment> results = assessor.assess(crops);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::string what = key.first + " " + key.second + " " + rows[i][4];
      ASSERT_EQ(results[i].status, Status::kOk) << what << " " << results[i].detail;
      const double expected = Number(rows[i][6]);
      ExpectWithin(results[i].sensitivity, expected, kMaxSensitivityDifference * expected, what);
      ++compared;
    }
  }
  EXPECT_EQ(compared, 4 * std::min<std::size_t>(embeddings_.size(), fast ? 64 : 2));
}

// The less is pruned, the nearer is the drift to the theory.
class FirstOrder : public ReferenceValues {};  // of the numbers, not of who computes them

TEST_P(FirstOrder, DriftTendsToTheTheory) {
  std::vector<Image> crops;
  for (const auto& [name, row] : embeddings_) crops.push_back(Crop(name));
  double further = 1;
  for (const double sparsity : {0.1, 0.01}) {
    const Recipe recipe{.scope = Scope::kLayer, .sparsity = sparsity};
    const auto drift = Assessor(*network_, {.recipe = recipe, .guarded = false}).assess(crops);
    const auto theory = Assessor(*network_, {.recipe = recipe, .guarded = false, .method = Method::kJvp}).assess(crops);
    double off = 0, ratio = 0;
    for (std::size_t i = 0; i < crops.size(); ++i) {
      const double r = double{drift[i].drift} / double{theory[i].sensitivity};
      off += std::fabs(r - 1) / static_cast<double>(crops.size());
      ratio += r / static_cast<double>(crops.size());
    }
    EXPECT_LT(off, further / 2) << sparsity;
    further = off;
    if (sparsity < 0.1) ExpectWithin(ratio, 1, 0.005, "mean of D / S");
  }
  EXPECT_LT(further, 0.01);
}

constexpr const char* kW600k = "w600k_mbf_dequantised_fp32";
constexpr const char* kVface = "vface_mobilefacenet";
constexpr const char* kXiaoccer = "xiaoccer_mobilefacenet_112x96_casia";

INSTANTIATE_TEST_SUITE_P(Networks, FirstOrder,
                         ::testing::Values(Case{kW600k, "arcface", ExecutorKind::kOneDnn},
                                           Case{kVface, "imagenet", ExecutorKind::kOneDnn},
                                           Case{kXiaoccer, "mobilefacenet128", ExecutorKind::kOneDnn}),
                         NameOf);

INSTANTIATE_TEST_SUITE_P(Networks, ReferenceValues,
                         ::testing::Values(Case{kW600k, "arcface", ExecutorKind::kOneDnn},
                                           Case{kVface, "imagenet", ExecutorKind::kOneDnn},
                                           Case{kXiaoccer, "mobilefacenet128", ExecutorKind::kOneDnn},
                                           Case{kW600k, "arcface", ExecutorKind::kReference},
                                           Case{kVface, "imagenet", ExecutorKind::kReference},
                                           Case{kXiaoccer, "mobilefacenet128", ExecutorKind::kReference}),
                         NameOf);

}  // namespace
}  // namespace prefiqs
