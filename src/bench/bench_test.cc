#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/bench.h>

#include <cmath>
#include <filesystem>
#include <map>

#include "base/folder_for_test.h"
#include "bench/stopwatch.h"
#include "pipeline/network_for_test.h"

namespace prefiqs::bench {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

const std::filesystem::path kShared = PREFIQS_SHARED_DIR;

BenchOptions Quick(const std::string& model) {
  BenchOptions options;
  options.model = model;
  options.network.preprocessing = Preprocessing{};
  options.assessor.recipe = Recipe{};
  options.assessor.guarded = false;  // noise is no face
  options.seconds = 0.2;
  return options;
}

std::vector<std::string> Names(const BenchReport& report) {
  std::vector<std::string> names;
  for (const BenchStage& stage : report.stages) names.push_back(stage.name);
  return names;
}

void ExpectSound(const BenchReport& report) {
  for (const BenchStage& stage : report.stages) {
    EXPECT_GT(stage.milliseconds, 0) << stage.name;
    EXPECT_LE(stage.lower_quartile, stage.milliseconds) << stage.name;
    EXPECT_GE(stage.upper_quartile, stage.milliseconds) << stage.name;
    EXPECT_NEAR(stage.images_a_second * stage.milliseconds, 1000, 1e-6) << stage.name;
    EXPECT_GE(stage.runs, 3) << stage.name;
    const bool pass = stage.name.ends_with(" pass");
    EXPECT_EQ(std::isfinite(stage.gigaflops), pass) << stage.name;
    EXPECT_EQ(std::isfinite(stage.of_ceiling), pass) << stage.name;
  }
}

TEST(RunBench, MeasuresEachStage) {
  FolderForTest folder;
  BenchOptions options = Quick(pipeline::WriteTestNetwork(folder / "net.onnx"));
  options.threads = {1, 2};
  options.batches = {1, 3};
  std::vector<std::string> stages;
  options.on_stage = [&](const std::string& stage) { stages.push_back(stage); };
  const BenchReport report = run_bench(options);
  EXPECT_THAT(Names(report),
              ElementsAre("load", "prune and compile", "preprocess", "dense pass", "drift pass", "dense pass",
                          "drift pass", "dense pass", "drift pass", "dense pass", "drift pass"));
  ExpectSound(report);
  const BenchStage& last = report.stages.back();
  EXPECT_EQ(last.threads, 2);
  EXPECT_EQ(last.batch, 3);
  EXPECT_NEAR(last.gigaflops, 2e-9 * static_cast<double>(report.work.method) * last.images_a_second, 1e-9);
  EXPECT_THAT(report.notes, Contains(HasSubstr("no picture")));
  EXPECT_THAT(stages, Contains("dense and drift pass, 2 threads, batch 3"));
  EXPECT_EQ(report.recipe, Recipe{}.name());
  EXPECT_EQ(report.precision, "fp32");
  EXPECT_FALSE(report.instruction_set.empty());
  EXPECT_EQ(report.network.size(), 32u);
}

TEST(RunBench, AlignedPicturesAreNotSearched) {
  FolderForTest folder;
  BenchOptions options = Quick(pipeline::WriteTestNetwork(folder / "net.onnx"));
  options.assessor.method = Method::kEmbedding;
  write_png(pipeline::TestPicture(pipeline::kTestSide, pipeline::kTestSide, 1), folder / "a.png");
  options.pictures = {folder / "a.png"};
  const BenchReport report = run_bench(options);
  EXPECT_THAT(Names(report), ElementsAre("load", "compile", "decode", "preprocess", "dense pass", "whole picture"));
  ExpectSound(report);
  EXPECT_EQ(report.recipe, "");
}

TEST(RunBench, SearchesPhotographs) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << kShared << " is not there: no real pictures to test with";
  FolderForTest folder;
  BenchOptions options = Quick(pipeline::WriteTestNetwork(folder / "net.onnx"));
  write_png({64, 48, std::vector<std::uint8_t>(64 * 48 * 3, 90)}, folder / "flat.png");
  options.pictures = {(kShared / "data/portraits/astronaut.png").string(), folder / "flat.png"};
  options.assessor.detector = Detector::load(default_detector());
  const BenchReport report = run_bench(options);
  EXPECT_THAT(Names(report), ElementsAre("load", "prune and compile", "decode", "detect", "align", "preprocess",
                                         "dense pass", "drift pass", "whole picture"));
  EXPECT_THAT(report.notes, ElementsAre("no face in 1 of 2 pictures"));
  ExpectSound(report);
}

TEST(RunBench, RefusesWhatCannotBeMeasured) {
  FolderForTest folder;
  const BenchOptions good = Quick(pipeline::WriteTestNetwork(folder / "net.onnx"));
  const auto refused = [&](auto&& spoil) {
    BenchOptions options = good;
    spoil(options);
    try {
      run_bench(options);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string("nothing was thrown");
  };
  EXPECT_THAT(refused([](BenchOptions& o) { o.threads = {1, 0}; }), HasSubstr("threads: 0"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.threads = {1025}; }), HasSubstr("1024"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.batches.clear(); }), HasSubstr("batch: none"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.seconds = std::nan(""); }), HasSubstr("seconds"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.model = "missing.onnx"; }), HasSubstr("missing.onnx"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.pictures = {"missing.png"}; }), HasSubstr("missing.png"));
  EXPECT_THAT(refused([](BenchOptions& o) { o.assessor.recipe->sparsity = 1; }), HasSubstr("sparsity"));
  write_png(pipeline::TestPicture(30, 16, 1), folder / "wide.png");
  EXPECT_THAT(refused([&](BenchOptions& o) { o.pictures = {folder / "wide.png"}; }), HasSubstr("30×16"));
}

TEST(Measure, RunsInTurnAndSorts) {
  std::string order;
  const std::vector<std::function<void()>> works{[&] { order += 'a'; }, [&] { order += 'b'; }};
  const std::vector<Times> times = Measure(works, 0);
  EXPECT_EQ(order, "abababab");  // one to warm up, three measured
  ASSERT_EQ(times.size(), 2u);
  EXPECT_EQ(times[0].seconds.size(), kFewestRuns);
  EXPECT_TRUE(std::ranges::is_sorted(times[1].seconds));
}

TEST(Times, Quantiles) {
  const Times times{{1, 2, 4, 8}};
  EXPECT_EQ(times.Quantile(0), 1);
  EXPECT_EQ(times.Quantile(0.5), 3);
  EXPECT_EQ(times.Quantile(0.25), 1.75);
  EXPECT_EQ(times.Quantile(1), 8);
}

}  // namespace
}  // namespace prefiqs::bench
