#include "graph/passes/fold_affine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/passes/builder_for_test.h"

namespace prefiqs::graph {
namespace {

using testing::ElementsAre;

std::vector<ValueId> BatchNorm(BuilderForTest& b, ValueId data) {
  return {data, b.Floats("gamma", {2}, {2, 3}), b.Floats("beta", {2}, {1, -1}), b.Floats("mean", {2}, {4, 5}),
          b.Floats("variance", {2}, {4, 1})};
}

TEST(FoldAffine, BatchNormIntoConvAndWhatFollows) {
  BuilderForTest b;
  const auto x = b.Input("x", {1, 1, 2, 2});
  const auto conv =
      b.Add("Conv", "conv", {x, b.Floats("w", {2, 1, 1, 1}, {10, 0}), b.Floats("c", {2}, {1, 2})}, {1, 2, 2, 2});
  const auto norm = b.Add("BatchNormalization", "norm", BatchNorm(b, conv), {1, 2, 2, 2}, {{"epsilon", 0.0f}});
  const auto scaled = b.Add("Mul", "scaled", {b.Floats("two", {2, 1, 1}, {2, 4}), norm}, {1, 2, 2, 2});
  const auto moved = b.Add("Sub", "moved", {scaled, b.Floats("three", {}, {3})}, {1, 2, 2, 2});
  const auto relu = b.Add("Relu", "relu", {moved}, {1, 2, 2, 2});
  const Graph after = FoldAffine(b.Done({relu}));
  ASSERT_EQ(Operators(after), "Conv Relu");
  // gamma / sqrt(variance) = (1, 3), beta - mean * that = (-3, -16); then times (2, 4) and minus 3.
  EXPECT_THAT(FloatsOf(after, after.nodes[0].inputs[1]), ElementsAre(20, 0));
  EXPECT_THAT(FloatsOf(after, after.nodes[0].inputs[2]), ElementsAre((1 - 3) * 2 - 3, (2 * 3 - 16) * 4 - 3));
  EXPECT_EQ(after.value(after.nodes[0].outputs[0]).name, "moved");
  EXPECT_NO_THROW(Validate(after));
}

TEST(FoldAffine, BatchNormIntoGemmAndMatMul) {
  for (const bool transposed : {false, true}) {
    BuilderForTest b;
    const auto x = b.Input("x", {1, 3});
    const auto w = transposed ? b.Floats("w", {2, 3}, {1, 3, 5, 2, 4, 6}) : b.Floats("w", {3, 2}, {1, 2, 3, 4, 5, 6});
    const auto gemm = b.Add("Gemm", "gemm", {x, w, b.Floats("c", {2}, {1, 2})}, {1, 2},
                            {{"transB", std::int64_t{transposed}}, {"beta", 2.0f}});
    const auto norm = b.Add("BatchNormalization", "norm", BatchNorm(b, gemm), {1, 2}, {{"epsilon", 0.0f}});
    const Graph after = FoldAffine(b.Done({norm}));
    ASSERT_EQ(Operators(after), "Gemm");
    if (transposed) {
      EXPECT_THAT(FloatsOf(after, after.nodes[0].inputs[1]), ElementsAre(1, 3, 5, 6, 12, 18));
    } else {
      EXPECT_THAT(FloatsOf(after, after.nodes[0].inputs[1]), ElementsAre(1, 6, 3, 12, 5, 18));
    }
    EXPECT_THAT(FloatsOf(after, after.nodes[0].inputs[2]), ElementsAre(2 - 3, 4 * 3 - 16));
    EXPECT_EQ(after.nodes[0].Float("beta", 0), 1.0f);
  }
  BuilderForTest b;
  const auto product = b.Add("MatMul", "product", {b.Input("x", {1, 1}), b.Floats("w", {1, 2}, {1, 2})}, {1, 2});
  const auto sum = b.Add("Add", "sum", {product, b.Floats("c", {2}, {7, 8})}, {1, 2});
  const Graph after = FoldAffine(b.Done({sum}));
  ASSERT_EQ(Operators(after), "Gemm");
  EXPECT_THAT(FloatsOf(after, after.nodes[0].inputs[2]), ElementsAre(7, 8));
}

TEST(FoldAffine, ScalesAnyPartOfTheWeights) {
  for (const bool transposed : {false, true}) {
    const std::vector<float> values{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    BuilderForTest b;
    const auto w = b.Floats("w", transposed ? Shape{2, 6} : Shape{6, 2}, values);
    const auto gemm = b.Add("Gemm", "gemm", {b.Input("x", {1, 6}), w}, {1, 2}, {{"transB", std::int64_t{transposed}}});
    const auto norm = b.Add("BatchNormalization", "norm", BatchNorm(b, gemm), {1, 2}, {{"epsilon", 0.0f}});
    const Graph after = FoldAffine(b.Done({norm}));
    const Tensor& scaled = *after.constant(after.nodes[0].inputs[1]);
    for (const std::int64_t at_once : {1, 4, 5, 7, 12}) {
      const std::vector<float> copied = CopiedInParts(scaled, at_once);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const bool second = transposed ? i >= 6 : i % 2 == 1;
        EXPECT_EQ(copied[i], values[i] * (second ? 3 : 1)) << at_once << " at once, " << i;
      }
    }
  }
}

TEST(FoldAffine, LeavesValuesThatOthersRead) {
  for (const bool output : {false, true}) {
    BuilderForTest b;
    const auto x = b.Input("x", {1, 1, 2, 2});
    const auto conv = b.Add("Conv", "conv", {x, b.Floats("w", {2, 1, 1, 1}, {10, 0})}, {1, 2, 2, 2});
    const auto norm = b.Add("BatchNormalization", "norm", BatchNorm(b, conv), {1, 2, 2, 2});
    const auto second = b.Add("Relu", "second", {output ? norm : conv}, {1, 2, 2, 2});
    const Graph after = FoldAffine(b.Done(output ? std::vector{second, conv} : std::vector{second, norm}));
    EXPECT_EQ(Operators(after), "Conv BatchNormalization Relu");
  }
}

TEST(FoldAffine, SharedWeightsStayForTheOtherUser) {
  BuilderForTest b;
  const auto x = b.Input("x", {1, 1, 2, 2});
  const auto w = b.Floats("w", {2, 1, 1, 1}, {10, 1});
  const auto a = b.Add("Conv", "a", {x, w}, {1, 2, 2, 2});
  const auto norm = b.Add("BatchNormalization", "norm", BatchNorm(b, a), {1, 2, 2, 2}, {{"epsilon", 0.0f}});
  const auto other = b.Add("Conv", "other", {x, w}, {1, 2, 2, 2});
  const Graph after = FoldAffine(b.Done({norm, other}));
  ASSERT_EQ(Operators(after), "Conv Conv");
  EXPECT_THAT(FloatsOf(after, after.nodes[0].inputs[1]), ElementsAre(10, 3));
  EXPECT_THAT(FloatsOf(after, after.nodes[1].inputs[1]), ElementsAre(10, 1));
}

TEST(FoldAffine, LeavesConstantsThatAreNotPerChannel) {
  BuilderForTest b;
  const auto x = b.Input("x", {1, 1, 2, 2});
  const auto conv = b.Add("Conv", "conv", {x, b.Floats("w", {2, 1, 1, 1}, {10, 0})}, {1, 2, 2, 2});
  const auto columns = b.Add("Add", "columns", {conv, b.Floats("c", {2}, {1, 2})}, {1, 2, 2, 2});
  EXPECT_EQ(Operators(FoldAffine(b.Done({columns}))), "Conv Add");
  const auto infinite = b.Add("Div", "infinite", {conv, b.Floats("zero", {}, {0})}, {1, 2, 2, 2});
  EXPECT_EQ(Operators(FoldAffine(b.Done({infinite}))), "Conv Div");
}

}  // namespace
}  // namespace prefiqs::graph
