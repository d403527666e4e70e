#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <random>
#include <vector>

#include "image/decode_for_test.h"
#include "image/encode_for_test.h"
#include "image/large.h"

namespace prefiqs::image {
namespace {

using Colour = JpegOptions::Colour;

// Everything that has more than a pixel is large.
constexpr ImageLimits kAllLarge{.whole_jpeg_pixels = 1};

std::shared_ptr<const LargeJpeg> OpenLarge(const ByteVector& bytes, const ImageLimits& limits = kAllLarge) {
  const DecodedImage decoded = Image::decode(bytes, limits);
  EXPECT_EQ(decoded.status, Status::kOk) << decoded.detail;
  EXPECT_TRUE(decoded.image.empty());
  EXPECT_NE(decoded.large, nullptr);
  return decoded.large;
}

// Every pixel its own: what is read from the wrong place shows.
Samples Noise(int width, int height, int channels, unsigned seed) {
  std::mt19937 random(seed);
  Samples samples{.width = width, .height = height, .channels = channels, .values = {}};
  for (int i = 0; i < width * height * channels; ++i) {
    samples.values.push_back(static_cast<std::uint16_t>(random() % 256));
  }
  return samples;
}

void ExpectPartsAreThoseOf(const Image& whole, const LargeJpeg& large, const std::vector<Rect>& parts) {
  ASSERT_EQ(large.width(), whole.width);
  ASSERT_EQ(large.height(), whole.height);
  const Canvas canvas = large.Read(parts);
  const View view = canvas.view();
  ASSERT_EQ(view.width, whole.width);
  ASSERT_EQ(view.height, whole.height);
  for (int y = 0; y < whole.height; ++y) {
    for (int x = 0; x < whole.width; ++x) {
      const bool inside = std::ranges::any_of(parts, [&](const Rect& part) {
        return x >= part.x && x < part.x + part.width && y >= part.y && y < part.y + part.height;
      });
      for (int c = 0; c < 3; ++c) {
        const auto at = static_cast<std::size_t>((y * whole.width + x) * 3 + c);
        ASSERT_EQ(int{view.rgb[at]}, inside ? int{whole.rgb[at]} : 0) << x << ", " << y << ", channel " << c;
      }
    }
  }
}

std::vector<JpegOptions> Kinds() {
  return {{},
          {.subsampled = true},
          {.colour = Colour::kGrey},
          {.colour = Colour::kRgb},
          {.subsampled = true, .arithmetic = true},
          {.colour = Colour::kCmyk},
          {.colour = Colour::kYcck, .adobe = false}};
}

int Channels(const JpegOptions& kind) {
  return kind.colour == Colour::kGrey ? 1 : kind.colour == Colour::kCmyk || kind.colour == Colour::kYcck ? 4 : 3;
}

TEST(LargeJpeg, ReadsPartsWithTheBitsOfTheWholePicture) {
  std::mt19937 random(7);
  for (JpegOptions kind : Kinds()) {
    for (int orientation = 0; orientation <= 8; ++orientation) {
      SCOPED_TRACE(::testing::Message() << "colour " << static_cast<int>(kind.colour) << ", orientation "
                                        << orientation);
      if (orientation > 0) kind.exif = ExifBlock(orientation, orientation % 2 == 0);
      const int width = 40 + static_cast<int>(random() % 60), height = 40 + static_cast<int>(random() % 60);
      const ByteVector bytes = EncodeJpeg(Noise(width, height, Channels(kind), random()), kind);
      const Image whole = DecodeGood(bytes);
      const auto large = OpenLarge(bytes);
      ExpectPartsAreThoseOf(whole, *large, {{0, 0, whole.width, whole.height}});
      ExpectPartsAreThoseOf(whole, *large, {});
      const auto below = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most)); };
      for (int i = 0; i < 4; ++i) {
        std::vector<Rect> parts;  // some reach over a border, some lie on one another
        for (int k = below(4); k >= 0; --k) parts.push_back({below(100) - 20, below(100) - 20, below(60), below(60)});
        ExpectPartsAreThoseOf(whole, *large, parts);
      }
    }
  }
}

TEST(LargeJpeg, TakesPartsAnywhere) {
  const ByteVector bytes = EncodeJpeg(Noise(64, 48, 3, 1));
  constexpr int kFar = 1 << 30;
  ExpectPartsAreThoseOf(
      DecodeGood(bytes), *OpenLarge(bytes),
      {{-kFar, -kFar, 10, 10}, {kFar, 3, kFar, 5}, {5, 5, 0, 9}, {5, 5, 9, -3}, {60, 40, kFar, kFar}});
}

// Where ToWhole() says that a point of the reduced picture is in the whole one.
Point Whole(const LargeJpeg& large, Point point) {
  Face face;
  face.box = {point.x, point.y, 2, 3};
  face.landmarks.fill(point);
  const Face whole = large.ToWhole(face);
  EXPECT_EQ(whole.landmarks[4], whole.landmarks[0]);
  EXPECT_EQ((Point{whole.box.x, whole.box.y}), whole.landmarks[0]);
  EXPECT_EQ(whole.box.width * 3, whole.box.height * 2);
  return whole.landmarks[0];
}

// A bright square is found in the reduced picture, and must then be where it is in the whole one: to a third of a pixel
// of the whole picture, also where the side is no multiple of the reduction and the picture is turned.
TEST(LargeJpeg, SaysWhereAPointIsInTheWholePicture) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const auto& [width, height] : {std::pair(128, 96), std::pair(131, 97), std::pair(129, 99)}) {
      SCOPED_TRACE(::testing::Message() << "orientation " << orientation << ", " << width << "x" << height);
      Samples samples{.width = width, .height = height, .channels = 1, .values = {}};
      samples.values.assign(static_cast<std::size_t>(width * height), 0);
      for (int y = 40; y < 56; ++y) {
        for (int x = 72; x < 96; ++x) samples.values[static_cast<std::size_t>(y * width + x)] = 250;
      }
      const ByteVector bytes = EncodeJpeg(samples, {.colour = Colour::kGrey, .exif = ExifBlock(orientation, true)});
      const auto centre = [](const Image& image) {
        double sum = 0, sum_x = 0, sum_y = 0;
        for (int y = 0; y < image.height; ++y) {
          for (int x = 0; x < image.width; ++x) {
            const double light = image.rgb[static_cast<std::size_t>((y * image.width + x) * 3)];
            if (light < 20) continue;  // ringing
            sum += light, sum_x += light * x, sum_y += light * y;
          }
        }
        return Point{static_cast<float>(sum_x / sum), static_cast<float>(sum_y / sum)};
      };
      const auto large = OpenLarge(bytes);
      const Point expected = centre(DecodeGood(bytes)), found = Whole(*large, centre(large->reduced()));
      EXPECT_NEAR(found.x, expected.x, 0.34);
      EXPECT_NEAR(found.y, expected.y, 0.34);
    }
  }
}

TEST(LargeJpeg, IsReducedAsLittleAsPossible) {
  const auto sides = [](int width, int height, int orientation) {
    const ByteVector bytes =
        EncodeJpeg(Samples{width, height, 1, std::vector<std::uint16_t>(static_cast<std::size_t>(width * height), 9)},
                   {.colour = Colour::kGrey, .exif = ExifBlock(orientation, true)});
    const auto large = OpenLarge(bytes);
    return std::pair(large->reduced().width, large->reduced().height);
  };
  EXPECT_EQ(sides(101, 55, 1), std::pair(51, 28));
  EXPECT_EQ(sides(101, 55, 6), std::pair(28, 51));
  EXPECT_EQ(sides(8000, 8000, 1), std::pair(4000, 4000));  // 16 megapixels
  EXPECT_EQ(sides(8001, 8001, 1), std::pair(2001, 2001));
}

TEST(LargeJpeg, IsOnlyWhatIsOverTheLimitAndOfOneScan) {
  const Samples samples = Noise(40, 30, 3, 3);
  const ByteVector bytes = EncodeJpeg(samples);
  EXPECT_NE(Image::decode(bytes, {.whole_jpeg_pixels = 40 * 30 - 1}).large, nullptr);
  for (const ImageLimits& limits : {ImageLimits{}, ImageLimits{.whole_jpeg_pixels = 40 * 30}}) {
    const DecodedImage decoded = Image::decode(bytes, limits);
    EXPECT_EQ(decoded.large, nullptr);
    EXPECT_EQ(decoded.image.rgb, DecodeGood(bytes).rgb);
  }
  EXPECT_EQ(Image::decode(EncodeJpeg(samples, {.progressive = true}), kAllLarge).large, nullptr);
  EXPECT_EQ(Image::decode(EncodePng(samples), kAllLarge).large, nullptr);
  // It keeps the bytes: a caller's may go.
  auto passing = std::make_unique<ByteVector>(bytes);
  const DecodedImage kept = Image::decode(*passing, kAllLarge);
  passing.reset();
  ExpectPartsAreThoseOf(DecodeGood(bytes), *kept.large, {{3, 4, 20, 20}});
}

// Of the frame header of a small picture: another size.
ByteVector ClaimSize(ByteVector bytes, unsigned width, unsigned height) {
  for (std::size_t i = 0; i + 9 < bytes.size(); ++i) {
    if (bytes[i] != 0xFF || (bytes[i + 1] != 0xC0 && bytes[i + 1] != 0xC2)) continue;
    for (const auto& [at, side] : {std::pair(i + 5, height), std::pair(i + 7, width)}) {
      bytes[at] = static_cast<std::uint8_t>(side >> 8);
      bytes[at + 1] = static_cast<std::uint8_t>(side & 255);
    }
    return bytes;
  }
  ADD_FAILURE() << "no frame header";
  return bytes;
}

TEST(LargeJpeg, HasALimitOfItsOwn) {
  const ByteVector small = EncodeJpeg(Ramps(8, 8, 3)), progressive = EncodeJpeg(Ramps(8, 8, 3), {.progressive = true});
  // What was let pass is then found to be too short.
  for (const auto& [width, height] : {std::pair(12000u, 9000u), std::pair(16320u, 12240u), std::pair(16384u, 12288u)}) {
    const DecodedImage passed = Image::decode(ClaimSize(small, width, height));
    EXPECT_EQ(passed.status, Status::kUndecodable) << passed.detail;
    ExpectRefused(Image::decode(ClaimSize(progressive, width, height)), Status::kTooLarge, "progressive");
  }
  ExpectBombRefused(ClaimSize(small, 16384, 12289));
  ExpectRefused(Image::decode(ClaimSize(small, 16384, 12289)), Status::kTooLarge, "--max-pixels");
  // One that is named holds for all.
  const std::int64_t limit = 12000 * 9000;
  ExpectRefused(Image::decode(ClaimSize(small, 12000, 9001), {.max_pixels = limit}), Status::kTooLarge, "12000x9001");
  EXPECT_EQ(Image::decode(ClaimSize(small, 12000, 9000), {.max_pixels = limit}).status, Status::kUndecodable);
  EXPECT_EQ(Image::decode(ClaimSize(small, 20000, 20000), {.max_pixels = limit * 4}).status, Status::kUndecodable);
  ExpectRefused(Image::decode(small, {.max_pixels = 63, .whole_jpeg_pixels = 1}), Status::kTooLarge, "8x8");
}

TEST(LargeJpeg, RefusesEveryTruncationAndHandlesEveryCorruption) {
  const ByteVector bytes = EncodeJpeg(Ramps(20, 12, 3), {.subsampled = true, .exif = ExifBlock(5, true)});
  for (std::size_t size = 0; size + 2 < bytes.size(); ++size) {  // without the end marker it is whole
    SCOPED_TRACE(size);
    ExpectRefused(DecodeCopy(bytes, size, kAllLarge), Status::kUndecodable);
  }
  const ImageLimits limits{.max_pixels = 1 << 16, .whole_jpeg_pixels = 1};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      SCOPED_TRACE(::testing::Message() << "byte " << i << " ^ " << flip);
      ByteVector spoilt = bytes;
      spoilt[i] ^= static_cast<std::uint8_t>(flip);
      const DecodedImage decoded = DecodeCopy(spoilt, spoilt.size(), limits);
      if (!decoded.large) continue;
      // What was decoded reduced can be decoded in full, and both are of the same size.
      const LargeJpeg& large = *decoded.large;
      const Rect all{0, 0, large.width(), large.height()};
      EXPECT_EQ(large.Read({&all, 1}).view().width, large.width());
      EXPECT_LE(std::abs(large.reduced().width * 2 - large.width()), 1);
    }
  }
}

// Canvases of much memory wait for each other; those who wait must come to their turn.
TEST(LargeJpeg, ReadsVeryLargePartsOnSeveralThreads) {
  const int width = 9000, height = 8000;
  std::vector<std::uint16_t> values(static_cast<std::size_t>(width) * height);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint16_t>(i / 64 % 200);
  const ByteVector bytes = EncodeJpeg({width, height, 1, std::move(values)}, {.colour = Colour::kGrey});
  const auto large = OpenLarge(bytes);
  const Image whole = DecodeGood(bytes);
  const auto matches = [&] {
    const Rect all{0, 0, width, height};
    const Canvas canvas = large->Read({&all, 1});
    return std::equal(whole.rgb.begin(), whole.rgb.end(), canvas.view().rgb);
  };
  auto other = std::async(std::launch::async, matches);
  EXPECT_TRUE(matches());
  EXPECT_TRUE(other.get());
}

}  // namespace
}  // namespace prefiqs::image
