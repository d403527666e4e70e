#include "ops/specialise.h"

#include <gmock/gmock.h>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Graph;
using graph::kUnknown;
using graph::Shape;
using graph::Tensor;
using graph::Value;
using graph::ValueId;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Graphs by value name; nodes are called after their first output.
struct Builder {
  ValueId Id(const std::string& name) {
    for (std::size_t i = 0; i < graph.values.size(); ++i) {
      if (graph.values[i].name == name) return static_cast<ValueId>(i);
    }
    Value value;
    value.name = name;
    return graph.AddValue(std::move(value));
  }
  Builder& Input(const std::string& name, Shape shape, bool shape_known = true) {
    const ValueId id = Id(name);
    graph.value(id).shape = std::move(shape);
    graph.value(id).shape_known = shape_known;
    graph.inputs.push_back(id);
    return *this;
  }
  Builder& Constant(const std::string& name, Tensor tensor) {
    graph.AddConstant(name, std::make_shared<const Tensor>(std::move(tensor)));
    return *this;
  }
  Builder& Node(const std::string& op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                Attributes attributes = {}) {
    graph::Node node;
    node.name = outputs.at(0);
    node.op = op;
    for (const std::string& name : inputs) node.inputs.push_back(name.empty() ? graph::kNone : Id(name));
    for (const std::string& name : outputs) node.outputs.push_back(Id(name));
    node.attributes = std::move(attributes);
    graph.nodes.push_back(std::move(node));
    return *this;
  }
  Builder& Output(const std::string& name) {
    graph.outputs.push_back(Id(name));
    return *this;
  }
  Graph graph;
};

std::vector<std::string> Ops(const Graph& graph) {
  std::vector<std::string> ops;
  for (const graph::Node& node : graph.nodes) ops.push_back(node.op);
  return ops;
}

std::vector<std::string> Names(const Graph& graph) {
  std::vector<std::string> names;
  for (const graph::Node& node : graph.nodes) names.push_back(node.name);
  return names;
}

// The flattening that exporters write: x.view(x.size(0), -1).
Graph Flattening() {
  return Builder()
      .Input("x", {kUnknown, 2, kUnknown})
      .Constant("zero", I({}, {0}))
      .Constant("first", List({0}))
      .Constant("rest", List({-1}))
      .Node("Relu", {"x"}, {"r"})
      .Node("Shape", {"r"}, {"shape"})
      .Node("Gather", {"shape", "zero"}, {"batch"})
      .Node("Unsqueeze", {"batch", "first"}, {"batch1"})
      .Node("Concat", {"batch1", "rest"}, {"target"}, {{"axis", std::int64_t{0}}})
      .Node("Reshape", {"r", "target"}, {"y"})
      .Output("y")
      .graph;
}

TEST(Specialise, ArithmeticWithShapesIsGone) {
  const Graph original = Flattening();
  const Graph fixed = Specialise(original, {{"x", {3, 2, 5}}});
  EXPECT_NO_THROW(graph::Validate(fixed));
  EXPECT_THAT(Names(fixed), ElementsAre("r", "y"));
  EXPECT_THAT(fixed.value(fixed.outputs.at(0)).shape, ElementsAre(3, 10));
  EXPECT_TRUE(Identical(*fixed.constant(fixed.nodes.at(1).inputs.at(1)), List({3, -1})));
  for (const Value& value : fixed.values) EXPECT_TRUE(value.shape_known) << value.name;
  EXPECT_EQ(original.nodes.size(), 6u) << "the graph given is not changed";
}

TEST(InferShapes, KeepsIds) {
  const Graph original = Flattening();
  const Graph inferred = InferShapes(original, {{"x", {3, 2, 5}}});
  ASSERT_EQ(inferred.values.size(), original.values.size());
  for (std::size_t i = 0; i < original.values.size(); ++i) {
    EXPECT_EQ(inferred.values[i].name, original.values[i].name);
    EXPECT_TRUE(inferred.values[i].shape_known) << inferred.values[i].name;
  }
  EXPECT_THAT(Names(inferred), ElementsAre("r", "y"));
  EXPECT_THAT(inferred.value(original.outputs.at(0)).shape, ElementsAre(3, 10));
}

TEST(Specialise, ShapeWithStartAndEnd) {
  const Graph fixed = Specialise(Builder()
                                     .Input("x", {kUnknown, 2, 7})
                                     .Node("Shape", {"x"}, {"s"}, {{"start", std::int64_t{-2}}})
                                     .Output("s")
                                     .graph,
                                 {{"x", {3, 2, 7}}});
  EXPECT_THAT(fixed.nodes, IsEmpty());
  ASSERT_NE(fixed.constant(fixed.outputs.at(0)), nullptr);
  EXPECT_TRUE(Identical(*fixed.constant(fixed.outputs.at(0)), List({2, 7})));
}

TEST(Specialise, WrongDeclaredOutputsAreCorrected) {
  Graph graph = Flattening();
  Value& output = graph.value(graph.outputs.at(0));
  output.shape = {1, 512};
  output.shape_known = true;
  const Graph fixed = Specialise(graph, {{"x", {3, 2, 5}}});
  EXPECT_THAT(fixed.value(fixed.outputs.at(0)).shape, ElementsAre(3, 10));
}

TEST(Specialise, TypesComeFromTheNodes) {
  const Graph fixed =
      Specialise(Builder().Input("x", {2}).Node("Cast", {"x"}, {"y"}, {{"to", std::int64_t{7}}}).Output("y").graph, {});
  EXPECT_EQ(fixed.value(fixed.outputs.at(0)).type, DataType::kInt64);
}

TEST(Specialise, InputsMustFitWhatTheFileSays) {
  const auto error = [](const Shape& shape) { return ModelError([&] { Specialise(Flattening(), {{"x", shape}}); }); };
  EXPECT_EQ(error({3, 3, 5}), "input 'x' cannot have the shape 3x3x5; the network wants ?x2x?");
  EXPECT_THAT(error({3, 2}), HasSubstr("cannot have the shape 3x2"));
  EXPECT_THAT(error({0, 2, 5}), HasSubstr("cannot have the shape"));
  EXPECT_THAT(error({-1, 2, 5}), HasSubstr("cannot have the shape"));
  EXPECT_THAT(ModelError([] { Specialise(Flattening(), {}); }),
              HasSubstr("input 'x' has open dimensions: ?x2x?; give"));
  try {
    Specialise(Flattening(), {{"x", {3, 2, 5}}, {"z", {1}}});
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUsage);
    EXPECT_STREQ(e.what(), "the network has no input 'z'");
  }
  const Graph rankless = Builder().Input("x", {}, false).Node("Relu", {"x"}, {"y"}).Output("y").graph;
  EXPECT_THAT(ModelError([&] { Specialise(rankless, {}); }),
              HasSubstr("input 'x' has open dimensions; give its shape"));
  const Graph fixed = Specialise(rankless, {{"x", {4, 1}}});
  EXPECT_THAT(fixed.value(fixed.outputs.at(0)).shape, ElementsAre(4, 1));
}

TEST(Specialise, DisagreementsNameTheNode) {
  const Graph graph = Builder()
                          .Input("x", {kUnknown, 3})
                          .Constant("c", F({2}, {1, 2}))
                          .Node("Add", {"x", "c"}, {"sum"})
                          .Output("sum")
                          .graph;
  EXPECT_THAT(ModelError([&] { Specialise(graph, {{"x", {1, 3}}}); }), HasSubstr("node 'sum' (Add): shapes 1x3 and 2"));
}

TEST(Specialise, WhatDependsOnElementsIsRefused) {
  const Graph graph = Builder()
                          .Input("x", {4})
                          .Node("Cast", {"x"}, {"s"}, {{"to", std::int64_t{7}}})
                          .Node("Reshape", {"x", "s"}, {"y"})
                          .Output("y")
                          .graph;
  EXPECT_THAT(ModelError([&] { Specialise(graph, {}); }),
              HasSubstr("node 'y' (Reshape): input 1 (the shape) depends on the picture"));
}

TEST(Specialise, LimitsNameTheNode) {
  const Graph graph = Builder()
                          .Input("x", {1, 10})
                          .Constant("shape", List({10, 10}))
                          .Node("Relu", {"x"}, {"a"})
                          .Node("Expand", {"a", "shape"}, {"big"})
                          .Output("big")
                          .graph;
  EXPECT_NO_THROW(Specialise(graph, {}, {.max_value_bytes = 400, .max_total_bytes = 496}));
  EXPECT_THAT(ModelError([&] { Specialise(graph, {}, {.max_value_bytes = 399, .max_total_bytes = 496}); }),
              AllOf(HasSubstr("node 'big' (Expand)"), HasSubstr("10x10 needs 400 bytes"), HasSubstr("limit is 399")));
  EXPECT_THAT(ModelError([&] { Specialise(graph, {}, {.max_value_bytes = 400, .max_total_bytes = 495}); }),
              AllOf(HasSubstr("node 'big' (Expand)"), HasSubstr("together")));
  EXPECT_THAT(ModelError([&] { Specialise(graph, {}, {.max_value_bytes = 30, .max_total_bytes = 495}); }),
              HasSubstr("input 'x'"));
  EXPECT_THAT(ModelError([&] { Specialise(graph, {}, {.max_value_bytes = 400, .max_total_bytes = 50}); }),
              HasSubstr("constant 'shape'"));
}

TEST(Specialise, NothingLargeIsMadeBeforeTheLimitsAreChecked) {
  const std::int64_t million = 1000000;
  const Graph graph = Builder()
                          .Constant("one", F({1}, {1}))
                          .Constant("shape", List({million, million}))
                          .Node("Expand", {"one", "shape"}, {"bomb"})
                          .Output("bomb")
                          .graph;
  EXPECT_THAT(ModelError([&] { Specialise(graph, {}); }), HasSubstr("node 'bomb' (Expand)"));
  EXPECT_THAT(ModelError([&] { FoldConstants(graph); }), HasSubstr("node 'bomb' (Expand)"));
}

TEST(Specialise, TooManyDimensions) {
  const Shape ones(17, 1);
  const Graph input = Builder().Input("x", ones).Node("Relu", {"x"}, {"y"}).Output("y").graph;
  EXPECT_THAT(ModelError([&] { Specialise(input, {}); }), HasSubstr("input 'x': more than 16 dimensions"));
  const Graph constant =
      Builder().Constant("c", Tensor(DataType::kFloat32, ones)).Node("Relu", {"c"}, {"y"}).Output("y").graph;
  EXPECT_THAT(ModelError([&] { Specialise(constant, {}); }), HasSubstr("constant 'c': more than 16"));
  EXPECT_THAT(ModelError([&] { FoldConstants(constant); }), HasSubstr("constant 'c' has more than 16"));
}

TEST(Specialise, WorkBeyondTheLimitStaysInTheGraph) {
  // 2048^3 multiply-adds are more than folding may cost; the small nodes after it are folded all the same.
  const Graph graph = Builder()
                          .Constant("a", Tensor(DataType::kFloat32, {2048, 2048}))
                          .Constant("b", F({1}, {2}))
                          .Node("MatMul", {"a", "a"}, {"product"})
                          .Node("Relu", {"product"}, {"y"})
                          .Node("Exp", {"b"}, {"small"})
                          .Output("y")
                          .Output("small")
                          .graph;
  const Graph fixed = Specialise(graph, {});
  EXPECT_THAT(Names(fixed), ElementsAre("product", "y"));
  EXPECT_THAT(fixed.value(fixed.outputs.at(0)).shape, ElementsAre(2048, 2048));
  EXPECT_NE(fixed.constant(fixed.outputs.at(1)), nullptr);
  EXPECT_THAT(Names(FoldConstants(graph)), ElementsAre("product", "y"));
}

TEST(Specialise, UnsupportedOperatorsAreNamed) {
  const Graph graph = Builder().Input("x", {1}).Node("Foo", {"x"}, {"y"}).Output("y").graph;
  EXPECT_THAT(ModelError([&] { Specialise(graph, {}); }), HasSubstr("node 'y' (Foo)"));
  EXPECT_THAT(ModelError([&] { FoldConstants(graph); }), HasSubstr("node 'y' (Foo)"));
}

TEST(FoldConstants, OnlyWhatIsConstant) {
  const Graph graph = Builder()
                          .Input("x", {kUnknown, 2})
                          .Constant("a", F({2}, {1, 2}))
                          .Constant("b", F({2}, {10, 20}))
                          .Node("Relu", {"x"}, {"first"})
                          .Node("Add", {"a", "b"}, {"sum"})
                          .Node("Shape", {"x"}, {"shape"})
                          .Node("Split", {"sum"}, {"s", "t"})
                          .Node("Mul", {"first", "s"}, {"last"})
                          .Node("Mul", {"last", "t"}, {"y"})
                          .Output("y")
                          .Output("shape")
                          .graph;
  const Graph folded = FoldConstants(graph);
  EXPECT_NO_THROW(graph::Validate(folded));
  EXPECT_THAT(Names(folded), ElementsAre("first", "shape", "last", "y"));
  EXPECT_THAT(Values<float>(*folded.constant(folded.nodes[2].inputs.at(1))), ElementsAre(11));
  EXPECT_THAT(Values<float>(*folded.constant(folded.nodes[3].inputs.at(1))), ElementsAre(22));
  EXPECT_FALSE(folded.value(folded.nodes[0].outputs[0]).shape_known) << "open shapes are left alone";
  EXPECT_EQ(folded.values.size(), graph.values.size()) << "ids stay";
}

TEST(Specialise, CastLikeAsksForATypeAlone) {
  const Graph graph = Builder()
                          .Input("x", {2})
                          .Constant("alpha", I({}, {3}))
                          .Node("CastLike", {"alpha", "x"}, {"factor"})
                          .Node("Mul", {"x", "factor"}, {"scaled"})
                          .Node("CastLike", {"scaled", "alpha"}, {"whole"})
                          .Output("whole")
                          .graph;
  const Graph result = Specialise(graph, {});
  EXPECT_THAT(Ops(result), ElementsAre("Mul", "Cast"));
  EXPECT_THAT(Values<float>(*result.constant(result.nodes[0].inputs.at(1))), ElementsAre(3));
  EXPECT_EQ(result.value(result.outputs[0]).type, DataType::kInt64);
}

TEST(FoldConstants, OptionalInputsAndNoInputs) {
  const Graph graph = Builder()
                          .Constant("c", F({2}, {-1, 9}))
                          .Constant("high", F({}, {6}))
                          .Node("Clip", {"c", "", "high"}, {"clipped"})
                          .Node("Constant", {}, {"one"}, {{"value_float", 1.0f}})
                          .Node("Add", {"clipped", "one"}, {"y"})
                          .Output("y")
                          .graph;
  const Graph folded = FoldConstants(graph);
  EXPECT_THAT(Ops(folded), IsEmpty());
  EXPECT_THAT(Values<float>(*folded.constant(folded.outputs.at(0))), ElementsAre(0, 7));
}

TEST(FoldConstants, ErrorsNameTheNode) {
  const Graph graph =
      Builder().Constant("a", I({1}, {1})).Constant("b", I({1}, {0})).Node("Div", {"a", "b"}, {"y"}).Output("y").graph;
  EXPECT_THAT(ModelError([&] { FoldConstants(graph); }), HasSubstr("node 'y' (Div): an integer is divided by zero"));
  const Graph limited = Builder()
                            .Constant("a", F({4}, {1, 2, 3, 4}))
                            .Node("Relu", {"a"}, {"b"})
                            .Node("Relu", {"b"}, {"c"})
                            .Output("c")
                            .graph;
  EXPECT_NO_THROW(FoldConstants(limited, {.max_value_bytes = 32, .max_total_bytes = 32}));
  EXPECT_THAT(ModelError([&] { FoldConstants(limited, {.max_value_bytes = 32, .max_total_bytes = 31}); }),
              HasSubstr("node 'c' (Relu)"));
}

}  // namespace
}  // namespace prefiqs::ops
