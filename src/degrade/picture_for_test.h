// A picture that every way of making worse has something to take from, and how far two are apart.
#ifndef PREFIQS_DEGRADE_PICTURE_FOR_TEST_H_
#define PREFIQS_DEGRADE_PICTURE_FOR_TEST_H_

#include <cmath>
#include <cstdint>

#include <gtest/gtest.h>
#include <prefiqs/image.h>

namespace prefiqs::degrade {

// Smooth with fine stripes.
inline Image Striped(int width, int height) {
  Image picture{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double wave = std::sin(x * 0.05) + std::cos(y * 0.07) + ((x + 2 * y) % 7 == 0 ? 0.6 : 0);
      for (int c = 0; c < 3; ++c) picture.rgb.push_back(static_cast<std::uint8_t>(120 + 35 * wave + 8 * c));
    }
  }
  return picture;
}

// Root of the mean square over all values.
inline double Distance(const Image& a, const Image& b) {
  EXPECT_EQ(a.rgb.size(), b.rgb.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.rgb.size(); ++i) sum += std::pow(a.rgb[i] - b.rgb[i], 2);
  return std::sqrt(sum / static_cast<double>(a.rgb.size()));
}

}  // namespace prefiqs::degrade

#endif  // PREFIQS_DEGRADE_PICTURE_FOR_TEST_H_
