#include "graph/graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <functional>

#include "graph/merge.h"

namespace prefiqs::graph {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string MessageOf(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

// Builds graphs by value name.
class Builder {
 public:
  Graph graph;

  ValueId Id(const std::string& name) {
    for (std::size_t i = 0; i < graph.values.size(); ++i) {
      if (graph.values[i].name == name) return static_cast<ValueId>(i);
    }
    Value value;
    value.name = name;
    return graph.AddValue(value);
  }
  Builder& Input(const std::string& name) {
    graph.inputs.push_back(Id(name));
    return *this;
  }
  Builder& Output(const std::string& name) {
    graph.outputs.push_back(Id(name));
    return *this;
  }
  Builder& Constant(const std::string& name, float v) {
    graph.AddConstant(name, std::make_shared<Tensor>(Tensor::Scalar(v)));
    return *this;
  }
  Builder& Add(const std::string& op, const std::vector<std::string>& inputs, const std::string& output) {
    Node node;
    node.op = op;
    node.name = output + "_node";
    for (const auto& name : inputs) node.inputs.push_back(name.empty() ? kNone : Id(name));
    node.outputs = {Id(output)};
    graph.nodes.push_back(node);
    return *this;
  }
};

std::vector<std::string> NodeNames(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.name);
  return names;
}

TEST(Tensor, OwnsAndCopies) {
  const std::vector<float> data{1, 2, 3, 4, 5, 6};
  Tensor a = Tensor::From<float>({2, 3}, data);
  Tensor b = a;
  b.values<float>()[0] = 9;
  EXPECT_EQ(a.values<float>()[0], 1);
  EXPECT_FALSE(Identical(a, b));
  b = a;
  EXPECT_TRUE(Identical(a, b));
  b.Reshape({6});
  EXPECT_FALSE(Identical(a, b));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.bytes()) % 64, 0u);
  EXPECT_THROW(a.values<std::int64_t>(), Error);
  EXPECT_THROW(a.ToInt64s(), Error);
  EXPECT_THROW(b.Reshape({7}), Error);
  EXPECT_THROW(Tensor::From<float>({5}, data), Error);
  EXPECT_THAT(Tensor::FromInt64s(std::vector<std::int64_t>{3, -1}).ToInt64s(), ElementsAre(3, -1));
}

TEST(Shapes, CountAndRefuse) {
  EXPECT_EQ(ElementCount({}), 1);
  EXPECT_EQ(ElementCount({2, 0, 5}), 0);
  EXPECT_EQ(ElementCount({1, 3, 112, 112}), 37632);
  EXPECT_THROW(ElementCount({-1, 3}), Error);
  EXPECT_THROW(ElementCount({0, -3}), Error);
  EXPECT_THROW(ElementCount({std::int64_t{1} << 40, 2}), Error);
  EXPECT_THROW(ElementCount({INT64_MAX, INT64_MAX}), Error);
  EXPECT_EQ(ToString(Shape{1, kUnknown, 3}), "1x?x3");
}

TEST(Attributes, FallBackAndCheckTheirType) {
  Node node;
  node.name = "n";
  node.op = "Conv";
  node.attributes["group"] = std::int64_t{4};
  EXPECT_EQ(node.Int("group", 1), 4);
  EXPECT_EQ(node.Int("dilation", 1), 1);
  EXPECT_THAT(MessageOf([&] { node.Float("group", 0); }), HasSubstr("node 'n' (Conv): attribute 'group'"));
}

TEST(Validate, NamesWhatIsWrong) {
  Builder good;
  good.Input("x").Constant("w", 1).Add("Mul", {"x", "w"}, "y").Add("Relu", {"y"}, "z").Output("z");
  EXPECT_NO_THROW(Validate(good.graph));
  const auto broken = [&](const std::function<void(Graph&)>& change) {
    Graph graph = good.graph;
    change(graph);
    return MessageOf([&] { Validate(graph); });
  };
  EXPECT_THAT(broken([](Graph& g) { std::swap(g.nodes[0], g.nodes[1]); }), HasSubstr("no earlier node"));
  EXPECT_THAT(broken([](Graph& g) { g.nodes[1].outputs = g.nodes[0].outputs; }), HasSubstr("already made"));
  EXPECT_THAT(broken([](Graph& g) { g.nodes[1].name = g.nodes[0].name; }), HasSubstr("not unique"));
  EXPECT_THAT(broken([](Graph& g) { g.nodes[0].inputs[0] = 99; }), HasSubstr("does not exist"));
  EXPECT_THAT(broken([](Graph& g) { g.outputs.clear(); }), HasSubstr("no outputs"));
  EXPECT_THAT(broken([](Graph& g) { g.inputs.push_back(g.inputs[0]); }), HasSubstr("listed twice"));
  EXPECT_THAT(broken([](Graph& g) { g.values[1].shape = {3}; }), HasSubstr("differ from its constant"));
}

TEST(Sort, KeepsFileOrderAndFindsCycles) {
  Builder b;
  b.Input("x").Add("Relu", {"q"}, "y").Add("Relu", {"x"}, "p").Add("Relu", {"x"}, "q").Output("y");
  SortTopologically(b.graph);
  EXPECT_THAT(NodeNames(b.graph), ElementsAre("p_node", "q_node", "y_node"));
  Builder cycle;
  cycle.Input("x").Add("Add", {"x", "b"}, "a").Add("Relu", {"a"}, "b").Output("b");
  EXPECT_THAT(MessageOf([&] { SortTopologically(cycle.graph); }), HasSubstr("cycle"));
}

TEST(RemoveUnused, KeepsWhatOutputsNeed) {
  Builder b;
  b.Input("x").Constant("w", 1).Constant("dead_w", 2);
  b.Add("Mul", {"x", "w"}, "y").Add("Mul", {"y", "dead_w"}, "dead").Add("Clip", {"y", "", "w"}, "z").Output("z");
  const Graph result = RemoveUnused(b.graph);
  EXPECT_THAT(NodeNames(result), ElementsAre("y_node", "z_node"));
  EXPECT_EQ(result.values.size(), 4u);
  EXPECT_EQ(result.nodes[1].inputs[1], kNone);
  EXPECT_NO_THROW(Validate(result));
}

Graph Chain(float first, float second) {
  Builder b;
  b.Input("x").Constant("w1", first).Constant("w2", second);
  b.Add("Mul", {"x", "w1"}, "a").Add("Relu", {"a"}, "r").Add("Mul", {"r", "w2"}, "y").Output("y");
  return b.graph;
}

TEST(MergeTwin, RunsTheSharedPrefixOnce) {
  const Graph merged = MergeTwin(Chain(1, 2), Chain(1, 3));
  EXPECT_NO_THROW(Validate(merged));
  EXPECT_THAT(NodeNames(merged), ElementsAre("a_node", "r_node", "y_node", "y_node/pruned"));
  EXPECT_EQ(merged.nodes[3].inputs[0], merged.nodes[2].inputs[0]);
  EXPECT_EQ(merged.outputs.size(), 2u);
  EXPECT_NE(merged.outputs[0], merged.outputs[1]);
}

TEST(MergeTwin, SharesNothingAfterAnEarlyDifferenceAndAllWithoutOne) {
  EXPECT_EQ(MergeTwin(Chain(1, 2), Chain(5, 2)).nodes.size(), 6u);
  const Graph same = MergeTwin(Chain(1, 2), Chain(1, 2));
  EXPECT_EQ(same.nodes.size(), 3u);
  EXPECT_EQ(same.outputs[0], same.outputs[1]);
}

TEST(MergeTwin, DoesNotLookIntoDeferredConstants) {
  Graph a = Chain(1, 2);
  Graph b = Chain(1, 2);
  const auto deferred = std::make_shared<Tensor>(Tensor::Deferred(
      DataType::kFloat32, {}, [](std::int64_t, std::int64_t, std::byte*) { ADD_FAILURE() << "was looked at"; }));
  b.value(b.nodes[2].inputs[1]).constant = deferred;
  EXPECT_THAT(NodeNames(MergeTwin(a, b)), ElementsAre("a_node", "r_node", "y_node", "y_node/pruned"));
  a.value(a.nodes[2].inputs[1]).constant = deferred;
  EXPECT_THAT(NodeNames(MergeTwin(a, b)), ElementsAre("a_node", "r_node", "y_node"));
}

TEST(MergeTwin, AttributesTellNodesApart) {
  Graph a = Chain(1, 2);
  Graph b = a;
  b.nodes[1].attributes["alpha"] = 0.5f;
  EXPECT_EQ(MergeTwin(a, b).nodes.size(), 5u);
  a.nodes[1].attributes["alpha"] = 0.5f;
  EXPECT_EQ(MergeTwin(a, b).nodes.size(), 3u);
}

}  // namespace
}  // namespace prefiqs::graph
