#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/job.h>

#include <cmath>
#include <filesystem>

#include "base/folder_for_test.h"
#include "eval/npy_matrix.h"
#include "eval/table_file.h"
#include "pipeline/network_for_test.h"
#include "score/drift.h"
#include "score/rank_correlation.h"

namespace prefiqs {
namespace {

using pipeline::kTestSide;
using pipeline::TestPicture;
using ::testing::HasSubstr;

class Sweep : public ::testing::Test {
 protected:
  static constexpr int kPictures = 40;

  Sweep() : network_(Network::load(pipeline::WriteTestNetwork(folder_ / "net.onnx"))) {
    std::filesystem::create_directory(folder_ / "in");
    std::filesystem::create_directory(folder_ / "other");
    for (int i = 0; i < kPictures; ++i) {
      const std::string path = folder_ / ("in/" + std::to_string(100 + i) + ".png");
      if (i % 9 == 4) {
        Fill(path, "not a picture");
      } else {
        write_png(TestPicture(kTestSide, kTestSide, static_cast<std::uint32_t>(i)), path);
      }
    }
    options_.job.inputs = {folder_ / "in"};
    options_.job.assessor.guarded = false;  // noise is no face
    options_.folder = folder_ / "sweep";
    options_.recipes = {Recipe{.sparsity = 0.2}, Recipe{.criterion = Criterion::kRandom, .sparsity = 0.3, .seed = 5},
                        Recipe{.scope = Scope::kLayer, .sparsity = 0.6, .from = 0.5}};
  }

  std::string Refusal() {
    try {
      run_sweep(network_, options_);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  FolderForTest folder_;
  Network network_;
  SweepOptions options_;
};

TEST_F(Sweep, IsWhatAnAssessorOfEachRecipeSays) {
  const SweepResult result = run_sweep(network_, options_);
  EXPECT_FALSE(result.interrupted);
  ASSERT_EQ(result.runs.size(), options_.recipes.size());
  const eval::NpyReader whole(result.embeddings);
  for (const SweepRun& run : result.runs) {
    const Assessor assessor(network_, {.recipe = run.recipe, .guarded = false});
    EXPECT_EQ(run.achieved_sparsity, assessor.achieved_sparsity());
    const eval::Table table = eval::ReadTable(run.rows);
    const eval::NpyReader pruned(run.embeddings);
    ASSERT_EQ(table.rows.size(), static_cast<std::size_t>(kPictures));
    ASSERT_EQ(pruned.rows(), static_cast<std::size_t>(kPictures));
    double sum = 0;
    int scored = 0;
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const Assessment a = assessor.assess(Image::open(table.rows[i][table.Require("path")]));
      EXPECT_EQ(table.rows[i][table.Require("status")], info(a.status).name);
      EXPECT_EQ(table.rows[i][table.Require("recipe")], run.recipe.name());
      if (a.status != Status::kOk) continue;
      ++scored;
      sum += a.drift;
      EXPECT_NEAR(eval::NumberIn(table, i, table.Require("drift")), a.drift, 1e-5);
      EXPECT_NEAR(eval::NumberIn(table, i, table.Require("quality")), a.quality, 1e-5);
      EXPECT_NEAR(eval::NumberIn(table, i, table.Require("pruned_norm")), a.pruned_norm, 1e-4 * a.pruned_norm);
      // The embedding kept is the pruned network's.
      std::vector<float> dense(whole.columns()), survivor(pruned.columns());
      whole.ReadRow(i, dense);
      pruned.ReadRow(i, survivor);
      const auto drift = score::Drift(dense, survivor);
      ASSERT_TRUE(drift);
      EXPECT_NEAR(*drift, a.drift, 1e-5);
    }
    EXPECT_GT(scored, 30);
    EXPECT_NEAR(run.mean_drift, sum / scored, 1e-5);
  }
}

TEST_F(Sweep, ComparesTheDriftWithItsTheory) {
  options_.recipes[1].criterion = Criterion::kL1;
  options_.recipes[1].sparsity = 0.01;
  const SweepResult plain = run_sweep(network_, options_);
  EXPECT_TRUE(plain.runs[0].jvp_rows.empty() && plain.runs[0].drifts.empty());
  const std::string drifts = Contents(plain.runs[0].rows);
  options_.jvp = true;
  const SweepResult result = run_sweep(network_, options_);
  EXPECT_EQ(Contents(result.runs[0].rows), drifts);
  for (const SweepRun& run : result.runs) {
    const Assessor assessor(network_, {.recipe = run.recipe, .guarded = false, .method = Method::kJvp});
    const eval::Table table = eval::ReadTable(run.jvp_rows), pruned = eval::ReadTable(run.rows);
    ASSERT_EQ(table.rows.size(), static_cast<std::size_t>(kPictures));
    std::size_t scored = 0;
    for (std::size_t i = 0; i < table.rows.size(); ++i) {
      const Assessment a = assessor.assess(Image::open(table.rows[i][table.Require("path")]));
      EXPECT_EQ(table.rows[i][table.Require("status")], info(a.status).name);
      EXPECT_EQ(table.rows[i][table.Require("method")], "jvp");
      if (a.status != Status::kOk) continue;
      EXPECT_NEAR(eval::NumberIn(table, i, table.Require("sensitivity")), a.sensitivity, 1e-5);
      EXPECT_NEAR(eval::NumberIn(table, i, table.Require("quality")), a.quality, 1e-5);
      ASSERT_LT(scored, run.drifts.size());
      EXPECT_EQ(run.sensitivities[scored], eval::NumberIn(table, i, table.Require("sensitivity")));
      EXPECT_EQ(run.drifts[scored++], eval::NumberIn(pruned, i, pruned.Require("drift")));
    }
    EXPECT_EQ(run.drifts.size(), scored);
    EXPECT_EQ(run.correlation, score::Correlation(run.drifts, run.sensitivities));
    EXPECT_EQ(run.rank_correlation, score::RankCorrelation(run.drifts, run.sensitivities));
  }
  EXPECT_GT(result.runs[1].correlation, 0.99);  // so little is pruned
  // Nothing is done again.
  const std::string rows = Contents(result.runs[2].jvp_rows);
  EXPECT_EQ(Contents(run_sweep(network_, options_).runs[2].jvp_rows), rows);
}

TEST_F(Sweep, GoesOnWhereItStopped) {
  options_.job.batch = 1;
  options_.job.assessor.threads = 1;
  SweepOptions whole = options_;
  whole.folder = folder_ / "uninterrupted";
  const SweepResult at_once = run_sweep(network_, whole);
  // Stopped once in each stage, then at some row.
  int stages = 0, runs = 0;
  SweepResult result;
  options_.job.on_progress = [&](const JobProgress&) { return --stages > 0; };
  do {
    stages = ++runs;
    result = run_sweep(network_, options_);
    ASSERT_LT(runs, 30);
  } while (result.interrupted);
  EXPECT_GT(runs, 3);
  ASSERT_EQ(result.runs.size(), at_once.runs.size());
  EXPECT_EQ(Contents(result.rows), Contents(at_once.rows));
  for (std::size_t i = 0; i < result.runs.size(); ++i) {
    EXPECT_EQ(Contents(result.runs[i].rows), Contents(at_once.runs[i].rows));
    EXPECT_EQ(Contents(result.runs[i].embeddings), Contents(at_once.runs[i].embeddings));
    EXPECT_EQ(result.runs[i].mean_drift, at_once.runs[i].mean_drift);
  }
  // A row that was cut off by a kill is made again, nothing else is.
  const std::string rows = Contents(result.runs[1].rows);
  Fill(result.runs[1].rows, rows.substr(0, rows.size() - 10));
  options_.job.on_progress = nullptr;
  run_sweep(network_, options_);
  EXPECT_EQ(Contents(result.runs[1].rows), rows);
}

TEST_F(Sweep, DoesNotLookIntoTheMirror) {
  const SweepResult plain = run_sweep(network_, options_);
  options_.job.assessor.mirror = true;
  options_.folder = folder_ / "mirror";
  const SweepResult mirrored = run_sweep(network_, options_);
  for (std::size_t i = 0; i < plain.runs.size(); ++i) {
    EXPECT_EQ(Contents(plain.runs[i].rows), Contents(mirrored.runs[i].rows));
  }
}

TEST_F(Sweep, DoesNotDependOnThreads) {
  options_.job.assessor.threads = 1;
  const SweepResult one = run_sweep(network_, options_);
  options_.job.assessor.threads = 3;
  options_.folder = folder_ / "three";
  const SweepResult three = run_sweep(network_, options_);
  for (std::size_t i = 0; i < one.runs.size(); ++i) {
    EXPECT_EQ(Contents(one.runs[i].rows), Contents(three.runs[i].rows));
    EXPECT_EQ(Contents(one.runs[i].embeddings), Contents(three.runs[i].embeddings));
  }
}

TEST_F(Sweep, LeavesTheRowsOfOtherPicturesAlone) {
  const SweepResult result = run_sweep(network_, options_);
  const std::string rows = Contents(result.rows), embeddings = Contents(result.embeddings);
  write_png(TestPicture(kTestSide, kTestSide, 3), folder_ / "other/1.png");
  const std::vector<std::string> inputs = options_.job.inputs;
  for (const auto& [others, cause] :
       {std::pair{std::vector<std::string>{folder_ / "other"}, "row 1 is of"},  // in place of them
        std::pair{std::vector<std::string>{folder_ / "other", folder_ / "in"}, "row 1 is of"},
        std::pair{std::vector<std::string>{folder_ / "in/100.png"}, "has rows of 40 pictures, not of 1"}}) {
    options_.job.inputs = others;
    EXPECT_THAT(Refusal(), HasSubstr(cause));
    EXPECT_EQ(Contents(result.rows), rows);
    EXPECT_EQ(Contents(result.embeddings), embeddings);
  }
  // Of a run that was stopped as well.
  const std::string some = rows.substr(0, rows.size() / 2);
  Fill(result.rows, some);
  EXPECT_THAT(Refusal(), HasSubstr("not of 1"));
  EXPECT_EQ(Contents(result.rows), some);
  options_.job.inputs = inputs;
  EXPECT_EQ(Refusal(), "");
  EXPECT_EQ(Contents(result.rows), rows);
  EXPECT_EQ(Contents(result.embeddings), embeddings);
}

TEST_F(Sweep, RefusesWhatItCannotKeepApart) {
  run_sweep(network_, options_);
  write_png(TestPicture(kTestSide, kTestSide, 3), folder_ / "in/050.png");  // comes first
  EXPECT_THAT(Refusal(), HasSubstr("another"));
  std::filesystem::remove(folder_ / "in/050.png");
  options_.recipes.push_back(options_.recipes[0]);
  EXPECT_THAT(Refusal(), HasSubstr("twice"));
  options_.recipes.clear();
  EXPECT_THAT(Refusal(), HasSubstr("without recipes"));
  options_.recipes = {Recipe{}};
  options_.job.inputs.push_back("-");
  EXPECT_THAT(Refusal(), HasSubstr("@FILE"));
  options_.job.inputs.pop_back();
  options_.job.shard_count = 2;
  EXPECT_THAT(Refusal(), HasSubstr("shards"));
  options_.job.shard_count = 1;
  options_.folder.clear();
  EXPECT_THAT(Refusal(), HasSubstr("folder"));
}

}  // namespace
}  // namespace prefiqs
