#include "graph/passes/merge_reshapes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/passes/builder_for_test.h"

namespace prefiqs::graph {
namespace {

TEST(MergeReshapes, ReadsTheFirstSource) {
  BuilderForTest b;
  const auto x = b.Input("x", {2, 3, 4, 1});
  const auto flat = b.Add("Flatten", "flat", {x}, {2, 12});
  const auto wide = b.Add("Unsqueeze", "wide", {flat, b.Ints("axes", {0})}, {1, 2, 12});
  const auto end = b.Add("Reshape", "end", {wide, b.Ints("shape", {0, -1})}, {1, 24});
  const Graph after = MergeReshapes(b.Done({end, flat}));
  EXPECT_EQ(Operators(after), "Reshape Reshape");  // flat is an output; wide is gone
  EXPECT_EQ(after.nodes[1].inputs[0], after.inputs[0]);
  EXPECT_THAT(after.constant(after.nodes[1].inputs[1])->ToInt64s(), testing::ElementsAre(1, 24));
  EXPECT_NO_THROW(Validate(after));
}

}  // namespace
}  // namespace prefiqs::graph
