// Faces of large pictures: found in the reduced one, cut from the whole one.
#include <gtest/gtest.h>
#include <prefiqs/prefiqs.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "align/align.h"
#include "image/encode.h"
#include "image/large.h"
#include "pipeline/faces.h"

namespace prefiqs::pipeline {
namespace {

const std::filesystem::path kShared = PREFIQS_SHARED_DIR;
constexpr ImageLimits kLarge{.whole_jpeg_pixels = 300000};
constexpr int kSide = 112;

std::vector<std::string> Portraits() {
  std::vector<std::string> paths;
  for (const char* name : {"biden.jpg", "obama.jpg", "obama2.jpg", "obama3.jpg", "obama-1080p.jpg"}) {
    paths.push_back((kShared / "data/portraits" / name).string());
  }
  return paths;
}

double Distance(Point a, Point b) { return std::hypot(a.x - b.x, a.y - b.y); }

TEST(LargePictures, HaveTheFacesOfTheWholeOnes) {
  if (!std::filesystem::exists(kShared / "data/portraits")) {
    GTEST_SKIP() << kShared << "/data/portraits is not there: no real faces to test with";
  }
  const Detector detector = Detector::load(default_detector());
  for (const std::string& path : Portraits()) {
    SCOPED_TRACE(path);
    const DecodedImage whole = Image::open(path), large = Image::open(path, kLarge);
    ASSERT_EQ(whole.status, Status::kOk) << whole.detail;
    ASSERT_NE(large.large, nullptr) << large.detail;
    for (const FaceSelection selection : {FaceSelection::kBest, FaceSelection::kAll}) {
      const FaceOptions options{
          .detector = &detector, .min_face = 24, .selection = selection, .width = kSide, .height = kSide};
      const auto expected = FindFaces(whole, options), found = FindFaces(large, options);
      ASSERT_FALSE(found.empty());
      for (const FaceCandidate& candidate : found) {
        if (!candidate.crop) continue;
        const Face& face = *candidate.assessment.face;
        const auto same = align::AlignFace(whole.image, face.landmarks, kSide, kSide);
        EXPECT_EQ(candidate.crop->image.rgb, same->rgb);
      }
      // The first is the same face, and its points lie within a twentieth of the box's longer side.
      ASSERT_TRUE(expected[0].crop && found[0].crop);
      const Face &a = *expected[0].assessment.face, &b = *found[0].assessment.face;
      for (std::size_t i = 0; i < a.landmarks.size(); ++i) {
        EXPECT_LT(Distance(a.landmarks[i], b.landmarks[i]), std::max(a.box.width, a.box.height) / 20) << i;
      }
    }
  }
}

Image Stripes(int width, int height) {
  Image image{width, height, {}};
  for (int i = 0; i < width * height; ++i) {
    image.rgb.insert(image.rgb.end(), 3, static_cast<std::uint8_t>(i % width / 8 * 40 + i / width));
  }
  return image;
}

TEST(LargePictures, AreCropsToo) {
  const std::vector<std::uint8_t> square = image::ToJpeg(Stripes(240, 240), 90),
                                  other = image::ToJpeg(Stripes(240, 200), 90);
  const FaceOptions aligned{.width = kSide, .height = kSide};
  const auto found = FindFaces(Image::decode(square, {.whole_jpeg_pixels = 1}), aligned);
  ASSERT_TRUE(found[0].crop);
  EXPECT_EQ(found[0].crop->image.width, kSide);
  const auto expected = FindFaces(Image::decode(square), aligned);
  double difference = 0;
  for (std::size_t i = 0; i < expected[0].crop->image.rgb.size(); ++i) {
    difference += std::abs(expected[0].crop->image.rgb[i] - found[0].crop->image.rgb[i]);
  }
  EXPECT_LT(difference / static_cast<double>(expected[0].crop->image.rgb.size()), 4);
  const auto refused = FindFaces(Image::decode(other, {.whole_jpeg_pixels = 1}), aligned);
  EXPECT_EQ(refused[0].assessment.status, Status::kWrongShape);
  EXPECT_NE(refused[0].assessment.detail.find("240×200"), std::string::npos) << refused[0].assessment.detail;
}

// As of whole ones: behind what is said of the faces.
TEST(LargePictures, SayThatTheirEndMarkerIsMissing) {
  const FaceOptions aligned{.width = kSide, .height = kSide};
  for (const int height : {240, 200}) {
    std::vector<std::uint8_t> bytes = image::ToJpeg(Stripes(240, height), 90);
    bytes.resize(bytes.size() - 2);
    for (const ImageLimits& limits : {ImageLimits{}, ImageLimits{.whole_jpeg_pixels = 1}}) {
      const auto found = FindFaces(Image::decode(bytes, limits), aligned);
      const std::string& detail = found[0].assessment.detail;
      EXPECT_NE(detail.find("no end marker"), std::string::npos) << detail;
      EXPECT_EQ(detail.find("; the JPEG has") != std::string::npos, height == 200) << detail;  // behind the wrong shape
    }
  }
}

// Given points are of the whole picture: no detector and no reduced picture says where the face is.
TEST(LargePictures, HaveTheFacesThatAreGiven) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "large_pictures_points.txt";
  std::ofstream(path) << "1.jpg 90 80 150 84 120 110 98 150 146 152 0.9\n";
  const GivenLandmarks landmarks = GivenLandmarks::load(path.string());
  const std::vector<std::uint8_t> bytes = image::ToJpeg(Stripes(240, 200), 90);
  FaceOptions options{.landmarks = &landmarks, .name = "a/1.jpg", .min_face = 24, .width = kSide, .height = kSide};
  const auto whole = FindFaces(Image::decode(bytes), options);
  const auto large = FindFaces(Image::decode(bytes, {.whole_jpeg_pixels = 1}), options);
  ASSERT_TRUE(whole[0].crop && large[0].crop);
  EXPECT_EQ(whole[0].crop->image.rgb, large[0].crop->image.rgb);
  EXPECT_EQ(whole[0].crop->image.rgb,
            align::AlignFace(Image::decode(bytes).image, landmarks.find("1.jpg")[0].landmarks, kSide, kSide)->rgb);
  EXPECT_EQ(whole[0].assessment.face->landmarks, large[0].assessment.face->landmarks);
  EXPECT_EQ(large[0].assessment.faces, 1);
  options.name = "a/2.jpg";
  const auto other = FindFaces(Image::decode(bytes), options);
  EXPECT_EQ(other[0].assessment.status, Status::kNoFace);
  EXPECT_NE(other[0].assessment.detail.find("has no row of this picture"), std::string::npos);
}

TEST(LargePictures, MayHaveNoFace) {
  const Detector detector = Detector::load(default_detector());
  const auto found = FindFaces(Image::decode(image::ToJpeg(Stripes(240, 200), 90), {.whole_jpeg_pixels = 1}),
                               {.detector = &detector, .min_face = 24, .width = kSide, .height = kSide});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].assessment.status, Status::kNoFace);
}

}  // namespace
}  // namespace prefiqs::pipeline
