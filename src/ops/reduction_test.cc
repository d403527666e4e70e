#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/numeric_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::Shape;
using graph::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

const graph::Attribute kOff = std::int64_t{0};
const graph::Attribute kOn = std::int64_t{1};

TEST(ReduceMean, OverTheGivenAxes) {
  const Tensor x = Counting({2, 3, 2});
  const Tensor middle = Tensor::FromInt64s(Ints{1});
  const Tensor kept = RunOne("ReduceMean", {}, {&x, &middle});
  EXPECT_EQ(kept.shape(), (Shape{2, 1, 2}));
  EXPECT_THAT(ValuesOf(kept), ElementsAre(3, 4, 9, 10));
  const Tensor ends = Tensor::FromInt64s(Ints{-1, 0});
  const Tensor dropped = RunOne("ReduceMean", {{"keepdims", kOff}}, {&x, &ends});
  EXPECT_EQ(dropped.shape(), Shape{3});
  EXPECT_THAT(ValuesOf(dropped), ElementsAre(4.5f, 6.5f, 8.5f));
}

TEST(ReduceMean, WithoutAxesOverAllOrNone) {
  const Tensor x = Counting({2, 2});
  const Tensor none = Tensor::FromInt64s(Ints{});
  for (const Tensor* axes : {static_cast<const Tensor*>(nullptr), &none}) {
    const Tensor all = RunOne("ReduceMean", {}, {&x, axes});
    EXPECT_EQ(all.shape(), (Shape{1, 1}));
    EXPECT_THAT(ValuesOf(all), ElementsAre(2.5f));
    EXPECT_THAT(ValuesOf(RunOne("ReduceMean", {{"noop_with_empty_axes", kOn}}, {&x, axes})), ElementsAre(1, 2, 3, 4));
  }
  EXPECT_EQ(RunOne("ReduceMean", {{"keepdims", kOff}}, {&x}).shape(), Shape{});
}

TEST(ReduceMean, AddsInMoreThanFloatPrecision) {
  const Tensor x = Floats({4}, {1e8f, 1, -1e8f, 3});
  EXPECT_THAT(ValuesOf(RunOne("ReduceMean", {}, {&x})), ElementsAre(1));
}

TEST(ReduceL2, IsTheLength) {
  const Tensor x = Floats({2, 2}, {3, -4, 1e30f, 0});
  const Tensor last = Tensor::FromInt64s(Ints{1});
  EXPECT_THAT(ValuesOf(RunOne("ReduceL2", {}, {&x, &last})), ElementsAre(5, 1e30f));
  EXPECT_THAT(ValuesOf(RunOne("ReduceL2", {{"noop_with_empty_axes", kOn}}, {&x})), ElementsAre(3, -4, 1e30f, 0));
}

TEST(Reductions, Refuse) {
  const Tensor x = Counting({2, 2});
  const Tensor outside = Tensor::FromInt64s(Ints{2});
  EXPECT_THAT(RefusalOf("ReduceL2", {}, {&x, &outside}), HasSubstr("node 'n' (ReduceL2): axis 2"));
  const Tensor twice = Tensor::FromInt64s(Ints{1, -1});
  EXPECT_EQ(RefusalOf("ReduceMean", {}, {&x, &twice}), "node 'n' (ReduceMean): axis -1 is given twice");
  const Tensor many = Tensor::FromInt64s(Ints{0, 1, 0});
  EXPECT_THAT(RefusalOf("ReduceMean", {}, {&x, &many}), HasSubstr("3 axes for an input of 2 dimensions"));
  const Tensor fraction = Tensor::Scalar(0.5f);
  EXPECT_THAT(RefusalOf("ReduceMean", {}, {&x, &fraction}), HasSubstr("axes must be integers"));
  const Tensor integers(graph::DataType::kInt64, {2, 2});
  EXPECT_THAT(RefusalOf("ReduceMean", {}, {&integers}), HasSubstr("must be float32, it is int64"));
  const Tensor empty(graph::DataType::kFloat32, {2, 0});
  EXPECT_THAT(RefusalOf("ReduceMean", {}, {&empty}), HasSubstr("dimension 1 of an input of 2x0 is empty"));
  const TensorType input{graph::DataType::kFloat32, {2, 2}};
  const TensorType axes{graph::DataType::kInt64, {1}};
  EXPECT_THAT(RuleRefusalOf("ReduceMean", {}, {input, axes}), HasSubstr("the axes"));
}

}  // namespace
}  // namespace prefiqs::ops
