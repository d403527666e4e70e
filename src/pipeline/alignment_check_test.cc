#include "pipeline/alignment_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/prefiqs.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/folder_for_test.h"
#include "pipeline/guard.h"
#include "pipeline/network_for_test.h"

namespace prefiqs {
namespace {

using pipeline::FirstCrops;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::filesystem::path kShared = PREFIQS_SHARED_DIR;

std::optional<std::string> WarningOf(std::vector<std::pair<int, Status>> counts, const AssessorOptions& options) {
  FirstCrops first;
  for (const auto& [count, status] : counts) {
    for (int i = 0; i < count; ++i) first.See(status);
  }
  return first.Warning(options, CropTemplate::kInsightFace, {});
}

TEST(FirstCrops, WarnsWhereHalfAreNoAlignedCrops) {
  const AssessorOptions options = pipeline::WithGuard({});
  EXPECT_FALSE(WarningOf({{16, Status::kOk}}, options));
  EXPECT_FALSE(WarningOf({{9, Status::kOk}, {7, Status::kNotAligned}}, options));
  EXPECT_FALSE(WarningOf({{7, Status::kNotAligned}}, options));  // too few to tell
  EXPECT_FALSE(WarningOf({{16, Status::kUndecodable}}, options));
  const auto warning = WarningOf({{8, Status::kOk}, {5, Status::kNotAligned}, {3, Status::kNotAFace}}, options);
  ASSERT_TRUE(warning);
  EXPECT_THAT(*warning, AllOf(HasSubstr("of the first 16 pictures 8 do not look like aligned crops"),
                              HasSubstr("5 show a face that is not aligned"), HasSubstr("3 show no face"),
                              HasSubstr("without --aligned"), Not(HasSubstr("shape"))));
  EXPECT_THAT(WarningOf({{8, Status::kWrongShape}}, options).value_or(""),
              HasSubstr("8 do not have the network's shape"));
}

TEST(FirstCrops, SaysNothingOfPhotographs) {
  AssessorOptions options;
  options.detector = Detector::load(default_detector());
  EXPECT_FALSE(WarningOf({{16, Status::kNotAFace}}, pipeline::WithGuard(options)));
}

// The photographs of LFW, given as crops: the mistake that it is for.
TEST(FirstCrops, ARunOverPhotographsSaysOnce) {
  const std::filesystem::path lfw = kShared / "data/lfw/images";
  if (!std::filesystem::exists(lfw)) GTEST_SKIP() << lfw << " is not there: no photographs to test with";
  const Network network = Network::load(default_network());
  JobOptions options;
  for (const auto& person : std::filesystem::directory_iterator(lfw)) {
    options.inputs.push_back((person.path() / (person.path().filename().string() + "_0001.jpg")).string());
  }
  ASSERT_GE(options.inputs.size(), 24u);
  std::ranges::sort(options.inputs);
  std::erase_if(options.inputs, [](const std::string& path) { return !std::filesystem::exists(path); });
  options.inputs.resize(24);
  options.rows = false;
  std::vector<std::string> warnings;
  options.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  for (const int threads : {1, 3}) {
    options.assessor.threads = threads;
    run_job(network, options);
  }
  ASSERT_EQ(warnings.size(), 2u);  // one a run
  EXPECT_EQ(warnings[0], warnings[1]);
  EXPECT_THAT(warnings[0], AllOf(HasSubstr("of the first 16 pictures"), HasSubstr("times as large as aligned ones"),
                                 HasSubstr("without --aligned")));
  // A face of LFW is about half as large in its photograph, made small, as in a crop.
  const std::string_view before = "not aligned, ";
  const double times = std::stod(warnings[0].substr(warnings[0].find(before) + before.size()));
  EXPECT_GT(times, 0.3);
  EXPECT_LT(times, 0.7);
  warnings.clear();
  options.assessor.guarded = false;
  run_job(network, options);
  for (const std::string& warning : warnings) EXPECT_THAT(warning, Not(HasSubstr("--aligned")));
  warnings.clear();
  options.assessor.guarded = true;
  options.assessor.detector = Detector::load(default_detector());
  run_job(network, options);
  EXPECT_THAT(warnings, testing::IsEmpty());
}

}  // namespace
}  // namespace prefiqs
