#include "align/deviation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <random>
#include <vector>

#include "align/align.h"

namespace prefiqs::align {
namespace {

// The points p -> scale * e^(i angle) * p + shift, about the middle of the crop.
Landmarks Moved(const Landmarks& points, int width, int height, double scale, double degrees, double dx, double dy) {
  const std::complex<double> a = std::polar(scale, degrees * M_PI / 180), middle(width / 2.0, height / 2.0);
  Landmarks moved;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::complex<double> p =
        a * (std::complex<double>(points[i].x, points[i].y) - middle) + middle + std::complex<double>(dx, dy);
    moved[i] = {static_cast<float>(p.real()), static_cast<float>(p.imag())};
  }
  return moved;
}

TEST(Deviation, IsNothingForTheTemplate) {
  for (const auto& [width, height] : {std::pair{112, 112}, std::pair{96, 112}, std::pair{128, 128}}) {
    const Deviation d = DeviationOf(Template(width, height), Template(width, height));
    EXPECT_NEAR(d.scale, 1, 1e-6);
    EXPECT_NEAR(d.degrees, 0, 1e-4);
    EXPECT_NEAR(d.distance, 0, 1e-6);
  }
}

TEST(Deviation, IsNothingForThePointsACropWasAlignedBy) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> anywhere(0, 400);
  for (int i = 0; i < 200; ++i) {
    Landmarks points;  // of any shape: a profile's eyes are nearly one point
    for (Point& point : points) point = {anywhere(random), anywhere(random)};
    const std::optional<Transform> fit = FitSimilarity(points, Template(112, 112));
    ASSERT_TRUE(fit);
    Landmarks in_crop;
    for (std::size_t k = 0; k < points.size(); ++k) {
      const auto& m = *fit;
      in_crop[k] = {static_cast<float>(m[0][0] * points[k].x + m[0][1] * points[k].y + m[0][2]),
                    static_cast<float>(m[1][0] * points[k].x + m[1][1] * points[k].y + m[1][2])};
    }
    // A fit of tiny scale has put all points into one place.
    if (std::hypot((*fit)[0][0], (*fit)[1][0]) < 0.02) continue;
    const Deviation d = DeviationOf(in_crop, Template(112, 112));
    EXPECT_NEAR(d.scale, 1, 1e-3);
    EXPECT_NEAR(d.degrees, 0, 0.1);
    EXPECT_LT(d.distance, 1e-3);
  }
}

TEST(Deviation, TellsSizeTurnAndShift) {
  const Landmarks points = Template(112, 112);
  const Deviation half = DeviationOf(Moved(points, 112, 112, 0.5, 0, 0, 0), Template(112, 112));
  EXPECT_NEAR(half.scale, 0.5, 1e-5);
  EXPECT_NEAR(half.degrees, 0, 1e-3);
  double squares = 0;  // each point lies half as far from the middle
  for (const Point& p : points) squares += std::norm(std::complex<double>(p.x - 56, p.y - 56) / 2.0);
  EXPECT_NEAR(half.distance, std::sqrt(squares / 5) / (points[1].x - points[0].x), 1e-4);
  const Deviation turned = DeviationOf(Moved(points, 112, 112, 1, 90, 0, 0), Template(112, 112));
  EXPECT_NEAR(turned.scale, 1, 1e-5);
  EXPECT_NEAR(turned.degrees, 90, 1e-3);
  const double eyes = points[1].x - points[0].x;
  for (const auto& [dx, dy] : {std::pair{10.0, 0.0}, std::pair{0.0, -10.0}, std::pair{6.0, 8.0}}) {
    const Deviation shifted = DeviationOf(Moved(points, 112, 112, 1, 0, dx, dy), Template(112, 112));
    EXPECT_NEAR(shifted.distance, 10 / eyes, 1e-4);
    EXPECT_NEAR(shifted.scale, 1, 1e-5);
  }
}

// A crop of another size is the same crop: the template scales with it.
TEST(Deviation, DoesNotDependOnTheSizeOfTheCrop) {
  std::mt19937 random(6);
  std::uniform_real_distribution<double> scale(0.3, 2), degrees(-170, 170), shift(-0.3, 0.3);
  for (int i = 0; i < 50; ++i) {
    const double s = scale(random), r = degrees(random), x = shift(random), y = shift(random);
    const Deviation small =
        DeviationOf(Moved(Template(112, 112), 112, 112, s, r, 112 * x, 112 * y), Template(112, 112));
    const Deviation large =
        DeviationOf(Moved(Template(224, 224), 224, 224, s, r, 224 * x, 224 * y), Template(224, 224));
    EXPECT_NEAR(small.distance, large.distance, 1e-4);
    EXPECT_NEAR(small.scale, s, 1e-4);
    EXPECT_NEAR(small.degrees, r, 1e-2);
    EXPECT_NEAR(large.scale, s, 1e-4);
  }
}

TEST(Deviation, OfNoFacePointsIsAsFarAsCanBe) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  for (const Point point : {Point{5, 5}, Point{nan, 5}, Point{infinity, 5}}) {
    Landmarks points;
    points.fill(point);
    EXPECT_EQ(DeviationOf(points, Template(112, 112)).distance, std::numeric_limits<double>::infinity());
  }
}

TEST(BestAligned, IsTheFaceThatLiesNearest) {
  EXPECT_EQ(BestAligned({}, Template(112, 112)), nullptr);
  std::vector<Face> faces(3);
  faces[0].landmarks = Moved(Template(112, 112), 112, 112, 0.5, 0, 0, 0);
  faces[1].landmarks = Moved(Template(112, 112), 112, 112, 1, 2, 1, 1);
  faces[2].landmarks.fill({3, 3});  // no face at all
  EXPECT_EQ(BestAligned(faces, Template(112, 112)), &faces[1]);
  faces.erase(faces.begin(), faces.begin() + 2);
  EXPECT_EQ(BestAligned(faces, Template(112, 112)), &faces[0]);
}

}  // namespace
}  // namespace prefiqs::align
