// Crops that are kept: a later run continues from them, and never from others than its own.
#include "pipeline/kept_crops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/kept_crops_for_test.h"

namespace prefiqs::pipeline {
namespace {

using ::testing::HasSubstr;

// Another one than that which comes with the library; empty where there is none.
std::string OtherDetector() {
  const std::string path = std::string(PREFIQS_SHARED_DIR) + "/models/detectors/face_detection_yunet_2023mar.onnx";
  return std::filesystem::exists(path) ? path : std::string();
}

TEST_F(Kept, AreUsedInPlaceOfALook) {
  EXPECT_EQ(Run(false).read, kPictures);
  EXPECT_FALSE(std::filesystem::exists(File(112)));
  EXPECT_EQ(plan_.crop_bytes, 0);
  const PassesSummary first = Run(true);
  EXPECT_EQ(first.read, kPictures);
  EXPECT_EQ(first.crops_used, 0);
  EXPECT_EQ(plan_.kept, 0);
  EXPECT_NEAR(static_cast<double>(plan_.crop_bytes), 3 * (112 * 112 + 128 * 128), 1000);
  const std::string kept = Contents(File(112));
  for (const bool keep : {false, true}) {
    for (const int threads : {1, 3}) {
      options_.job.assessor.threads = threads;
      const PassesSummary again = Run(keep);
      EXPECT_EQ(again.read, kUndecodable);
      EXPECT_EQ(again.searched, 0);
      EXPECT_EQ(again.cut, 0);
      EXPECT_EQ(again.crops_used, kShapes * kDecodable);
      EXPECT_EQ(plan_.kept, kDecodable);
      EXPECT_EQ(warnings_, "");
      EXPECT_EQ(Contents(File(112)), kept);
    }
  }
}

TEST_F(Kept, ServeAnotherNetworkLater) {
  options_.keep_crops = true;
  options_.passes.assign(all_.begin(), all_.begin() + 1);
  run_passes(options_);
  EXPECT_FALSE(std::filesystem::exists(File(128)));
  options_.passes = all_;
  PassesSummary more = run_passes(options_);
  EXPECT_EQ(Files(), expected_);
  EXPECT_EQ(more.read, kPictures);  // for the second shape
  EXPECT_EQ(more.crops_used, kDecodable);
  options_.passes.assign(all_.begin() + 1, all_.begin() + 2);
  RemoveFiles();
  more = run_passes(options_);
  EXPECT_EQ(more.read, kUndecodable);
  EXPECT_EQ(more.crops_used, kDecodable);
}

TEST_F(Kept, OfAPictureThatChangedAreNotUsed) {
  Run(true);
  write_png(TestPicture(70, 70, 1000), Picture(0));  // another size
  std::filesystem::last_write_time(Picture(1), std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  options_.crops.clear();
  expected_ = [&] {
    RemoveFiles();
    return FilesOfARunForEach();
  }();
  options_.crops = folder_ / "work";
  for (const bool keep : {true, false}) {
    const PassesSummary again = Run(keep);
    EXPECT_EQ(again.crops_changed, keep ? 2 * kShapes : 0);  // kept anew meanwhile
    EXPECT_EQ(again.read, kUndecodable + (keep ? 2 : 0));
  }
}

TEST_F(Kept, OfOtherChoicesAreRefusedOrLeft) {
  Run(true);
  const std::string kept = Contents(File(112));
  const std::string points = ::testing::TempDir() + "kept_crops_points.txt";
  std::ofstream(points) << "elsewhere.jpg 90 80 150 84 120 110 98 150 146 152\n";
  const GivenLandmarks landmarks = GivenLandmarks::load(points);
  struct Case {
    std::string words;
    std::function<void(JobOptions&)> change;
  };
  const std::vector<Case> cases{
      {"detector ", [](JobOptions& job) { job.assessor.detector = Detector::load(OtherDetector()); }},
      {"detector " + detector_.content_hash() + ", this run has aligned",
       [](JobOptions& job) { job.assessor.detector.reset(); }},
      {"detector " + detector_.content_hash() + ", this run has landmarks:",
       [&](JobOptions& job) {
         job.assessor.detector.reset();
         job.assessor.landmarks = landmarks;
       }},
      {"faces best, this run has largest", [](JobOptions& job) { job.faces = FaceSelection::kLargest; }},
      {"smallest face 6, this run has 24", [](JobOptions& job) { job.assessor.min_face = 24; }},
      {"most faces any number, this run has 3", [](JobOptions& job) { job.assessor.max_faces = 3; }},
      {"search normal, this run has fine", [](JobOptions& job) { job.assessor.search = Search::kFine; }},
      {"search normal, this run has normal+turn", [](JobOptions& job) { job.assessor.turn = true; }},
  };
  const JobOptions good = options_.job;
  int tried = 0;
  for (const Case& one : cases) {
    if (one.words == "detector " && OtherDetector().empty()) continue;
    RemoveFiles();
    options_.job = good;
    one.change(options_.job);
    options_.keep_crops = true;
    try {
      run_passes(options_);
      ADD_FAILURE() << one.words;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      EXPECT_THAT(error.what(), HasSubstr(one.words));
      EXPECT_THAT(error.what(), HasSubstr("remove the file"));
      EXPECT_THAT(error.what(), HasSubstr("crops-112x112-insightface.bin"));
    }
    EXPECT_EQ(Contents(File(112)), kept);
    ++tried;
  }
  EXPECT_GE(tried, 6);
  // Who does not ask for them is told, and goes on without.
  options_.job = good;
  options_.job.assessor.max_faces = 100000;
  options_.keep_crops = false;
  warnings_.clear();
  const PassesSummary summary = run_passes(options_);
  EXPECT_EQ(summary.read, kPictures);
  EXPECT_EQ(summary.crops_used, 0);
  EXPECT_THAT(warnings_, HasSubstr("is not used: its crops were made with most faces any number"));
}

TEST_F(Kept, OfOtherSoftwareAreMadeAnew) {
  Run(true);
  std::string other = Contents(File(112));
  const std::string kept = other;
  const std::size_t at = other.find("version: ") + 9;
  ASSERT_NE(at, std::string::npos + 9);
  other[at] = '7';
  Fill(File(112), other);
  EXPECT_EQ(Run(false).read, kPictures);
  EXPECT_THAT(warnings_, HasSubstr("is not used: its crops were made with version 7"));
  EXPECT_EQ(Contents(File(112)), other);
  EXPECT_EQ(Run(true).read, kPictures);
  EXPECT_THAT(warnings_, HasSubstr("is begun anew: its crops were made with version 7"));
  EXPECT_EQ(Contents(File(112)), kept);
}

TEST_F(Kept, FilesThatAreNoneAreNotTouched) {
  for (const std::string text : {"mine", "prefiqs kept crops 2\ncrop: x\n\n"}) {
    Fill(File(112), text);
    for (const bool keep : {false, true}) {
      RemoveFiles();
      options_.keep_crops = keep;
      try {
        run_passes(options_);
        ADD_FAILURE() << text;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kIo);
        EXPECT_THAT(error.what(), HasSubstr("crops-112x112"));
      }
      EXPECT_EQ(Contents(File(112)), text);
    }
  }
}

TEST(PictureStamp, IsOfRegularFiles) {
  const FolderForTest folder;
  EXPECT_FALSE(StampOf({.name = folder / "none"}));
  EXPECT_FALSE(StampOf({.name = folder.path()}));
  const std::string path = Fill(folder / "file", "12345");
  const auto whole = StampOf({.name = path}), part = StampOf({.name = "set#3", .path = path, .offset = 1, .length = 2});
  ASSERT_TRUE(whole && part);
  EXPECT_EQ(whole->bytes, 5);
  EXPECT_NE(*whole, *part);
  EXPECT_EQ(*whole, *StampOf({.name = path}));
}

}  // namespace
}  // namespace prefiqs::pipeline
