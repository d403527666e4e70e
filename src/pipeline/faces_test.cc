#include "pipeline/faces.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "face/turn.h"
#include "image/encode.h"

#include "pipeline/network_for_test.h"

namespace prefiqs::pipeline {
namespace {

constexpr FaceOptions kAligned{.width = 112, .height = 112};

TEST(FindFaces, TakesACropAsItIs) {
  const Image crop = TestPicture(112, 112, 1);
  const auto found = FindFaces(crop, kAligned);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].face, 0);
  ASSERT_TRUE(found[0].crop);
  EXPECT_EQ(found[0].crop->image.rgb, crop.rgb);
  EXPECT_FALSE(found[0].assessment.face);
}

TEST(FindFaces, ResizesOrRefusesOtherCrops) {
  EXPECT_EQ(FindFaces(TestPicture(224, 224, 1), kAligned)[0].crop->image.width, 112);
  const auto refused = FindFaces(TestPicture(112, 100, 1), kAligned);
  EXPECT_FALSE(refused[0].crop);
  EXPECT_EQ(refused[0].assessment.status, Status::kWrongShape);
  EXPECT_NE(refused[0].assessment.detail.find("112×100"), std::string::npos) << refused[0].assessment.detail;
}

TEST(FindFaces, CutsTheCentralColumnsForANarrowNetwork) {
  const Image crop = TestPicture(112, 112, 1);
  const auto found = FindFaces(crop, {.width = 96, .height = 112});
  ASSERT_TRUE(found[0].crop);
  EXPECT_EQ(found[0].crop->image.width, 96);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(found[0].crop->image.rgb[i], crop.rgb[8 * 3 + i]);
}

TEST(FindFaces, RefusesPicturesWithoutPixels) {
  for (const Image& bad : {Image{}, Image{2, 2, {1, 2, 3}}, Image{-1, 4, {}}, Image{0, 0, {1}}}) {
    const auto found = FindFaces(bad, kAligned);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].assessment.status, Status::kUndecodable);
    EXPECT_EQ(found[0].face, -1);
  }
}

TEST(FindFaces, PassesTheStatusOfDecodingOn) {
  const auto found = FindFaces(DecodedImage{{}, Status::kTooLarge, "huge"}, kAligned);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].assessment.status, Status::kTooLarge);
  EXPECT_EQ(found[0].assessment.detail, "huge");
}

TEST(FindFaces, GivesEachShapeWhatItGivesItAlone) {
  const std::vector<CropShape> shapes{{112, 112}, {96, 112}, {64, 64}};
  for (const Image& picture : {TestPicture(112, 112, 1), TestPicture(96, 112, 2), TestPicture(50, 9, 3)}) {
    LookCounts counts;
    const DecodedImage decoded{picture, Status::kOk, "noticed"};
    const auto together = FindFaces(decoded, {.counts = &counts}, shapes);
    ASSERT_EQ(together.size(), shapes.size());
    std::int64_t crops = 0;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const auto alone = FindFaces(decoded, {.width = shapes[i].width, .height = shapes[i].height});
      ASSERT_EQ(together[i].size(), alone.size());
      EXPECT_EQ(together[i][0].assessment.status, alone[0].assessment.status);
      EXPECT_EQ(together[i][0].assessment.detail, alone[0].assessment.detail);
      ASSERT_EQ(together[i][0].crop != nullptr, alone[0].crop != nullptr);
      if (!alone[0].crop) continue;
      EXPECT_EQ(together[i][0].crop->image.rgb, alone[0].crop->image.rgb);
      ++crops;
    }
    EXPECT_EQ(counts.cut, crops);
    EXPECT_EQ(counts.searched, 0);
  }
}

TEST(CropShape, IsTheSameForTheSameCrops) {
  const auto scaled = CropTemplate::kScaled;
  EXPECT_EQ(Canonical({112, 112, scaled}), (CropShape{112, 112}));
  EXPECT_EQ(Canonical({224, 224, scaled}), (CropShape{224, 224}));
  EXPECT_EQ(Canonical({128, 128, scaled}), (CropShape{128, 128, scaled}));
  EXPECT_NE(Canonical({128, 128, scaled}), Canonical({128, 128}));
  EXPECT_NE(Canonical({96, 112}), Canonical({112, 112}));
}

const std::string kPortraits = (std::filesystem::path(PREFIQS_SHARED_DIR) / "data/portraits/").string();
constexpr int kSide = 112;

class Turns : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kPortraits)) GTEST_SKIP() << "no " << kPortraits << ": no real faces to turn";
  }

  static FaceOptions Options(const Detector& detector, bool turn = true) {
    return {.detector = &detector, .min_face = 24, .turn = turn, .width = kSide, .height = kSide};
  }
};

double Distance(Point a, Point b) { return std::hypot(a.x - b.x, a.y - b.y); }

// Not square, with one face each.
TEST_F(Turns, GiveTheCropOfTheUprightPicture) {
  const std::filesystem::path detectors = std::filesystem::path(PREFIQS_SHARED_DIR) / "models/detectors";
  const std::string yunet = (detectors / "face_detection_yunet_2023mar.onnx").string();
  for (const bool shipped : {true, false}) {
    const Detector detector = Detector::load(shipped ? default_detector() : yunet);
    for (const char* name : {"obama-480p.jpg", "biden.jpg"}) {
      const Image upright = Image::open(kPortraits + name).image;
      ASSERT_NE(upright.width, upright.height);
      const auto expected = FindFaces(upright, Options(detector));
      ASSERT_TRUE(expected[0].crop) << name;
      EXPECT_EQ(expected[0].assessment.turn, 0);
      for (const int degrees : {90, 180, 270}) {
        SCOPED_TRACE(testing::Message() << name << " turned by " << degrees);
        const Image given = face::Turned(upright, degrees);
        const auto found = FindFaces(given, Options(detector));
        ASSERT_EQ(found.size(), 1u);
        ASSERT_TRUE(found[0].crop);
        EXPECT_EQ(found[0].crop->image.rgb, expected[0].crop->image.rgb);
        EXPECT_EQ(found[0].assessment.turn, 360 - degrees);
        EXPECT_EQ(found[0].assessment.faces, expected[0].assessment.faces);
        // As the upright picture's face, turned like the picture.
        const Face &face = *found[0].assessment.face, &as_given = *expected[0].assessment.face;
        const Face wanted = face::TurnedBack(as_given, 360 - degrees, given.width, given.height);
        EXPECT_EQ(face.box, wanted.box);
        EXPECT_EQ(face.landmarks, wanted.landmarks);
        EXPECT_EQ(FindFaces(given, Options(detector, false))[0].assessment.turn, 0);
      }
    }
  }
}

TEST_F(Turns, HoldForAllFacesAndTheirNumber) {
  const Detector detector = Detector::load(default_detector());
  // Two people side by side.
  const Image one = Image::open(kPortraits + "obama_small.jpg").image;
  Image two{.width = 2 * one.width, .height = one.height, .rgb = {}};
  const std::ptrdiff_t row = std::ptrdiff_t{3} * one.width;
  for (int y = 0; y < one.height; ++y) {
    for (int k = 0; k < 2; ++k)
      two.rgb.insert(two.rgb.end(), one.rgb.begin() + y * row, one.rgb.begin() + (y + 1) * row);
  }
  FaceOptions options = Options(detector);
  options.selection = FaceSelection::kAll;
  const auto expected = FindFaces(two, options);
  ASSERT_EQ(expected.size(), 2u);
  const Image given = face::Turned(two, 90);
  const auto found = FindFaces(given, options);
  ASSERT_EQ(found.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_TRUE(found[i].crop && expected[i].crop);
    EXPECT_EQ(found[i].crop->image.rgb, expected[i].crop->image.rgb);
    EXPECT_EQ(found[i].assessment.turn, 270);
    EXPECT_EQ(found[i].face, static_cast<int>(i));
    const Box& box = found[i].assessment.face->box;
    EXPECT_TRUE(box.x >= 0 && box.y >= 0 && box.x + box.width < static_cast<float>(given.width) &&
                box.y + box.height < static_cast<float>(given.height));
  }
  options.max_faces = 1;
  const auto refused = FindFaces(given, options);
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].assessment.status, Status::kTooManyFaces);
  EXPECT_EQ(refused[0].assessment.faces, 2);
  EXPECT_EQ(refused[0].assessment.turn, 0);
}

// Of upright, turned and large pictures with several faces, one search for all shapes.
TEST_F(Turns, GiveEachShapeWhatTheyGiveItAlone) {
  const Detector detector = Detector::load(default_detector());
  const std::vector<CropShape> shapes{{112, 112}, {128, 128}, {128, 128, CropTemplate::kScaled}, {96, 112}};
  const Image portrait = Image::open(kPortraits + "astronaut.png").image;
  ASSERT_FALSE(portrait.empty());
  const Image turned = face::Turned(portrait, 90);
  const DecodedImage whole{portrait, Status::kOk, ""}, on_a_side{turned, Status::kOk, ""},
      large = Image::decode(image::ToJpeg(portrait, 95), {.whole_jpeg_pixels = 1});
  ASSERT_TRUE(large.large);
  for (const DecodedImage* picture : {&whole, &on_a_side, &large}) {
    FaceOptions options = Options(detector);
    options.selection = FaceSelection::kAll;
    LookCounts counts, counts_alone;
    options.counts = &counts;
    const auto together = FindFaces(*picture, options, shapes);
    ASSERT_EQ(together.size(), shapes.size());
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      counts_alone.searched = 0;
      options.counts = &counts_alone;
      options.width = shapes[i].width;
      options.height = shapes[i].height;
      options.crop_template = shapes[i].crop_template;
      const auto alone = FindFaces(*picture, options);
      EXPECT_EQ(counts.searched, counts_alone.searched);
      ASSERT_EQ(together[i].size(), alone.size());
      for (std::size_t k = 0; k < alone.size(); ++k) {
        ASSERT_TRUE(alone[k].crop && together[i][k].crop);
        EXPECT_EQ(together[i][k].crop->image.rgb, alone[k].crop->image.rgb);
        EXPECT_EQ(together[i][k].assessment.face->box, alone[k].assessment.face->box);
        EXPECT_EQ(together[i][k].assessment.face->landmarks, alone[k].assessment.face->landmarks);
        EXPECT_EQ(together[i][k].assessment.turn, alone[k].assessment.turn);
        EXPECT_EQ(together[i][k].assessment.faces, alone[k].assessment.faces);
      }
    }
  }
}

TEST_F(Turns, OfLargePicturesCutTheSameFace) {
  const Detector detector = Detector::load(default_detector());
  const Image given = face::Turned(Image::open(kPortraits + "obama-1080p.jpg").image, 90);
  const std::vector<std::uint8_t> jpeg = image::ToJpeg(given, 95);
  const auto whole = FindFaces(Image::decode(jpeg), Options(detector));
  const DecodedImage large = Image::decode(jpeg, {.whole_jpeg_pixels = 300000});
  ASSERT_NE(large.large, nullptr);
  const auto found = FindFaces(large, Options(detector));
  ASSERT_EQ(found.size(), 1u);
  ASSERT_TRUE(found[0].crop && whole[0].crop);
  EXPECT_EQ(found[0].assessment.turn, 270);
  EXPECT_EQ(whole[0].assessment.turn, 270);
  const Face &a = *found[0].assessment.face, &b = *whole[0].assessment.face;
  for (std::size_t i = 0; i < a.landmarks.size(); ++i) {
    EXPECT_LT(Distance(a.landmarks[i], b.landmarks[i]), std::max(b.box.width, b.box.height) / 20) << i;
  }
  // Upright, and of the same place: far more alike than the crop is to its own mirror image.
  const auto difference = [&](const Image& other) {
    double sum = 0;
    for (std::size_t i = 0; i < other.rgb.size(); ++i) sum += std::abs(found[0].crop->image.rgb[i] - other.rgb[i]);
    return sum / static_cast<double>(other.rgb.size());
  };
  EXPECT_LT(difference(whole[0].crop->image), 12);
  EXPECT_GT(difference(face::Turned(whole[0].crop->image, 180)), 24);
}

TEST(FindFaces, SaysNoFaceWhereNoTurnShowsOne) {
  const Detector detector = Detector::load(default_detector());
  for (const bool turn : {false, true}) {
    for (const Search search : {Search::kNormal, Search::kFine}) {
      const auto found = FindFaces(
          TestPicture(1100, 700, 1),
          {.detector = &detector, .min_face = 24, .search = search, .turn = turn, .width = kSide, .height = kSide});
      ASSERT_EQ(found.size(), 1u);
      EXPECT_EQ(found[0].assessment.status, Status::kNoFace);
      EXPECT_EQ(found[0].assessment.faces, 0);
      EXPECT_EQ(found[0].assessment.turn, 0);
    }
  }
}

}  // namespace
}  // namespace prefiqs::pipeline
