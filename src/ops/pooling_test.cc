#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::Shape;
using graph::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

const graph::Attribute kOn = std::int64_t{1};

TEST(MaxPool, TakesTheLargest) {
  const Tensor x = F({1, 2, 2, 3}, {1, -5, 3, 2, 0, -7, -1, -2, -3, -4, -5, -6});
  const Tensor y = Run1({"MaxPool", {{"kernel_shape", Int64s{2, 2}}}}, {x});
  EXPECT_EQ(y.shape(), (Shape{1, 2, 1, 2}));
  EXPECT_THAT(Values<float>(y), ElementsAre(2, 3, -1, -2));
}

TEST(MaxPool, PaddingIsNeverTheLargest) {
  const Tensor x = F({1, 1, 2}, {-3, -4});
  EXPECT_THAT(Values<float>(Run1({"MaxPool", {{"kernel_shape", Int64s{2}}, {"pads", Int64s{1, 1}}}}, {x})),
              ElementsAre(-3, -3, -4));
}

TEST(MaxPool, CeilModeAndDilations) {
  const Tensor x = Counting({1, 1, 4, 4});
  // ONNX: test_maxpool_2d_ceil, test_maxpool_2d_dilations.
  EXPECT_THAT(Values<float>(Run1(
                  {"MaxPool", {{"kernel_shape", Int64s{3, 3}}, {"strides", Int64s{2, 2}}, {"ceil_mode", kOn}}}, {x})),
              ElementsAre(11, 12, 15, 16));
  EXPECT_THAT(Values<float>(Run1({"MaxPool", {{"kernel_shape", Int64s{2, 2}}, {"dilations", Int64s{2, 2}}}}, {x})),
              ElementsAre(11, 12, 15, 16));
}

TEST(MaxPool, KeepsWhatIsNotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = F({1, 1, 3}, {nan, 1, 2});
  const auto y = Values<float>(Run1({"MaxPool", {{"kernel_shape", Int64s{2}}}}, {x}));
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 2);
}

std::vector<std::int64_t> PlacesOf(Attributes attributes, const Tensor& x) {
  const std::vector<Tensor> y = RunNode({"MaxPool", std::move(attributes), 2}, {x});
  EXPECT_EQ(y[1].shape(), y[0].shape());
  return Values<std::int64_t>(y[1]);
}

TEST(MaxPool, SaysWhereTheLargestLie) {
  const Tensor x = F({1, 2, 2, 3}, {1, -5, 3, 2, 0, -7, -1, -2, -3, -4, -5, -6});
  EXPECT_THAT(PlacesOf({{"kernel_shape", Int64s{2, 2}}}, x), ElementsAre(3, 2, 6, 7));
  const Tensor y = F({2, 1, 3}, {-3, -4, 1, 1, 2, 0});
  EXPECT_THAT(PlacesOf({{"kernel_shape", Int64s{2}}, {"pads", Int64s{1, 1}}}, y), ElementsAre(0, 0, 2, 2, 3, 4, 4, 5));
  EXPECT_THAT(PlacesOf({{"kernel_shape", Int64s{2, 2}}, {"dilations", Int64s{2, 2}}}, Counting({1, 1, 4, 4})),
              ElementsAre(10, 11, 14, 15));
}

// As PyTorch.
TEST(MaxPool, TheFirstOfEqualsAndTheLastThatIsNotANumberIsTheLargest) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  const auto places = [](const std::vector<float>& row) {
    const Tensor x = Tensor::From<float>({1, 1, 1, static_cast<std::int64_t>(row.size())}, row);
    return PlacesOf({{"kernel_shape", Int64s{1, 4}}}, x);
  };
  EXPECT_THAT(places({1, 2, 2, 0, 2}), ElementsAre(1, 1));
  EXPECT_THAT(places({0, -0.0f, 0, -1}), ElementsAre(0));
  EXPECT_THAT(places({-kInfinity, -kInfinity, -kInfinity, -kInfinity}), ElementsAre(0));
  EXPECT_THAT(places({kNan, 5, kNan, 7}), ElementsAre(2));
}

TEST(AveragePool, PaddingCountsOnlyWhenAsked) {
  const Tensor x = F({1, 1, 2}, {2, 4});
  const Attributes pool{{"kernel_shape", Int64s{2}}, {"pads", Int64s{1, 1}}};
  EXPECT_THAT(Values<float>(Run1({"AveragePool", pool}, {x})), ElementsAre(2, 3, 4));
  Attributes counting = pool;
  counting["count_include_pad"] = kOn;
  EXPECT_THAT(Values<float>(Run1({"AveragePool", counting}, {x})), ElementsAre(1, 3, 2));
}

TEST(AveragePool, WhatLiesBehindThePaddingNeverCounts) {
  const Tensor x = Counting({1, 1, 4});
  const Attributes pool{
      {"kernel_shape", Int64s{3}}, {"strides", Int64s{2}}, {"ceil_mode", kOn}, {"count_include_pad", kOn}};
  EXPECT_THAT(Values<float>(Run1({"AveragePool", pool}, {x})), ElementsAre(2, 3.5f));
  // Positions -1 … 1, 1 … 3, 3 … 5, where 4 is padding and 5 behind it.
  Attributes padded = pool;
  padded["pads"] = Int64s{1, 1};
  EXPECT_THAT(Values<float>(Run1({"AveragePool", padded}, {x})), ElementsAre(1, 3, 2));
}

TEST(AveragePool, Dilations) {
  // ONNX: test_averagepool_2d_dilations.
  const Tensor x = Counting({1, 1, 4, 4});
  const Attributes pool{{"kernel_shape", Int64s{2, 2}}, {"dilations", Int64s{2, 2}}, {"ceil_mode", kOn}};
  EXPECT_THAT(Values<float>(Run1({"AveragePool", pool}, {x})), ElementsAre(6, 7, 10, 11));
}

TEST(AveragePool, ThreeDimensions) {
  const Tensor x = Counting({1, 1, 2, 2, 2});
  EXPECT_THAT(Values<float>(Run1({"AveragePool", {{"kernel_shape", Int64s{2, 2, 2}}}}, {x})), ElementsAre(4.5f));
  EXPECT_THAT(Values<float>(Run1({"AveragePool", {{"kernel_shape", Int64s{2, 1, 1}}}}, {x})), ElementsAre(3, 4, 5, 6));
}

TEST(GlobalAveragePool, AveragesAPlane) {
  const Tensor x = Counting({2, 1, 2, 2});
  const Tensor y = Run1({"GlobalAveragePool"}, {x});
  EXPECT_EQ(y.shape(), (Shape{2, 1, 1, 1}));
  EXPECT_THAT(Values<float>(y), ElementsAre(2.5f, 6.5f));
}

TEST(Pools, Refuse) {
  const Tensor x = Counting({1, 1, 3});
  EXPECT_EQ(ErrorOf({"MaxPool"}, {x}), "node 'n' (MaxPool): the attribute kernel_shape is missing");
  EXPECT_EQ(ErrorOf({"AveragePool", {{"kernel_shape", Int64s{2}}, {"pads", Int64s{2, 0}}}}, {x}),
            "node 'n' (AveragePool): with pads of 2 a window of 2 may lie in padding alone; use smaller pads");
  EXPECT_THAT(
      ErrorOf({"MaxPool", {{"kernel_shape", Int64s{2}}, {"pads", Int64s{2, 2}}, {"dilations", Int64s{4}}}}, {x}),
      HasSubstr("in padding alone"));
  const Tensor flat = Counting({1, 3});
  EXPECT_THAT(ErrorOf({"GlobalAveragePool"}, {flat}), HasSubstr("the input is 1x3"));
  const Tensor empty(graph::DataType::kFloat32, {1, 1, 0});
  EXPECT_THAT(ErrorOf({"GlobalAveragePool"}, {empty}), HasSubstr("empty"));
  const Tensor integers(graph::DataType::kInt64, {1, 1, 3});
  EXPECT_THAT(ErrorOf({"MaxPool", {{"kernel_shape", Int64s{2}}}}, {integers}), HasSubstr("float32"));
}

}  // namespace
}  // namespace prefiqs::ops
