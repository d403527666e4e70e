#include "align/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <opencv2/imgproc.hpp>
#include <tuple>
#include <utility>
#include <vector>

#include "align/picture_for_test.h"

namespace prefiqs::align {
namespace {

// One axis of what the header says, in floating point: the share of each source pixel in target pixel i.
std::vector<double> Shares(int from, int to, int i) {
  std::vector<double> shares(static_cast<std::size_t>(from), 0.0);
  const double step = static_cast<double>(from) / to;
  if (from > to) {
    for (int k = 0; k < from; ++k) {
      const double overlap = std::min((i + 1) * step, k + 1.0) - std::max(i * step, static_cast<double>(k));
      shares[static_cast<std::size_t>(k)] = std::max(0.0, overlap) / step;
    }
  } else {
    const double at = std::clamp((i + 0.5) * step - 0.5, 0.0, from - 1.0);
    const auto left = static_cast<std::size_t>(at);
    shares[left] = 1 - (at - static_cast<double>(left));
    if (left + 1 < shares.size()) shares[left + 1] = at - static_cast<double>(left);
  }
  return shares;
}

double Expected(const Image& picture, int width, int height, int x, int y, std::size_t channel) {
  const std::vector<double> across = Shares(picture.width, width, x), down = Shares(picture.height, height, y);
  double sum = 0;
  for (std::size_t row = 0; row < down.size(); ++row) {
    if (down[row] == 0) continue;
    for (std::size_t column = 0; column < across.size(); ++column)
      sum += down[row] * across[column] * picture.rgb[(row * across.size() + column) * 3 + channel];
  }
  return sum;
}

constexpr std::pair<int, int> kSizes[] = {{1, 1}, {2, 3}, {7, 5}, {16, 16}, {31, 17}, {64, 9}, {112, 96}};

TEST(Resize, AveragesAreasAndInterpolatesLinearly) {
  for (const auto& [from_width, from_height] : kSizes) {
    const Image picture = Noise(from_width, from_height, 1);
    for (const auto& [width, height] : kSizes) {
      const Image resized = Resize(picture, width, height);
      ASSERT_EQ(resized.width, width);
      ASSERT_EQ(resized.height, height);
      ASSERT_EQ(resized.rgb.size(), static_cast<std::size_t>(width * height * 3));
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          for (std::size_t c = 0; c < 3; ++c) {
            const int value = resized.rgb[static_cast<std::size_t>(y * width + x) * 3 + c];
            // Half a step of rounding; weights of 14 bits and sums of 8 more add little.
            ASSERT_NEAR(value, Expected(picture, width, height, x, y, c), 0.55)
                << from_width << "x" << from_height << " to " << width << "x" << height << " at " << x << ", " << y;
          }
        }
      }
    }
  }
}

TEST(Resize, AgreesWithOpenCv) {
  const Image picture = Noise(250, 200, 2);
  for (const auto& [width, height, method] :
       {std::tuple(125, 100, cv::INTER_AREA), std::tuple(112, 96, cv::INTER_AREA),
        std::tuple(500, 400, cv::INTER_LINEAR), std::tuple(333, 251, cv::INTER_LINEAR)}) {
    cv::Mat expected;
    cv::resize(ToMat(picture), expected, {width, height}, 0, 0, method);
    EXPECT_LE(LargestDifference(Resize(picture, width, height), FromMat(expected)), 1) << width << "x" << height;
  }
}

TEST(Resize, LeavesPicturesOfTheRightSize) {
  const Image picture = Noise(31, 17, 3);
  EXPECT_EQ(LargestDifference(Resize(picture, 31, 17), picture), 0);
}

TEST(Resize, KeepsEveryValueOfEvenPictures) {
  for (int value = 0; value < 256; ++value) {
    Image picture{.width = 5, .height = 3, .rgb = std::vector<std::uint8_t>(45, static_cast<std::uint8_t>(value))};
    for (const auto& [width, height] : {std::pair(3, 2), std::pair(11, 7), std::pair(4, 9)}) {
      const Image resized = Resize(picture, width, height);
      EXPECT_EQ(std::count(resized.rgb.begin(), resized.rgb.end(), value),
                static_cast<std::ptrdiff_t>(resized.rgb.size()));
    }
  }
}

TEST(Resize, KeepsCentresWhereTheyAre) {
  // Mirrored pictures give mirrored pictures.
  const Image picture = Noise(37, 1, 4);
  Image mirrored = picture;
  for (int x = 0; x < 37; ++x)
    std::copy_n(&picture.rgb[static_cast<std::size_t>(3 * (36 - x))], 3,
                &mirrored.rgb[static_cast<std::size_t>(3 * x)]);
  for (const int width : {10, 18, 36, 74, 100}) {
    const Image a = Resize(picture, width, 1), b = Resize(mirrored, width, 1);
    for (int x = 0; x < width; ++x)
      EXPECT_NEAR(a.rgb[static_cast<std::size_t>(3 * x)], b.rgb[static_cast<std::size_t>(3 * (width - 1 - x))], 1);
  }
}

TEST(Resize, TakesExtremeShapes) {
  for (const auto& [from_width, from_height, width, height] : {std::array{20'000, 1, 1, 1}, std::array{1, 20'000, 7, 3},
                                                               std::array{1, 1, 300, 200}, std::array{3, 2, 1, 999}}) {
    const Image resized = Resize(Noise(from_width, from_height, 5), width, height);
    EXPECT_EQ(resized.rgb.size(), static_cast<std::size_t>(width * height * 3));
  }
  Image line = Noise(20'000, 1, 5);
  double sum = 0;
  for (std::size_t i = 0; i < line.rgb.size(); i += 3) sum += line.rgb[i];
  EXPECT_NEAR(Resize(line, 1, 1).rgb[0], sum / 20'000, 1);
}

}  // namespace
}  // namespace prefiqs::align
