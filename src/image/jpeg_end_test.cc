// JPEGs without their end marker: read where all rows are there, refused where the file was cut.
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "image/decode_for_test.h"
#include "image/encode_for_test.h"
#include "image/large.h"

namespace prefiqs::image {
namespace {

using Colour = JpegOptions::Colour;

constexpr char kNote[] = "no end marker";

struct Kind {
  std::string name;
  JpegOptions options;
  int channels = 3;
};

std::vector<Kind> Kinds() {
  return {{"baseline", {}},
          {"4:2:0", {.subsampled = true}},
          {"grey", {.colour = Colour::kGrey}, 1},
          {"YCCK", {.colour = Colour::kYcck}, 4},
          {"progressive", {.progressive = true}},
          {"progressive 4:2:0 with restarts", {.progressive = true, .subsampled = true, .restart_rows = 1}},
          {"restarts", {.restart_rows = 1}},
          {"restarts every two rows, 4:2:0", {.subsampled = true, .restart_rows = 2}},
          {"a scan for each component", {.scan_each_component = true}},
          {"turned", {.exif = ExifBlock(6, true)}}};
}

// Noise, so that the data of the last block takes many bytes; flat, so that it takes a few bits.
std::vector<Samples> Pictures(int channels) {
  std::mt19937 random(5);
  Samples noise{.width = 23, .height = 19, .channels = channels, .values = {}};
  for (int i = 0; i < 23 * 19 * channels; ++i) noise.values.push_back(static_cast<std::uint16_t>(random() % 256));
  Samples flat = noise;
  flat.values.assign(flat.values.size(), 77);
  return {noise, flat, Ramps(24, 16, channels)};
}

ByteVector Cut(const ByteVector& bytes, std::size_t size) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(JpegWithoutEnd, IsReadWhereAllRowsAreThere) {
  for (const Kind& kind : Kinds()) {
    for (const Samples& samples : Pictures(kind.channels)) {
      SCOPED_TRACE(kind.name);
      const ByteVector bytes = EncodeJpeg(samples, kind.options);
      const Image whole = DecodeGood(bytes);
      for (const std::size_t missing : {1u, 2u}) {  // the whole marker, or half of it
        const DecodedImage decoded = DecodeCopy(bytes, bytes.size() - missing);
        ASSERT_EQ(decoded.status, Status::kOk) << decoded.detail;
        EXPECT_NE(decoded.detail.find(kNote), std::string::npos) << decoded.detail;
        EXPECT_EQ(decoded.image.rgb, whole.rgb);
      }
    }
  }
}

TEST(JpegWithoutEnd, IsRefusedWhereItWasCut) {
  for (const Kind& kind : Kinds()) {
    for (const Samples& samples : Pictures(kind.channels)) {
      SCOPED_TRACE(kind.name);
      ExpectTruncationsRefused(EncodeJpeg(samples, kind.options), 2);
    }
  }
}

TEST(JpegWithoutEnd, IsReadAsALargePicture) {
  constexpr ImageLimits kAllLarge{.whole_jpeg_pixels = 1};
  for (const Kind& kind : Kinds()) {
    SCOPED_TRACE(kind.name);
    const ByteVector bytes = EncodeJpeg(Pictures(kind.channels)[0], kind.options);
    const ByteVector cut = Cut(bytes, bytes.size() - 2);
    const DecodedImage whole = Image::decode(bytes, kAllLarge), decoded = Image::decode(cut, kAllLarge);
    ASSERT_EQ(decoded.status, Status::kOk) << decoded.detail;
    EXPECT_NE(decoded.detail.find(kNote), std::string::npos) << decoded.detail;
    ASSERT_EQ(decoded.large == nullptr, whole.large == nullptr);
    if (whole.large == nullptr) continue;  // of several scans
    EXPECT_EQ(whole.detail, "");
    EXPECT_EQ(decoded.large->reduced().rgb, whole.large->reduced().rgb);
    const Rect all{0, 0, whole.large->width(), whole.large->height()};
    const Canvas expected = whole.large->Read({&all, 1}), got = decoded.large->Read({&all, 1});
    const std::size_t size = static_cast<std::size_t>(all.width) * static_cast<std::size_t>(all.height) * 3;
    EXPECT_TRUE(std::equal(got.view().rgb, got.view().rgb + size, expected.view().rgb));
  }
}

// Of an arithmetic code's data zeros at the end may be missing: that no bits are missing cannot be known.
TEST(JpegWithoutEnd, IsRefusedWhereItsCodeIsArithmetic) {
  for (const bool progressive : {false, true}) {
    ExpectTruncationsRefused(EncodeJpeg(Ramps(24, 16, 3), {.progressive = progressive, .arithmetic = true}));
  }
}

// Files that were cut and filled up to their size, or run on as another file: the data goes on, but it is none of the
// picture.
TEST(JpegWithoutEnd, IsRefusedWhereSomethingElseFollows) {
  for (const Kind& kind : Kinds()) {
    const ByteVector bytes = EncodeJpeg(Pictures(kind.channels)[0], kind.options);
    const std::string text = "<html>504 Gateway Timeout</html>";
    for (const std::size_t left : {bytes.size() - 2, bytes.size() - 40, bytes.size() / 2}) {
      SCOPED_TRACE(::testing::Message() << kind.name << ", " << left << " of " << bytes.size());
      for (const std::size_t zeros : {std::size_t{64}, std::size_t{512}, bytes.size()}) {
        ByteVector padded = Cut(bytes, left);
        padded.resize(left + zeros);
        ExpectRefused(Image::decode(padded), Status::kUndecodable);
      }
      ByteVector other = Cut(bytes, left);
      for (std::size_t i = 0; i < bytes.size(); ++i) other.push_back(static_cast<std::uint8_t>(text[i % text.size()]));
      ExpectRefused(Image::decode(other), Status::kUndecodable);
    }
  }
}

}  // namespace
}  // namespace prefiqs::image
