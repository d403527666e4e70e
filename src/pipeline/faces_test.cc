#include "pipeline/faces.h"

#include <gtest/gtest.h>

#include "pipeline/network_for_test.h"

namespace prefiqs::pipeline {
namespace {

constexpr FaceOptions kAligned{.width = 112, .height = 112};

TEST(FindFaces, TakesACropAsItIs) {
  const Image crop = TestPicture(112, 112, 1);
  const auto found = FindFaces(crop, kAligned);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].face, 0);
  ASSERT_TRUE(found[0].crop);
  EXPECT_EQ(found[0].crop->rgb, crop.rgb);
  EXPECT_FALSE(found[0].assessment.face);
}

TEST(FindFaces, ResizesOrRefusesOtherCrops) {
  EXPECT_EQ(FindFaces(TestPicture(224, 224, 1), kAligned)[0].crop->width, 112);
  const auto refused = FindFaces(TestPicture(112, 100, 1), kAligned);
  EXPECT_FALSE(refused[0].crop);
  EXPECT_EQ(refused[0].assessment.status, Status::kWrongShape);
  EXPECT_NE(refused[0].assessment.detail.find("112×100"), std::string::npos) << refused[0].assessment.detail;
}

TEST(FindFaces, CutsTheCentralColumnsForANarrowNetwork) {
  const Image crop = TestPicture(112, 112, 1);
  const auto found = FindFaces(crop, {.width = 96, .height = 112});
  ASSERT_TRUE(found[0].crop);
  EXPECT_EQ(found[0].crop->width, 96);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(found[0].crop->rgb[i], crop.rgb[8 * 3 + i]);
}

TEST(FindFaces, RefusesPicturesWithoutPixels) {
  for (const Image& bad : {Image{}, Image{2, 2, {1, 2, 3}}, Image{-1, 4, {}}, Image{0, 0, {1}}}) {
    const auto found = FindFaces(bad, kAligned);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].assessment.status, Status::kUndecodable);
    EXPECT_EQ(found[0].face, -1);
  }
}

TEST(FindFaces, PassesTheStatusOfDecodingOn) {
  const auto found = FindFaces(DecodedImage{{}, Status::kTooLarge, "huge"}, kAligned);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].assessment.status, Status::kTooLarge);
  EXPECT_EQ(found[0].assessment.detail, "huge");
}

}  // namespace
}  // namespace prefiqs::pipeline
