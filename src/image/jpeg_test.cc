#include <gtest/gtest.h>

#include "image/decode_for_test.h"
#include "image/encode_for_test.h"

namespace prefiqs::image {
namespace {

using Colour = JpegOptions::Colour;

// At quality 100 what is lost is rounding: of the transform, of the colours and back.
constexpr int kTolerance = 4;

TEST(Jpeg, DecodesGreyYccAndRgb) {
  const Samples grey = Ramps(33, 17, 1), colours = Ramps(33, 17, 3);
  ExpectClose(DecodeGood(EncodeJpeg(grey, {.colour = Colour::kGrey})), ToImage(grey), kTolerance);
  ExpectClose(DecodeGood(EncodeJpeg(colours)), ToImage(colours), kTolerance);
  ExpectClose(DecodeGood(EncodeJpeg(colours, {.colour = Colour::kRgb})), ToImage(colours), kTolerance);
}

TEST(Jpeg, DecodesProgressiveSubsampledAndArithmetic) {
  const Samples samples = Ramps(64, 48, 3);
  const Image plain = DecodeGood(EncodeJpeg(samples));
  ExpectClose(DecodeGood(EncodeJpeg(samples, {.progressive = true})), plain, 0);
  ExpectClose(DecodeGood(EncodeJpeg(samples, {.arithmetic = true})), plain, 0);
  ExpectClose(DecodeGood(EncodeJpeg(samples, {.subsampled = true})), ToImage(samples), 2 * kTolerance);
}

// What light is left: (1 - ink) * (1 - black), with the stored values v being 1 - ink (Adobe) or ink.
Image FromCmyk(const Samples& samples, bool inverted) {
  Image image{.width = samples.width, .height = samples.height, .rgb = {}};
  for (std::size_t i = 0; i < samples.values.size(); i += 4) {
    const auto light = [&](std::size_t c) {
      const double value = samples.values[i + c] / 255.0;
      return inverted ? value : 1 - value;
    };
    for (std::size_t c = 0; c < 3; ++c) image.rgb.push_back(static_cast<std::uint8_t>(light(c) * light(3) * 255 + 0.5));
  }
  return image;
}

TEST(Jpeg, DecodesCmykAndYcckInvertedWhereAdobeSaysSo) {
  const Samples samples = Ramps(32, 24, 4);
  ExpectClose(DecodeGood(EncodeJpeg(samples, {.colour = Colour::kCmyk})), FromCmyk(samples, true), kTolerance);
  ExpectClose(DecodeGood(EncodeJpeg(samples, {.colour = Colour::kYcck})), FromCmyk(samples, true), 2 * kTolerance);
  const ByteVector plain = EncodeJpeg(samples, {.colour = Colour::kCmyk, .adobe = false});
  ExpectClose(DecodeGood(plain), FromCmyk(samples, false), kTolerance);
}

// All but that of the end marker's two bytes (jpeg_end_test.cc).
TEST(Jpeg, RefusesEveryTruncation) {
  const Samples samples = Ramps(20, 12, 3);
  ExpectTruncationsRefused(EncodeJpeg(samples), 2);
  ExpectTruncationsRefused(EncodeJpeg(samples, {.progressive = true, .subsampled = true}), 2);
  ExpectTruncationsRefused(EncodeJpeg(samples, {.arithmetic = true, .exif = ExifBlock(5, true)}));
  ExpectTruncationsRefused(EncodeJpeg(Ramps(9, 9, 4), {.colour = Colour::kYcck}), 2);
}

TEST(Jpeg, HandlesEveryCorruption) {
  ExpectCorruptionsHandled(EncodeJpeg(Ramps(20, 12, 3), {.subsampled = true, .exif = ExifBlock(5, true)}));
  ExpectCorruptionsHandled(EncodeJpeg(Ramps(12, 20, 3), {.progressive = true}));
}

// Of the frame header: marker FF C0 or FF C2, length, precision, height, width.
std::size_t FrameHeader(const ByteVector& bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    if (bytes[i] == 0xFF && (bytes[i + 1] == 0xC0 || bytes[i + 1] == 0xC2)) return i;
  }
  ADD_FAILURE() << "no frame header";
  return 0;
}

TEST(Jpeg, RefusesBombs) {
  for (const bool progressive : {false, true}) {
    ByteVector bytes = EncodeJpeg(Ramps(8, 8, 3), {.progressive = progressive});
    const std::size_t size = FrameHeader(bytes) + 5;
    for (const std::size_t i : {size, size + 2}) bytes[i] = 60000 >> 8, bytes[i + 1] = 60000 & 255;
    ExpectBombRefused(bytes);
  }
}

TEST(Jpeg, RefusesTooManyScans) {
  // The first scan, of the averages of the blocks, over and over: a few bytes each, and a pass over all coefficients.
  ByteVector bytes = EncodeJpeg(Ramps(64, 64, 1), {.colour = Colour::kGrey, .progressive = true});
  std::size_t begin = 0;
  while (!(bytes[begin] == 0xFF && bytes[begin + 1] == 0xDA)) ++begin;
  std::size_t end = begin + 2;
  while (!(bytes[end] == 0xFF && bytes[end + 1] != 0)) ++end;
  const ByteVector scan(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                        bytes.begin() + static_cast<std::ptrdiff_t>(end));
  bytes.resize(end);
  ByteVector few = bytes;
  few.insert(few.end(), {0xFF, 0xD9});
  ASSERT_EQ(DecodeCopy(few, few.size()).status, Status::kOk);
  for (int i = 0; i < 200; ++i) bytes.insert(bytes.end(), scan.begin(), scan.end());
  bytes.insert(bytes.end(), {0xFF, 0xD9});
  ExpectRefused(DecodeCopy(bytes, bytes.size()), Status::kUndecodable, "scans");
}

}  // namespace
}  // namespace prefiqs::image
