#include <gtest/gtest.h>
#include <prefiqs/job.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/folder_for_test.h"
#include "degrade/spoil.h"
#include "pipeline/network_for_test.h"
#include "sweep/choose_faces.h"

namespace prefiqs {
namespace {

using pipeline::kTestSide;
using pipeline::TestPicture;

class Choose : public ::testing::Test {
 protected:
  Choose() : network_(Network::load(pipeline::WriteTestNetwork(folder_ / "net.onnx"))) {
    std::filesystem::create_directory(folder_ / "in");
    for (std::uint32_t i = 0; i < 120; ++i) {
      const std::string path = folder_ / ("in/" + std::to_string(100 + i) + ".png");
      if (i % 9 == 4) {
        Fill(path, "not a picture");
      } else {
        write_png(TestPicture(kTestSide, kTestSide, i), path);
      }
    }
    options_.inputs = {folder_ / "in"};
    options_.assessor.guarded = false;  // noise is no face
  }

  // Thresholds over all layers leave nothing of the first one's small weights, and so nothing of the picture.
  Network CompactNetwork(std::uint32_t seed = 1) {
    graph::Graph graph = pipeline::TestGraph();
    graph.values[static_cast<std::size_t>(graph.nodes[0].inputs[1])].constant =
        pipeline::RandomTensor({8, 3, 3, 3}, seed);
    const std::pair<graph::ValueId, float> scales[]{
        {graph.nodes[0].inputs[1], 1e-3f}, {graph.nodes[0].inputs[2], 0.0f}, {graph.nodes[3].inputs[2], 1e-5f}};
    for (const auto& [input, scale] : scales) {
      const auto tensor = std::make_shared<graph::Tensor>(*graph.constant(input));
      for (float& value : tensor->values<float>()) value *= scale;
      graph.values[static_cast<std::size_t>(input)].constant = tensor;
    }
    return Network::load(pipeline::WriteTestNetwork(folder_ / "compact.onnx", graph));
  }

  // Share of the faces and mirror images made worse that drift more than before, by assessing each.
  double TellsWorse(const Network& network, const Recipe& recipe) {
    const Assessor assessor(network, {.recipe = recipe, .guarded = false});
    int asked = 0, rightly = 0;
    for (const Image& face : sweep::TakeFaces(network, options_, 256, 100)) {
      for (const Image& before : {face, degrade::Mirrored(face)}) {
        const sweep::MadeWorse after = sweep::MakeWorse(before, sweep::PictureHash(before));
        if (!after.worse) continue;
        ++asked;
        rightly += assessor.assess(after.picture).drift > assessor.assess(before).drift ? 1 : 0;
      }
    }
    EXPECT_GT(asked, 150);
    return static_cast<double>(rightly) / asked;
  }

  // By way of a job.
  double MeanDrift(const Network& network, const Recipe& recipe) {
    JobOptions job = options_;
    job.assessor.recipe = recipe;
    job.rows = false;
    double sum = 0;
    int count = 0;
    job.on_face = [&](const std::string&, int, const Assessment& a) {
      if (a.status != Status::kOk) return;
      sum += a.drift;
      ++count;
    };
    run_job(network, job);
    return sum / count;
  }

  std::string Refusal() {
    try {
      choose_recipe(network_, options_);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  FolderForTest folder_;
  Network network_;
  JobOptions options_;
};

TEST_F(Choose, KeepsThePapersRecipeWhereTheNetworkStandsIt) {
  const RecipeChoice choice = choose_recipe(network_, options_);
  EXPECT_EQ(choice.faces, 107);
  ASSERT_EQ(choice.candidates.size(), 1U);
  EXPECT_EQ(choice.recipe, Recipe{});
  EXPECT_EQ(choice.candidates[0].recipe, Recipe{});
  EXPECT_EQ(choice.candidates[0].mean_drift, choice.mean_drift);
  EXPECT_NEAR(choice.mean_drift, MeanDrift(network_, Recipe{}), 1e-5);
  EXPECT_LE(choice.mean_drift, choice.stands);
  EXPECT_GT(choice.stands, 0.46);  // of w600k, where the paper's works (docs/choosing.md)
  EXPECT_LT(choice.stands, 0.71);  // of xiaoccer, where it does not
}

TEST_F(Choose, PrunesFromLaterOnWhereThatSurelyTellsMore) {
  const Network compact = CompactNetwork(6);
  const RecipeChoice choice = choose_recipe(compact, options_);
  ASSERT_EQ(choice.candidates.size(), 7U);
  EXPECT_EQ(choice.recipe.from, 0.5);  // the same layers as from 0.8 and 0.9 here, so the first
  Recipe base = choice.recipe;
  base.from = 0;
  const auto whole = std::ranges::find(choice.candidates, base, &RecipeCandidate::recipe);
  ASSERT_NE(whole, choice.candidates.end());
  const RecipeCandidate& deeper = choice.candidates[4];
  EXPECT_EQ(deeper.recipe, choice.recipe);
  EXPECT_EQ(choice.mean_drift, deeper.mean_drift);
  EXPECT_EQ(whole->sure, 0);
  EXPECT_GE(deeper.sure, 0.95);
  EXPECT_GT(deeper.tells_worse, whole->tells_worse + 0.1);
  EXPECT_EQ(choice.candidates[5].tells_worse, deeper.tells_worse);
}

TEST_F(Choose, LeavesItForThresholdsPerLayerOfLittleDrift) {
  const Network compact = CompactNetwork(5);
  const RecipeChoice choice = choose_recipe(compact, options_);
  ASSERT_EQ(choice.candidates.size(), 7U);
  EXPECT_EQ(choice.candidates[0].recipe, Recipe{});
  EXPECT_GT(choice.candidates[0].mean_drift, choice.stands);
  std::size_t nearest = 1;
  for (std::size_t i = 0; i < choice.candidates.size(); ++i) {
    const RecipeCandidate& candidate = choice.candidates[i];
    if (i > 0 && i < 4) {
      EXPECT_EQ(candidate.recipe, (Recipe{.scope = Scope::kLayer, .sparsity = static_cast<double>(i) / 10}));
      const auto off = [](const RecipeCandidate& c) { return std::fabs(c.mean_drift - 0.15); };
      if (off(candidate) < off(choice.candidates[nearest])) nearest = i;
    }
    EXPECT_NEAR(candidate.mean_drift, MeanDrift(compact, candidate.recipe), 1e-5) << candidate.recipe.name();
  }
  const Recipe& base = choice.recipe;
  EXPECT_EQ(choice.candidates[nearest].recipe, base);
  EXPECT_NEAR(choice.candidates[nearest].tells_worse, TellsWorse(compact, base), 1e-12);
  const double depths[]{0.5, 0.8, 0.9};
  for (std::size_t i = 4; i < 7; ++i) {
    const RecipeCandidate& deeper = choice.candidates[i];
    EXPECT_EQ(deeper.recipe, (Recipe{.scope = base.scope, .sparsity = base.sparsity, .from = depths[i - 4]}));
    EXPECT_NEAR(deeper.tells_worse, TellsWorse(compact, deeper.recipe), 1e-12);
    EXPECT_LT(deeper.sure, 0.95);
  }
  const auto chosen = std::ranges::find(choice.candidates, choice.recipe, &RecipeCandidate::recipe);
  ASSERT_NE(chosen, choice.candidates.end());
  EXPECT_EQ(chosen->mean_drift, choice.mean_drift);
  options_.assessor.threads = 3;
  const RecipeChoice again = choose_recipe(compact, options_);
  EXPECT_EQ(again.recipe, choice.recipe);
  for (std::size_t i = 0; i < choice.candidates.size(); ++i) {
    EXPECT_EQ(again.candidates[i].mean_drift, choice.candidates[i].mean_drift);
    EXPECT_EQ(again.candidates[i].tells_worse, choice.candidates[i].tells_worse);
    EXPECT_EQ(again.candidates[i].sure, choice.candidates[i].sure);
  }
}

// What each face is made into, which faces are resampled and which of many are taken.
TEST_F(Choose, DoesNotHangOnTheOrderOfTheFaces) {
  const Network compact = CompactNetwork(5);
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "in")) paths.push_back(entry.path());
  std::ranges::sort(paths);
  options_.inputs = paths;
  const RecipeChoice sorted = choose_recipe(compact, options_);
  const std::vector<Image> some = sweep::TakeFaces(compact, options_, 60, 60);
  std::mt19937_64 random(3);
  for (const bool shuffled : {false, true}) {
    if (shuffled) {
      std::ranges::shuffle(paths, random);
    } else {
      std::ranges::reverse(paths);
    }
    options_.inputs = paths;
    const RecipeChoice again = choose_recipe(compact, options_);
    EXPECT_EQ(again.recipe, sorted.recipe);
    ASSERT_EQ(again.candidates.size(), 7U);
    for (std::size_t i = 0; i < 7; ++i) {
      EXPECT_EQ(again.candidates[i].mean_drift, sorted.candidates[i].mean_drift) << shuffled << " " << i;
      EXPECT_EQ(again.candidates[i].tells_worse, sorted.candidates[i].tells_worse) << shuffled << " " << i;
      EXPECT_EQ(again.candidates[i].sure, sorted.candidates[i].sure) << shuffled << " " << i;
    }
    const std::vector<Image> taken = sweep::TakeFaces(compact, options_, 60, 60);
    ASSERT_EQ(taken.size(), some.size());
    for (std::size_t i = 0; i < some.size(); ++i) EXPECT_EQ(taken[i].rgb, some[i].rgb) << shuffled << " " << i;
  }
}

TEST_F(Choose, PicturesHashBySizeAndPixels) {
  Image picture = TestPicture(12, 10, 5);
  const std::uint64_t hash = sweep::PictureHash(picture);
  EXPECT_EQ(sweep::PictureHash(TestPicture(12, 10, 5)), hash);
  std::swap(picture.width, picture.height);
  EXPECT_NE(sweep::PictureHash(picture), hash);
  std::swap(picture.width, picture.height);
  picture.rgb.back() ^= 1;
  EXPECT_NE(sweep::PictureHash(picture), hash);
}

TEST_F(Choose, FacesAreMadeWorseInAllWays) {
  const Image face = TestPicture(112, 112, 5);
  std::map<std::vector<std::uint8_t>, int> made;
  int left = 0;
  for (std::size_t number = 0; number < 512; ++number) {
    const sweep::MadeWorse one = sweep::MakeWorse(face, number);
    EXPECT_EQ(one.worse, one.picture.rgb != face.rgb);
    EXPECT_EQ(one.picture.rgb, sweep::MakeWorse(face, number).picture.rgb);
    ++made[one.picture.rgb];
    left += one.worse ? 0 : 1;
  }
  EXPECT_NEAR(left, 512 / 22, 15);
  EXPECT_GT(made.size(), 19U + 30U);  // noise differs by the number
}

TEST_F(Choose, IsStoredWithTheNetwork) {
  const Network network = CompactNetwork(6);
  const RecipeChoice choice = choose_recipe(network, options_);
  EXPECT_EQ(choice.recipe.from, 0.5);
  Calibration calibration = Calibration::of(std::vector<float>(200, 0.5f), choice.recipe, network.preprocessing());
  calibration.source = "test";
  calibration.date = "2026-01-01";
  network.save_calibration(calibration);
  EXPECT_FALSE(Network::load(network.path()).stored_recipe());
  network.save_calibration(calibration, true);
  EXPECT_EQ(Network::load(network.path()).stored_recipe(), choice.recipe);
  network.save_pruned(choice.recipe, folder_ / "pruned.onnx");  // whose metadata names its recipe
  EXPECT_THROW(Network::load(folder_ / "pruned.onnx").save_calibration(calibration, true), Error);
  EXPECT_THROW(choose_recipe(Network::load(folder_ / "pruned.onnx"), options_), Error);
}

// Versions before this one chose whole percents per layer.
TEST_F(Choose, EarlierChoicesAreRead) {
  const Recipe earlier{.scope = Scope::kLayer, .sparsity = 0.17};
  Fill(
      network_.path() + ".json",
      R"({"recipe": {"granularity": "unstructured", "criterion": "l1", "scope": "layer", "sparsity": 0.17, "from": 0}})");
  EXPECT_EQ(Network::load(network_.path()).stored_recipe(), earlier);
}

TEST_F(Choose, WantsFaces) {
  options_.inputs = {folder_ / "in/100.png", folder_ / "in/101.png"};
  EXPECT_EQ(Refusal(), "2 faces: 100 at least are wanted to choose a recipe by");
}

TEST_F(Choose, DoesNotAskWhatTheGuardRefuses) {
  options_.assessor.guarded = true;  // by the default guard
  EXPECT_EQ(Refusal(), "0 faces: 100 at least are wanted to choose a recipe by");
}

}  // namespace
}  // namespace prefiqs
