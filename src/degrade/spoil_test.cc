#include "degrade/spoil.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iterator>

#include "degrade/picture_for_test.h"

namespace prefiqs::degrade {
namespace {

// Not square.
Image Picture() { return Striped(60, 84); }

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
