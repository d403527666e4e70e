// Pictures of 16 bits a sample whose samples have fewer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/image.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "image/encode_for_test.h"

namespace prefiqs::image {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The same picture in all formats that hold 16 bits. `channels`: 1 to 4.
std::vector<ByteVector> InAllFormats(const Samples& samples) {
  std::vector<ByteVector> files{EncodePng(samples, {.depth = 16}),
                                EncodePng(samples, {.depth = 16, .interlaced = true}), EncodePnm(samples, 65535)};
  const auto colour = samples.channels <= 2 ? Jpeg2000Options::Colour::kGrey : Jpeg2000Options::Colour::kRgb;
  files.push_back(EncodeJpeg2000(samples, {.colour = colour, .depth = 16}));
  files.push_back(EncodeJpeg2000(samples, {.codestream = true, .colour = colour, .depth = 16}));
  return files;
}

// All samples are 0, but for one in the middle; the last channel of 2 and 4 is full opacity.
Samples Dark(int channels, std::uint16_t largest) {
  Samples samples{9, 7, channels, std::vector<std::uint16_t>(static_cast<std::size_t>(9 * 7 * channels))};
  if (channels % 2 == 0) {
    for (std::size_t i = static_cast<std::size_t>(channels) - 1; i < samples.values.size();
         i += static_cast<std::size_t>(channels)) {
      samples.values[i] = 65535;
    }
  }
  samples.values[static_cast<std::size_t>((3 * 9 + 4) * channels)] = largest;
  return samples;
}

std::string DetailOf(const ByteVector& bytes) {
  const DecodedImage decoded = Image::decode(bytes);
  EXPECT_EQ(decoded.status, Status::kOk) << decoded.detail;
  EXPECT_EQ(decoded.image.width, 9);
  return decoded.detail;
}

TEST(DarkPictures, AreNamed) {
  for (const int channels : {1, 2, 3, 4}) {
    for (const ByteVector& bytes : InAllFormats(Dark(channels, 4095))) {
      EXPECT_THAT(DetailOf(bytes), AllOf(HasSubstr("nearly black"), HasSubstr("4095 of 65535"), HasSubstr("12 bits")));
    }
    for (const ByteVector& bytes : InAllFormats(Dark(channels, 1000))) {
      EXPECT_THAT(DetailOf(bytes), AllOf(HasSubstr("1000 of 65535"), HasSubstr("10 bits")));
    }
    for (const ByteVector& bytes : InAllFormats(Dark(channels, 1))) EXPECT_THAT(DetailOf(bytes), HasSubstr("8 bits"));
  }
}

TEST(DarkPictures, AreNotWhatIsBrightOrBlackOrOf8Bits) {
  for (const int channels : {1, 2, 3, 4}) {
    for (const std::uint16_t largest : {std::uint16_t{4096}, std::uint16_t{65535}, std::uint16_t{0}}) {
      for (const ByteVector& bytes : InAllFormats(Dark(channels, largest))) EXPECT_EQ(DetailOf(bytes), "") << largest;
    }
  }
  const Samples dark = Dark(3, 1);
  EXPECT_EQ(DetailOf(EncodePng(dark)), "");
  EXPECT_EQ(DetailOf(EncodePnm(dark)), "");
  EXPECT_EQ(DetailOf(EncodePnm(Dark(1, 4000), 4095)), "");  // the file says that it has 12 bits, and is scaled
}

// Chroma lies about the middle of its range, however dark the picture is.
TEST(DarkPictures, OfLumaAndChromaToo) {
  Samples samples = Dark(3, 3000);
  for (std::size_t i = 0; i < samples.values.size(); i += 3) samples.values[i + 1] = samples.values[i + 2] = 32768;
  EXPECT_THAT(DetailOf(EncodeJpeg2000(samples, {.colour = Jpeg2000Options::Colour::kYcc, .depth = 16})),
              HasSubstr("3000 of 65535"));
}

}  // namespace
}  // namespace prefiqs::image
