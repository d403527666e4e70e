#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::Shape;
using graph::Tensor;
using testing::ElementsAre;
using testing::FloatNear;
using testing::HasSubstr;
using testing::Pointwise;

constexpr auto kFloat = graph::DataType::kFloat32;
const graph::Attribute kOn = std::int64_t{1};
// Expected values named "ONNX" are of the operator's node tests, given there with six digits.
constexpr float kSixDigits = 2e-6f;

Tensor ByScales(Attributes attributes, const Tensor& x, const std::vector<float>& scales) {
  const Tensor tensor = F({static_cast<std::int64_t>(scales.size())}, scales);
  return Run1({"Resize", std::move(attributes)}, {x, std::nullopt, tensor});
}
Tensor BySizes(Attributes attributes, const Tensor& x, const Int64s& sizes) {
  const Tensor tensor = Tensor::FromInt64s(sizes);
  return Run1({"Resize", std::move(attributes)}, {x, std::nullopt, std::nullopt, tensor});
}
std::string RefusalBySizes(Attributes attributes, const Tensor& x, const Int64s& sizes) {
  const Tensor tensor = Tensor::FromInt64s(sizes);
  return ErrorOf({"Resize", std::move(attributes)}, {x, std::nullopt, std::nullopt, tensor});
}
Attributes Linear(const char* coordinates) {
  return {{"mode", "linear"}, {"coordinate_transformation_mode", coordinates}};
}
Attributes Nearest(const char* coordinates, const char* rounding) {
  return {{"coordinate_transformation_mode", coordinates}, {"nearest_mode", rounding}};
}

const Tensor kFour = Counting({4});

TEST(Resize, NearestRepeatsElements) {
  const Tensor x = Counting({1, 1, 2, 2});
  const Tensor y = ByScales({}, x, {1, 1, 2, 3});
  EXPECT_EQ(y.shape(), (Shape{1, 1, 4, 6}));
  EXPECT_THAT(Values<float>(y), ElementsAre(1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4));
}

TEST(Resize, NearestRoundings) {
  // Twice the size, asymmetric: 0, 0.5, 1, 1.5, …
  EXPECT_THAT(Values<float>(BySizes(Nearest("asymmetric", "round_prefer_floor"), kFour, {8})),
              ElementsAre(1, 1, 2, 2, 3, 3, 4, 4));
  EXPECT_THAT(Values<float>(BySizes(Nearest("asymmetric", "round_prefer_ceil"), kFour, {8})),
              ElementsAre(1, 2, 2, 3, 3, 4, 4, 4));
  EXPECT_THAT(Values<float>(BySizes(Nearest("asymmetric", "floor"), kFour, {8})), ElementsAre(1, 1, 2, 2, 3, 3, 4, 4));
  // -0.25, 0.25, 0.75, …
  EXPECT_THAT(Values<float>(BySizes(Nearest("half_pixel", "ceil"), kFour, {8})), ElementsAre(1, 2, 2, 3, 3, 4, 4, 4));
  EXPECT_THAT(Values<float>(BySizes(Nearest("half_pixel", "floor"), kFour, {8})), ElementsAre(1, 1, 1, 2, 2, 3, 3, 4));
  EXPECT_THAT(Values<float>(BySizes(Nearest("align_corners", "floor"), kFour, {8})),
              ElementsAre(1, 1, 1, 2, 2, 3, 3, 4));
}

TEST(Resize, Coordinates) {
  EXPECT_THAT(Values<float>(BySizes(Linear("half_pixel"), Counting({2}), {4})), ElementsAre(1, 1.25f, 1.75f, 2));
  EXPECT_THAT(Values<float>(BySizes(Linear("align_corners"), kFour, {7})), ElementsAre(1, 1.5f, 2, 2.5f, 3, 3.5f, 4));
  EXPECT_THAT(Values<float>(BySizes(Linear("asymmetric"), Counting({2}), {4})), ElementsAre(1, 1.5f, 2, 2));
  // One element: the first, but for half_pixel the middle.
  EXPECT_THAT(Values<float>(BySizes(Linear("pytorch_half_pixel"), kFour, {1})), ElementsAre(1));
  EXPECT_THAT(Values<float>(BySizes(Linear("align_corners"), kFour, {1})), ElementsAre(1));
  EXPECT_THAT(Values<float>(BySizes(Linear("half_pixel"), kFour, {1})), ElementsAre(2.5f));
  EXPECT_THAT(Values<float>(BySizes(Linear("pytorch_half_pixel"), Counting({2}), {4})),
              ElementsAre(1, 1.25f, 1.75f, 2));
  // 2.4 elements cut to 2: half_pixel_symmetric keeps them in the middle.
  EXPECT_THAT(Values<float>(ByScales(Linear("half_pixel_symmetric"), kFour, {0.6f})),
              Pointwise(FloatNear(kSixDigits), {1 + (1.0f / 3 + 1 / 1.2f - 0.5f), 1 + (1.0f / 3 + 2.5f - 0.5f)}));
  // ONNX: test_resize_downsample_scales_linear_align_corners keeps the 2.4.
  EXPECT_THAT(Values<float>(ByScales(Linear("align_corners"), kFour, {0.6f})),
              Pointwise(FloatNear(kSixDigits), {1.0f, 3.142857f}));
}

TEST(Resize, LinearInTwoDimensions) {
  const Tensor y = BySizes({{"mode", "linear"}}, Counting({1, 1, 2, 2}), {1, 1, 4, 4});
  EXPECT_THAT(Values<float>(y),
              ElementsAre(1, 1.25f, 1.75f, 2, 1.5f, 1.75f, 2.25f, 2.5f, 2.5f, 2.75f, 3.25f, 3.5f, 3, 3.25f, 3.75f, 4));
}

TEST(Resize, Cubic) {
  // ONNX: test_resize_downsample_scales_cubic and …_A_n0p5_exclude_outside.
  const Tensor x = Counting({1, 1, 4, 4});
  EXPECT_THAT(Values<float>(ByScales({{"mode", "cubic"}}, x, {1, 1, 0.8f, 0.8f})),
              Pointwise(FloatNear(2e-5f), {1.47119141f, 2.78125f, 4.08251953f, 6.71142578f, 8.02148438f, 9.32275391f,
                                           11.91650391f, 13.2265625f, 14.52783203f}));
  const Attributes half{{"mode", "cubic"}, {"cubic_coeff_a", -0.5f}, {"exclude_outside", kOn}};
  EXPECT_THAT(Values<float>(ByScales(half, x, {1, 1, 0.8f, 0.8f})),
              Pointwise(FloatNear(2e-5f), {1.36812675f, 2.6695014f, 4.0133367f, 6.57362535f, 7.875f, 9.2188353f,
                                           11.94896657f, 13.25034122f, 14.59417652f}));
}

TEST(Resize, CropAndResize) {
  // ONNX: test_resize_tf_crop_and_resize and …_extrapolation_value.
  const Tensor x = Counting({1, 1, 4, 4});
  const Tensor sizes = List({1, 1, 3, 3});
  const Tensor inside = F({8}, {0, 0, 0.4f, 0.6f, 1, 1, 0.6f, 0.8f});
  Attributes crop = Linear("tf_crop_and_resize");
  EXPECT_THAT(Values<float>(Run1({"Resize", crop}, {x, inside, std::nullopt, sizes})),
              Pointwise(FloatNear(kSixDigits), {7.6f, 7.9f, 8.2f, 8.8f, 9.1f, 9.4f, 10.0f, 10.3f, 10.6f}));
  const Tensor beyond = F({8}, {0, 0, 0.4f, 0.6f, 1, 1, 1.2f, 1.7f});
  crop["extrapolation_value"] = 10.0f;
  EXPECT_THAT(Values<float>(Run1({"Resize", crop}, {x, beyond, std::nullopt, sizes})),
              Pointwise(FloatNear(kSixDigits), {7.6f, 10.0f, 10.0f, 12.4f, 10.0f, 10.0f, 10.0f, 10.0f, 10.0f}));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor nowhere = F({8}, {0, 0, nan, nan, 1, 1, nan, nan});
  EXPECT_THAT(Values<float>(Run1({"Resize", crop}, {x, nowhere, std::nullopt, sizes})), testing::Each(10.0f));
}

// A crop of the same size still moves.
TEST(Resize, CropOfTheSameSize) {
  const Tensor sizes = List({4});
  const Tensor roi = F({2}, {1, 0});
  EXPECT_THAT(Values<float>(Run1({"Resize", Linear("tf_crop_and_resize")}, {kFour, roi, std::nullopt, sizes})),
              ElementsAre(4, 3, 2, 1));
}

TEST(Resize, AxesNameTheDimensions) {
  const Tensor x = Counting({1, 2, 2});
  EXPECT_THAT(Values<float>(BySizes({{"axes", Int64s{2}}}, x, {4})), ElementsAre(1, 1, 2, 2, 3, 3, 4, 4));
  const Tensor y = BySizes({{"axes", Int64s{-1, 1}}}, x, {1, 4});
  EXPECT_EQ(y.shape(), (Shape{1, 4, 1}));
  EXPECT_THAT(RefusalBySizes({{"axes", Int64s{1, -2}}}, x, {1, 4}), HasSubstr("axis -2 is given twice"));
  EXPECT_THAT(RefusalBySizes({{"axes", Int64s{3}}}, x, {1}), HasSubstr("axis 3"));
}

TEST(Resize, KeepsTheAspectRatio) {
  const Tensor x = Counting({1, 1, 2, 4});
  const auto shape = [&](const char* policy) {
    return BySizes({{"axes", Int64s{2, 3}}, {"keep_aspect_ratio_policy", policy}}, x, {7, 8}).shape();
  };
  EXPECT_EQ(shape("stretch"), (Shape{1, 1, 7, 8}));
  EXPECT_EQ(shape("not_larger"), (Shape{1, 1, 4, 8}));
  EXPECT_EQ(shape("not_smaller"), (Shape{1, 1, 7, 14}));
  EXPECT_THAT(RefusalBySizes({{"keep_aspect_ratio_policy", "square"}}, x, {1, 1, 2, 2}), HasSubstr("'square'"));
}

TEST(Resize, ScalesAreCutAsInFloat) {
  EXPECT_EQ(ByScales({}, Counting({10}), {0.7f}).shape(), Shape{7});
  EXPECT_EQ(ByScales({}, Counting({3}), {1.5f}).shape(), Shape{4});
}

TEST(Resize, EmptyInputsAreLeftOut) {
  const Tensor empty(kFloat, {0});
  const Tensor sizes = List({2});
  EXPECT_THAT(Values<float>(Run1({"Resize", Nearest("asymmetric", "floor")}, {kFour, empty, empty, sizes})),
              ElementsAre(1, 3));
}

TEST(Resize, AntialiasMattersOnlyWhenShrinking) {
  EXPECT_EQ(BySizes({{"mode", "linear"}, {"antialias", kOn}}, kFour, {8}).shape(), Shape{8});
  EXPECT_EQ(RefusalBySizes({{"mode", "linear"}, {"antialias", kOn}}, kFour, {2}),
            "node 'n' (Resize): antialias is not supported; export the network without it");
}

// On the way from 1x1000000 to 1000000x1 there must be no 1000000x1000000.
TEST(Resize, ShrinksBeforeItGrows) {
  constexpr std::int64_t kMillion = 1000000;
  const Tensor x = Filled({1, kMillion}, 3);
  const Tensor y = BySizes({{"mode", "linear"}}, x, {kMillion, 1});
  EXPECT_EQ(y.shape(), (Shape{kMillion, 1}));
  EXPECT_EQ(y.values<float>()[kMillion - 1], 3);
}

// Every mode on every small pair of sizes stays inside the input: a constant stays constant.
TEST(Resize, WeightsAddToOneEverywhere) {
  for (const char* coordinates :
       {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"}) {
    for (const char* mode : {"nearest", "linear", "cubic"}) {
      for (std::int64_t exclude = 0; exclude < 2; ++exclude) {
        for (std::int64_t from = 1; from < 7; ++from) {
          for (std::int64_t to = 1; to < 9; ++to) {
            const Tensor y =
                BySizes({{"mode", mode}, {"coordinate_transformation_mode", coordinates}, {"exclude_outside", exclude}},
                        Filled({from}, 2), {to});
            ASSERT_LE(Difference(y, Filled({to}, 2)), 1e-6) << coordinates << ' ' << mode << ' ' << from << ' ' << to;
          }
        }
      }
    }
  }
}

TEST(Resize, Refuses) {
  EXPECT_EQ(ErrorOf({"Resize"}, {kFour}), "node 'n' (Resize): it needs either scales or sizes");
  const Tensor sizes = List({2});
  const Tensor scales = F({1}, {0.5f});
  EXPECT_THAT(ErrorOf({"Resize"}, {kFour, std::nullopt, scales, sizes}), HasSubstr("either scales or sizes"));
  EXPECT_THAT(ErrorOf({"Resize"}, {kFour, std::nullopt, sizes}), HasSubstr("scales must be 1 float values"));
  EXPECT_THAT(ErrorOf({"Resize"}, {kFour, std::nullopt, std::nullopt, scales}), HasSubstr("sizes must be 1 integers"));
  EXPECT_THAT(RefusalBySizes({}, kFour, {2, 2}), HasSubstr("sizes must be 1 integers"));
  EXPECT_THAT(RefusalBySizes({}, kFour, {0}), HasSubstr("a dimension of 4 cannot be resized to 0"));
  EXPECT_THAT(RefusalBySizes({}, kFour, {-1}), HasSubstr("cannot be resized to -1"));
  EXPECT_THAT(RefusalBySizes({}, kFour, {std::numeric_limits<std::int64_t>::max()}), HasSubstr("node 'n' (Resize)"));
  for (const float scale :
       {0.0f, -1.0f, std::numeric_limits<float>::infinity(), 1e30f, 1e-30f, std::numeric_limits<float>::quiet_NaN()}) {
    const Tensor wrong = F({1}, {scale});
    EXPECT_THAT(ErrorOf({"Resize"}, {kFour, std::nullopt, wrong}), HasSubstr("node 'n' (Resize)")) << scale;
  }
  EXPECT_THAT(RefusalBySizes({{"mode", "area"}}, kFour, {2}), HasSubstr("mode 'area' is not supported"));
  EXPECT_THAT(RefusalBySizes(Linear("tf_crop_and_resize"), kFour, {2}), HasSubstr("needs the input roi"));
  EXPECT_THAT(ErrorOf({"Resize", Linear("tf_crop_and_resize")}, {kFour, std::nullopt, scales}),
              HasSubstr("no agreed meaning"));
  const TensorType x{kFloat, {4}};
  const TensorType unknown{kFloat, {1}};
  EXPECT_THAT(RuleErrorOf({"Resize"}, {x, unknown, unknown}), HasSubstr("(scales)"));
}

}  // namespace
}  // namespace prefiqs::ops
