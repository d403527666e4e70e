// Several networks over the same pictures: one look at each picture, the bytes of a run for each network.
#include <prefiqs/job.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>

#include "pipeline/assessor_impl.h"
#include "pipeline/passes_for_test.h"

namespace prefiqs::pipeline {
namespace {

using ::testing::HasSubstr;

TEST_F(Passes, GiveTheBytesOfARunForEach) {
  AddAll();
  const auto expected = FilesOfARunForEach();
  for (const int threads : {1, 2, 4}) {
    for (const int batch : {0, 3, 100}) {
      options_.job.assessor.threads = threads;
      options_.job.batch = batch;
      const PassesSummary summary = run_passes(options_);
      EXPECT_FALSE(summary.interrupted);
      ASSERT_EQ(summary.tables.size(), options_.passes.size());
      for (const JobSummary& table : summary.tables) EXPECT_EQ(table.pictures, kPictures);
      EXPECT_EQ(Files(), expected) << threads << " threads, batch " << batch;
      RemoveFiles();
    }
  }
  EXPECT_THAT(expected.at(options_.passes[0].output), HasSubstr(",ok,"));
  EXPECT_THAT(expected.at(options_.passes[0].output), HasSubstr(",undecodable,"));
}

TEST_F(Passes, GiveTheBytesOfARunForEachOfAlignedCropsAndAllFaces) {
  AddAll();
  for (const bool aligned : {true, false}) {
    if (aligned)
      options_.job.assessor.detector.reset();
    else
      options_.job.assessor.detector = Detector::load(default_detector(), {.min_confidence = 0.05f});
    options_.job.faces = aligned ? FaceSelection::kBest : FaceSelection::kAll;
    options_.job.assessor.turn = !aligned;
    const auto expected = FilesOfARunForEach();
    run_passes(options_);
    EXPECT_EQ(Files(), expected) << aligned;
    RemoveFiles();
  }
}

// Whatever the number of networks and methods.
TEST_F(Passes, LookAtEachPictureOnce) {
  AddAll();
  const std::vector<NetworkPass> all = options_.passes;
  const auto run = [&](std::size_t first, std::size_t count) {
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
    options_.passes.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
    const PassesSummary summary = run_passes(options_);
    RemoveFiles();
    EXPECT_EQ(summary.read, kPictures);
    EXPECT_EQ(summary.searched, kDecodable);
    EXPECT_GT(summary.look_seconds, 0);
    for (const double seconds : summary.pass_seconds) EXPECT_GT(seconds, 0);
    return summary.cut;
  };
  // A crop for each face that is large enough, in the first shape and in the second.
  const std::int64_t first = run(0, 1), second = run(6, 1);
  EXPECT_GT(first, kDecodable / 2);
  EXPECT_EQ(first, second);
  for (const int threads : {1, 3}) {
    options_.job.assessor.threads = threads;
    EXPECT_EQ(run(0, 2), first);
    EXPECT_EQ(run(0, 5), first);
    EXPECT_EQ(run(0, all.size()), first + second);
  }
}

TEST_F(Passes, RunWhatIsMissing) {
  AddAll();
  run_passes(options_);
  const auto whole = Files();
  std::mt19937 random(1);
  PassesPlan plan;
  options_.on_plan = [&](const PassesPlan& given) { plan = given; };
  for (int round = 0; round < 4; ++round) {
    // Some tables are complete, some are cut, some are not there.
    std::vector<bool> complete;
    for (const NetworkPass& pass : options_.passes) {
      const auto what = random() % 3;
      complete.push_back(what == 0);
      if (what == 1) {
        std::filesystem::resize_file(pass.output, random() % std::filesystem::file_size(pass.output));
      } else if (what == 2) {
        std::filesystem::remove(pass.output);
        if (!pass.embeddings.empty()) std::filesystem::remove(pass.embeddings);
      }
    }
    options_.job.assessor.threads = 1 + round % 3;
    const PassesSummary summary = run_passes(options_);
    EXPECT_EQ(Files(), whole) << round;
    ASSERT_EQ(plan.to_do.size(), complete.size());
    EXPECT_EQ(plan.pictures, kPictures);
    std::int64_t most = 0;
    for (std::size_t i = 0; i < complete.size(); ++i) {
      EXPECT_EQ(plan.to_do[i] == 0, complete[i]) << i;
      EXPECT_EQ(summary.tables[i].earlier, kPictures - plan.to_do[i]);
      EXPECT_EQ(summary.tables[i].pictures, kPictures);
      EXPECT_EQ(summary.pass_seconds[i] > 0, !complete[i]);
      most = std::max(most, plan.to_do[i]);
    }
    EXPECT_EQ(plan.to_look_at, most);  // tables are in the order of the pictures
    EXPECT_EQ(summary.read, most);
  }
}

TEST_F(Passes, StopAndGoOn) {
  AddAll();
  run_passes(options_);
  const auto whole = Files();
  options_.job.batch = 2;
  for (const int threads : {1, 2}) {
    RemoveFiles();
    options_.job.assessor.threads = threads;
    options_.job.on_progress = [](const JobProgress& progress) { return progress.done == progress.total; };
    int runs = 0;
    for (bool interrupted = true; interrupted; ++runs) {
      ASSERT_LT(runs, kPictures);
      const PassesSummary summary = run_passes(options_);
      interrupted = summary.interrupted;
      for (const JobSummary& table : summary.tables) EXPECT_GT(table.pictures, table.earlier * (interrupted ? 1 : 0));
    }
    EXPECT_GT(runs, threads == 1 ? 2 : 0);
    EXPECT_EQ(Files(), whole);
  }
}

TEST_F(Passes, RefuseBeforeTheFirstPicture) {
  AddAll();
  const auto code_of = [&](std::string_view words) {
    try {
      run_passes(options_);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(std::string(words)));
      return error.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::kInternal;
  };
  const PassesOptions good = options_;
  options_.passes.clear();
  EXPECT_EQ(code_of("no passes"), ErrorCode::kUsage);
  options_ = good;
  options_.passes[1].output = options_.passes[0].output;
  EXPECT_EQ(code_of("two passes"), ErrorCode::kUsage);
  options_ = good;
  options_.keep_crops = true;
  EXPECT_EQ(code_of("name a folder"), ErrorCode::kUsage);
  options_ = good;
  options_.job.shard_count = 2;
  EXPECT_EQ(code_of("no shards"), ErrorCode::kUsage);
  options_ = good;
  run_passes(options_);
  const auto whole = Files();
  std::filesystem::remove(Picture(3));
  bool planned = false;
  options_.on_plan = [&](const PassesPlan&) { planned = true; };
  EXPECT_EQ(code_of("rows of 23 pictures, and now there are 22"), ErrorCode::kUsage);
  EXPECT_FALSE(planned);
  EXPECT_EQ(Files(), whole);
}

TEST_F(Passes, SayWhatIsTrueOfAllOnce) {
  std::filesystem::create_directories(folder_ / "work");
  const Network network = Load(1, 112, 112);
  Add("drift", network, Method::kDrift);
  Add("norm", network, Method::kNorm);
  options_.job.assessor.detector.reset();  // these are no aligned crops
  std::multiset<std::string> said;
  options_.job.on_warning = [&](const std::string& text) { said.insert(text); };
  run_passes(options_);
  int not_aligned = 0;
  for (const std::string& text : said) {
    EXPECT_EQ(said.count(text), 1u) << text;
    not_aligned += text.find("do not look like aligned crops") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(not_aligned, 1);
}

TEST_F(Passes, ReportProgressOfTheWholeWork) {
  AddAll();
  bool complete = false, estimated = false;
  options_.job.batch = 1;
  options_.job.on_progress = [&](const JobProgress& progress) {
    EXPECT_EQ(progress.total, kPictures);
    complete = progress.done == progress.total;
    if (complete) estimated = progress.seconds_left == 0;  // false for NaN
    return true;
  };
  run_passes(options_);
  EXPECT_TRUE(complete);
  EXPECT_TRUE(estimated);
}

// A network that is asked for plain and mirrored crops is compiled once.
TEST_F(Passes, ShareACompiledNetwork) {
  const Network network = Load(1, 112, 112), other = Load(2, 112, 112);
  const Assessor plain(network, {.method = Method::kEmbedding});
  const auto alike = [&](const Network& of, const AssessorOptions& options) {
    return plain.impl().CompilesLike(of, options);
  };
  EXPECT_TRUE(alike(network, {.guarded = false, .mirror = true, .method = Method::kEmbedding}));
  EXPECT_FALSE(alike(other, {.mirror = true, .method = Method::kEmbedding}));
  EXPECT_FALSE(alike(network, {.method = Method::kDrift}));
  EXPECT_FALSE(alike(network, {.method = Method::kEmbedding, .executor = ExecutorKind::kReference}));
  const Assessor drift(network, {.recipe = Recipe{.sparsity = 0.3}});
  EXPECT_FALSE(drift.impl().CompilesLike(network, {}));
  EXPECT_TRUE(drift.impl().CompilesLike(network, {.recipe = Recipe{.sparsity = 0.3}, .mirror = true}));
  const AssessorOptions mirrored{.guarded = false, .mirror = true, .method = Method::kEmbedding};
  const Assessor shared(std::make_shared<const Assessor::Impl>(network, mirrored, &plain.impl())),
      own(network, mirrored);
  EXPECT_EQ(shared.impl().twin, plain.impl().twin);
  EXPECT_NE(own.impl().twin, plain.impl().twin);
  const Image crop = TestPicture(112, 112, 5);
  EXPECT_EQ(shared.assess(crop).embedding, own.assess(crop).embedding);
}

}  // namespace
}  // namespace prefiqs::pipeline
