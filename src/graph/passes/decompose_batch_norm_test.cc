#include "graph/passes/decompose_batch_norm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/passes/builder_for_test.h"

namespace prefiqs::graph {
namespace {

using testing::ElementsAre;

TEST(DecomposeBatchNorm, BecomesMulAndAdd) {
  BuilderForTest b;
  const auto x = b.Input("x", {1, 2, 3, 3});
  const auto norm = b.Add("BatchNormalization", "norm",
                          {x, b.Floats("gamma", {2}, {2, 3}), b.Floats("beta", {2}, {1, -1}),
                           b.Floats("mean", {2}, {4, 5}), b.Floats("variance", {2}, {4, 1})},
                          {1, 2, 3, 3}, {{"epsilon", 0.0f}});
  const Graph after = DecomposeBatchNorm(b.Done({norm, x}));
  ASSERT_EQ(Operators(after), "Mul Add");
  EXPECT_THAT(FloatsOf(after, after.nodes[0].inputs[1]), ElementsAre(1, 3));
  EXPECT_THAT(FloatsOf(after, after.nodes[1].inputs[1]), ElementsAre(-3, -16));
  EXPECT_EQ(after.value(after.nodes[0].inputs[1]).shape, (Shape{2, 1, 1}));
  EXPECT_EQ(after.value(after.outputs[0]).name, "norm");
  EXPECT_NO_THROW(Validate(after));
}

}  // namespace
}  // namespace prefiqs::graph
