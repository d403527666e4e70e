#include "align/align.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <random>
#include <utility>
#include <vector>

#include "align/picture_for_test.h"
#include "align/resize.h"

namespace prefiqs::align {
namespace {

std::array<double, 2> Apply(const Transform& transform, double x, double y) {
  return {transform[0][0] * x + transform[0][1] * y + transform[0][2],
          transform[1][0] * x + transform[1][1] * y + transform[1][2]};
}

Landmarks Moved(const Landmarks& points, const Transform& transform) {
  Landmarks moved;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const auto [x, y] = Apply(transform, points[i].x, points[i].y);
    moved[i] = {static_cast<float>(x), static_cast<float>(y)};
  }
  return moved;
}

Transform Similarity(double scale, double angle, double x, double y) {
  return {
      {{scale * std::cos(angle), -scale * std::sin(angle), x}, {scale * std::sin(angle), scale * std::cos(angle), y}}};
}

// First of all tests, before OpenCV itself has started threads.
TEST(Warp, StartsNoThreads) {
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
  };
  const auto before = threads();
  Warp(Noise(640, 480, 1), Similarity(0.9, 0.1, 3, 4), 1024, 1024);
  EXPECT_EQ(threads(), before);
}

TEST(Template, IsArcFacesFor112x112) {
  const Landmarks points = Template(112, 112);
  const double expected[5][2] = {
      {38.2946, 51.6963}, {73.5318, 51.5014}, {56.0252, 71.7366}, {41.5493, 92.3655}, {70.7299, 92.2041}};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(points[i].x, expected[i][0], 1e-5);
    EXPECT_NEAR(points[i].y, expected[i][1], 1e-5);
  }
}

// Left eye and right mouth corner by hand: of 112 as published, (38.2946, 51.6963) and (70.7299, 92.2041).
TEST(Template, IsInsightFacesForItsSizes) {
  struct Case {
    int width, height;
    double eye_x, eye_y, mouth_x, mouth_y;
  };
  for (const Case& c : {Case{112, 112, 38.2946, 51.6963, 70.7299, 92.2041},
                        Case{128, 128, 46.2946, 51.6963, 78.7299, 92.2041},            // times 1, 8 to the right
                        Case{224, 224, 76.5892, 103.3926, 141.4598, 184.4082},         // times 2
                        Case{256, 256, 92.5892, 103.3926, 157.4598, 184.4082},         // times 2, 16 to the right
                        Case{160, 160, 54.706571, 73.851857, 101.042714, 131.720143},  // neither: times 160/112
                        Case{96, 112, 30.2946, 51.6963, 62.7299, 92.2041},  // not square: 8 columns less at each side
                        Case{128, 256, 23.530514, 118.162971, 97.668343, 210.752229},  // not square: times 256/112
                        Case{896, 896, 306.3568, 413.5704, 565.8392, 737.6328}}) {     // of both kinds: times 8
    const Landmarks points = Template(c.width, c.height);
    EXPECT_NEAR(points[0].x, c.eye_x, 2e-4) << c.width << "x" << c.height;
    EXPECT_NEAR(points[0].y, c.eye_y, 2e-4) << c.width << "x" << c.height;
    EXPECT_NEAR(points[4].x, c.mouth_x, 2e-4) << c.width << "x" << c.height;
    EXPECT_NEAR(points[4].y, c.mouth_y, 2e-4) << c.width << "x" << c.height;
  }
}

TEST(Template, ScaledIsByTheHeightWhateverTheSize) {
  for (const auto& [width, height] :
       {std::pair(96, 112), std::pair(224, 224), std::pair(192, 224), std::pair(64, 64), std::pair(160, 112),
        std::pair(128, 160), std::pair(128, 128), std::pair(256, 256)}) {
    const Landmarks points = Template(width, height, CropTemplate::kScaled), square = Template(112, 112);
    const double scale = height / 112.0, left = (width - height) / 2.0;
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_NEAR(points[i].x, square[i].x * scale + left, 1e-4) << width << "x" << height;
      EXPECT_NEAR(points[i].y, square[i].y * scale, 1e-4) << width << "x" << height;
    }
  }
}

// The unknowns a, b, x, y of (a -b x; b a y) from the normal equations of all ten coordinates, by elimination.
Transform LeastSquares(const Landmarks& from, const Landmarks& to) {
  double system[4][5] = {};
  const auto add = [&](const std::array<double, 4>& row, double right) {
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = 0; j < 4; ++j) system[i][j] += row[i] * row[j];
      system[i][4] += row[i] * right;
    }
  };
  for (std::size_t i = 0; i < from.size(); ++i) {
    const double x = from[i].x, y = from[i].y;
    add({x, -y, 1, 0}, to[i].x);
    add({y, x, 0, 1}, to[i].y);
  }
  for (std::size_t column = 0; column < 4; ++column) {
    std::size_t pivot = column;
    for (std::size_t i = column; i < 4; ++i) {
      if (std::abs(system[i][column]) > std::abs(system[pivot][column])) pivot = i;
    }
    std::swap(system[column], system[pivot]);
    for (std::size_t i = 0; i < 4; ++i) {
      if (i == column) continue;
      const double factor = system[i][column] / system[column][column];
      for (std::size_t j = column; j < 5; ++j) system[i][j] -= factor * system[column][j];
    }
  }
  const auto unknown = [&](std::size_t i) { return system[i][4] / system[i][i]; };
  return {{{unknown(0), -unknown(1), unknown(2)}, {unknown(1), unknown(0), unknown(3)}}};
}

double Residual(const Landmarks& from, const Landmarks& to, const Transform& transform) {
  double sum = 0;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto [x, y] = Apply(transform, from[i].x, from[i].y);
    sum += (x - to[i].x) * (x - to[i].x) + (y - to[i].y) * (y - to[i].y);
  }
  return sum;
}

TEST(FitSimilarity, IsTheLeastSquaresSolution) {
  std::mt19937 random(7);
  for (int trial = 0; trial < 1000; ++trial) {
    std::uniform_real_distribution<float> place(-200, 4000), size(20, 1000);
    const float x = place(random), y = place(random), extent = size(random);
    std::uniform_real_distribution<float> within(0, extent);
    Landmarks points;
    for (Point& point : points) point = {x + within(random), y + within(random)};
    const Landmarks target = Template(112, 112);
    const auto fit = FitSimilarity(points, target);
    ASSERT_TRUE(fit.has_value());
    const Transform expected = LeastSquares(points, target);
    for (const Point& corner :
         {Point{x, y}, Point{x + extent, y}, Point{x, y + extent}, Point{x + extent, y + extent}}) {
      const auto [column, row] = Apply(*fit, corner.x, corner.y);
      const auto [expected_column, expected_row] = Apply(expected, corner.x, corner.y);
      ASSERT_LE(std::hypot(column - expected_column, row - expected_row), 1e-3) << "trial " << trial;
    }
    // Nor is there a better one beside it.
    const double least = Residual(points, target, *fit);
    for (const double change : {-1e-3, 1e-3}) {
      for (const auto& [turn, grow, across, down] : std::initializer_list<std::array<double, 4>>{
               {change, 0, 0, 0}, {0, change, 0, 0}, {0, 0, change, 0}, {0, 0, 0, change}}) {
        Transform other = *fit;
        other[0][0] += grow, other[1][1] += grow, other[0][1] -= turn, other[1][0] += turn;
        other[0][2] += across, other[1][2] += down;
        ASSERT_GT(Residual(points, target, other), least);
      }
    }
  }
}

TEST(FitSimilarity, RecoversExactSimilarities) {
  std::mt19937 random(8);
  std::uniform_real_distribution<double> angle(-3.14, 3.14), log_scale(-2, 2), shift(-500, 500);
  const Landmarks from = Template(112, 112);
  for (int trial = 0; trial < 1000; ++trial) {
    const Transform truth = Similarity(std::exp(log_scale(random)), angle(random), shift(random), shift(random));
    const auto fit = FitSimilarity(from, Moved(from, truth));
    ASSERT_TRUE(fit.has_value());
    for (const Point& corner : {Point{0, 0}, Point{112, 0}, Point{0, 112}, Point{112, 112}}) {
      const auto [x, y] = Apply(*fit, corner.x, corner.y);
      const auto [true_x, true_y] = Apply(truth, corner.x, corner.y);
      // Floats of up to 1500 are given to 1e-4.
      ASSERT_LE(std::hypot(x - true_x, y - true_y), 2e-4) << "trial " << trial;
    }
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 2; ++j) ASSERT_NEAR((*fit)[i][j], truth[i][j], 1e-5);
    }
  }
}

TEST(FitSimilarity, NeverReflects) {
  std::mt19937 random(9);
  std::uniform_real_distribution<double> angle(-3.14, 3.14);
  const Landmarks target = Template(112, 112);
  for (int trial = 0; trial < 100; ++trial) {
    Landmarks mirrored = Moved(target, Similarity(2, angle(random), 300, 200));
    for (Point& point : mirrored) point.x = 640 - point.x;
    const auto fit = FitSimilarity(mirrored, target);
    ASSERT_TRUE(fit.has_value());
    const Transform& t = *fit;
    EXPECT_GT(t[0][0] * t[1][1] - t[0][1] * t[1][0], 0);
    EXPECT_EQ(t[0][0], t[1][1]);
    EXPECT_EQ(t[0][1], -t[1][0]);
    const Transform expected = LeastSquares(mirrored, target);
    for (int i = 0; i < 2; ++i) {
      for (int j = 0; j < 2; ++j) EXPECT_NEAR(t[i][j], expected[i][j], 1e-6);
    }
  }
}

TEST(FitSimilarity, IsEmptyForLandmarksThatCoincideOrAreNotFinite) {
  const Landmarks target = Template(112, 112);
  Landmarks same;
  same.fill({123.4f, 56.7f});
  EXPECT_FALSE(FitSimilarity(same, target).has_value());
  EXPECT_FALSE(FitSimilarity(target, same).has_value());
  EXPECT_FALSE(AlignFace(Noise(8, 8, 1), same, 112, 112).has_value());
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kMax = std::numeric_limits<float>::max();
  for (const float bad : {std::nanf(""), kInfinity, -kInfinity}) {
    for (std::size_t i = 0; i < 5; ++i) {
      Landmarks points = target;
      points[i].x = bad;
      EXPECT_FALSE(FitSimilarity(points, target).has_value());
      points = target;
      points[i].y = bad;
      EXPECT_FALSE(FitSimilarity(points, target).has_value());
      EXPECT_FALSE(FitSimilarity(target, points).has_value());
    }
  }
  Landmarks far = target;
  far[0] = {kMax, -kMax};  // so small a scale that nothing of a face is left
  EXPECT_FALSE(FitSimilarity(far, target).has_value());
}

TEST(FitSimilarity, TakesLandmarksOnALine) {
  const Landmarks target = Template(112, 112);
  Landmarks line;
  for (std::size_t i = 0; i < 5; ++i) line[i] = {100 + 10 * static_cast<float>(i), 200 + 5 * static_cast<float>(i)};
  const auto fit = FitSimilarity(line, target);
  ASSERT_TRUE(fit.has_value());
  const Transform expected = LeastSquares(line, target);
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 3; ++j) EXPECT_NEAR((*fit)[i][j], expected[i][j], 1e-6);
  }
}

Image WarpByOpenCv(const Image& picture, const Transform& transform, int width, int height) {
  const cv::Matx23d matrix(transform[0][0], transform[0][1], transform[0][2], transform[1][0], transform[1][1],
                           transform[1][2]);
  cv::Mat crop;
  cv::warpAffine(ToMat(picture), crop, matrix, {width, height}, cv::INTER_LINEAR, cv::BORDER_CONSTANT, cv::Scalar(0));
  return FromMat(crop);
}

TEST(Warp, IsWarpAffineBitForBit) {
  std::mt19937 random(10);
  std::uniform_real_distribution<double> angle(-3.14, 3.14), log_scale(-2, 1), shift(-100, 150);
  for (const auto& [width, height] :
       {std::pair(112, 112), std::pair(96, 112), std::pair(160, 160), std::pair(256, 256)}) {
    for (int trial = 0; trial < 20; ++trial) {
      const Image picture = Noise(50 + 37 * trial, 300 - 11 * trial, static_cast<unsigned>(trial));
      const Transform transform = Similarity(std::exp(log_scale(random)), angle(random), shift(random), shift(random));
      EXPECT_EQ(
          LargestDifference(Warp(picture, transform, width, height), WarpByOpenCv(picture, transform, width, height)),
          0)
          << width << "x" << height << ", trial " << trial;
    }
  }
}

// Beyond 256x256 the crop is made in stripes, whose first rows are added to the shift: a rounding of another kind, so
// that a source position may fall on the other side of a thousandth of a pixel.
TEST(Warp, IsWarpAffineInLargeCropsButForRounding) {
  const Image picture = Noise(500, 400, 3);
  const Transform transform = Similarity(2.1, 0.3, 20, -30);
  const Image crop = Warp(picture, transform, 1000, 700), expected = WarpByOpenCv(picture, transform, 1000, 700);
  std::size_t different = 0;
  for (std::size_t i = 0; i < crop.rgb.size(); ++i) different += crop.rgb[i] != expected.rgb[i] ? 1 : 0;
  EXPECT_LE(different, crop.rgb.size() / 1000);
  EXPECT_LE(LargestDifference(crop, expected), 8);  // a 32nd of a pixel of noise
}

TEST(Warp, FillsWithBlackBeyondTheBorder) {
  Image white = Noise(10, 10, 1);
  std::fill(white.rgb.begin(), white.rgb.end(), std::uint8_t{255});
  const Image crop = Warp(white, Similarity(1, 0, 5, 5), 20, 20);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; ++x) {
      const bool inside = x >= 5 && x < 15 && y >= 5 && y < 15;
      EXPECT_EQ(crop.rgb[static_cast<std::size_t>(y * 20 + x) * 3], inside ? 255 : 0) << x << ", " << y;
    }
  }
  const Image nothing = Warp({}, Similarity(1, 0, 0, 0), 4, 3);
  EXPECT_EQ(nothing.rgb, std::vector<std::uint8_t>(4 * 3 * 3, 0));
}

// OpenCV itself stops below 32767 pixels a side.
TEST(Warp, TakesPicturesLongerThanOpenCvDoes) {
  for (const int side : {32765, 32766, 32767, 32768}) {
    const Image picture = Noise(side, 1, 6);
    const Image crop = Warp(picture, Similarity(1, 0, 1 - side, 0), 2, 2);
    EXPECT_EQ(crop.rgb[0], picture.rgb[picture.rgb.size() - 3]) << side;
  }
  for (const bool wide : {true, false}) {
    const Image picture = wide ? Noise(40'000, 12, 4) : Noise(12, 40'000, 4);
    for (const int start : {0, 30'000, 39'990, 39'995}) {
      const Image crop = Warp(picture, Similarity(1, 0, wide ? -start : 0, wide ? 0 : -start), 10, 10);
      for (int y = 0; y < 10; ++y) {
        for (int x = 0; x < 10; ++x) {
          const int column = wide ? x + start : x, row = wide ? y : y + start;
          const bool inside = column < picture.width && row < picture.height;
          const auto at = (static_cast<std::size_t>(row) * static_cast<std::size_t>(picture.width) +
                           static_cast<std::size_t>(column)) *
                          3;
          ASSERT_EQ(crop.rgb[static_cast<std::size_t>(y * 10 + x) * 3], inside ? picture.rgb[at] : 0)
              << "from " << start << ": " << x << ", " << y;
        }
      }
    }
  }
}

TEST(AlignFace, BringsLandmarksToTheTemplate) {
  // A dot at each landmark of a face that is turned and twice as large.
  for (const auto& [width, height] : {std::pair(112, 112), std::pair(96, 112), std::pair(224, 224)}) {
    const Landmarks target = Template(width, height);
    const Landmarks landmarks = Moved(Template(112, 112), Similarity(2, 0.4, 150, 60));
    for (std::size_t i = 0; i < 5; ++i) {
      Image picture{.width = 500, .height = 400, .rgb = {}};
      picture.rgb.resize(500 * 400 * 3);
      cv::Mat view(400, 500, CV_8UC3, picture.rgb.data());
      cv::circle(view, cv::Point2f(landmarks[i].x, landmarks[i].y), 4, cv::Scalar::all(255), cv::FILLED);
      const auto crop = AlignFace(picture, landmarks, width, height);
      ASSERT_TRUE(crop.has_value());
      const cv::Moments moments = cv::moments(ToMat(*crop).reshape(1, height).colRange(0, 3 * width), false);
      ASSERT_GT(moments.m00, 0);
      // The three channels lie side by side, so columns count thrice and start one to the right.
      EXPECT_NEAR((moments.m10 / moments.m00 - 1) / 3, target[i].x, 1) << width << "x" << height;
      EXPECT_NEAR(moments.m01 / moments.m00, target[i].y, 1) << width << "x" << height;
    }
  }
}

TEST(AlignFace, TakesTheTemplateThatIsNamed) {
  const Image picture = Noise(300, 200, 6);
  const Landmarks landmarks = Moved(Template(112, 112), Similarity(1.1, 0.1, 60, 40));
  for (const CropTemplateInfo& row : crop_templates()) {
    const auto transform = FitSimilarity(landmarks, Template(128, 128, row.value));
    ASSERT_TRUE(transform);
    EXPECT_EQ(AlignFace(picture, landmarks, 128, 128, row.value)->rgb, Warp(picture, *transform, 128, 128).rgb);
  }
  EXPECT_EQ(AlignFace(picture, landmarks, 128, 128)->rgb,
            AlignFace(picture, landmarks, 128, 128, CropTemplate::kInsightFace)->rgb);
  EXPECT_NE(AlignFace(picture, landmarks, 128, 128)->rgb,
            AlignFace(picture, landmarks, 128, 128, CropTemplate::kScaled)->rgb);
}

TEST(AlignFace, IsTheFitThenTheWarp) {
  const Image picture = Noise(300, 200, 5);
  Landmarks landmarks = Moved(Template(112, 112), Similarity(1.3, -0.2, 60, 40));
  landmarks[2].x += 5;
  const auto fit = FitSimilarity(landmarks, Template(96, 112));
  const auto crop = AlignFace(picture, landmarks, 96, 112);
  ASSERT_TRUE(fit && crop);
  EXPECT_EQ(LargestDifference(*crop, WarpByOpenCv(picture, *fit, 96, 112)), 0);
}

TEST(FitCrop, LeavesCropsOfTheRightSize) {
  const Image crop = Noise(96, 112, 1);
  const auto fitted = FitCrop(crop, 96, 112);
  ASSERT_TRUE(fitted.has_value());
  EXPECT_EQ(LargestDifference(*fitted, crop), 0);
}

TEST(FitCrop, ResizesCropsOfTheSameAspectRatio) {
  struct Case {
    int from_width, from_height, width, height;
  };
  // The last three: the nearest whole width to the height given.
  for (const Case& c :
       {Case{224, 224, 112, 112}, Case{50, 50, 112, 112}, Case{192, 224, 96, 112}, Case{48, 56, 96, 112},
        Case{112, 112, 160, 160}, Case{86, 100, 96, 112}, Case{100, 117, 96, 112}, Case{1, 1, 112, 112}}) {
    const Image crop = Noise(c.from_width, c.from_height, 2);
    const auto fitted = FitCrop(crop, c.width, c.height);
    ASSERT_TRUE(fitted.has_value()) << c.from_width << "x" << c.from_height;
    EXPECT_EQ(LargestDifference(*fitted, Resize(crop, c.width, c.height)), 0);
  }
}

TEST(FitCrop, TakesTheCentralColumnsOfSquares) {
  for (const auto& [side, width, height] :
       {std::array{112, 96, 112}, std::array{224, 96, 112}, std::array{50, 96, 112}, std::array{112, 192, 224}}) {
    const Image crop = Noise(side, side, 3);
    const auto fitted = FitCrop(crop, width, height);
    ASSERT_TRUE(fitted.has_value()) << side;
    const cv::Mat square = ToMat(Resize(crop, height, height));
    const int left = height / 14;  // 8 of 112
    EXPECT_EQ(LargestDifference(*fitted, FromMat(square.colRange(left, left + width))), 0) << side;
  }
}

TEST(FitCrop, IsEmptyForAllElse) {
  for (const auto& [from_width, from_height, width, height] :
       {std::array{96, 112, 112, 112}, std::array{112, 96, 112, 112}, std::array{250, 250, 100, 112},
        std::array{640, 480, 112, 112}, std::array{112, 112, 112, 96}, std::array{113, 112, 112, 112},
        std::array{112, 113, 96, 112}, std::array{112, 112, 0, 112}, std::array{112, 112, 112, -1}})
    EXPECT_FALSE(FitCrop(Noise(from_width, from_height, 4), width, height).has_value())
        << from_width << "x" << from_height << " for " << width << "x" << height;
  EXPECT_FALSE(FitCrop({}, 112, 112).has_value());
}

TEST(CentralSquare, IsTheMiddle) {
  const Image wide = Noise(12, 8, 3);
  const Image square = CentralSquare(wide, 8);
  ASSERT_EQ(square.width, 8);
  ASSERT_EQ(square.height, 8);
  for (std::size_t y = 0; y < 8; ++y) {
    for (std::size_t i = 0; i < 24; ++i) ASSERT_EQ(square.rgb[y * 24 + i], wide.rgb[y * 36 + 6 + i]);
  }
  EXPECT_EQ(CentralSquare(Noise(8, 12, 3), 4).height, 4);
}

}  // namespace
}  // namespace prefiqs::align
