#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/folder_for_test.h"
#include "image/decode_for_test.h"
#include "image/encode_for_test.h"

namespace prefiqs::image {
namespace {

Samples Scaled(const Samples& samples, int from_max) {
  Samples scaled = samples;
  for (std::uint16_t& value : scaled.values)
    value = static_cast<std::uint16_t>(static_cast<double>(value) * 255 / from_max + 0.5);
  return scaled;
}

TEST(Png, DecodesEightBitsOfAllColourTypes) {
  for (int channels = 1; channels <= 4; ++channels) {
    for (const bool interlaced : {false, true}) {
      SCOPED_TRACE(channels);
      const Samples samples = Ramps(19, 13, channels);
      ExpectClose(DecodeGood(EncodePng(samples, {.interlaced = interlaced})), ToImage(samples), 0);
    }
  }
}

TEST(Png, DecodesFewBitsOfGrey) {
  for (const int depth : {1, 2, 4}) {
    SCOPED_TRACE(depth);
    const int max = (1 << depth) - 1;
    const Samples samples = Ramps(19, 13, 1, max);
    ExpectClose(DecodeGood(EncodePng(samples, {.depth = depth})), ToImage(Scaled(samples, max)), 0);
  }
}

TEST(Png, RoundsSixteenBits) {
  // 257 steps of the wide scale are one of the narrow one: 128 goes down, 129 up.
  const Samples samples{4, 2, 1, {0, 128, 129, 257, 257 + 128, 257 + 129, 65535 - 129, 65535}};
  const Image image = DecodeGood(EncodePng(samples, {.depth = 16}));
  ExpectClose(image, ToImage({4, 2, 1, {0, 0, 1, 1, 1, 2, 254, 255}}), 0);
  const Samples colours = Ramps(41, 31, 3, 65535);
  ExpectClose(DecodeGood(EncodePng(colours, {.depth = 16})), ToImage(Scaled(colours, 65535)), 0);
}

TEST(Png, ComposesSixteenBitAlphaOverBlack) {
  const Samples samples{3, 1, 4, {65535, 32768, 0, 65535, 65535, 32768, 0, 32768, 65535, 65535, 65535, 0}};
  // Once rounded from the product: 32768 / 65535 is a little more than a half.
  const ByteVector expected = {255, 128, 0, 128, 64, 0, 0, 0, 0};
  EXPECT_EQ(DecodeGood(EncodePng(samples, {.depth = 16})).rgb, expected);
}

TEST(Png, DecodesPalettesWithAndWithoutTransparency) {
  const std::vector<std::array<std::uint8_t, 3>> palette = {{255, 0, 7}, {10, 20, 30}, {0, 255, 128}};
  const Samples samples{3, 2, 1, {0, 1, 2, 2, 1, 0}};
  for (const int depth : {2, 4, 8}) {
    const Image image = DecodeGood(EncodePng(samples, {.depth = depth, .palette = palette}));
    EXPECT_EQ(image.rgb, (ByteVector{255, 0, 7, 10, 20, 30, 0, 255, 128, 0, 255, 128, 10, 20, 30, 255, 0, 7}));
  }
  const PngOptions transparent{.palette = palette, .palette_alpha = {128, 0}};
  EXPECT_EQ(DecodeGood(EncodePng(samples, transparent)).rgb,
            (ByteVector{128, 0, 4, 0, 0, 0, 0, 255, 128, 0, 255, 128, 0, 0, 0, 128, 0, 4}));
}

TEST(Png, BlackensTheTransparentColour) {
  const Samples grey{3, 1, 1, {200, 100, 200}};
  EXPECT_EQ(DecodeGood(EncodePng(grey, {.transparent = {{200, 0, 0}}})).rgb,
            (ByteVector{0, 0, 0, 100, 100, 100, 0, 0, 0}));
  const Samples bits{2, 1, 1, {0, 1}};
  EXPECT_EQ(DecodeGood(EncodePng(bits, {.depth = 1, .transparent = {{1, 0, 0}}})).rgb, ByteVector(6, 0));
  const Samples colours{2, 1, 3, {1, 2, 3, 1, 2, 4}};
  EXPECT_EQ(DecodeGood(EncodePng(colours, {.transparent = {{1, 2, 3}}})).rgb, (ByteVector{0, 0, 0, 1, 2, 4}));
  const Samples wide{2, 1, 3, {25700, 51400, 771, 25700, 51400, 772}};
  EXPECT_EQ(DecodeGood(EncodePng(wide, {.depth = 16, .transparent = {{25700, 51400, 771}}})).rgb,
            (ByteVector{0, 0, 0, 100, 200, 3}));
}

TEST(Png, RefusesEveryTruncation) {
  ExpectTruncationsRefused(EncodePng(Ramps(9, 7, 3)));
  ExpectTruncationsRefused(EncodePng(Ramps(9, 7, 4, 65535), {.depth = 16, .interlaced = true}));
  ExpectTruncationsRefused(EncodePng({2, 1, 1, {0, 1}}, {.palette = {{1, 2, 3}, {4, 5, 6}}, .palette_alpha = {7}}));
}

TEST(Png, HandlesEveryCorruption) {
  ExpectCorruptionsHandled(EncodePng(Ramps(9, 7, 3), {.exif = ExifBlock(5, true)}));
  ExpectCorruptionsHandled(EncodePng(Ramps(9, 7, 2), {.interlaced = true}));
}

TEST(Png, RefusesBombs) {
  for (const bool interlaced : {false, true}) {
    ExpectBombRefused(EncodePng({60000, 60000, 3, {}}, {.interlaced = interlaced, .only_header = true}));
    ExpectBombRefused(EncodePng({60000, 60000, 4, {}}, {.depth = 16, .interlaced = interlaced, .only_header = true}));
  }
}

// The memory would be allocated, if not touched, before the file turns out to be short.
TEST(Png, RefusesChunksLongerThanTheFile) {
  ByteVector bytes = EncodePng(Ramps(4, 4, 3), {.exif = ExifBlock(6, true)});
  const std::string name = "eXIf";
  const auto chunk = std::search(bytes.begin(), bytes.end(), name.begin(), name.end());
  ASSERT_NE(chunk, bytes.end());
  *(chunk - 4) = 0x30;  // 800 million bytes
  ExpectRefused(DecodeCopy(bytes, bytes.size()), Status::kUndecodable, "a chunk is longer than the file");
}

TEST(WritePng, RoundTrips) {
  const FolderForTest folder;
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(37, 23)}) {
    const Image image = ToImage(Ramps(width, height, 3));
    const std::string path = folder / "\xFF odd\nname";
    write_png(image, path);  // the second time over the first
    const DecodedImage read = Image::open(path);
    EXPECT_EQ(read.status, Status::kOk) << read.detail;
    ExpectClose(read.image, image, 0);
  }
  const auto files = std::filesystem::directory_iterator(folder.path());
  EXPECT_EQ(std::distance(begin(files), end(files)), 1);  // no temporary file left
}

void ExpectNotWritten(const Image& image, const std::string& path, const std::string& part_of_message) {
  try {
    write_png(image, path);
    FAIL() << path << " was written";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_NE(std::string(error.what()).find(part_of_message), std::string::npos) << error.what();
  }
}

TEST(WritePng, ThrowsWhereItCannotWrite) {
  const FolderForTest folder;
  const Image image = ToImage(Ramps(2, 2, 3));
  ExpectNotWritten(image, folder / "missing/a.png", "missing/a.png");
  ExpectNotWritten(image, folder.path(), folder.path());
  ExpectNotWritten({}, folder / "a.png", "empty");
  ExpectNotWritten({.width = 3, .height = 2, .rgb = image.rgb}, folder / "a.png", "3x2");
  ExpectNotWritten({.width = 4, .height = -1, .rgb = image.rgb}, folder / "a.png", "4x-1");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace prefiqs::image
