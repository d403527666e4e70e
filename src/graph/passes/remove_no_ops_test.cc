#include "graph/passes/remove_no_ops.h"

#include <gtest/gtest.h>

#include "graph/passes/builder_for_test.h"

namespace prefiqs::graph {
namespace {

TEST(RemoveNoOps, DropsWhatChangesNothing) {
  BuilderForTest b;
  auto v = b.Input("x", {1, 4});
  v = b.Add("Identity", "identity", {v}, {1, 4});
  v = b.Add("Dropout", "dropout", {v}, {1, 4});
  v = b.Add("Cast", "cast", {v}, {1, 4}, {{"to", std::int64_t{1}}});
  v = b.Add("Reshape", "reshape", {v, b.Ints("s", {1, 4})}, {1, 4});
  v = b.Add("Slice", "slice", {v, b.Ints("begin", {0}), b.Ints("end", {4}), b.Ints("axes", {1})}, {1, 4});
  v = b.Add("Pad", "pad", {v, b.Ints("pads", {0, 0, 0, 0})}, {1, 4});
  v = b.Add("Concat", "concat", {v}, {1, 4}, {{"axis", std::int64_t{1}}});
  v = b.Add("Transpose", "transpose", {v}, {1, 4}, {{"perm", std::vector<std::int64_t>{0, 1}}});
  v = b.Add("Relu", "relu", {v}, {1, 4});
  const auto end = b.Add("Identity", "end", {v}, {1, 4});
  const Graph after = RemoveNoOps(b.Done({end, v}));
  EXPECT_EQ(Operators(after), "Relu");
  EXPECT_EQ(after.nodes[0].inputs[0], after.inputs[0]);
  EXPECT_EQ(after.outputs, std::vector<ValueId>(2, after.nodes[0].outputs[0]));
  EXPECT_NO_THROW(Validate(after));
}

TEST(RemoveNoOps, KeepsWhatChangesSomething) {
  BuilderForTest b;
  auto v = b.Input("x", {4, 4});
  v = b.Add("Transpose", "transpose", {v}, {4, 4});
  v = b.Add("Slice", "reversal",
            {v, b.Ints("begin", {-1}), b.Ints("end", {-9}), b.Ints("axes", {1}), b.Ints("steps", {-1})}, {4, 4});
  v = b.Add("Reshape", "reshape", {v, b.Ints("s", {2, 8})}, {2, 8});
  v = b.Add("Pad", "shift", {v, b.Ints("pads", {0, 1, 0, -1})}, {2, 8});
  EXPECT_EQ(Operators(RemoveNoOps(b.Done({v}))), "Transpose Slice Reshape Pad");
}

TEST(RemoveNoOps, KeepsDropoutWhoseMaskIsRead) {
  BuilderForTest b;
  const auto x = b.Input("x", {4});
  const auto y = b.Add("Dropout", "dropout", {x}, {4});
  const auto mask = b.Value("mask", {4});
  b.graph.nodes[0].outputs.push_back(mask);
  EXPECT_EQ(RemoveNoOps(b.Done({y, mask})).nodes.size(), 1u);
}

}  // namespace
}  // namespace prefiqs::graph
