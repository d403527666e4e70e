#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "image/decode_for_test.h"
#include "image/encode_for_test.h"

namespace prefiqs::image {
namespace {

using Colour = Jpeg2000Options::Colour;

TEST(Jpeg2000, DecodesFilesAndCodestreams) {
  for (int channels = 1; channels <= 4; ++channels) {
    for (const bool codestream : {false, true}) {
      SCOPED_TRACE(channels);
      const Samples samples = Ramps(33, 17, channels);
      const Colour colour = channels <= 2 ? Colour::kGrey : Colour::kRgb;
      const Image image = DecodeGood(EncodeJpeg2000(samples, {.codestream = codestream, .colour = colour}));
      // Alpha is applied after the rounding to 8 bits.
      ExpectClose(image, ToImage(samples), 0);
    }
  }
}

TEST(Jpeg2000, DecodesTilesOffsetsAndSignedSamples) {
  const Samples samples = Ramps(33, 17, 3);
  const Image expected = ToImage(samples);
  ExpectClose(DecodeGood(EncodeJpeg2000(samples, {.colour = Colour::kRgb, .tile_size = 16})), expected, 0);
  ExpectClose(DecodeGood(EncodeJpeg2000(samples, {.colour = Colour::kRgb, .x0 = 5, .y0 = 3})), expected, 0);
  ExpectClose(DecodeGood(EncodeJpeg2000(samples, {.colour = Colour::kRgb, .is_signed = true})), expected, 0);
}

TEST(Jpeg2000, RoundsOtherDepths) {
  const Samples wide{4, 2, 1, {0, 128, 129, 257, 257 + 128, 257 + 129, 65535 - 129, 65535}};
  const ByteVector bytes = EncodeJpeg2000(wide, {.colour = Colour::kGrey, .depth = 16});
  ExpectClose(DecodeGood(bytes), ToImage({4, 2, 1, {0, 0, 1, 1, 1, 2, 254, 255}}), 0);
  const Samples narrow{4, 1, 1, {0, 1, 2, 3}};
  ExpectClose(DecodeGood(EncodeJpeg2000(narrow, {.colour = Colour::kGrey, .depth = 2})),
              ToImage({4, 1, 1, {0, 85, 170, 255}}), 0);
}

// BT.601 as sYCC has it.
Image FromYcc(const Samples& samples, int chroma_step) {
  Image image{.width = samples.width, .height = samples.height, .rgb = {}};
  for (int y = 0; y < samples.height; ++y) {
    for (int x = 0; x < samples.width; ++x) {
      const auto at = [&](int column, int row, int c) {
        return static_cast<double>(samples.values[static_cast<std::size_t>((row * samples.width + column) * 3 + c)]);
      };
      const int column = x / chroma_step * chroma_step, row = y / chroma_step * chroma_step;
      const double luma = at(x, y, 0), blue = at(column, row, 1) - 128, red = at(column, row, 2) - 128;
      for (const double value : {luma + 1.402 * red, luma - 0.344136 * blue - 0.714136 * red, luma + 1.772 * blue})
        image.rgb.push_back(static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0)));
    }
  }
  return image;
}

TEST(Jpeg2000, ConvertsYcc) {
  const Samples samples = Ramps(21, 15, 3);
  ExpectClose(DecodeGood(EncodeJpeg2000(samples, {.colour = Colour::kYcc})), FromYcc(samples, 1), 0);
}

TEST(Jpeg2000, TakesSubsampledCodestreamsForYcc) {
  const Samples samples = Ramps(21, 15, 3);
  const Image expected = FromYcc(samples, 2);
  ExpectClose(DecodeGood(EncodeJpeg2000(samples, {.colour = Colour::kYcc, .chroma_step = 2})), expected, 0);
  ExpectClose(DecodeGood(EncodeJpeg2000(samples, {.codestream = true, .chroma_step = 2})), expected, 0);
}

TEST(Jpeg2000, RefusesEveryTruncation) {
  // Encoders have been seen to leave out the end marker, so a file without it is taken.
  constexpr std::size_t kEndMarker = 2;
  ExpectTruncationsRefused(EncodeJpeg2000(Ramps(20, 12, 3), {.colour = Colour::kRgb}), kEndMarker);
  ExpectTruncationsRefused(EncodeJpeg2000(Ramps(20, 12, 3), {.codestream = true, .tile_size = 8}), kEndMarker);
  ExpectTruncationsRefused(EncodeJpeg2000(Ramps(20, 12, 1, 65535), {.colour = Colour::kGrey, .depth = 16}), kEndMarker);
}

TEST(Jpeg2000, HandlesEveryCorruption) {
  ExpectCorruptionsHandled(EncodeJpeg2000(Ramps(20, 12, 3), {.colour = Colour::kRgb}));
  ExpectCorruptionsHandled(EncodeJpeg2000(Ramps(20, 12, 3), {.codestream = true, .chroma_step = 2, .tile_size = 8}));
}

// Where the size segment (FF 51) has its fields: four bytes each from the fourth after the marker.
enum Field : std::size_t { kWidth = 6, kHeight = 10, kTileWidth = 22, kTileHeight = 26, kComponents = 38 };

void Set(ByteVector& bytes, Field field, std::uint32_t value) {
  constexpr std::uint8_t kSiz[] = {0xFF, 0x51};
  const auto marker = std::search(bytes.begin(), bytes.end(), std::begin(kSiz), std::end(kSiz));
  ASSERT_NE(marker, bytes.end());
  for (int i = 0; i < 4; ++i)
    *(marker + static_cast<std::ptrdiff_t>(field) + i) = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

TEST(Jpeg2000, RefusesBombs) {
  for (const bool codestream : {false, true}) {
    ByteVector bytes = EncodeJpeg2000(Ramps(8, 8, 3), {.codestream = codestream});
    Set(bytes, kWidth, 60000);
    Set(bytes, kHeight, 60000);
    ExpectBombRefused(bytes);
    Set(bytes, kWidth, 0xFFFFFFFF);
    Set(bytes, kHeight, 1);
    ExpectBombRefused(bytes);
  }
}

TEST(Jpeg2000, RefusesTooManyTiles) {
  ByteVector bytes = EncodeJpeg2000(Ramps(8, 8, 3), {.codestream = true});
  Set(bytes, kWidth, 9000);
  Set(bytes, kHeight, 9000);
  Set(bytes, kTileWidth, 1);
  Set(bytes, kTileHeight, 1);
  ExpectBombRefused(bytes);
}

TEST(Jpeg2000, RefusesMoreComponentsThanColoursAndAlpha) {
  ByteVector bytes = EncodeJpeg2000(Ramps(8, 8, 3), {.codestream = true});
  Set(bytes, kComponents, 5u << 16);
  ExpectRefused(DecodeCopy(bytes, bytes.size()), Status::kUndecodable, "5 components");
}

TEST(Jpeg2000, RefusesPalettes) {
  ByteVector bytes = EncodeJpeg2000(Ramps(8, 8, 1), {.colour = Colour::kGrey});
  // The colour box renamed: what it holds is never looked at.
  const std::string colour = "colr", palette = "pclr";
  const auto at = std::search(bytes.begin(), bytes.end(), colour.begin(), colour.end());
  ASSERT_NE(at, bytes.end());
  std::copy(palette.begin(), palette.end(), at);
  ExpectRefused(DecodeCopy(bytes, bytes.size()), Status::kUndecodable, "palettes");
}

}  // namespace
}  // namespace prefiqs::image
