#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "ops/numeric_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::Shape;
using graph::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

const graph::Attribute kOn = std::int64_t{1};

TEST(MaxPool, TakesTheLargest) {
  const Tensor x = Floats({1, 2, 2, 3}, {1, -5, 3, 2, 0, -7, -1, -2, -3, -4, -5, -6});
  const Tensor y = RunOne("MaxPool", {{"kernel_shape", Ints{2, 2}}}, {&x});
  EXPECT_EQ(y.shape(), (Shape{1, 2, 1, 2}));
  EXPECT_THAT(ValuesOf(y), ElementsAre(2, 3, -1, -2));
}

TEST(MaxPool, PaddingIsNeverTheLargest) {
  const Tensor x = Floats({1, 1, 2}, {-3, -4});
  EXPECT_THAT(ValuesOf(RunOne("MaxPool", {{"kernel_shape", Ints{2}}, {"pads", Ints{1, 1}}}, {&x})),
              ElementsAre(-3, -3, -4));
}

TEST(MaxPool, CeilModeAndDilations) {
  const Tensor x = Counting({1, 1, 4, 4});
  // ONNX: test_maxpool_2d_ceil, test_maxpool_2d_dilations.
  EXPECT_THAT(
      ValuesOf(RunOne("MaxPool", {{"kernel_shape", Ints{3, 3}}, {"strides", Ints{2, 2}}, {"ceil_mode", kOn}}, {&x})),
      ElementsAre(11, 12, 15, 16));
  EXPECT_THAT(ValuesOf(RunOne("MaxPool", {{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 2}}}, {&x})),
              ElementsAre(11, 12, 15, 16));
}

TEST(MaxPool, KeepsWhatIsNotANumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = Floats({1, 1, 3}, {nan, 1, 2});
  const auto y = ValuesOf(RunOne("MaxPool", {{"kernel_shape", Ints{2}}}, {&x}));
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 2);
}

TEST(AveragePool, PaddingCountsOnlyWhenAsked) {
  const Tensor x = Floats({1, 1, 2}, {2, 4});
  const Attributes pool{{"kernel_shape", Ints{2}}, {"pads", Ints{1, 1}}};
  EXPECT_THAT(ValuesOf(RunOne("AveragePool", pool, {&x})), ElementsAre(2, 3, 4));
  Attributes counting = pool;
  counting["count_include_pad"] = kOn;
  EXPECT_THAT(ValuesOf(RunOne("AveragePool", counting, {&x})), ElementsAre(1, 3, 2));
}

TEST(AveragePool, WhatLiesBehindThePaddingNeverCounts) {
  const Tensor x = Counting({1, 1, 4});
  const Attributes pool{
      {"kernel_shape", Ints{3}}, {"strides", Ints{2}}, {"ceil_mode", kOn}, {"count_include_pad", kOn}};
  EXPECT_THAT(ValuesOf(RunOne("AveragePool", pool, {&x})), ElementsAre(2, 3.5f));
  // Positions -1 … 1, 1 … 3, 3 … 5, where 4 is padding and 5 behind it.
  Attributes padded = pool;
  padded["pads"] = Ints{1, 1};
  EXPECT_THAT(ValuesOf(RunOne("AveragePool", padded, {&x})), ElementsAre(1, 3, 2));
}

TEST(AveragePool, Dilations) {
  // ONNX: test_averagepool_2d_dilations.
  const Tensor x = Counting({1, 1, 4, 4});
  const Attributes pool{{"kernel_shape", Ints{2, 2}}, {"dilations", Ints{2, 2}}, {"ceil_mode", kOn}};
  EXPECT_THAT(ValuesOf(RunOne("AveragePool", pool, {&x})), ElementsAre(6, 7, 10, 11));
}

TEST(AveragePool, ThreeDimensions) {
  const Tensor x = Counting({1, 1, 2, 2, 2});
  EXPECT_THAT(ValuesOf(RunOne("AveragePool", {{"kernel_shape", Ints{2, 2, 2}}}, {&x})), ElementsAre(4.5f));
  EXPECT_THAT(ValuesOf(RunOne("AveragePool", {{"kernel_shape", Ints{2, 1, 1}}}, {&x})), ElementsAre(3, 4, 5, 6));
}

TEST(GlobalAveragePool, AveragesAPlane) {
  const Tensor x = Counting({2, 1, 2, 2});
  const Tensor y = RunOne("GlobalAveragePool", {}, {&x});
  EXPECT_EQ(y.shape(), (Shape{2, 1, 1, 1}));
  EXPECT_THAT(ValuesOf(y), ElementsAre(2.5f, 6.5f));
}

TEST(Pools, Refuse) {
  const Tensor x = Counting({1, 1, 3});
  EXPECT_EQ(RefusalOf("MaxPool", {}, {&x}), "node 'n' (MaxPool): the attribute kernel_shape is missing");
  EXPECT_EQ(RefusalOf("AveragePool", {{"kernel_shape", Ints{2}}, {"pads", Ints{2, 0}}}, {&x}),
            "node 'n' (AveragePool): with pads of 2 a window of 2 may lie in padding alone; use smaller pads");
  EXPECT_THAT(RefusalOf("MaxPool", {{"kernel_shape", Ints{2}}, {"pads", Ints{2, 2}}, {"dilations", Ints{4}}}, {&x}),
              HasSubstr("in padding alone"));
  const Tensor flat = Counting({1, 3});
  EXPECT_THAT(RefusalOf("GlobalAveragePool", {}, {&flat}), HasSubstr("the input is 1x3"));
  const Tensor empty(graph::DataType::kFloat32, {1, 1, 0});
  EXPECT_THAT(RefusalOf("GlobalAveragePool", {}, {&empty}), HasSubstr("empty"));
  const Tensor integers(graph::DataType::kInt64, {1, 1, 3});
  EXPECT_THAT(RefusalOf("MaxPool", {{"kernel_shape", Ints{2}}}, {&integers}), HasSubstr("float32"));
}

}  // namespace
}  // namespace prefiqs::ops
