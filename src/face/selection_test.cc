#include "face/selection.h"

#include <gtest/gtest.h>

namespace prefiqs::face {
namespace {

Face At(float x, float y, float side, float confidence = 0.9f) {
  return {.box = {x, y, side, side}, .landmarks = {}, .confidence = confidence};
}

TEST(OrderFaces, LargestFirst) {
  std::vector<Face> faces = {At(0, 0, 10), At(90, 90, 30), At(50, 50, 20)};
  OrderFaces(faces, 200, 200);
  EXPECT_EQ(faces[0].box.width, 30);
  EXPECT_EQ(faces[1].box.width, 20);
  EXPECT_EQ(faces[2].box.width, 10);
}

TEST(OrderFaces, MostCentralOfThoseAboutAsLarge) {
  // 0.95² = 0.9025 of the largest area: as large; 0.94² = 0.8836: not.
  std::vector<Face> faces = {At(0, 0, 100), At(150, 150, 95), At(153, 153, 94)};
  OrderFaces(faces, 400, 400);
  EXPECT_EQ(faces[0].box.width, 95);
  EXPECT_EQ(faces[1].box.width, 100);
  EXPECT_EQ(faces[2].box.width, 94);
}

TEST(OrderFaces, DoesNotDependOnTheOrderGiven) {
  const std::vector<Face> faces = {At(0, 0, 50), At(150, 150, 50), At(0, 150, 50, 0.8f), At(150, 0, 50, 0.8f)};
  std::vector<Face> forward = faces, backward(faces.rbegin(), faces.rend());
  OrderFaces(forward, 200, 200);
  OrderFaces(backward, 200, 200);
  for (std::size_t i = 0; i < faces.size(); ++i) EXPECT_EQ(forward[i].box, backward[i].box) << i;
}

TEST(OrderFaces, NoneAndOne) {
  std::vector<Face> none, one = {At(0, 0, 10)};
  OrderFaces(none, 10, 10);
  OrderFaces(one, 10, 10);
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(one.size(), 1u);
}

}  // namespace
}  // namespace prefiqs::face
