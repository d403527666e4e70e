#include "image/encode.h"

#include <gtest/gtest.h>

#include "image/decode_for_test.h"

namespace prefiqs::image {
namespace {

TEST(ToJpeg, ComesBackCloseAndSmallerWhenWorse) {
  const Image picture = ToImage(Ramps(61, 47, 3));
  const std::vector<std::uint8_t> good = ToJpeg(picture, 95), bad = ToJpeg(picture, 5);
  ExpectClose(DecodeGood(good), picture, 12);
  EXPECT_LT(bad.size(), good.size());
  EXPECT_EQ(ToJpeg(picture, 95), good);
}

TEST(ToJpeg, OnePixel) {
  const Image picture{1, 1, {200, 200, 200}};
  ExpectClose(DecodeGood(ToJpeg(picture, 90)), picture, 3);
}

}  // namespace
}  // namespace prefiqs::image
