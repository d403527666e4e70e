#include "face/turn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numbers>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "align/align.h"

namespace prefiqs::face {
namespace {

Image Noise(int width, int height) {
  std::mt19937 random(1);
  Image image{.width = width, .height = height, .rgb = {}};
  for (int i = 0; i < width * height * 3; ++i) image.rgb.push_back(static_cast<std::uint8_t>(random()));
  return image;
}

constexpr int kTurns[] = {0, 90, 180, 270};

std::uint8_t Red(const Image& picture, int x, int y) {
  return picture.rgb[static_cast<std::size_t>((y * picture.width + x) * 3)];
}

TEST(Turned, TurnsClockwise) {
  // 1 2 3
  // 4 5 6
  Image picture{.width = 3, .height = 2, .rgb = {}};
  for (std::uint8_t value = 1; value <= 6; ++value) picture.rgb.insert(picture.rgb.end(), 3, value);
  const auto reds = [&](int degrees) {
    const Image turned = Turned(picture, degrees);
    std::vector<int> values{turned.width, turned.height};
    for (std::size_t i = 0; i < turned.rgb.size(); i += 3) values.push_back(turned.rgb[i]);
    return values;
  };
  EXPECT_EQ(reds(0), (std::vector<int>{3, 2, 1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(reds(90), (std::vector<int>{2, 3, 4, 1, 5, 2, 6, 3}));
  EXPECT_EQ(reds(180), (std::vector<int>{3, 2, 6, 5, 4, 3, 2, 1}));
  EXPECT_EQ(reds(270), (std::vector<int>{2, 3, 3, 6, 2, 5, 1, 4}));
  EXPECT_THROW(Turned(picture, 45), std::logic_error);
}

TEST(TurnedBack, LeadsToTheSamePixels) {
  const Image picture = Noise(37, 23);
  for (const int degrees : kTurns) {
    const Image turned = Turned(picture, degrees);
    for (int y = 0; y < turned.height; ++y) {
      for (int x = 0; x < turned.width; ++x) {
        Face face;
        face.box = {static_cast<float>(x) - 0.5f, static_cast<float>(y) - 0.5f, 1, 1};  // the pixel's area
        face.landmarks.fill({static_cast<float>(x), static_cast<float>(y)});
        const Face back = TurnedBack(face, degrees, picture.width, picture.height);
        const Point at = back.landmarks[3];
        ASSERT_EQ(Red(picture, static_cast<int>(at.x), static_cast<int>(at.y)), Red(turned, x, y)) << degrees;
        ASSERT_EQ(back.box, (Box{at.x - 0.5f, at.y - 0.5f, 1, 1})) << degrees;
      }
    }
  }
}

TEST(TurnedBack, IsExact) {
  // A face in the upper left of a picture that was 400 × 300 before it was turned.
  Face face;
  face.box = {10.25f, 20.5f, 40, 60.75f};
  face.landmarks = {{{15, 30}, {35, 30.5f}, {25, 45}, {18, 60}, {33, 60}}};
  face.confidence = 0.75f;
  const Face a = TurnedBack(face, 90, 400, 300), b = TurnedBack(face, 180, 400, 300),
             c = TurnedBack(face, 270, 400, 300);
  EXPECT_EQ(a.box, (Box{20.5f, 248.75f, 60.75f, 40}));
  EXPECT_EQ(a.landmarks[1], (Point{30.5f, 264}));
  EXPECT_EQ(b.box, (Box{348.75f, 217.75f, 40, 60.75f}));
  EXPECT_EQ(b.landmarks[1], (Point{364, 268.5f}));
  EXPECT_EQ(c.box, (Box{317.75f, 10.25f, 60.75f, 40}));
  EXPECT_EQ(c.landmarks[1], (Point{368.5f, 35}));
  for (const Face* turned : {&a, &b, &c}) EXPECT_EQ(turned->confidence, 0.75f);
  const Face same = TurnedBack(face, 0, 400, 300);
  EXPECT_EQ(same.box, face.box);
  EXPECT_EQ(same.landmarks, face.landmarks);
}

// Which turn of a picture of 3 × 2 pixels it is: 0 for the picture as given.
int TurnOf(const Image& picture) {
  const int corner = Red(picture, 0, 0);
  return corner == 1 ? 0 : corner == 4 ? 90 : corner == 6 ? 180 : 270;
}

struct Found {
  int degrees;
  std::size_t faces;
  int searches;
};

// Confidences by turn.
Found Find(const std::map<int, std::vector<float>>& confidences) {
  Image picture{.width = 3, .height = 2, .rgb = {}};
  for (std::uint8_t value = 1; value <= 6; ++value) picture.rgb.insert(picture.rgb.end(), 3, value);
  int searches = 0;
  const TurnedFaces result = FindTurned(picture, [&](const Image& turned) {
    ++searches;
    std::vector<Face> faces;
    const auto found = confidences.find(TurnOf(turned));
    if (found == confidences.end()) return faces;
    for (const float confidence : found->second) {
      faces.push_back({.box = {0, 0, 1, 1}, .landmarks = align::Template(112, 112), .confidence = confidence});
    }
    return faces;
  });
  return {result.degrees, result.faces.size(), searches};
}

TEST(Uprightness, FallsWithTheAngle) {
  for (const auto& [degrees, expected] : {std::pair{0.0, 0.8}, {60.0, 0.4}, {-60.0, 0.4}, {90.0, 0.0}, {180.0, 0.0}}) {
    Face face{.box = {0, 0, 1, 1}, .landmarks = align::Template(112, 112), .confidence = 0.8f};
    const double c = std::cos(degrees * std::numbers::pi / 180), s = std::sin(degrees * std::numbers::pi / 180);
    for (Point& point : face.landmarks) {
      point = {static_cast<float>(3 * (c * point.x - s * point.y) + 70),
               static_cast<float>(3 * (s * point.x + c * point.y))};
    }
    EXPECT_NEAR(Uprightness(face), expected, 1e-5) << degrees;
  }
  EXPECT_EQ(Uprightness({.box = {0, 0, 1, 1}, .landmarks = {}, .confidence = 0.8f}), 0) << "points that coincide";
}

// A detector that places the points of a lying face rightly tells by them that it lies.
TEST(FindTurned, DoesNotCountLyingFaces) {
  const Image picture = Noise(30, 20);
  const TurnedFaces found = FindTurned(picture, [&](const Image& turned) {
    const bool as_given = turned.rgb == picture.rgb;
    Face face{.box = {0, 0, 1, 1}, .landmarks = align::Template(112, 112), .confidence = as_given ? 0.95f : 0.7f};
    if (as_given) {
      for (Point& point : face.landmarks) point = {-point.y, point.x};
    } else if (turned.width == picture.width || turned.rgb != Turned(picture, 270).rgb) {
      return std::vector<Face>{};
    }
    return std::vector<Face>{face};
  });
  EXPECT_EQ(found.degrees, 270);
}

TEST(FindTurned, LeavesAPictureWithASureFaceAsItIs) {
  const Found sure = Find({{0, {0.6f, 0.94f}}, {90, {0.99f}}});
  EXPECT_EQ(sure.degrees, 0);
  EXPECT_EQ(sure.faces, 2u);
  EXPECT_EQ(sure.searches, 1);
}

TEST(FindTurned, TakesTheTurnOfTheMostUprightFace) {
  EXPECT_EQ(Find({{270, {0.6f}}}).degrees, 270);
  EXPECT_EQ(Find({{90, {0.6f}}, {180, {0.7f}}, {270, {0.65f}}}).degrees, 180);
  // Faces that lie on a side are often found as if they were upright.
  const Found lying = Find({{0, {0.8f, 0.7f}}, {90, {0.92f}}, {180, {0.85f}}});
  EXPECT_EQ(lying.degrees, 90);
  EXPECT_EQ(lying.faces, 1u);
  EXPECT_EQ(lying.searches, 4);
  EXPECT_EQ(Find({{0, {0.8f}}, {90, {0.79f, 0.79f}}}).degrees, 0);
  // Of equals the first.
  EXPECT_EQ(Find({{0, {0.75f}}, {180, {0.75f}}}).degrees, 0);
  EXPECT_EQ(Find({{180, {0.75f}}, {270, {0.75f}}}).degrees, 180);
}

TEST(FindTurned, FindsNothingWhereThereIsNothing) {
  const Found none = Find({});
  EXPECT_EQ(none.degrees, 0);
  EXPECT_EQ(none.faces, 0u);
  EXPECT_EQ(none.searches, 4);
  // A detector that says what is no number is not believed.
  EXPECT_EQ(Find({{90, {std::nanf("")}}}).degrees, 0);
}

}  // namespace
}  // namespace prefiqs::face
