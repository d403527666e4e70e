#include "demo/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/folder_for_test.h"
#include "pipeline/network_for_test.h"

namespace prefiqs {
namespace {

using pipeline::kTestSide;
using pipeline::TestPicture;
using ::testing::HasSubstr;

// The pixels whose weights are pruned: the drift is what they contribute, so the quality is lost to them alone.
constexpr int kLeft = 8, kTop = 2, kRegion = 6;

bool InRegion(int x, int y) { return x >= kLeft && x < kLeft + kRegion && y >= kTop && y < kTop + kRegion; }

// Input -> Flatten -> Gemm, small weights in the region and large ones elsewhere.
graph::Graph RegionGraph() {
  graph::Graph graph;
  graph.name = "region";
  graph.opset = 13;
  const auto value = [&](const char* name, graph::Shape shape) {
    return graph.AddValue({name, graph::DataType::kFloat32, std::move(shape), true, nullptr});
  };
  constexpr std::int64_t kInputs = std::int64_t{3} * kTestSide * kTestSide, kOutputs = 32;
  auto weights = std::make_shared<graph::Tensor>(graph::DataType::kFloat32, graph::Shape{kOutputs, kInputs});
  std::mt19937 random(7);
  for (std::int64_t i = 0; i < weights->count(); ++i) {
    const std::int64_t place = i % (kTestSide * kTestSide);
    const bool small = InRegion(static_cast<int>(place % kTestSide), static_cast<int>(place / kTestSide));
    const float sign = random() % 2 == 0 ? 1.0f : -1.0f;
    weights->values<float>()[static_cast<std::size_t>(i)] =
        sign * (small ? 0.3f : 0.5f + static_cast<float>(random()) / 4294967296.0f);
  }
  const auto input = value("input", {graph::kUnknown, 3, kTestSide, kTestSide});
  const auto flat = value("flat", {graph::kUnknown, kInputs});
  const auto matrix = graph.AddConstant("weight", weights);
  const auto offset = graph.AddConstant("bias", pipeline::RandomTensor({kOutputs}, 4));
  const auto output = value("embedding", {graph::kUnknown, kOutputs});
  graph.nodes = {{"flatten", "Flatten", {input}, {flat}, {{"axis", std::int64_t{1}}}},
                 {"gemm", "Gemm", {flat, matrix, offset}, {output}, {{"transB", std::int64_t{1}}}}};
  graph.inputs = {input};
  graph.outputs = {output};
  return graph;
}

class Explain : public ::testing::Test {
 protected:
  Explain() : network_(Network::load(pipeline::WriteTestNetwork(folder_ / "net.onnx", RegionGraph()))) {
    options_.assessor.recipe = Recipe{.sparsity = static_cast<double>(kRegion * kRegion) / (kTestSide * kTestSide)};
    options_.patch = static_cast<double>(kRegion) / kTestSide;
    options_.assessor.guarded = false;  // noise is no face
  }

  Explanation Of(const Image& picture) const { return explain(network_, {picture, Status::kOk, ""}, options_); }
  static float At(const Explanation& explanation, int x, int y) {
    return explanation.change[static_cast<std::size_t>(y * kTestSide + x)];
  }

  std::string Refusal() const {
    try {
      Of(TestPicture(kTestSide, kTestSide, 1));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      return error.what();
    }
    return "";
  }

  FolderForTest folder_;
  Network network_;
  ExplainOptions options_;
};

TEST_F(Explain, PointsAtTheRegionThatCosts) {
  for (const PatchFill fill : {PatchFill::kBlurred, PatchFill::kMean, PatchFill::kGrey}) {
    options_.fill = fill;
    for (std::uint32_t seed = 0; seed < 8; ++seed) {
      const Explanation explanation = Of(TestPicture(kTestSide, kTestSide, seed));
      ASSERT_EQ(explanation.assessment.status, Status::kOk);
      const float lost = 1 - explanation.assessment.quality;
      ASSERT_GT(lost, 0.01f);
      EXPECT_EQ(explanation.patches, 11 * 11);
      ASSERT_EQ(explanation.change.size(), static_cast<std::size_t>(kTestSide * kTestSide));
      const auto peak = std::ranges::max_element(explanation.change) - explanation.change.begin();
      EXPECT_TRUE(InRegion(static_cast<int>(peak % kTestSide), static_cast<int>(peak / kTestSide))) << peak;
      EXPECT_GT(At(explanation, kLeft + kRegion / 2, kTop + kRegion / 2), 0.2f * lost);
      // Where no square meets the region, the rest of the embedding alone is made shorter, by a sixth of its energy at
      // most: of the loss that is 1 / sqrt(1 - 1 / 6) - 1, a tenth, and to the other side.
      double far = 0;
      int count = 0;
      for (int y = kTop + 2 * kRegion; y < kTestSide; ++y) {
        for (int x = 0; x < kTestSide; ++x, ++count) far += At(explanation, x, y);
      }
      EXPECT_LT(far / count, 0);
      EXPECT_GT(far / count, -0.15f * lost);
    }
  }
}

TEST_F(Explain, IsTheChangeOfTheQuality) {
  // One square that hides everything: what is left is the fill but at the edges, and the map is one number.
  options_.patch = options_.step = 1;
  const Image picture = TestPicture(kTestSide, kTestSide, 3);
  const Explanation explanation = Of(picture);
  EXPECT_EQ(explanation.patches, 1);
  const Assessor assessor(network_, options_.assessor);
  EXPECT_EQ(explanation.assessment.quality, assessor.assess(picture).quality);
  EXPECT_EQ(explanation.assessment.drift, assessor.assess(picture).drift);
  for (const float change : explanation.change) EXPECT_NEAR(change, explanation.change[0], 1e-6);
  EXPECT_NE(explanation.change[0], 0);
}

TEST_F(Explain, DoesNotDependOnThreads) {
  const Image picture = TestPicture(kTestSide, kTestSide, 5);
  const std::vector<float> one = Of(picture).change;
  options_.assessor.threads = 3;
  EXPECT_EQ(Of(picture).change, one);
}

TEST_F(Explain, CoversACropToItsBorder) {
  options_.patch = 0.3;
  options_.step = 0.25;  // 5 and 4 pixels: 0, 4, 8 and, to the border, 11
  const Explanation explanation = Of(TestPicture(kTestSide, kTestSide, 5));
  EXPECT_EQ(explanation.patches, 16);
  for (const float change : explanation.change) EXPECT_TRUE(std::isfinite(change));
}

TEST_F(Explain, DrawsCropAndMap) {
  const Image picture = TestPicture(kTestSide, kTestSide, 1);
  const Explanation explanation = Of(picture);
  const Image drawn = draw(explanation);
  EXPECT_EQ(drawn.width, 2 * 448 + 8);
  EXPECT_EQ(drawn.height, 448);
  ASSERT_EQ(drawn.rgb.size(), static_cast<std::size_t>(drawn.width * drawn.height * 3));
  // Mean red less blue of the pixels of the map over a square of the crop.
  const auto redness = [&](int left, int top) {
    double sum = 0;
    constexpr int kScale = 448 / kTestSide;
    for (int y = top * kScale; y < (top + 3) * kScale; ++y) {
      for (int x = 448 + 8 + left * kScale; x < 448 + 8 + (left + 3) * kScale; ++x) {
        const auto at = static_cast<std::size_t>(y * drawn.width + x) * 3;
        sum += drawn.rgb[at] - drawn.rgb[at + 2];
      }
    }
    return sum / (9 * kScale * kScale);
  };
  EXPECT_GT(redness(kLeft + 2, kTop + 2), 60);
  EXPECT_LT(std::abs(redness(2, 12)), 40);
  EXPECT_THROW(draw(Explanation{}), Error);
}

TEST_F(Explain, SaysWhyThereIsNoMap) {
  const Explanation wrong = Of(TestPicture(kTestSide, kTestSide / 2, 1));
  EXPECT_EQ(wrong.assessment.status, Status::kWrongShape);
  EXPECT_TRUE(wrong.change.empty());
  const Explanation broken = explain(network_, {{}, Status::kUndecodable, "cut off"}, options_);
  EXPECT_EQ(broken.assessment.status, Status::kUndecodable);
  EXPECT_EQ(broken.assessment.detail, "cut off");
}

TEST_F(Explain, AsksTheGuardAboutTheFaceAsItIs) {
  const Image noise = TestPicture(kTestSide, kTestSide, 5);
  const Explanation plain = Of(noise);
  EXPECT_EQ(plain.assessment.status, Status::kOk);
  options_.assessor.guarded = true;
  const Explanation guarded = Of(noise);
  EXPECT_EQ(guarded.assessment.status, Status::kNotAFace);
  EXPECT_NE(guarded.assessment.detail, "");
  EXPECT_EQ(guarded.assessment.quality, plain.assessment.quality);
  EXPECT_EQ(guarded.change, plain.change);
}

TEST_F(Explain, RefusesWhatCannotBeMeant) {
  options_.step = 0.5;
  EXPECT_THAT(Refusal(), HasSubstr("step 0.5"));
  options_.step = std::nan("");
  EXPECT_THAT(Refusal(), HasSubstr("step"));
  options_.step = 0.1;
  options_.patch = 1.5;
  EXPECT_THAT(Refusal(), HasSubstr("patch 1.5"));
  options_.patch = 0.25;
  options_.assessor.method = Method::kEmbedding;
  EXPECT_THAT(Refusal(), HasSubstr("embed"));
}

}  // namespace
}  // namespace prefiqs
