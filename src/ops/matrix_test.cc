#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::Shape;
using graph::Tensor;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kFloat = graph::DataType::kFloat32;
const graph::Attribute kOn = std::int64_t{1};

TEST(Gemm, Multiplies) {
  const Tensor a = F({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor b = F({3, 2}, {1, 0, 0, 1, 10, 100});
  EXPECT_THAT(Values<float>(Run1({"Gemm"}, {a, b})), ElementsAre(31, 302, 64, 605));
}

TEST(Gemm, TransposesScalesAndAdds) {
  const Tensor a = F({3, 2}, {1, 4, 2, 5, 3, 6});
  const Tensor b = F({2, 3}, {1, 0, 10, 0, 1, 100});
  const Tensor c = F({2}, {1, 2});
  const Tensor y = Run1({"Gemm", {{"transA", kOn}, {"transB", kOn}, {"alpha", 2.0f}, {"beta", 0.5f}}}, {a, b, c});
  EXPECT_EQ(y.shape(), (Shape{2, 2}));
  EXPECT_THAT(Values<float>(y), ElementsAre(62.5f, 605, 128.5f, 1211));
}

TEST(Gemm, AddendRepeatsToFitTheResult) {
  const Tensor a = Filled({2, 1}, 0);
  const Tensor b = Filled({1, 3}, 0);
  const Tensor column = F({2, 1}, {1, 2});
  EXPECT_THAT(Values<float>(Run1({"Gemm"}, {a, b, column})), ElementsAre(1, 1, 1, 2, 2, 2));
  const Tensor row = F({1, 3}, {1, 2, 3});
  EXPECT_THAT(Values<float>(Run1({"Gemm"}, {a, b, row})), ElementsAre(1, 2, 3, 1, 2, 3));
  const Tensor whole = Counting({2, 3});
  EXPECT_THAT(Values<float>(Run1({"Gemm"}, {a, b, whole})), ElementsAre(1, 2, 3, 4, 5, 6));
  const Tensor scalar = Tensor::Scalar(5);
  EXPECT_THAT(Values<float>(Run1({"Gemm"}, {a, b, scalar})), Each(5));
}

TEST(Gemm, AddsInMoreThanFloatPrecision) {
  const Tensor a = F({1, 3}, {1e8f, 1, -1e8f});
  const Tensor b = Filled({3, 1}, 1);
  EXPECT_THAT(Values<float>(Run1({"Gemm"}, {a, b})), ElementsAre(1));
}

TEST(Gemm, Refuses) {
  const Tensor a = Counting({2, 3});
  const Tensor b = Counting({2, 3});
  EXPECT_EQ(ErrorOf({"Gemm"}, {a, b}), "node 'n' (Gemm): 2x3 and 2x3 cannot be multiplied");
  const Tensor cube = Counting({1, 2, 3});
  EXPECT_THAT(ErrorOf({"Gemm"}, {cube, b}), HasSubstr("must both be matrices"));
  const Tensor c = Counting({3});
  EXPECT_THAT(ErrorOf({"Gemm", {{"transB", kOn}}}, {a, b, c}), HasSubstr("do not go together"));
  const Tensor large = Counting({1, 2, 2});
  EXPECT_THAT(ErrorOf({"Gemm", {{"transB", kOn}}}, {a, b, large}), HasSubstr("does not fit a result of 2x2"));
  const Tensor integers(graph::DataType::kInt32, {2, 3});
  EXPECT_THAT(ErrorOf({"Gemm", {{"transB", kOn}}}, {a, integers}), HasSubstr("must be float32, it is int32"));
}

TEST(MatMul, VectorsLoseTheirDimension) {
  const Tensor v = F({2}, {1, 10});
  const Tensor m = F({2, 2}, {1, 2, 3, 4});
  const Tensor dot = Run1({"MatMul"}, {v, v});
  EXPECT_EQ(dot.shape(), Shape{});
  EXPECT_THAT(Values<float>(dot), ElementsAre(101));
  const Tensor row = Run1({"MatMul"}, {v, m});
  EXPECT_EQ(row.shape(), Shape{2});
  EXPECT_THAT(Values<float>(row), ElementsAre(31, 42));
  EXPECT_THAT(Values<float>(Run1({"MatMul"}, {m, v})), ElementsAre(21, 43));
}

TEST(MatMul, BatchesRepeatToFit) {
  const Tensor a = Counting({2, 1, 1, 2});  // (1 2), (3 4)
  const Tensor b = Counting({3, 2, 1});     // (1 2)ᵀ, (3 4)ᵀ, (5 6)ᵀ
  const Tensor y = Run1({"MatMul"}, {a, b});
  EXPECT_EQ(y.shape(), (Shape{2, 3, 1, 1}));
  EXPECT_THAT(Values<float>(y), ElementsAre(5, 11, 17, 11, 25, 39));
  const Tensor v = F({2}, {1, 1});
  const Tensor with_vector = Run1({"MatMul"}, {v, b});
  EXPECT_EQ(with_vector.shape(), (Shape{3, 1}));
  EXPECT_THAT(Values<float>(with_vector), ElementsAre(3, 7, 11));
}

TEST(MatMul, EmptyInnerDimensionGivesZeros) {
  const Tensor a(kFloat, {2, 0});
  const Tensor b(kFloat, {0, 2});
  EXPECT_THAT(Values<float>(Run1({"MatMul"}, {a, b})), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(Values<float>(Run1({"Gemm"}, {a, b})), ElementsAre(0, 0, 0, 0));
  EXPECT_EQ(Run1({"MatMul"}, {b, a}).shape(), (Shape{0, 0}));
}

TEST(MatMul, Refuses) {
  const Tensor a = Counting({2, 3});
  EXPECT_EQ(ErrorOf({"MatMul"}, {a, a}), "node 'n' (MatMul): 2x3 and 2x3 cannot be multiplied");
  const Tensor scalar = Tensor::Scalar(1);
  EXPECT_THAT(ErrorOf({"MatMul"}, {scalar, a}), HasSubstr("scalar and 2x3"));
  const Tensor b2 = Counting({2, 3, 1});
  const Tensor b3 = Counting({3, 1, 3});
  EXPECT_THAT(ErrorOf({"MatMul"}, {b3, b2}), HasSubstr("do not go together"));
  const TensorType tall{kFloat, {std::int64_t{1} << 39, 1}};
  const TensorType wide{kFloat, {1, std::int64_t{1} << 39}};
  EXPECT_THAT(RuleErrorOf({"MatMul"}, {tall, wide}), HasSubstr("node 'n'"));
  // Nothing is made for a result without elements, however large its other dimension.
  const TensorType none{kFloat, {0, 0}};
  const TensorType endless{kFloat, {0, std::int64_t{1} << 40}};
  EXPECT_NO_THROW(Infer({"Gemm"}, {none, endless}));
  const Tensor no_rows(kFloat, {0, 0});
  const Tensor many_columns(kFloat, {0, std::int64_t{1} << 40});
  EXPECT_EQ(Run1({"Gemm"}, {no_rows, many_columns}).count(), 0);
}

}  // namespace
}  // namespace prefiqs::ops
