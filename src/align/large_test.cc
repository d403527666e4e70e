// Crops of large pictures are those of the whole ones.
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <random>

#include "align/align.h"
#include "align/picture_for_test.h"
#include "image/encode_for_test.h"
#include "image/large.h"

namespace prefiqs::align {
namespace {

using Colour = image::JpegOptions::Colour;

// Blocks of colours with noise over them: edges that upsampled colours bleed over, and no two pixels alike.
image::Samples Picture(int width, int height, int channels, unsigned seed) {
  std::mt19937 random(seed);
  image::Samples samples{.width = width, .height = height, .channels = channels, .values = {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const unsigned block = static_cast<unsigned>(x / 13 * 7 + y / 11 * 5);
      for (unsigned c = 0; c < static_cast<unsigned>(channels); ++c) {
        samples.values.push_back(static_cast<std::uint16_t>(block * (91 + 60 * c) % 200 + random() % 56));
      }
    }
  }
  return samples;
}

// The template's points somewhere in or beside the picture, in any size and turned in any way.
Landmarks SomeLandmarks(const Image& picture, std::mt19937& random) {
  const auto draw = [&](double low, double high) { return std::uniform_real_distribution(low, high)(random); };
  const double scale = std::exp(draw(std::log(0.1), std::log(4.0))), angle = draw(-4, 4);
  const double x0 = draw(-0.3, 1.1) * picture.width, y0 = draw(-0.3, 1.1) * picture.height;
  Landmarks points = Template(112, 112);
  for (Point& point : points) {
    const double x = point.x, y = point.y;
    point = {static_cast<float>(x0 + scale * (x * std::cos(angle) - y * std::sin(angle))),
             static_cast<float>(y0 + scale * (x * std::sin(angle) + y * std::cos(angle)))};
  }
  return points;
}

void ExpectCropsAreTheSame(const image::ByteVector& bytes, std::mt19937& random) {
  const DecodedImage whole = Image::decode(bytes), large = Image::decode(bytes, {.whole_jpeg_pixels = 1});
  ASSERT_EQ(whole.status, Status::kOk) << whole.detail;
  ASSERT_FALSE(whole.image.empty());
  ASSERT_NE(large.large, nullptr) << large.detail;
  for (int i = 0; i < 12; ++i) {
    const Landmarks landmarks = SomeLandmarks(whole.image, random);
    const int width = i % 3 == 0 ? 96 : 112, height = i % 4 == 3 ? 448 : 112;
    const std::optional<Image> expected = AlignFace(whole.image, landmarks, width, height);
    ASSERT_TRUE(expected);
    const auto transform = FitSimilarity(landmarks, Template(width, height));
    ASSERT_TRUE(transform);
    EXPECT_EQ(LargestDifference(Warp(large, *transform, width, height), *expected), 0) << "crop " << i;
    EXPECT_EQ(LargestDifference(Warp(whole, *transform, width, height), *expected), 0) << "crop " << i;
  }
}

TEST(LargePicture, GivesTheCropsOfTheWholeOne) {
  std::mt19937 random(3);
  const struct {
    const char* name;
    image::JpegOptions options;
    int channels;
  } kinds[] = {{"4:4:4", {}, 3},
               {"4:2:0", {.subsampled = true}, 3},
               {"grey", {.colour = Colour::kGrey}, 1},
               {"CMYK", {.colour = Colour::kCmyk}, 4}};
  for (const auto& [name, kind, channels] : kinds) {
    for (const int orientation : {1, 2, 3, 4, 5, 6, 7, 8}) {
      SCOPED_TRACE(testing::Message() << name << ", orientation " << orientation);
      image::JpegOptions options = kind;
      options.exif = image::ExifBlock(orientation, true);
      ExpectCropsAreTheSame(image::EncodeJpeg(Picture(421, 337, channels, random()), options), random);
    }
  }
}

// Longer than OpenCV's warp takes.
TEST(LargePicture, GivesTheCropsOfAVeryLongOne) {
  std::mt19937 random(4);
  for (const auto& [width, height] : {std::pair(40000, 130), std::pair(130, 40000)}) {
    ExpectCropsAreTheSame(image::EncodeJpeg(Picture(width, height, 3, 5), {.subsampled = true}), random);
  }
}

TEST(SourceOf, HoldsEveryPixelThatCounts) {
  std::mt19937 random(5);
  const Image picture = Noise(200, 150, 6);
  for (int i = 0; i < 50; ++i) {
    const auto transform = FitSimilarity(SomeLandmarks(picture, random), Template(112, 112));
    ASSERT_TRUE(transform);
    const image::Rect source = SourceOf(*transform, 112, 112);
    // A turned square's upright rectangle has twice its area at most; three pixels of margin and rounding beside it.
    const double scale = std::hypot((*transform)[0][0], (*transform)[1][0]), side = 112 / scale * std::sqrt(2.0) + 10;
    EXPECT_LE(source.width, side);
    EXPECT_LE(source.height, side);
    Image rest = picture;  // with other pixels everywhere else
    for (int y = 0; y < picture.height; ++y) {
      for (int x = 0; x < picture.width; ++x) {
        if (x >= source.x && x < source.x + source.width && y >= source.y && y < source.y + source.height) continue;
        for (int c = 0; c < 3; ++c) rest.rgb[static_cast<std::size_t>((y * picture.width + x) * 3 + c)] ^= 0xFF;
      }
    }
    EXPECT_EQ(LargestDifference(Warp(rest, *transform, 112, 112), Warp(picture, *transform, 112, 112)), 0) << i;
  }
}

}  // namespace
}  // namespace prefiqs::align
