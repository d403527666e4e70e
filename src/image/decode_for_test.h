// What the tests of the decoders expect of pictures.
#ifndef PREFIQS_IMAGE_DECODE_FOR_TEST_H_
#define PREFIQS_IMAGE_DECODE_FOR_TEST_H_

#include <gtest/gtest.h>
#include <prefiqs/image.h>
#include <sys/resource.h>

#include <cstdlib>
#include <string>

#include "image/encode_for_test.h"

namespace prefiqs::image {

// Of a copy that is just as large, so that the address sanitizer sees a byte too many.
inline DecodedImage DecodeCopy(const ByteVector& bytes, std::size_t size, const ImageLimits& limits = {}) {
  const ByteVector part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  return Image::decode(part, limits);
}

inline Image DecodeGood(const ByteVector& bytes) {
  DecodedImage decoded = DecodeCopy(bytes, bytes.size());
  EXPECT_EQ(decoded.status, Status::kOk) << decoded.detail;
  EXPECT_EQ(decoded.detail, "");
  return std::move(decoded.image);
}

// What Image promises of every result.
inline void ExpectConsistent(const DecodedImage& decoded, const ImageLimits& limits = {}) {
  const Image& image = decoded.image;
  EXPECT_TRUE(decoded.status == Status::kOk || decoded.status == Status::kUndecodable ||
              decoded.status == Status::kTooLarge);
  if (decoded.status == Status::kOk) {
    EXPECT_TRUE(decoded.detail.empty() || decoded.detail.starts_with("the picture is nearly black") ||
                decoded.detail.starts_with("the JPEG has no end marker"))
        << decoded.detail;
  } else {
    EXPECT_NE(decoded.detail, "");
  }
  EXPECT_EQ(decoded.status == Status::kOk, !image.empty());
  EXPECT_EQ(image.rgb.size(), std::size_t{3} * static_cast<std::size_t>(image.width * image.height));
  EXPECT_LE(image.width * std::int64_t{image.height}, limits.max_pixels.value_or(ImageLimits::kMaxPixels));
}

// 8-bit samples spread to RGB as Image promises: grey to all three, alpha over black.
inline Image ToImage(const Samples& samples) {
  Image image{.width = samples.width, .height = samples.height, .rgb = {}};
  for (std::size_t i = 0; i < samples.values.size(); i += static_cast<std::size_t>(samples.channels)) {
    const std::uint16_t* pixel = &samples.values[i];
    const double alpha = samples.channels % 2 == 0 ? pixel[samples.channels - 1] / 255.0 : 1;
    for (int c = 0; c < 3; ++c)
      image.rgb.push_back(static_cast<std::uint8_t>(pixel[samples.channels <= 2 ? 0 : c] * alpha + 0.5));
  }
  return image;
}

inline void ExpectClose(const Image& image, const Image& expected, int tolerance) {
  ASSERT_EQ(image.width, expected.width);
  ASSERT_EQ(image.height, expected.height);
  ASSERT_EQ(image.rgb.size(), expected.rgb.size());
  for (std::size_t i = 0; i < image.rgb.size(); ++i)
    ASSERT_LE(std::abs(image.rgb[i] - expected.rgb[i]), tolerance)
        << "x " << i / 3 % static_cast<std::size_t>(image.width) << ", y "
        << i / 3 / static_cast<std::size_t>(image.width) << ", channel " << i % 3 << ": " << int{image.rgb[i]}
        << " instead of " << int{expected.rgb[i]};
}

inline void ExpectRefused(const DecodedImage& decoded, Status status, const std::string& part_of_detail = "") {
  EXPECT_EQ(decoded.status, status) << decoded.detail;
  EXPECT_TRUE(decoded.image.empty());
  EXPECT_EQ(decoded.image.width, 0);
  EXPECT_NE(decoded.detail, "");
  EXPECT_NE(decoded.detail.find(part_of_detail), std::string::npos) << decoded.detail;
  EXPECT_EQ(decoded.detail.find('\n'), std::string::npos);
}

// `spare`: last bytes without which the picture is still whole.
inline void ExpectTruncationsRefused(const ByteVector& bytes, std::size_t spare = 0) {
  ASSERT_EQ(DecodeCopy(bytes, bytes.size()).status, Status::kOk);
  for (std::size_t size = 0; size + spare < bytes.size(); ++size) {
    SCOPED_TRACE(size);
    ExpectRefused(DecodeCopy(bytes, size), Status::kUndecodable);
  }
}

// Every byte spoilt in a few ways: any outcome is fine but one that Image does not promise.
inline void ExpectCorruptionsHandled(const ByteVector& bytes) {
  const ImageLimits limits{.max_file_bytes = std::size_t{1} << 20, .max_pixels = 1 << 16};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int flip : {0x01, 0x80, 0xFF}) {
      SCOPED_TRACE(::testing::Message() << "byte " << i << " ^ " << flip);
      ByteVector spoilt = bytes;
      spoilt[i] ^= static_cast<std::uint8_t>(flip);
      ExpectConsistent(DecodeCopy(spoilt, spoilt.size(), limits), limits);
    }
  }
}

// A few bytes that claim to be huge: refused, and nothing was allocated for the claim.
inline void ExpectBombRefused(const ByteVector& bytes) {
  const auto peak_kilobytes = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
  };
  const long before = peak_kilobytes();
  ExpectRefused(DecodeCopy(bytes, bytes.size()), Status::kTooLarge, "limit");
  constexpr long kNothing = 8 << 10;
  EXPECT_LT(peak_kilobytes() - before, kNothing);
}

}  // namespace prefiqs::image

#endif  // PREFIQS_IMAGE_DECODE_FOR_TEST_H_
