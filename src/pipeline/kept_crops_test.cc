// Crops that are kept: a later run continues from them, and never from others than its own.
#include "pipeline/kept_crops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/hash.h"
#include "pipeline/passes_for_test.h"

namespace prefiqs::pipeline {
namespace {

using ::testing::HasSubstr;

// Another one than that which comes with the library; empty where there is none.
std::string OtherDetector() {
  const std::string path = std::string(PREFIQS_SHARED_DIR) + "/models/detectors/face_detection_yunet_2023mar.onnx";
  return std::filesystem::exists(path) ? path : std::string();
}

class Kept : public Passes {
 protected:
  Kept() {
    AddAll();
    all_ = {options_.passes[0], options_.passes[3], options_.passes[6]};  // two share their crops
    options_.passes = all_;
    expected_ = FilesOfARunForEach();
    options_.crops = folder_ / "work";
    options_.job.on_warning = [this](const std::string& text) { warnings_ += text + "\n"; };
    options_.on_plan = [this](const PassesPlan& plan) { plan_ = plan; };
  }

  std::string File(int side) const {
    return folder_ / ("work/crops-" + std::to_string(side) + "x" + std::to_string(side) + "-insightface.bin");
  }

  // Runs all passes anew, and expects them to write what they write without kept crops.
  PassesSummary Run(bool keep) {
    RemoveFiles();
    options_.passes = all_;
    options_.keep_crops = keep;
    warnings_.clear();
    const PassesSummary summary = run_passes(options_);
    EXPECT_EQ(Files(), expected_);
    return summary;
  }

  // Of these, nothing can be kept: what could not be read may be there the next time.
  static constexpr int kUndecodable = kPictures / 5;

  std::vector<NetworkPass> all_;
  std::map<std::string, std::string> expected_;
  std::string warnings_;
  PassesPlan plan_;
};

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
  struct Case {
    std::string words;
    std::function<void(JobOptions&)> change;
  };
  const std::vector<Case> cases{
      {"detector ", [](JobOptions& job) { job.assessor.detector = Detector::load(OtherDetector()); }},
      {"detector " + detector_.content_hash() + ", this run has aligned",
       [](JobOptions& job) { job.assessor.detector.reset(); }},
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

// A file that is cut anywhere: what is whole is used, the rest is made again.
TEST_F(Kept, GoOnFromAFileThatIsCut) {
  Run(true);
  const std::string whole = Contents(File(112));
  std::mt19937 random(2);
  std::vector<std::size_t> cuts{0, 1, 19, 20, 21, whole.find("\n\n") + 1, whole.find("\n\n") + 2, whole.size() - 1};
  for (int i = 0; i < 6; ++i) cuts.push_back(random() % whole.size());
  for (const std::size_t cut : cuts) {
    for (const bool keep : {false, true}) {
      Fill(File(112), whole.substr(0, cut));
      const PassesSummary again = Run(keep);
      EXPECT_EQ(again.crops_damaged, 0);
      EXPECT_LT(again.crops_used, kShapes * kDecodable);
      EXPECT_EQ(Contents(File(112)), keep ? whole : whole.substr(0, cut)) << cut;
    }
  }
  EXPECT_THAT(warnings_, HasSubstr("is not whole"));  // of the last, in the middle of a record
}

// Hostile or damaged bytes change no row.
TEST_F(Kept, NeverGiveOtherCropsThanWereMade) {
  Run(true);
  const std::string whole = Contents(File(112));
  std::mt19937 random(3);
  int missed = 0;
  for (int round = 0; round < 25; ++round) {
    std::string bytes = whole;
    const std::size_t begin = whole.find("\n\n") + 2;
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      std::size_t at = begin + random() % (bytes.size() - begin);
      if (random() % 2 == 0) at = begin + random() % 400;  // heads are a small part
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, 1 + random() % 100);
          break;
        default:
          bytes.insert(at, std::string(1 + random() % 100, static_cast<char>(random())));
      }
    }
    Fill(File(112), bytes);
    const PassesSummary again = Run(round % 2 == 0);
    missed += again.crops_used < kShapes * kDecodable ? 1 : 0;
  }
  EXPECT_GT(missed, 15);
}

TEST(CropRecord, GivesBackWhatWasPutIn) {
  std::mt19937 random(4);
  const CropShape shape{12, 10};
  for (int round = 0; round < 50; ++round) {
    std::vector<FaceCandidate> faces(1 + random() % 4);
    for (std::size_t i = 0; i < faces.size(); ++i) {
      FaceCandidate& face = faces[i];
      face.face = static_cast<int>(i);
      face.assessment.faces = static_cast<int>(random() % 100);
      face.assessment.turn = 90 * static_cast<int>(random() % 4);
      face.assessment.detail = std::string(random() % 50, static_cast<char>(random()));
      face.assessment.status = random() % 2 == 0 ? Status::kNoFace : Status::kFaceTooSmall;
      if (random() % 2 == 0) {
        face.assessment.face.emplace();
        face.assessment.face->box = {-1.5f, static_cast<float>(random()) / 3, 1e-30f, INFINITY};
        face.assessment.face->landmarks[4] = {0.1f, -0.0f};
        face.assessment.face->confidence = static_cast<float>(random()) / 4294967296.0f;
      }
      if (random() % 2 == 0) face.crop = std::make_shared<SeenCrop>(TestPicture(12, 10, random()));
    }
    ASSERT_TRUE(CanBeKept(faces));
    const std::string name = "any\xff bytes\n" + std::to_string(round);
    const PictureStamp stamp{static_cast<std::int64_t>(random()), -5, round % 2 == 0 ? -1 : 7, 9};
    const std::string record = EncodeRecord(name, stamp, faces);
    const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(record.data()), record.size());
    const auto start = ParseRecordStart(bytes);
    ASSERT_TRUE(start);
    ASSERT_EQ(record.size(), kRecordStart + start->head + start->pixels);
    const auto pixels = bytes.subspan(kRecordStart + start->head);
    auto head = ParseRecordHead(*start, bytes.subspan(kRecordStart, start->head), shape);
    ASSERT_TRUE(head);
    EXPECT_EQ(head->name, name);
    EXPECT_EQ(head->stamp, stamp);
    EXPECT_FALSE(start->pixels > 0 && ParseRecordHead(*start, bytes.subspan(kRecordStart, start->head), {12, 11}));
    const auto found = ParseRecordPixels(*start, *head, pixels, shape);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), faces.size());
    for (std::size_t i = 0; i < faces.size(); ++i) {
      const FaceCandidate &a = faces[i], &b = (*found)[i];
      EXPECT_EQ(a.face, b.face);
      EXPECT_EQ(a.assessment.status, b.assessment.status);
      EXPECT_EQ(a.assessment.detail, b.assessment.detail);
      EXPECT_EQ(a.assessment.faces, b.assessment.faces);
      EXPECT_EQ(a.assessment.turn, b.assessment.turn);
      ASSERT_EQ(a.assessment.face.has_value(), b.assessment.face.has_value());
      if (a.assessment.face) {
        EXPECT_EQ(a.assessment.face->box, b.assessment.face->box);
        EXPECT_EQ(a.assessment.face->landmarks, b.assessment.face->landmarks);
        EXPECT_EQ(a.assessment.face->confidence, b.assessment.face->confidence);
      }
      ASSERT_EQ(a.crop != nullptr, b.crop != nullptr);
      if (a.crop) {
        EXPECT_EQ(a.crop->image.rgb, b.crop->image.rgb);
        EXPECT_EQ(b.crop->image.width, 12);
      }
    }
  }
}

TEST(CropRecord, IsOfWhatIsTheSameTheNextTime) {
  const auto with = [](Status status) {
    std::vector<FaceCandidate> faces(2);
    faces[1].assessment.status = status;
    return faces;
  };
  for (const Status status : {Status::kNoFace, Status::kFaceTooSmall, Status::kWrongShape, Status::kTooManyFaces}) {
    EXPECT_TRUE(CanBeKept(with(status)));
  }
  for (const Status status :
       {Status::kUnreadable, Status::kUndecodable, Status::kTooLarge, Status::kNotComputed, Status::kOk}) {
    EXPECT_FALSE(CanBeKept(with(status)));
  }
  EXPECT_FALSE(CanBeKept({}));
}

// Whatever the bytes say, no more is read or allocated than there is.
TEST(CropRecord, RefusesHostileBytes) {
  std::vector<FaceCandidate> faces(2);
  faces[0].crop = std::make_shared<SeenCrop>(TestPicture(12, 10, 1));
  faces[1].assessment.face.emplace();
  const std::string record = EncodeRecord("name", {}, faces);
  std::mt19937 random(5);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = record;
    // The hashes are kept right, so that what follows them is parsed.
    std::string head = bytes.substr(kRecordStart, bytes.size() - kRecordStart - 12 * 10 * 3);
    for (auto changes = 1 + random() % 3; changes > 0; --changes)
      head[random() % head.size()] = static_cast<char>(random());
    if (random() % 3 == 0) head.resize(random() % head.size());
    const std::span<const std::uint8_t> span(reinterpret_cast<const std::uint8_t*>(head.data()), head.size());
    ContentHash hash;
    hash.Add(span);
    const RecordStart start{head.size(), random() % 2 == 0 ? 360u : 0u, hash.Hex(), {}};
    const auto parsed = ParseRecordHead(start, span, {12, 10});
    if (!parsed) continue;
    EXPECT_EQ(parsed->faces.size(), parsed->has_crop.size());
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(parsed->has_crop, true)) * 360, start.pixels);
  }
  for (int round = 0; round < 1000; ++round) {
    std::vector<std::uint8_t> bytes(kRecordStart);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    std::copy_n("crop", 4, bytes.begin());
    const auto start = ParseRecordStart(bytes);
    EXPECT_TRUE(!start || start->head <= kMaxHeadBytes);
  }
  EXPECT_FALSE(ParseRecordStart(std::vector<std::uint8_t>(kRecordStart)));
  EXPECT_FALSE(ParseRecordStart(std::vector<std::uint8_t>(3)));
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
