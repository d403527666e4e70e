#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "image/decode_for_test.h"
#include "image/encode_for_test.h"
#include "image/format.h"

namespace prefiqs::image {
namespace {

// A picture of 3x2 pixels that are told apart by their red.
Image Letters(int width, int height, const std::string& letters) {
  Image image{.width = width, .height = height, .rgb = {}};
  for (const char letter : letters) {
    for (int c = 0; c < 3; ++c) image.rgb.push_back(static_cast<std::uint8_t>(letter + c));
  }
  return image;
}

struct Turn {
  int orientation, width, height;
  std::string letters;  // of what is stored as "abc" over "def"
};

// Exif 2.32, table 4.6.4: what row 0 and column 0 of the stored picture are.
const Turn kTurns[] = {
    {1, 3, 2, "abcdef"}, {2, 3, 2, "cbafed"},  // top, left; top, right
    {3, 3, 2, "fedcba"}, {4, 3, 2, "defabc"},  // bottom, right; bottom, left
    {5, 2, 3, "adbecf"}, {6, 2, 3, "daebfc"},  // left, top; right, top
    {7, 2, 3, "fcebda"}, {8, 2, 3, "cfbead"},  // right, bottom; left, bottom
};

TEST(Upright, TurnsAndMirrorsInAllEightWays) {
  for (const Turn& turn : kTurns) {
    SCOPED_TRACE(turn.orientation);
    ExpectClose(Upright(Letters(3, 2, "abcdef"), turn.orientation), Letters(turn.width, turn.height, turn.letters), 0);
  }
}

TEST(Upright, LeavesUnknownOrientations) {
  for (const int orientation : {-1, 0, 9, 1 << 20})
    ExpectClose(Upright(Letters(3, 2, "abcdef"), orientation), Letters(3, 2, "abcdef"), 0);
}

TEST(Upright, TurnsPicturesOfOneRowOrColumn) {
  ExpectClose(Upright(Letters(3, 1, "abc"), 6), Letters(1, 3, "abc"), 0);
  ExpectClose(Upright(Letters(1, 3, "abc"), 6), Letters(3, 1, "cba"), 0);
  ExpectClose(Upright(Letters(1, 1, "a"), 7), Letters(1, 1, "a"), 0);
}

TEST(ExifOrientation, ReadsBothByteOrdersWithAndWithoutPrefix) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool big_endian : {false, true}) {
      const ByteVector block = ExifBlock(orientation, big_endian);
      EXPECT_EQ(ExifOrientation(block), orientation);
      ByteVector prefixed = {'E', 'x', 'i', 'f', 0, 0};
      prefixed.insert(prefixed.end(), block.begin(), block.end());
      EXPECT_EQ(ExifOrientation(prefixed), orientation);
    }
  }
}

TEST(ExifOrientation, IsOneForValuesThatDoNotExist) {
  for (const int orientation : {0, 9, 65535}) EXPECT_EQ(ExifOrientation(ExifBlock(orientation, true)), 1);
}

TEST(ExifOrientation, IsOneForBlocksThatBreakOff) {
  const ByteVector block = ExifBlock(6, false);
  constexpr std::size_t kEndOfValue = 8 + 2 + 12 + 10;
  for (std::size_t size = 0; size < block.size(); ++size) {
    const ByteVector part(block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(ExifOrientation(part), size < kEndOfValue ? 1 : 6) << size;
  }
}

TEST(ExifOrientation, IsOneForMalformedBlocks) {
  const auto changed = [](std::size_t at, ByteVector bytes) {
    ByteVector block = ExifBlock(6, false);
    std::copy(bytes.begin(), bytes.end(), block.begin() + static_cast<std::ptrdiff_t>(at));
    return ExifOrientation(block);
  };
  ASSERT_EQ(changed(0, {}), 6);
  EXPECT_EQ(changed(0, {'I', 'M'}), 1);
  EXPECT_EQ(changed(2, {43}), 1);
  EXPECT_EQ(changed(4, {0xFF, 0xFF, 0xFF, 0xFF}), 1);  // a directory far outside
  EXPECT_EQ(changed(24, {4}), 1);                      // a LONG where a SHORT should be
  EXPECT_EQ(changed(8, {0xFF, 0xFF}), 6);              // more entries than there are bytes
  EXPECT_EQ(changed(22, {0x13}), 1);                   // another tag
  EXPECT_EQ(ExifOrientation({}), 1);
}

// The formats that carry Exif hand it on.
void ExpectTurned(const std::function<ByteVector(const Samples&, const ByteVector&)>& encode, int tolerance) {
  const Samples samples = Ramps(24, 16, 3);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    for (const bool big_endian : {false, true}) {
      SCOPED_TRACE(orientation);
      const ByteVector bytes = encode(samples, ExifBlock(orientation, big_endian));
      ExpectClose(DecodeGood(bytes), Upright(ToImage(samples), orientation), tolerance);
    }
  }
}

TEST(ExifInFiles, TurnsJpeg) {
  ExpectTurned([](const Samples& samples, const ByteVector& exif) { return EncodeJpeg(samples, {.exif = exif}); }, 4);
}

TEST(ExifInFiles, TurnsPng) {
  ExpectTurned([](const Samples& samples, const ByteVector& exif) { return EncodePng(samples, {.exif = exif}); }, 0);
}

TEST(ExifInFiles, TurnsWebp) {
  const auto encode = [](const Samples& samples, const ByteVector& exif) {
    return EncodeWebp(samples, {.lossless = true, .exif = exif});
  };
  ExpectTurned(encode, 0);
}

}  // namespace
}  // namespace prefiqs::image
