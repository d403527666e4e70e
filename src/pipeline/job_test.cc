#include <prefiqs/job.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <thread>

#include "base/folder_for_test.h"
#include "pipeline/network_for_test.h"
#include "report/csv.h"
#include "report/row.h"

namespace prefiqs {
namespace {

using pipeline::kTestSide;
using pipeline::TestPicture;
using ::testing::HasSubstr;

using Table = std::vector<std::map<std::string, std::string>>;

Table ReadTable(const std::string& path) {
  Table table;
  std::vector<std::string> names;
  report::CsvParser parser([&](const std::vector<std::string>& fields, std::int64_t) {
    if (names.empty()) {
      names = fields;
      return;
    }
    ASSERT_EQ(fields.size(), names.size());
    table.emplace_back();
    for (std::size_t i = 0; i < names.size(); ++i) table.back()[names[i]] = fields[i];
  });
  parser.Feed(Contents(path));
  return table;
}

class Job : public ::testing::Test {
 protected:
  static constexpr int kPictures = 37;

  Job() : network_(Network::load(pipeline::WriteTestNetwork(folder_ / "net.onnx"))) {
    std::filesystem::create_directory(folder_ / "in");
    for (int i = 0; i < kPictures; ++i) {
      // Every fifth is no picture, every seventh no crop for this network.
      const std::string path = folder_ / ("in/" + std::to_string(100 + i) + ".png");
      if (i % 5 == 4) {
        Fill(path, "not a picture");
      } else {
        write_png(TestPicture(kTestSide, i % 7 == 6 ? 5 : kTestSide, static_cast<std::uint32_t>(i)), path);
      }
    }
    options_.inputs = {folder_ / "in"};
    options_.output = folder_ / "out.csv";
    options_.embeddings = folder_ / "out.npy";
    options_.assessor.threads = 1;
    options_.assessor.guarded = false;  // noise is no face
  }

  ErrorCode CodeOf(const JobOptions& options) {
    try {
      run_job(network_, options);
    } catch (const Error& e) {
      message_ = e.what();
      return e.code();
    }
    ADD_FAILURE() << "no error";
    return ErrorCode::kInternal;
  }

  FolderForTest folder_;
  Network network_;
  JobOptions options_;
  std::string message_;
};

void ExpectSameRows(const JobSummary& a, const JobSummary& b) {
  EXPECT_EQ(a.pictures, b.pictures);
  EXPECT_EQ(a.faces, b.faces);
  EXPECT_EQ(a.scored, b.scored);
  EXPECT_EQ(a.failed, b.failed);
}

TEST_F(Job, WritesARowForEveryPicture) {
  const JobSummary summary = run_job(network_, options_);
  EXPECT_EQ(summary.pictures, kPictures);
  EXPECT_EQ(summary.scored + summary.failed, kPictures);
  EXPECT_FALSE(summary.interrupted);
  const Table table = ReadTable(options_.output);
  ASSERT_EQ(table.size(), static_cast<std::size_t>(kPictures));
  std::int64_t scored = 0;
  for (int i = 0; i < kPictures; ++i) {
    auto row = table[static_cast<std::size_t>(i)];
    EXPECT_EQ(row["path"], folder_ / ("in/" + std::to_string(100 + i) + ".png"));
    const std::string expected = i % 5 == 4 ? "undecodable" : i % 7 == 6 ? "wrong_shape" : "ok";
    EXPECT_EQ(row["status"], expected);
    EXPECT_EQ(row["quality"].empty(), expected != "ok");
    EXPECT_EQ(row["detail"].empty(), expected == "ok");
    EXPECT_EQ(row["network"], network_.content_hash());
    EXPECT_EQ(row["recipe"], Recipe{}.name());
    EXPECT_EQ(row["method"], "drift");
    EXPECT_EQ(row["precision"], "fp32");
    EXPECT_EQ(row["detector"], "aligned");
    scored += expected == "ok" ? 1 : 0;
  }
  EXPECT_EQ(summary.scored, scored);
}

TEST_F(Job, AgreesWithTheAssessor) {
  run_job(network_, options_);
  const Assessor assessor(network_, {.guarded = false});
  const std::string embeddings = Contents(options_.embeddings);
  std::size_t i = 0;
  for (auto& row : ReadTable(options_.output)) {
    const Assessment a = assessor.assess(Image::open(row["path"]));
    EXPECT_EQ(row["status"], info(a.status).name);
    std::vector<float> stored(pipeline::kTestEmbedding);
    std::memcpy(stored.data(), embeddings.data() + 128 + i++ * stored.size() * 4, stored.size() * 4);
    if (a.status == Status::kOk) {
      EXPECT_TRUE(std::fabs(std::stof(row["drift"]) - a.drift) <= 1e-8f) << row["drift"];  // false for NaN
      EXPECT_EQ(stored, a.embedding);
    } else {
      for (const float value : stored) EXPECT_TRUE(std::isnan(value));
    }
  }
}

TEST_F(Job, HasTheSameBytesForAnyThreadsAndBatches) {
  run_job(network_, options_);
  const std::string rows = Contents(options_.output), embeddings = Contents(options_.embeddings);
  options_.force = true;
  for (const int threads : {1, 2, 4}) {
    for (const int batch : {0, 1, 3, 100}) {
      options_.assessor.threads = threads;
      options_.batch = batch;
      run_job(network_, options_);
      EXPECT_EQ(Contents(options_.output), rows) << threads << " threads, batch " << batch;
      EXPECT_EQ(Contents(options_.embeddings), embeddings);
    }
  }
}

TEST_F(Job, StopsAndGoesOn) {
  const JobSummary whole = run_job(network_, options_);
  const std::string rows = Contents(options_.output), embeddings = Contents(options_.embeddings);
  options_.resume = true;
  options_.batch = 2;
  // Progress comes with the first picture of a run's calling thread, so a run stops early.
  options_.on_progress = [](const JobProgress& progress) { return progress.done == progress.total; };
  for (const int threads : {1, 2}) {
    std::filesystem::remove(options_.output);
    std::filesystem::remove(options_.embeddings);
    options_.assessor.threads = threads;
    int runs = 0;
    JobSummary last;
    for (bool interrupted = true; interrupted; ++runs) {
      ASSERT_LT(runs, kPictures);
      const JobSummary summary = run_job(network_, options_);
      interrupted = summary.interrupted;
      EXPECT_EQ(summary.earlier, last.pictures);
      EXPECT_GT(summary.pictures, summary.earlier);
      EXPECT_EQ(summary.scored + summary.failed, summary.pictures);
      last = summary;
      if (interrupted) {
        EXPECT_LT(summary.pictures, kPictures);
      }
    }
    // With a second thread it is luck how far that one gets before the first picture of the calling thread is done.
    EXPECT_GT(runs, threads == 1 ? 2 : 0);
    ExpectSameRows(last, whole);
    EXPECT_EQ(Contents(options_.output), rows);
    EXPECT_EQ(Contents(options_.embeddings), embeddings);
  }
}

TEST_F(Job, ResumingAFinishedRunChangesNothing) {
  const JobSummary whole = run_job(network_, options_);
  const std::string rows = Contents(options_.output);
  options_.resume = true;
  const JobSummary summary = run_job(network_, options_);
  EXPECT_EQ(summary.earlier, kPictures);
  ExpectSameRows(summary, whole);
  EXPECT_EQ(Contents(options_.output), rows);
}

TEST_F(Job, DoesNotContinueAnotherRecipe) {
  run_job(network_, options_);
  options_.resume = true;
  options_.assessor.recipe = Recipe{.sparsity = 0.3};
  EXPECT_EQ(CodeOf(options_), ErrorCode::kUsage);
  EXPECT_THAT(message_, HasSubstr("recipe unstructured-l1-global-0.4"));
}

TEST_F(Job, DoesNotOverwriteUnasked) {
  Fill(options_.output, "mine");
  EXPECT_EQ(CodeOf(options_), ErrorCode::kIo);
  EXPECT_EQ(Contents(options_.output), "mine");
  EXPECT_FALSE(std::filesystem::exists(options_.embeddings));
}

TEST_F(Job, ShardsPartition) {
  run_job(network_, options_);
  std::multiset<std::string> all, sharded;
  for (auto& row : ReadTable(options_.output)) all.insert(row["path"]);
  options_.shard_count = 3;
  options_.force = true;
  for (options_.shard_index = 1; options_.shard_index <= 3; ++options_.shard_index) {
    run_job(network_, options_);
    const Table table = ReadTable(options_.output);
    EXPECT_NEAR(static_cast<double>(table.size()), kPictures / 3.0, 1);
    for (auto row : table) sharded.insert(row["path"]);
  }
  EXPECT_EQ(sharded, all);
  EXPECT_EQ(CodeOf(options_), ErrorCode::kUsage);  // shard 4 of 3
}

TEST_F(Job, MarksAndCountsWhatIsUnderTheGate) {
  options_.gate = 40;
  options_.assessor.recipe = Recipe{.sparsity = 0.3};
  EXPECT_EQ(CodeOf(options_), ErrorCode::kUsage);
  EXPECT_THAT(message_, HasSubstr("is not calibrated"));
  EXPECT_FALSE(std::filesystem::exists(options_.output));

  std::vector<float> qualities;
  JobOptions collecting = options_;
  collecting.gate.reset();
  collecting.rows = false;
  collecting.on_face = [&](const std::string&, int, const Assessment& a) {
    if (a.status == Status::kOk) qualities.insert(qualities.end(), 8, a.quality);
  };
  run_job(network_, collecting);
  EXPECT_FALSE(std::filesystem::exists(options_.output));
  network_.save_calibration(Calibration::of(qualities, *options_.assessor.recipe, network_.preprocessing()));
  const Network calibrated = Network::load(network_.path());

  const JobSummary summary = run_job(calibrated, options_);
  std::int64_t under = 0, over = 0;
  for (const auto& row : ReadTable(options_.output)) {
    EXPECT_EQ(row.at("gate"), "40");
    if (row.at("status") != "ok") {
      EXPECT_EQ(row.at("passes"), "");
      continue;
    }
    const bool is_under = std::stoi(row.at("scalar")) < 40;
    EXPECT_EQ(row.at("passes"), is_under ? "no" : "yes");
    ++(is_under ? under : over);
  }
  EXPECT_GT(under, 0);
  EXPECT_GT(over, 0);
  EXPECT_EQ(summary.under_gate, under);

  options_.resume = true;
  EXPECT_EQ(run_job(calibrated, options_).under_gate, under);
  options_.gate = 50;
  EXPECT_THROW(run_job(calibrated, options_), Error);
}

TEST_F(Job, ScalarIsForTheCalibratedRecipeAlone) {
  network_.save_calibration(
      Calibration::of(std::vector<float>(100, 0.5f), Recipe{.sparsity = 0.3}, network_.preprocessing()));
  const Network calibrated = Network::load(network_.path());
  for (const double sparsity : {0.3, 0.4}) {
    options_.assessor.recipe = Recipe{.sparsity = sparsity};
    options_.force = true;
    EXPECT_EQ(run_job(calibrated, options_).calibration, sparsity == 0.4 ? std::nullopt : calibrated.calibration());
    for (const auto& row : ReadTable(options_.output)) {
      EXPECT_EQ(row.at("scalar").empty(), sparsity == 0.4 || row.at("status") != "ok");
    }
  }
}

TEST_F(Job, KeepsCrops) {
  options_.crops_folder = folder_ / "crops";
  const JobSummary summary = run_job(network_, options_);
  const auto count = std::distance(std::filesystem::directory_iterator(options_.crops_folder), {});
  EXPECT_EQ(count, summary.scored);
  const DecodedImage crop = Image::open(options_.crops_folder + "/000001-0-100.png");
  ASSERT_EQ(crop.status, Status::kOk);
  EXPECT_EQ(crop.image.rgb, TestPicture(kTestSide, kTestSide, 0).rgb);
  std::filesystem::remove(options_.output);
  std::filesystem::remove(options_.embeddings);
  EXPECT_EQ(CodeOf(options_), ErrorCode::kIo);  // the crops are there already
  EXPECT_FALSE(std::filesystem::exists(options_.output)) << "left behind, it would stand in the next run's way";
}

TEST_F(Job, ReportsProgressFromTheCaller) {
  std::int64_t last = -1;
  bool complete = false;
  options_.assessor.threads = 3;
  options_.on_progress = [&, caller = std::this_thread::get_id()](const JobProgress& progress) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    EXPECT_GE(progress.done, last);
    EXPECT_EQ(progress.total, kPictures);
    last = progress.done;
    complete = progress.done == progress.total;
    return true;
  };
  run_job(network_, options_);
  EXPECT_TRUE(complete);
}

TEST_F(Job, SaysWhatIsWrongWithItsOptions) {
  JobOptions options = options_;
  options.inputs.clear();
  EXPECT_EQ(CodeOf(options), ErrorCode::kUsage);
  options = options_;
  options.inputs = {folder_ / "nothing here"};
  EXPECT_EQ(CodeOf(options), ErrorCode::kIo);
  EXPECT_THAT(message_, HasSubstr("nothing here"));
  options = options_;
  options.batch = -1;
  EXPECT_EQ(CodeOf(options), ErrorCode::kUsage);
  EXPECT_FALSE(std::filesystem::exists(options_.output));
}

TEST_F(Job, FullDiskIsAnErrorOfTheRun) {
  options_.output = "/dev/full";
  for (const int threads : {1, 4}) {
    options_.assessor.threads = threads;
    std::filesystem::remove(options_.embeddings);
    EXPECT_EQ(CodeOf(options_), ErrorCode::kIo);
    EXPECT_THAT(message_, HasSubstr("/dev/full"));
  }
}

}  // namespace
}  // namespace prefiqs
