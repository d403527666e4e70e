#include <gtest/gtest.h>

#include "image/decode_for_test.h"
#include "image/encode_for_test.h"

namespace prefiqs::image {
namespace {

TEST(Webp, DecodesLossless) {
  const Samples samples = Ramps(33, 17, 3), transparent = Ramps(33, 17, 4);
  ExpectClose(DecodeGood(EncodeWebp(samples, {.lossless = true})), ToImage(samples), 0);
  ExpectClose(DecodeGood(EncodeWebp(transparent, {.lossless = true})), ToImage(transparent), 0);
}

TEST(Webp, DecodesLossy) {
  // Colour is kept at half the resolution, in a range of 219 steps.
  constexpr int kTolerance = 10;
  const Samples samples = Ramps(64, 48, 3), transparent = Ramps(64, 48, 4);
  ExpectClose(DecodeGood(EncodeWebp(samples)), ToImage(samples), kTolerance);
  ExpectClose(DecodeGood(EncodeWebp(transparent)), ToImage(transparent), kTolerance);
}

TEST(Webp, RefusesEveryTruncation) {
  for (const bool lossless : {false, true}) {
    ExpectTruncationsRefused(EncodeWebp(Ramps(20, 12, 3), {.lossless = lossless}));
    ExpectTruncationsRefused(EncodeWebp(Ramps(20, 12, 4), {.lossless = lossless}));
    ExpectTruncationsRefused(EncodeWebp(Ramps(20, 12, 3), {.lossless = lossless, .exif = ExifBlock(6, true)}));
  }
}

TEST(Webp, HandlesEveryCorruption) {
  for (const bool lossless : {false, true}) {
    ExpectCorruptionsHandled(EncodeWebp(Ramps(20, 12, 4), {.lossless = lossless}));
    ExpectCorruptionsHandled(EncodeWebp(Ramps(20, 12, 3), {.lossless = lossless, .exif = ExifBlock(6, true)}));
  }
}

TEST(Webp, RefusesAnimations) {
  ByteVector bytes = EncodeWebp(Ramps(4, 4, 3), {.lossless = true, .exif = ExifBlock(1, true)});
  constexpr std::size_t kFlags = 20;
  bytes[kFlags] |= 2;
  ExpectRefused(DecodeCopy(bytes, bytes.size()), Status::kUndecodable, "animations");
}

// Lossless: 14 bits each of width - 1 and height - 1 after the signature byte of the stream.
TEST(Webp, RefusesLosslessBombs) {
  ByteVector bytes = EncodeWebp(Ramps(2, 2, 3), {.lossless = true});
  constexpr std::size_t kSizes = 21;
  bytes[kSizes] = bytes[kSizes + 1] = bytes[kSizes + 2] = 0xFF, bytes[kSizes + 3] |= 0x0F;
  ExpectBombRefused(bytes);
}

// Lossy: 14 bits each of width and height after the start code.
TEST(Webp, RefusesLossyBombs) {
  ByteVector bytes = EncodeWebp(Ramps(2, 2, 3));
  constexpr std::size_t kSizes = 26;
  ASSERT_EQ(bytes[kSizes - 3], 0x9D);
  bytes[kSizes] = bytes[kSizes + 2] = 0xFF, bytes[kSizes + 1] = bytes[kSizes + 3] = 0x3F;
  ExpectBombRefused(bytes);
}

}  // namespace
}  // namespace prefiqs::image
