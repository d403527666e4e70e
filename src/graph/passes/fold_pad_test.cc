#include "graph/passes/fold_pad.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "graph/passes/builder_for_test.h"

namespace prefiqs::graph {
namespace {

Graph PadThenConv(const std::vector<std::int64_t>& pads, float fill, bool pad_is_output) {
  BuilderForTest b;
  const auto x = b.Input("x", {1, 1, 4, 4});
  const auto pad = b.Add("Pad", "pad", {x, b.Ints("pads", pads), b.Floats("fill", {}, {fill})}, {1, 1, 7, 5});
  const auto conv = b.Add("Conv", "conv", {pad, b.Floats("w", {1, 1, 1, 1}, {1})}, {1, 1, 9, 7},
                          {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
  return b.Done(pad_is_output ? std::vector{conv, pad} : std::vector{conv});
}

TEST(FoldPad, AddsToTheConvsPads) {
  const Graph after = FoldPad(PadThenConv({0, 0, 1, 0, 0, 0, 2, 1}, 0, false));
  ASSERT_EQ(Operators(after), "Conv");
  EXPECT_THAT(after.nodes[0].Ints("pads"), testing::ElementsAre(2, 1, 3, 2));
  EXPECT_EQ(after.nodes[0].inputs[0], after.inputs[0]);
  EXPECT_EQ(Operators(FoldPad(PadThenConv({0, 0, 1, 0, 0, 0, 2, 1}, 0, true))), "Pad Conv");
}

TEST(FoldPad, LeavesOtherPads) {
  EXPECT_EQ(Operators(FoldPad(PadThenConv({0, 0, 1, 0, 0, 0, 2, 1}, 1, false))), "Pad Conv");
  EXPECT_EQ(Operators(FoldPad(PadThenConv({0, 1, 1, 0, 0, 0, 2, 1}, 0, false))), "Pad Conv");
  EXPECT_EQ(Operators(FoldPad(PadThenConv({0, 0, -1, 0, 0, 0, 2, 1}, 0, false))), "Pad Conv");
}

}  // namespace
}  // namespace prefiqs::graph
