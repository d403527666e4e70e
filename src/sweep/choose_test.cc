#include <gtest/gtest.h>
#include <prefiqs/job.h>

#include <cmath>
#include <filesystem>

#include "base/folder_for_test.h"
#include "pipeline/network_for_test.h"

namespace prefiqs {
namespace {

using pipeline::kTestSide;
using pipeline::TestPicture;

class Choose : public ::testing::Test {
 protected:
  Choose() : network_(Network::load(pipeline::WriteTestNetwork(folder_ / "net.onnx"))) {
    std::filesystem::create_directory(folder_ / "in");
    for (std::uint32_t i = 0; i < 60; ++i) {
      const std::string path = folder_ / ("in/" + std::to_string(100 + i) + ".png");
      if (i % 9 == 4) {
        Fill(path, "not a picture");
      } else {
        write_png(TestPicture(kTestSide, kTestSide, i), path);
      }
    }
    options_.inputs = {folder_ / "in"};
  }

  double MeanDrift(const Recipe& recipe) {
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
    run_job(network_, job);
    return sum / count;
  }

  FolderForTest folder_;
  Network network_;
  JobOptions options_;
};

TEST_F(Choose, TheSparsityWhoseDriftIsNearest) {
  const RecipeChoice choice = choose_recipe(network_, options_);
  EXPECT_EQ(choice.faces, 53);
  EXPECT_EQ(choice.recipe.scope, Scope::kLayer);
  EXPECT_NEAR(choice.mean_drift, MeanDrift(choice.recipe), 1e-5);
  Recipe less = choice.recipe, more = choice.recipe;
  less.sparsity -= 0.01;
  more.sparsity += 0.01;
  const double miss = std::fabs(choice.mean_drift - 0.15);
  EXPECT_LE(miss, std::fabs(MeanDrift(less) - 0.15) + 1e-6);
  EXPECT_LE(miss, std::fabs(MeanDrift(more) - 0.15) + 1e-6);
  options_.assessor.threads = 3;
  const RecipeChoice again = choose_recipe(network_, options_);
  EXPECT_EQ(again.recipe, choice.recipe);
  EXPECT_EQ(again.mean_drift, choice.mean_drift);
}

TEST_F(Choose, IsStoredWithTheNetwork) {
  const RecipeChoice choice = choose_recipe(network_, options_);
  Calibration calibration = Calibration::of(std::vector<float>(200, 0.5f), choice.recipe, network_.preprocessing());
  calibration.source = "test";
  calibration.date = "2026-01-01";
  network_.save_calibration(calibration);
  EXPECT_FALSE(Network::load(network_.path()).stored_recipe());
  network_.save_calibration(calibration, true);
  EXPECT_EQ(Network::load(network_.path()).stored_recipe(), choice.recipe);
  network_.save_pruned(choice.recipe, folder_ / "pruned.onnx");  // whose metadata names its recipe
  EXPECT_THROW(Network::load(folder_ / "pruned.onnx").save_calibration(calibration, true), Error);
  EXPECT_THROW(choose_recipe(Network::load(folder_ / "pruned.onnx"), options_), Error);
}

TEST_F(Choose, WantsFaces) {
  options_.inputs = {folder_ / "in/100.png", folder_ / "in/101.png"};
  EXPECT_THROW(choose_recipe(network_, options_), Error);
}

}  // namespace
}  // namespace prefiqs
