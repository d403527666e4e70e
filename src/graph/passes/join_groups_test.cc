#include "graph/passes/join_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "graph/passes/builder_for_test.h"

namespace prefiqs::graph {
namespace {

Graph Grouped(std::int64_t groups, Shape weights, const std::vector<float>& values) {
  BuilderForTest b;
  const auto x = b.Input("x", {1, weights[1] * groups, 4, 4});
  const std::int64_t channels = weights[0];
  const auto conv =
      b.Add("Conv", "conv", {x, b.Floats("w", std::move(weights), values)}, {1, channels, 4, 4}, {{"group", groups}});
  return b.Done({conv});
}

std::vector<float> Weights(const Graph& graph) {
  const auto values = graph.constant(graph.nodes[0].inputs[1])->values<float>();
  return {values.begin(), values.end()};
}

TEST(JoinGroups, PutsZerosBetween) {
  // Four groups of two inputs and one output.
  const Graph before = Grouped(4, {4, 2, 1, 1}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Graph after = JoinGroups(before, 4);
  EXPECT_EQ(after.nodes[0].Int("group", 1), 2);
  EXPECT_EQ(after.constant(after.nodes[0].inputs[1])->shape(), (Shape{4, 4, 1, 1}));
  EXPECT_THAT(Weights(after), testing::ElementsAre(1, 2, 0, 0, 0, 0, 3, 4, 5, 6, 0, 0, 0, 0, 7, 8));
  const Graph all = JoinGroups(before, 8);
  EXPECT_EQ(all.nodes[0].Int("group", 1), 1);
  EXPECT_THAT(Weights(all), testing::ElementsAre(1, 2, 0, 0, 0, 0, 0, 0,  //
                                                 0, 0, 3, 4, 0, 0, 0, 0,  //
                                                 0, 0, 0, 0, 5, 6, 0, 0,  //
                                                 0, 0, 0, 0, 0, 0, 7, 8));
}

TEST(JoinGroups, MakesAnyPartOfTheWeights) {
  std::vector<float> values(48);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i + 1);
  const Graph after = JoinGroups(Grouped(4, {8, 2, 1, 3}, values), 8);
  const Tensor& joined = *after.constant(after.nodes[0].inputs[1]);
  const std::vector<float> whole = CopiedInParts(joined, joined.count());
  EXPECT_EQ(std::count(whole.begin(), whole.end(), 0.0f), 3 * 48);
  for (const std::int64_t at_once : {1, 5, 24, 31}) EXPECT_EQ(CopiedInParts(joined, at_once), whole) << at_once;
}

TEST(JoinGroups, KeepsWindowsTogether) {
  const Graph after = JoinGroups(Grouped(2, {2, 2, 1, 2}, {1, 2, 3, 4, 5, 6, 7, 8}), 4);
  EXPECT_THAT(Weights(after), testing::ElementsAre(1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 5, 6, 7, 8));
}

TEST(JoinGroups, LeavesOthersAlone) {
  const std::vector<float> twelve(12, 1.0f);
  EXPECT_EQ(JoinGroups(Grouped(12, {12, 1, 1, 1}, twelve), 4).nodes[0].Int("group", 1), 12);  // depthwise
  EXPECT_EQ(JoinGroups(Grouped(2, {2, 6, 1, 1}, twelve), 4).nodes[0].Int("group", 1), 2);     // wide enough
  EXPECT_EQ(JoinGroups(Grouped(4, {4, 3, 1, 1}, twelve), 4).nodes[0].Int("group", 1), 4);     // does not divide
  EXPECT_EQ(JoinGroups(Grouped(3, {6, 2, 1, 1}, twelve), 4).nodes[0].Int("group", 1), 3);     // does not come out even
  EXPECT_EQ(JoinGroups(Grouped(1, {6, 2, 1, 1}, twelve), 4).nodes[0].Int("group", 1), 1);     // no groups
}

}  // namespace
}  // namespace prefiqs::graph
