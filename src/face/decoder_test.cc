#include "face/decoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace prefiqs::face {
namespace {

constexpr Canvas kCanvas = {96, 64};  // cells at strides 8, 16, 32: 12×8, 6×4, 3×2
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

using graph::Shape;
using graph::Tensor;

std::vector<Tensor> Zeros(const std::vector<Shape>& shapes) {
  std::vector<Tensor> tensors;
  for (const Shape& shape : shapes) tensors.emplace_back(graph::DataType::kFloat32, shape);
  return tensors;
}

void SetRow(Tensor& tensor, std::int64_t row, const std::vector<float>& values) {
  std::copy(values.begin(), values.end(),
            tensor.values<float>().begin() + row * static_cast<std::int64_t>(values.size()));
}

void ExpectNear(const Face& face, const Box& box, const Landmarks& landmarks, float confidence) {
  EXPECT_NEAR(face.box.x, box.x, 1e-3);
  EXPECT_NEAR(face.box.y, box.y, 1e-3);
  EXPECT_NEAR(face.box.width, box.width, 1e-3);
  EXPECT_NEAR(face.box.height, box.height, 1e-3);
  for (std::size_t p = 0; p < landmarks.size(); ++p) {
    EXPECT_NEAR(face.landmarks[p].x, landmarks[p].x, 1e-3) << p;
    EXPECT_NEAR(face.landmarks[p].y, landmarks[p].y, 1e-3) << p;
  }
  EXPECT_NEAR(face.confidence, confidence, 1e-5);
}

const std::vector<Shape> kYuNet = {{1, 96, 1}, {1, 24, 1}, {1, 6, 1}, {1, 96, 1},  {1, 24, 1},  {1, 6, 1},
                                   {1, 96, 4}, {1, 24, 4}, {1, 6, 4}, {1, 96, 10}, {1, 24, 10}, {1, 6, 10}};
const std::vector<Shape> kScrfd = {{192, 1}, {48, 1},   {12, 1},  {192, 4}, {48, 4},
                                   {12, 4},  {192, 10}, {48, 10}, {12, 10}};
const std::vector<Shape> kRetinaFace = {{1, 252, 4}, {1, 252, 2}, {1, 252, 10}};

TEST(YuNetDecoder, HandMade) {
  const auto decoder = MakeYuNetDecoder(kYuNet, kCanvas);
  ASSERT_TRUE(decoder);
  EXPECT_EQ(decoder->family(), "yunet");
  EXPECT_TRUE(decoder->input().bgr);
  std::vector<Tensor> outputs = Zeros(kYuNet);
  // Stride 16, row 2, column 3 of 6.
  const std::int64_t location = 2 * 6 + 3;
  SetRow(outputs[1], location, {0.9f});
  SetRow(outputs[4], location, {0.4f});
  SetRow(outputs[7], location, {0.5f, -0.25f, std::log(2.0f), std::log(3.0f)});
  SetRow(outputs[10], location, {-0.5f, -0.5f, 0.5f, -0.5f, 0, 0, -0.25f, 1, 0.25f, 1});
  const std::vector<Face> faces = decoder->Decode(outputs, 0.5f);
  ASSERT_EQ(faces.size(), 1u);
  ExpectNear(faces[0], {56 - 16, 28 - 24, 32, 48}, {{{40, 24}, {56, 24}, {48, 32}, {44, 48}, {52, 48}}}, 0.6f);
  EXPECT_TRUE(decoder->Decode(outputs, 0.61f).empty());
}

TEST(YuNetDecoder, NegativeScoresMakeNoFace) {
  const auto decoder = MakeYuNetDecoder(kYuNet, kCanvas);
  std::vector<Tensor> outputs = Zeros(kYuNet);
  SetRow(outputs[0], 0, {-1});
  SetRow(outputs[3], 0, {-1});
  EXPECT_TRUE(decoder->Decode(outputs, 0.5f).empty());
}

TEST(ScrfdDecoder, HandMade) {
  const auto decoder = MakeScrfdDecoder(kScrfd, kCanvas);
  ASSERT_TRUE(decoder);
  EXPECT_EQ(decoder->family(), "scrfd");
  EXPECT_FALSE(decoder->input().bgr);
  std::vector<Tensor> outputs = Zeros(kScrfd);
  // Stride 8, row 5, column 7 of 12, second anchor.
  const std::int64_t location = (5 * 12 + 7) * 2 + 1;
  SetRow(outputs[0], location, {0.75f});
  SetRow(outputs[3], location, {1, 2, 3, 4});
  SetRow(outputs[6], location, {-1, -1, 1, -1, 0, 0, -1, 1, 1, 1.5f});
  const std::vector<Face> faces = decoder->Decode(outputs, 0.5f);
  ASSERT_EQ(faces.size(), 1u);
  ExpectNear(faces[0], {48, 24, 32, 48}, {{{48, 32}, {64, 32}, {56, 40}, {48, 48}, {64, 52}}}, 0.75f);
}

TEST(RetinaFaceDecoder, HandMade) {
  const auto decoder = MakeRetinaFaceDecoder(kRetinaFace, kCanvas);
  ASSERT_TRUE(decoder);
  EXPECT_EQ(decoder->family(), "retinaface");
  std::vector<Tensor> outputs = Zeros(kRetinaFace);
  // Stride 16 follows 96 × 2 priors of stride 8; row 1, column 2 of 6, first prior: 64 px around (40, 24).
  const std::int64_t prior = 192 + (1 * 6 + 2) * 2;
  SetRow(outputs[0], prior, {1, -1, std::log(0.5f) / 0.2f, std::log(0.75f) / 0.2f});
  SetRow(outputs[1], prior, {0.2f, 0.8f});
  SetRow(outputs[2], prior, {-1, -1, 1, -1, 0, 0, -1, 1, 1, 1.5f});
  const std::vector<Face> faces = decoder->Decode(outputs, 0.5f);
  ASSERT_EQ(faces.size(), 1u);
  const Point centre = {40 + 6.4f, 24 - 6.4f};
  ExpectNear(faces[0], {centre.x - 16, centre.y - 24, 32, 48},
             {{{33.6f, 17.6f}, {46.4f, 17.6f}, {40, 24}, {33.6f, 30.4f}, {46.4f, 33.6f}}}, 0.8f);
}

TEST(MakeDecoder, TellsFamiliesByShapesInAnyOrder) {
  std::mt19937 random(3);
  const std::pair<const std::vector<Shape>*, const char*> cases[] = {
      {&kYuNet, "yunet"}, {&kScrfd, "scrfd"}, {&kRetinaFace, "retinaface"}};
  for (const auto& [shapes, family] : cases) {
    std::vector<Shape> shuffled = *shapes;
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::shuffle(shuffled.begin(), shuffled.end(), random);
      const auto decoder = MakeDecoder(shuffled, kCanvas);
      ASSERT_TRUE(decoder) << family;
      EXPECT_EQ(decoder->family(), family);
      EXPECT_FALSE(MakeDecoder(shuffled, {128, 64})) << family;
    }
  }
}

TEST(MakeDecoder, AcceptsScrfdWithBatchDimensionOrOneAnchor) {
  std::vector<Shape> batched = kScrfd, one_anchor = kScrfd;
  for (Shape& shape : batched) shape.insert(shape.begin(), 1);
  for (Shape& shape : one_anchor) shape[0] /= 2;
  EXPECT_TRUE(MakeScrfdDecoder(batched, kCanvas));
  EXPECT_TRUE(MakeScrfdDecoder(one_anchor, kCanvas));
}

TEST(MakeDecoder, RefusesOthers) {
  EXPECT_FALSE(MakeDecoder({}, kCanvas));
  const std::vector<Shape> boxes_only = {{1, 252, 2}, {1, 252, 4}};
  EXPECT_FALSE(MakeDecoder(boxes_only, kCanvas));
  const std::vector<Shape> scrfd_without_points(kScrfd.begin(), kScrfd.begin() + 6);
  EXPECT_FALSE(MakeDecoder(scrfd_without_points, kCanvas));
  const std::vector<Shape> nothing(12), images(9, Shape{1, 3, 64, 96});
  EXPECT_FALSE(MakeDecoder(nothing, kCanvas));
  EXPECT_FALSE(MakeDecoder(images, kCanvas));
}

class HostileOutputs : public testing::TestWithParam<float> {};

TEST_P(HostileOutputs, AreLeftOut) {
  for (const std::vector<Shape>* shapes : {&kYuNet, &kScrfd, &kRetinaFace}) {
    const auto decoder = MakeDecoder(*shapes, kCanvas);
    // Everything bad at once, then one bad table among good scores.
    for (std::size_t bad = 0; bad <= shapes->size(); ++bad) {
      std::vector<Tensor> outputs = Zeros(*shapes);
      for (std::size_t o = 0; o < outputs.size(); ++o) {
        const std::int64_t columns = outputs[o].shape().back();
        const bool is_score = columns <= 2;
        const float good = is_score ? 1.0f : 0.5f;
        const auto values = outputs[o].values<float>();
        std::fill(values.begin(), values.end(), bad == o || bad == shapes->size() ? GetParam() : good);
      }
      for (const Face& face : decoder->Decode(outputs, 0.5f)) {
        EXPECT_TRUE(IsPlausible(face, kCanvas));
        EXPECT_TRUE(face.confidence >= 0.5f && face.confidence <= 1) << face.confidence;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Values, HostileOutputs, testing::Values(kNan, kInfinity, -kInfinity, 1e30f, -1e30f, 3e38f));

TEST(IsPlausible, NeedsFiniteNumbersNearTheCanvas) {
  const Face good{.box = {10, 10, 20, 20}, .landmarks = {{{1, 1}, {2, 2}, {3, 3}, {4, 4}, {5, 5}}}, .confidence = 1};
  EXPECT_TRUE(IsPlausible(good, kCanvas));
  for (const float value : {kNan, kInfinity, -kInfinity, 1000.0f, -1000.0f}) {
    Face face = good;
    face.box.x = value;
    EXPECT_FALSE(IsPlausible(face, kCanvas)) << value;
    face = good;
    face.box.height = value;
    EXPECT_FALSE(IsPlausible(face, kCanvas)) << value;
    face = good;
    face.landmarks[4].y = value;
    EXPECT_FALSE(IsPlausible(face, kCanvas)) << value;
  }
  Face flat = good;
  flat.box.width = 0;
  EXPECT_FALSE(IsPlausible(flat, kCanvas));
}

}  // namespace
}  // namespace prefiqs::face
