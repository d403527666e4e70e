#include "face/letterbox.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "face/scale.h"

namespace prefiqs::face {
namespace {

TEST(FillInput, ChannelsScalingAndPadding) {
  Image image{.width = 2, .height = 1, .rgb = {10, 20, 30, 40, 50, 60}};
  const Placement placement{.canvas = {4, 3}, .x = 1, .y = 2, .width = 2, .height = 1};
  for (const bool bgr : {false, true}) {
    std::vector<float> input(3 * 4 * 3, 99.0f);
    FillInput(image, placement, {.bgr = bgr, .mean = {1, 2, 3}, .scale = 0.5f}, input);
    std::vector<float> expected(input.size(), 0.0f);
    for (std::size_t c = 0; c < 3; ++c) {
      for (std::size_t x = 0; x < 2; ++x) {
        const float value = image.rgb[x * 3 + (bgr ? 2 - c : c)];
        expected[c * 12 + 2 * 4 + 1 + x] = (value - static_cast<float>(c + 1)) * 0.5f;
      }
    }
    EXPECT_EQ(input, expected) << bgr;
  }
}

// Where a bright spot of the picture comes to lie in the canvas, and whether ToPicture brings it back: ties our
// convention of coordinates to the one of the resize.
TEST(Letterbox, RoundTripOfASpot) {
  for (const int side : {120, 250, 480, 900}) {
    for (const Point spot : {Point{30.0f, 20.0f}, Point{71.0f, 55.0f}}) {
      Image image{.width = side, .height = side * 3 / 4, .rgb = {}};
      image.rgb.assign(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * 3, 0);
      const int radius = 9;
      for (int dy = -radius; dy <= radius; ++dy) {
        for (int dx = -radius; dx <= radius; ++dx) {
          const auto x = static_cast<std::size_t>(static_cast<int>(spot.x) + dx);
          const auto y = static_cast<std::size_t>(static_cast<int>(spot.y) + dy);
          image.rgb[(y * static_cast<std::size_t>(side) + x) * 3] = 255;
        }
      }
      const Placement placement = Place(image.width, image.height, {320, 320}, 320, true);
      std::vector<float> input(3 * 320 * 320);
      FillInput(image, placement, {}, input);
      double mass = 0, sum_x = 0, sum_y = 0;
      for (std::size_t i = 0; i < 320 * 320; ++i) {
        mass += input[i];
        sum_x += input[i] * (static_cast<double>(i % 320) + 0.5);  // corner convention of decoders
        sum_y += input[i] * (static_cast<double>(i / 320) + 0.5);
      }
      ASSERT_GT(mass, 0);
      Face face;
      face.box = {static_cast<float>(sum_x / mass), static_cast<float>(sum_y / mass), 10, 10};
      face.landmarks.fill({face.box.x, face.box.y});
      const Face back = ToPicture(face, placement, image.width, image.height);
      EXPECT_NEAR(back.box.x, spot.x, 0.05) << side;
      EXPECT_NEAR(back.box.y, spot.y, 0.05) << side;
      EXPECT_NEAR(back.landmarks[4].x, spot.x, 0.05) << side;
      EXPECT_NEAR(back.box.width, 10.0 * image.width / placement.width, 1e-3);
    }
  }
}

TEST(Place, KeepsTheShapeAndFits) {
  for (const auto& [width, height] : {std::pair{250, 250}, {1920, 1080}, {37, 43}, {3, 5000}, {100000, 1}, {1, 1}}) {
    for (const Canvas canvas : {Canvas{320, 320}, Canvas{640, 384}, Canvas{320, 240}}) {
      for (const int side : {160, 320, 640}) {
        const Placement placement = Place(width, height, canvas, side, true);
        EXPECT_GE(placement.width, 1);
        EXPECT_GE(placement.height, 1);
        EXPECT_GE(placement.x, 0);
        EXPECT_GE(placement.y, 0);
        EXPECT_LE(placement.x + placement.width, canvas.width);
        EXPECT_LE(placement.y + placement.height, canvas.height);
        EXPECT_LE(std::max(placement.width, placement.height), side);
        const double shrink =
            static_cast<double>(std::max(placement.width, placement.height)) / std::max(width, height);
        EXPECT_NEAR(placement.width, std::max(1.0, width * shrink), 0.6);
        EXPECT_NEAR(placement.height, std::max(1.0, height * shrink), 0.6);
      }
    }
  }
}

TEST(ScalesFor, OpenSize) {
  const SearchScales small = ScalesFor(250, 200, std::nullopt);
  EXPECT_EQ(small.coarse, (Placement{{320, 320}, 0, 0, 320, 256}));
  EXPECT_FALSE(small.fine);
  EXPECT_EQ(small.last_resort, (Placement{{320, 320}, 80, 96, 160, 128}));

  const SearchScales medium = ScalesFor(500, 400, std::nullopt);
  EXPECT_EQ(medium.coarse, (Placement{{320, 320}, 0, 0, 320, 256}));
  ASSERT_TRUE(medium.fine);  // never enlarged
  EXPECT_EQ(*medium.fine, (Placement{{640, 512}, 0, 0, 500, 400}));

  const SearchScales large = ScalesFor(3000, 4000, std::nullopt);
  ASSERT_TRUE(large.fine);
  EXPECT_EQ(*large.fine, (Placement{{512, 640}, 0, 0, 480, 640}));
}

TEST(ScalesFor, FixedSize) {
  EXPECT_FALSE(ScalesFor(3000, 4000, Canvas{320, 320}).fine);
  const SearchScales wide = ScalesFor(3000, 4000, Canvas{640, 640});
  EXPECT_EQ(wide.coarse, (Placement{{640, 640}, 0, 0, 240, 320}));
  ASSERT_TRUE(wide.fine);
  EXPECT_EQ(*wide.fine, (Placement{{640, 640}, 0, 0, 480, 640}));
  const SearchScales flat = ScalesFor(3000, 4000, Canvas{320, 240});
  EXPECT_EQ(flat.coarse, (Placement{{320, 240}, 0, 0, 180, 240}));
  EXPECT_FALSE(flat.fine);
}

TEST(ScalesFor, FewCanvases) {
  std::set<std::pair<int, int>> seen;
  for (int width = 1; width < 5000; width += 37) {
    for (int height = 1; height < 5000; height += 41) {
      const SearchScales scales = ScalesFor(width, height, std::nullopt);
      for (const Placement& placement : {scales.coarse, scales.fine.value_or(scales.coarse), scales.last_resort}) {
        seen.insert({placement.canvas.width, placement.canvas.height});
      }
    }
  }
  EXPECT_LE(seen.size(), std::size(kCanvases));
}

TEST(MergeScales, TakesEachFaceFromTheScaleOfItsSize) {
  auto at = [](float x, float side, float confidence) {
    return Face{.box = {x, 0, side, side}, .landmarks = {}, .confidence = confidence};
  };
  // A large face seen by both, a small one seen by both, and one of each alone.
  const std::vector<Face> coarse = {at(0, 200, 0.6f), at(300, 50, 0.9f), at(400, 50, 0.5f)};
  const std::vector<Face> fine = {at(2, 198, 0.9f), at(301, 50, 0.5f), at(500, 20, 0.7f)};
  const std::vector<Face> merged = MergeScales(coarse, fine, 128, 0.4f);
  ASSERT_EQ(merged.size(), 4u);
  EXPECT_EQ(merged[0].box, coarse[0].box);
  EXPECT_EQ(merged[1].box, fine[1].box);
  EXPECT_EQ(merged[2].box, fine[2].box);
  EXPECT_EQ(merged[3].box, coarse[2].box);
}

}  // namespace
}  // namespace prefiqs::face
