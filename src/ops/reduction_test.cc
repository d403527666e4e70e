#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ops/elements_for_test.h"

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
  const Tensor middle = List({1});
  const Tensor kept = Run1({"ReduceMean"}, {x, middle});
  EXPECT_EQ(kept.shape(), (Shape{2, 1, 2}));
  EXPECT_THAT(Values<float>(kept), ElementsAre(3, 4, 9, 10));
  const Tensor ends = List({-1, 0});
  const Tensor dropped = Run1({"ReduceMean", {{"keepdims", kOff}}}, {x, ends});
  EXPECT_EQ(dropped.shape(), Shape{3});
  EXPECT_THAT(Values<float>(dropped), ElementsAre(4.5f, 6.5f, 8.5f));
}

TEST(ReduceMean, WithoutAxesOverAllOrNone) {
  const Tensor x = Counting({2, 2});
  const Tensor none = List({});
  for (const OptionalTensor& axes : {OptionalTensor(), OptionalTensor(none)}) {
    const Tensor all = Run1({"ReduceMean"}, {x, axes});
    EXPECT_EQ(all.shape(), (Shape{1, 1}));
    EXPECT_THAT(Values<float>(all), ElementsAre(2.5f));
    EXPECT_THAT(Values<float>(Run1({"ReduceMean", {{"noop_with_empty_axes", kOn}}}, {x, axes})),
                ElementsAre(1, 2, 3, 4));
  }
  EXPECT_EQ(Run1({"ReduceMean", {{"keepdims", kOff}}}, {x}).shape(), Shape{});
}

TEST(ReduceMean, AddsInMoreThanFloatPrecision) {
  const Tensor x = F({4}, {1e8f, 1, -1e8f, 3});
  EXPECT_THAT(Values<float>(Run1({"ReduceMean"}, {x})), ElementsAre(1));
}

TEST(ReduceL2, IsTheLength) {
  const Tensor x = F({2, 2}, {3, -4, 1e30f, 0});
  const Tensor last = List({1});
  EXPECT_THAT(Values<float>(Run1({"ReduceL2"}, {x, last})), ElementsAre(5, 1e30f));
  EXPECT_THAT(Values<float>(Run1({"ReduceL2", {{"noop_with_empty_axes", kOn}}}, {x})), ElementsAre(3, -4, 1e30f, 0));
}

TEST(Reductions, SumAndExtremes) {
  const Tensor x = F({2, 3}, {1, -4, 2, 8, 0.5f, -1});
  const Tensor last = List({1}), first = List({0});
  EXPECT_THAT(Values<float>(Run1({"ReduceSum"}, {x, last})), ElementsAre(-1, 7.5f));
  EXPECT_THAT(Values<float>(Run1({"ReduceMax"}, {x, last})), ElementsAre(2, 8));
  EXPECT_THAT(Values<float>(Run1({"ReduceMin"}, {x, first})), ElementsAre(1, -4, -1));
  EXPECT_THAT(Values<float>(Run1({"ReduceProd"}, {x, last})), ElementsAre(-8, -4));
  const Tensor all = Run1({"ReduceMin", {{"keepdims", kOff}}}, {x});
  EXPECT_EQ(all.shape(), Shape{});
  EXPECT_THAT(Values<float>(all), ElementsAre(-4));
  EXPECT_THAT(Values<float>(Run1({"ReduceMax", {{"noop_with_empty_axes", kOn}}}, {x})),
              ElementsAre(1, -4, 2, 8, 0.5f, -1));
}

TEST(Reductions, NanWinsOverAnyNumber) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const Tensor& x : {F({3}, {1, nan, 2}), F({3}, {nan, 1, 2}), F({3}, {1, 2, nan})}) {
    for (const char* op : {"ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd"}) {
      EXPECT_TRUE(std::isnan(Values<float>(Run1({op}, {x}))[0])) << op;
    }
  }
}

TEST(Reductions, OfIntegers) {
  constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
  const Tensor x = I({2, 2}, {kHighest, 1, -3, -7}), last = List({1});
  EXPECT_THAT(Values<std::int64_t>(Run1({"ReduceSum"}, {x, last})),
              ElementsAre(std::numeric_limits<std::int64_t>::min(), -10));
  EXPECT_THAT(Values<std::int64_t>(Run1({"ReduceMax"}, {x, last})), ElementsAre(kHighest, -3));
  EXPECT_THAT(Values<std::int32_t>(Run1({"ReduceMin"}, {I32({3}, {4, -2, 5})})), ElementsAre(-2));
  EXPECT_THAT(Values<std::int64_t>(Run1({"ReduceProd"}, {x, last})), ElementsAre(kHighest, 21));
  EXPECT_THAT(Values<std::int32_t>(Run1({"ReduceProd"}, {I32({2}, {1 << 30, 6})})),
              ElementsAre(std::numeric_limits<std::int32_t>::min()));
  EXPECT_THAT(ErrorOf({"ReduceMax"}, {B({1}, {1})}), HasSubstr("for numbers"));
}

TEST(Reductions, Refuse) {
  const Tensor x = Counting({2, 2});
  const Tensor outside = List({2});
  EXPECT_THAT(ErrorOf({"ReduceL2"}, {x, outside}), HasSubstr("node 'n' (ReduceL2): axis 2"));
  const Tensor twice = List({1, -1});
  EXPECT_EQ(ErrorOf({"ReduceMean"}, {x, twice}), "node 'n' (ReduceMean): axis -1 is given twice");
  const Tensor many = List({0, 1, 0});
  EXPECT_THAT(ErrorOf({"ReduceMean"}, {x, many}), HasSubstr("3 axes for an input of 2 dimensions"));
  const Tensor fraction = Tensor::Scalar(0.5f);
  EXPECT_THAT(ErrorOf({"ReduceMean"}, {x, fraction}), HasSubstr("axes must be integers"));
  const Tensor integers(graph::DataType::kInt64, {2, 2});
  EXPECT_THAT(ErrorOf({"ReduceMean"}, {integers}), HasSubstr("must be float32, it is int64"));
  const Tensor empty(graph::DataType::kFloat32, {2, 0});
  EXPECT_THAT(ErrorOf({"ReduceMean"}, {empty}), HasSubstr("dimension 1 of an input of 2x0 is empty"));
  const TensorType input{graph::DataType::kFloat32, {2, 2}};
  const TensorType axes{graph::DataType::kInt64, {1}};
  EXPECT_THAT(RuleErrorOf({"ReduceMean"}, {input, axes}), HasSubstr("the axes"));
}

}  // namespace
}  // namespace prefiqs::ops
