#include "score/crop_measures.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace prefiqs::score {
namespace {

Image Grey(int width, int height, const std::function<int(int, int)>& level) {
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) image.rgb.insert(image.rgb.end(), 3, static_cast<std::uint8_t>(level(x, y)));
  }
  return image;
}

TEST(CropMeasures, FlatIsUnsharpAndEvenlyLit) {
  const CropMeasures flat = MeasureCrop(Grey(112, 96, [](int, int) { return 90; }));
  EXPECT_EQ(flat.sharpness, 0);
  EXPECT_EQ(flat.uniformity, 1);
}

TEST(CropMeasures, ByHand) {
  // Of 10 × 10, columns and rows 2 to 7 count. One bright point in them: itself -40, its four neighbours 10.
  const CropMeasures point = MeasureCrop(Grey(10, 10, [](int x, int y) { return x == 4 && y == 4 ? 10 : 0; }));
  EXPECT_FLOAT_EQ(point.sharpness, (40 * 40 + 4 * 10 * 10) / 36.0f);
  EXPECT_FLOAT_EQ(point.uniformity, 17 / 18.0f);
  // A slope has no Laplacian; what lies at the border does not count.
  const CropMeasures slope = MeasureCrop(Grey(20, 20, [](int x, int y) { return y == 0 ? 255 : 10 * x; }));
  EXPECT_EQ(slope.sharpness, 0);
  EXPECT_EQ(slope.uniformity, 0);
}

TEST(CropMeasures, ChannelsAreWeighted) {
  const Image red{5, 5, [] {
                    std::vector<std::uint8_t> rgb(75, 0);
                    rgb[(2 * 5 + 2) * 3] = 255;  // 255 * 77 / 256 = 76
                    return rgb;
                  }()};
  EXPECT_FLOAT_EQ(MeasureCrop(red).sharpness, (16 + 4) * 76.0f * 76.0f / 9);
}

TEST(CropMeasures, BlurIsSeen) {
  const auto checks = [](int x, int y) { return (x / 4 + y / 4) % 2 ? 200 : 50; };
  const auto blurred = [&](int x, int y) {
    int sum = 0;
    for (int dy = -1; dy <= 1; ++dy) {
      for (int dx = -1; dx <= 1; ++dx) sum += checks(x + dx + 4, y + dy + 4);
    }
    return sum / 9;
  };
  EXPECT_GT(MeasureCrop(Grey(112, 112, checks)).sharpness, 2 * MeasureCrop(Grey(112, 112, blurred)).sharpness);
}

TEST(CropMeasures, TooSmallToTell) {
  for (const auto& [width, height] : {std::pair{4, 112}, std::pair{112, 4}, std::pair{0, 0}}) {
    const CropMeasures none = MeasureCrop(Grey(width, height, [](int, int) { return 1; }));
    EXPECT_TRUE(std::isnan(none.sharpness) && std::isnan(none.uniformity)) << width << "x" << height;
  }
}

}  // namespace
}  // namespace prefiqs::score
