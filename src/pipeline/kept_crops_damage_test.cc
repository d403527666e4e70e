// Kept crops that are cut off, damaged or hostile.
#include "pipeline/kept_crops.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "base/hash.h"
#include "pipeline/kept_crops_for_test.h"

namespace prefiqs::pipeline {
namespace {

using ::testing::HasSubstr;

// A file that is cut anywhere: what is whole is used, the rest is made again.
TEST_F(Kept, GoOnFromAFileThatIsCut) {
  TakeOnePass();
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
      EXPECT_LT(again.crops_used, kDecodable);
      EXPECT_EQ(Contents(File(112)), keep ? whole : whole.substr(0, cut)) << cut;
    }
  }
  EXPECT_THAT(warnings_, HasSubstr("is not whole"));  // of the last, in the middle of a record
}

// Hostile or damaged bytes change no row.
TEST_F(Kept, NeverGiveOtherCropsThanWereMade) {
  TakeOnePass();
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
    missed += again.crops_used < kDecodable ? 1 : 0;
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

}  // namespace
}  // namespace prefiqs::pipeline
