#include "face/nms.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace prefiqs::face {
namespace {

Face At(float x, float y, float width, float height, float confidence) {
  return {.box = {x, y, width, height}, .landmarks = {}, .confidence = confidence};
}

TEST(Iou, HandMade) {
  EXPECT_FLOAT_EQ(Iou({0, 0, 10, 10}, {0, 0, 10, 10}), 1);
  EXPECT_FLOAT_EQ(Iou({0, 0, 10, 10}, {5, 0, 10, 10}), 50.0f / 150);
  EXPECT_FLOAT_EQ(Iou({0, 0, 10, 10}, {2, 2, 5, 4}), 20.0f / 100);
  EXPECT_EQ(Iou({0, 0, 10, 10}, {10, 0, 10, 10}), 0);  // touching
  EXPECT_EQ(Iou({0, 0, 10, 10}, {20, 20, 10, 10}), 0);
}

// The definition, in squares: a face stays when no kept face of higher rank overlaps it.
std::vector<bool> KeptByDefinition(const std::vector<Face>& faces, float max_iou) {
  const std::size_t n = faces.size();
  std::vector<bool> decided(n, false), kept(n, false);
  for (std::size_t round = 0; round < n; ++round) {
    std::size_t best = n;
    for (std::size_t i = 0; i < n; ++i) {
      if (!decided[i] && (best == n || faces[i].confidence > faces[best].confidence)) best = i;
    }
    decided[best] = kept[best] = true;
    for (std::size_t i = 0; i < n; ++i) {
      if (kept[i] && i != best && Iou(faces[i].box, faces[best].box) > max_iou) kept[best] = false;
    }
  }
  return kept;
}

TEST(Nms, AgreesWithTheDefinition) {
  std::mt19937 random(7);
  auto uniform = [&](float low, float high) {
    return low + (high - low) * static_cast<float>(random() % 10000) / 10000.0f;
  };
  for (int repeat = 0; repeat < 50; ++repeat) {
    std::vector<Face> faces;
    for (int i = 0; i < 60; ++i) {
      // Few confidences, so that equal ones occur.
      const float confidence = static_cast<float>(random() % 10) / 10.0f;
      faces.push_back(At(uniform(0, 60), uniform(0, 60), uniform(10, 40), uniform(10, 40), confidence));
      faces.back().landmarks[0].x = static_cast<float>(i);  // to know it again
    }
    const float max_iou = uniform(0.1f, 0.9f);
    const std::vector<bool> expected = KeptByDefinition(faces, max_iou);
    std::vector<bool> kept(faces.size(), false);
    float last = 2;
    for (const Face& face : SuppressNonMaxima(faces, max_iou)) {
      kept[static_cast<std::size_t>(face.landmarks[0].x)] = true;
      EXPECT_LE(face.confidence, last);
      last = face.confidence;
    }
    EXPECT_EQ(kept, expected) << repeat;
  }
}

TEST(Nms, EarlierOfEqualsStays) {
  const std::vector<Face> kept = SuppressNonMaxima({At(0, 0, 10, 10, 0.5f), At(1, 0, 10, 10, 0.5f)}, 0.4f);
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0].box.x, 0);
}

TEST(Nms, BoundsTheWork) {
  std::vector<Face> faces;
  for (int i = 0; i < 200000; ++i) faces.push_back(At(static_cast<float>(i) * 20, 0, 10, 10, static_cast<float>(i)));
  const std::vector<Face> kept = SuppressNonMaxima(std::move(faces), 0.4f);
  ASSERT_EQ(kept.size(), kMaxCandidates);
  EXPECT_EQ(kept.front().confidence, 199999);
}

}  // namespace
}  // namespace prefiqs::face
