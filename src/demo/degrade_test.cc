#include "demo/degrade.h"

#include <gtest/gtest.h>

#include <cmath>

#include "degrade/picture_for_test.h"

namespace prefiqs::demo {
namespace {

using degrade::Distance;

Image TestTile() { return degrade::Striped(kTileSide, kTileSide); }

TEST(Degrade, NothingIsTheCentre) {
  const Image tile = TestTile();
  for (const DegradationSeries& series : kSeries) {
    const Image crop = Degrade(tile, series.kind, 0);
    ASSERT_EQ(crop.width, kCropSide);
    ASSERT_EQ(crop.height, kCropSide);
    for (int y = 0; y < kCropSide; ++y) {
      for (int x = 0; x < kCropSide * 3; ++x) {
        ASSERT_EQ(crop.rgb[static_cast<std::size_t>(y * kCropSide * 3 + x)],
                  tile.rgb[static_cast<std::size_t>((y + kTileMargin) * kTileSide * 3 + kTileMargin * 3 + x)]);
      }
    }
  }
}

TEST(Degrade, EveryStepTakesAwayAndRepeatsItself) {
  const Image tile = TestTile();
  for (const DegradationSeries& series : kSeries) {
    const Image sharp = Degrade(tile, series.kind, 0);
    double before = 0;
    for (const double strength : series.strengths) {
      const Image crop = Degrade(tile, series.kind, strength);
      EXPECT_EQ(crop.rgb, Degrade(tile, series.kind, strength).rgb) << series.name;
      const double distance = Distance(crop, sharp);
      // A stripe pattern turned or moved far enough comes back to itself somewhere.
      const bool moved = series.kind == Degradation::kRoll || series.kind == Degradation::kShift;
      EXPECT_GT(distance, moved ? 1 : before) << series.name << " " << strength;
      before = distance;
    }
  }
}

TEST(Degrade, StrengthsAreWhatTheySay) {
  const Image tile = TestTile();
  const Image sharp = Degrade(tile, Degradation::kNoise, 0);
  EXPECT_NEAR(Distance(Degrade(tile, Degradation::kNoise, 10), sharp), 10, 0.3);
  const Image dark = Degrade(tile, Degradation::kDark, 2), bright = Degrade(tile, Degradation::kOverexposed, 3);
  for (std::size_t i = 0; i < sharp.rgb.size(); ++i) {
    ASSERT_NEAR(dark.rgb[i], sharp.rgb[i] / 4.0, 0.51);
    ASSERT_EQ(bright.rgb[i], std::min(sharp.rgb[i] * 8, 255));
  }
  const Image covered = Degrade(tile, Degradation::kOcclusion, 0.25);
  const auto row = [](const Image& image, int y) { return &image.rgb[static_cast<std::size_t>(y * kCropSide * 3)]; };
  EXPECT_EQ(*row(covered, 84), 128);
  EXPECT_EQ(*row(covered, 83), *row(sharp, 83));
  const Image shifted = Degrade(tile, Degradation::kShift, 6);
  for (int x = 6; x < kCropSide; ++x) ASSERT_EQ(row(shifted, 40)[x * 3], row(sharp, 40)[(x - 6) * 3]);
}

// A quarter turn takes what lies above the centre to its right, as on a screen.
TEST(Degrade, RollTurnsClockwise) {
  Image tile{kTileSide, kTileSide, std::vector<std::uint8_t>(kTileSide * kTileSide * 3)};
  const int spot = kTileMargin + 10;
  for (int dy = 0; dy < 2; ++dy) {
    for (int dx = 0; dx < 2; ++dx) {
      const auto at = static_cast<std::size_t>((spot + dy) * kTileSide + kTileSide / 2 - 1 + dx) * 3;
      tile.rgb[at] = 255;
    }
  }
  const Image turned = Degrade(tile, Degradation::kRoll, 90);
  EXPECT_GT(turned.rgb[static_cast<std::size_t>((kCropSide / 2) * kCropSide + kCropSide - 11) * 3], 200);
}

}  // namespace
}  // namespace prefiqs::demo
