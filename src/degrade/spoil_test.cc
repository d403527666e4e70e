#include "degrade/spoil.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iterator>

namespace prefiqs::degrade {
namespace {

// Smooth with fine stripes, so that every way has something to take; not square.
Image Picture() {
  Image picture{60, 84, {}};
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      const double wave = std::sin(x * 0.05) + std::cos(y * 0.07) + ((x + 2 * y) % 7 == 0 ? 0.6 : 0);
      for (int c = 0; c < 3; ++c) picture.rgb.push_back(static_cast<std::uint8_t>(120 + 35 * wave + 8 * c));
    }
  }
  return picture;
}

double Distance(const Image& a, const Image& b) {
  EXPECT_EQ(a.rgb.size(), b.rgb.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::pow(a.rgb[i] - b.rgb[i], 2);
  return std::sqrt(sum / static_cast<double>(a.rgb.size()));
}

TEST(Spoil, EveryWayTakesMoreTheStrongerItIs) {
  const struct {
    Way way;
    double mild, strong;
  } ways[]{{Way::kBlur, 1, 3}, {Way::kDownscale, 1.5, 4},   {Way::kNoise, 10, 35},        {Way::kJpeg, 60, 90},
           {Way::kDark, 1, 3}, {Way::kOverexposed, 0.5, 2}, {Way::kOcclusion, 0.15, 0.45}};
  const Image picture = Picture();
  for (const auto& [way, mild, strong] : ways) {
    const Image worse = Spoil(picture, way, mild);
    EXPECT_EQ(worse.width, picture.width);
    EXPECT_EQ(worse.height, picture.height);
    EXPECT_GT(Distance(worse, picture), 1) << static_cast<int>(way);
    EXPECT_GT(Distance(Spoil(picture, way, strong), picture), Distance(worse, picture)) << static_cast<int>(way);
    EXPECT_EQ(worse.rgb, Spoil(picture, way, mild).rgb);
  }
}

TEST(Spoil, NoiseIsTheSeeds) {
  const Image picture = Picture();
  const Image one = Spoil(picture, Way::kNoise, 10, 1), other = Spoil(picture, Way::kNoise, 10, 2);
  EXPECT_NEAR(Distance(one, picture), 10, 0.4);
  EXPECT_GT(Distance(one, other), 12);
}

TEST(Spoil, CoversFromBelow) {
  const Image picture = Picture(), covered = Spoil(picture, Way::kOcclusion, 0.25);
  const std::size_t row = 60 * 3;
  EXPECT_EQ(covered.rgb[63 * row], 128);
  EXPECT_EQ(covered.rgb.back(), 128);
  EXPECT_TRUE(std::equal(picture.rgb.begin(), picture.rgb.begin() + 63 * row, covered.rgb.begin()));
}

TEST(Spoil, MirroredTwiceIsThePicture) {
  const Image picture = Picture(), mirrored = Mirrored(picture);
  EXPECT_EQ(Mirrored(mirrored).rgb, picture.rgb);
  for (std::size_t y = 0; y < 84; ++y) {
    for (std::size_t c = 0; c < 3; ++c) {
      ASSERT_EQ(mirrored.rgb[(y * 60 + 7) * 3 + c], picture.rgb[(y * 60 + 52) * 3 + c]);
    }
  }
}

}  // namespace
}  // namespace prefiqs::degrade
