#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "image/decode_for_test.h"
#include "image/encode_for_test.h"

namespace prefiqs::image {
namespace {

using namespace std::string_literals;

ByteVector Grey(std::initializer_list<int> values) {
  ByteVector rgb;
  for (const int value : values) rgb.insert(rgb.end(), 3, static_cast<std::uint8_t>(value));
  return rgb;
}

ByteVector Rgb(const std::string& text) { return DecodeGood(ToBytes(text)).rgb; }

TEST(Pnm, DecodesPlainForms) {
  EXPECT_EQ(Rgb("P1\n3 2\n1 0 1\n010"), Grey({0, 255, 0, 255, 0, 255}));
  EXPECT_EQ(Rgb("P1 3 1 101"), Grey({0, 255, 0}));
  EXPECT_EQ(Rgb("P2\n2 2\n255\n0 1\n128 255\n"), Grey({0, 1, 128, 255}));
  EXPECT_EQ(Rgb("P3 1 2 255 1 2 3 4 5 6"), (ByteVector{1, 2, 3, 4, 5, 6}));
}

TEST(Pnm, DecodesRawForms) {
  // Rows of bits are padded to bytes.
  EXPECT_EQ(Rgb("P4\n3 2\n\xA0\x5F"), Grey({0, 255, 0, 255, 0, 255}));
  EXPECT_EQ(Rgb("P4 9 1\n\x01\x80"), Grey({255, 255, 255, 255, 255, 255, 255, 0, 0}));
  EXPECT_EQ(Rgb("P5\n2 2\n255\n\x00\x01\x80\xFF"s), Grey({0, 1, 128, 255}));
  EXPECT_EQ(Rgb("P6 1 2 255\n\x01\x02\x03\x04\x05\x06"), (ByteVector{1, 2, 3, 4, 5, 6}));
}

TEST(Pnm, DecodesPam) {
  const Samples samples = Ramps(5, 4, 4);
  ExpectClose(DecodeGood(EncodePnm(samples)), ToImage(samples), 0);
  const Samples with_alpha = Ramps(5, 4, 2);
  ExpectClose(DecodeGood(EncodePnm(with_alpha)), ToImage(with_alpha), 0);
  // In PAM 1 is white.
  EXPECT_EQ(Rgb("P7\nWIDTH 2\nHEIGHT 1\nDEPTH 1\nMAXVAL 1\nTUPLTYPE BLACKANDWHITE\nENDHDR\n\x00\x01"s), Grey({0, 255}));
}

TEST(Pnm, RoundsOtherMaxima) {
  EXPECT_EQ(Rgb("P5 8 1 65535\n\x00\x00\x00\x80\x00\x81\x01\x01\x01\x81\x01\x82\xFF\x7E\xFF\xFF"s),
            Grey({0, 0, 1, 1, 1, 2, 254, 255}));
  EXPECT_EQ(Rgb("P2 4 1 1000 0 1 2 1000"), Grey({0, 0, 1, 255}));
  EXPECT_EQ(Rgb("P2 3 1 2 0 1 2"), Grey({0, 128, 255}));
}

TEST(Pnm, PassesOverComments) {
  EXPECT_EQ(Rgb("P5 # made by hand\n#\n# 7 7\n2#width\n1\n#\r255\n\x01\x02"), Grey({1, 2}));
  EXPECT_EQ(Rgb("P2 2 1 255 1 # one\n 2"), Grey({1, 2}));
  // After the maximum one white space: # is a sample here.
  EXPECT_EQ(Rgb("P5 2 1 255\n# "), Grey({'#', ' '}));
}

TEST(Pnm, TakesTheFirstOfSeveralPictures) { EXPECT_EQ(Rgb("P5 1 1 255\n\x07P5 1 1 255\n\x09"), Grey({7})); }

TEST(Pnm, RefusesEveryTruncation) {
  for (const std::string& text :
       {"P1 3 1 1 0 1"s, "P2 2 1 9 1 2"s, "P3 1 1 9 1 2 3"s, "P4 9 2\n\x01\x80\x01\x80"s, "P5 2 1 9\n\x01\x02"s,
        "P6 1 1 999\n\x01\x02\x01\x02\x01\x02"s, "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 2\nMAXVAL 9\nENDHDR\n\x01\x02"s})
    ExpectTruncationsRefused(ToBytes(text));
}

TEST(Pnm, HandlesEveryCorruption) {
  for (const std::string& text : {"P1 3 1 1 0 1"s, "P3 1 1 9 1 2 3"s, "P4 9 2\n\x01\x80\x01\x80"s,
                                  "P7\nWIDTH 1\nHEIGHT 1\nDEPTH 2\nMAXVAL 9\nENDHDR\n\x01\x02"s})
    ExpectCorruptionsHandled(ToBytes(text));
}

TEST(Pnm, RefusesMalformedPictures) {
  for (const auto& [text, cause] :
       {std::pair("P5 0 1 255\n", "0x1"), std::pair("P5 1 1 0\n\x01", "maximum of 0"),
        std::pair("P5 1 1 65536\n\x01\x01", "maximum of 65536"), std::pair("P5 1 1 9\n\x0A", "above the maximum"),
        std::pair("P5 -1 1 9\n\x0A", "number should"), std::pair("P5 1 1 9x\x01", "white space"),
        std::pair("P1 1 1 2", "neither 0 nor 1"), std::pair("P5 1234567890 1 9\n", "too long"),
        std::pair("P7\nCOLOUR 3\nENDHDR\n", "unknown line"),
        std::pair("P7\nWIDTH 1\nHEIGHT 1\nDEPTH 5\nMAXVAL 9\nENDHDR\n12345", "5 channels"),
        std::pair("P7\nWIDTH 1\nHEIGHT 1\nMAXVAL 9\nENDHDR\n1", "0 channels")}) {
    SCOPED_TRACE(text);
    ExpectRefused(Image::decode(ToBytes(text)), Status::kUndecodable, cause);
  }
}

TEST(Pnm, RefusesBombs) {
  for (const std::string& text :
       {"P1 60000 60000 1"s, "P2 60000 60000 255 1"s, "P4 60000 60000\n"s, "P6 60000 60000 65535\n"s,
        "P5 999999999 999999999 255\n"s, "P7\nWIDTH 60000\nHEIGHT 60000\nDEPTH 4\nMAXVAL 65535\nENDHDR\n"s})
    ExpectBombRefused(ToBytes(text));
}

// Within the limits, but with far too few bytes: refused before the pixels are allocated.
TEST(Pnm, RefusesHeadersWithoutPixels) {
  const ByteVector bytes = ToBytes("P5 10000 9999 255\nabc");
  ExpectRefused(Image::decode(bytes), Status::kUndecodable, "truncated");
}

}  // namespace
}  // namespace prefiqs::image
