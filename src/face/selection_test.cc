#include "face/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace prefiqs::face {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

Face At(float x, float y, float side, float confidence = 0.9f) {
  return {.box = {x, y, side, side}, .landmarks = {}, .confidence = confidence};
}

// In the middle of a picture of 200x200.
Face Amid(float side) { return At(99.5f - side / 2, 99.5f - side / 2, side); }

std::vector<float> Sides(const std::vector<Face>& faces) {
  std::vector<float> sides;
  for (const Face& face : faces) sides.push_back(face.box.width);
  return sides;
}

std::vector<float> Chosen(FaceSelection selection, std::vector<Face> faces, int width = 200, int height = 200) {
  OrderFaces(faces, width, height);
  Select(selection, faces, width, height);
  return Sides(faces);
}

TEST(FaceSelections, AreInTheOrderOfTheirEnumerators) {
  EXPECT_THAT(face_selections(), SizeIs(4));
  for (std::size_t i = 0; i < face_selections().size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(face_selections()[i].selection), i);
    EXPECT_EQ(info(face_selections()[i].selection).name, face_selections()[i].name);
    EXPECT_FALSE(face_selections()[i].text.empty());
  }
  EXPECT_EQ(info(FaceSelection::kCentral).name, "central");
}

TEST(OrderFaces, LargestFirstWhereAllAreAsCentral) {
  std::vector<Face> faces = {Amid(10), Amid(30), Amid(20)};
  OrderFaces(faces, 200, 200);
  EXPECT_THAT(Sides(faces), ElementsAre(30, 20, 10));
}

TEST(OrderFaces, PutsTheFaceInTheMiddleBeforeALargerOneThatTheEdgeCuts) {
  // Half of the large one lies outside, to the left.
  EXPECT_THAT(Chosen(FaceSelection::kBest, {At(-50, 50, 100), Amid(80)}), ElementsAre(80));
  EXPECT_THAT(Chosen(FaceSelection::kLargest, {At(-50, 50, 100), Amid(80)}), ElementsAre(100));
}

TEST(OrderFaces, DoesNotTakeASmallFaceForBeingInTheMiddle) {
  EXPECT_THAT(Chosen(FaceSelection::kBest, {At(20, 60, 80), Amid(16)}), ElementsAre(80));
  EXPECT_THAT(Chosen(FaceSelection::kCentral, {At(20, 60, 80), Amid(16)}), ElementsAre(16));
}

// A portrait off the middle, as photographers place them, and somebody far behind.
TEST(OrderFaces, KeepsTheLargeFaceOnTheThirdOfALargePhotograph) {
  EXPECT_THAT(Chosen(FaceSelection::kBest, {At(1500, 833, 1000), At(2950, 1950, 100)}, 6000, 4000), ElementsAre(1000));
}

TEST(Select, LargestTakesTheMostCentralOfThoseAboutAsLarge) {
  // 0.95² = 0.9025 of the largest area: as large; 0.94² = 0.8836: not.
  const std::vector<Face> faces = {At(0, 0, 100), At(150, 150, 95), At(153, 153, 94)};
  EXPECT_THAT(Chosen(FaceSelection::kLargest, faces, 400, 400), ElementsAre(95));
}

TEST(Select, AllKeepsTheOrderOfTheBest) {
  std::mt19937 random(3);
  std::uniform_real_distribution<float> place(-40, 400), side(5, 150);
  for (int round = 0; round < 50; ++round) {
    std::vector<Face> faces;
    for (int i = 0; i < 7; ++i) faces.push_back(At(place(random), place(random), side(random)));
    const std::vector<float> all = Chosen(FaceSelection::kAll, faces, 400, 300);
    EXPECT_THAT(all, SizeIs(faces.size()));
    EXPECT_THAT(Chosen(FaceSelection::kBest, faces, 400, 300), ElementsAre(all[0]));
    EXPECT_THAT(Chosen(FaceSelection::kLargest, faces, 400, 300), SizeIs(1));
    EXPECT_THAT(Chosen(FaceSelection::kCentral, faces, 400, 300), SizeIs(1));
  }
}

TEST(OneFace, TakesTheBestInPlaceOfAll) {
  EXPECT_EQ(OneFace(FaceSelection::kAll), FaceSelection::kBest);
  for (const auto one : {FaceSelection::kBest, FaceSelection::kLargest, FaceSelection::kCentral}) {
    EXPECT_EQ(OneFace(one), one);
  }
}

TEST(Prominence, DoesNotDependOnThePicturesSizeNorOnItsMirroring) {
  const Face face = At(10, 30, 50);
  const double value = Prominence(face, 120, 200);
  EXPECT_GT(value, 0);
  // Pixel centres are whole numbers, so three times as large begins at 3 x + 1.
  Face larger = face;
  larger.box = {3 * 10 + 1, 3 * 30 + 1, 150, 150};
  EXPECT_NEAR(Prominence(larger, 360, 600), value, 1e-9);
  Face mirrored = face;
  mirrored.box.x = 119 - 10 - 50;
  EXPECT_NEAR(Prominence(mirrored, 120, 200), value, 1e-9);
}

TEST(Prominence, IsNothingOutsideAndOfBoxesThatAreNone) {
  EXPECT_EQ(Prominence(At(-60, 10, 50), 100, 100), 0);
  EXPECT_EQ(Prominence(At(10, 10, -5), 100, 100), 0);
}

// Boxes that no detector should give, in every order: each time the same order comes out, the usable one first.
TEST(OrderFaces, DoesNotDependOnTheOrderGiven) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (const FaceSelection selection : {FaceSelection::kBest, FaceSelection::kLargest, FaceSelection::kCentral}) {
    // The last two are the largest, but have no place in the picture.
    std::vector<Face> faces = {At(0, 0, 50), At(150, 150, 50), At(0, 150, 50, 0.8f), At(nan, 0, 52), At(inf, 0, 51)};
    const Face expected = At(0, 0, 50);
    std::mt19937 random(7);
    for (int round = 0; round < 40; ++round) {
      std::shuffle(faces.begin(), faces.end(), random);
      std::vector<Face> ordered = faces;
      OrderFaces(ordered, 200, 200);
      EXPECT_EQ(ordered[0].box, At(0, 0, 50).box);  // of equals the leftmost
      EXPECT_FALSE(std::isfinite(ordered[4].box.x));
      Select(selection, ordered, 200, 200);
      ASSERT_THAT(ordered, SizeIs(1));
      EXPECT_EQ(ordered[0].box, expected.box) << info(selection).name;
    }
  }
}

TEST(OrderFaces, NoneAndOne) {
  for (const FaceSelectionInfo& one : face_selections()) {
    std::vector<Face> none, single = {At(0, 0, 10)};
    Select(one.selection, none, 10, 10);
    Select(one.selection, single, 10, 10);
    EXPECT_THAT(none, SizeIs(0));
    EXPECT_THAT(single, SizeIs(1));
  }
}

}  // namespace
}  // namespace prefiqs::face
