#include "ops/operator.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <set>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Graph;
using graph::Node;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kExpected[] = {
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Clip",
    "Concat",
    "Constant",
    "ConstantOfShape",
    "Conv",
    "Div",
    "Dropout",
    "Erf",
    "Exp",
    "Expand",
    "Flatten",
    "Gather",
    "Gelu",
    "Gemm",
    "HardSigmoid",
    "HardSwish",
    "Identity",
    "LeakyRelu",
    "MatMul",
    "Max",
    "MaxPool",
    "Min",
    "Mul",
    "PRelu",
    "Pad",
    "Pow",
    "ReduceL2",
    "ReduceMean",
    "Relu",
    "Reshape",
    "Resize",
    "Shape",
    "Sigmoid",
    "Slice",
    "Softmax",
    "Split",
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tanh",
    "Transpose",
    "Unsqueeze",
    "Where",
    "GlobalAveragePool",
    "LayerNormalization",
    "InstanceNormalization",
    "Abs",
    "Elu",
    "Neg",
    "Reciprocal",
    "ReduceMax",
    "ReduceMin",
    "ReduceSum",
    "Softplus",
    "ThresholdedRelu",
    "ReduceProd",
    "CastLike",
    "Equal",
    "Less",
    "LessOrEqual",
    "Greater",
    "GreaterOrEqual",
    "And",
    "Or",
    "Not",
    "Floor",
    "Ceil",
    "Round",
    "Sign",
    "Log",
    "Mod",
    "Tile",
    "Range",
};

TEST(Table, HoldsTheOperatorsThatNetworksUse) {
  for (const std::string_view name : kExpected) {
    const Operator* op = Find(name);
    ASSERT_NE(op, nullptr) << name;
    EXPECT_EQ(op->name, name);
  }
  EXPECT_EQ(All().size(), std::size(kExpected));
  for (const char* name : {"", "A", "conv", "Convolution", "Zzz"}) EXPECT_EQ(Find(name), nullptr) << name;
}

TEST(Table, RowsAreSortedAndWhole) {
  const auto table = All();
  EXPECT_EQ(std::ranges::adjacent_find(table, std::greater_equal<>{}, &Operator::name), table.end());
  for (const Operator& op : table) {
    SCOPED_TRACE(op.name);
    EXPECT_GE(op.min_inputs, 0);
    EXPECT_TRUE(op.max_inputs == -1 || op.max_inputs >= op.min_inputs);
    EXPECT_GE(op.min_outputs, 1);
    EXPECT_TRUE(op.max_outputs == -1 || op.max_outputs >= op.min_outputs);
    EXPECT_NE(op.infer, nullptr);
    EXPECT_NE(op.reference, nullptr);
    const std::set<std::string_view> attributes(op.attributes.begin(), op.attributes.end());
    EXPECT_EQ(attributes.size(), op.attributes.size());
  }
}

// Types, ranks, sizes and elements that make no sense: an Error, never a crash.
TEST(Table, ShapeRulesSurviveAnyTypes) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 40;
  const graph::Shape shapes[] = {{},
                                 {0},
                                 {1},
                                 {3},
                                 {kHuge},
                                 {1, 1},
                                 {2, 3},
                                 {0, 4},
                                 {1, 3, 5, 5},
                                 {2, 0, 5, 5},
                                 {1, 3, 1 << 20, 1 << 18},
                                 {kHuge, 1, 1, 1},
                                 graph::Shape(16, 1),
                                 {1, 2, 3, 4, 5}};
  const graph::Tensor values[] = {List({}),           List({-1}),
                                  List({1, 1 << 30}), List({INT64_MIN, INT64_MAX}),
                                  F({}, {0.5f}),      List({0, 0, 0, 0, 0, 0, INT64_MAX, INT64_MIN})};
  std::vector<std::pair<TensorType, const graph::Tensor*>> choices;
  for (const graph::Shape& shape : shapes) {
    choices.push_back({{DataType::kFloat32, shape}, nullptr});
    choices.push_back({{DataType::kInt64, shape}, nullptr});
  }
  choices.push_back({{DataType::kBool, {2}}, nullptr});
  for (const graph::Tensor& value : values) choices.push_back({{value.type(), value.shape()}, &value});
  std::uint32_t state = 1;
  const auto next = [&](std::size_t below) {
    state = state * 1664525 + 1013904223;
    return static_cast<std::size_t>(state >> 8) % below;
  };
  std::size_t accepted = 0;
  for (const Operator& op : All()) {
    SCOPED_TRACE(op.name);
    for (int round = 0; round < 2000; ++round) {
      Node node;
      node.name = "n";
      node.op = op.name;
      const int most = op.max_inputs < 0 ? 4 : op.max_inputs;
      const std::size_t count = next(static_cast<std::size_t>(most) + 1);
      std::vector<InferInput> inputs;
      for (std::size_t i = 0; i < count; ++i) {
        const auto& [type, constant] = choices[next(choices.size())];
        const bool left_out = next(8) == 0;
        node.inputs.push_back(left_out ? graph::kNone : static_cast<graph::ValueId>(i));
        inputs.push_back(left_out ? InferInput{} : InferInput{&type, constant});
      }
      for (std::size_t i = next(3); i > 0; --i) node.outputs.push_back(static_cast<graph::ValueId>(count + i));
      for (const std::string_view key : op.attributes) {
        const std::int64_t numbers[] = {0, 1, -1, 2, 7, INT64_MIN, INT64_MAX};
        const std::int64_t number = numbers[next(std::size(numbers))];
        switch (next(5)) {
          case 0:
            node.attributes[std::string(key)] = number;
            break;
          case 1:
            node.attributes[std::string(key)] = Int64s(next(7), number);
            break;
          case 2:
            node.attributes[std::string(key)] = std::string("linear");
            break;
          default:
            break;
        }
      }
      try {
        for (const TensorType& type : op.infer(node, inputs)) EXPECT_GE(graph::ElementCount(type.shape), 0);
        ++accepted;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::kModel) << error.what();
        EXPECT_THAT(error.what(), HasSubstr("node 'n' (" + node.op + ")"));
      }
    }
  }
  EXPECT_GT(accepted, 2000u);
}

Graph OneNode(Node node) {
  Graph graph;
  node.name = "layer";
  graph.nodes = {std::move(node)};
  return graph;
}

std::string Refusal(const std::string& op, std::size_t inputs, std::size_t outputs, Attributes attributes = {}) {
  Node node;
  node.op = op;
  node.inputs.resize(inputs);
  node.outputs.resize(outputs);
  node.attributes = std::move(attributes);
  return ModelError([&] { CheckSupported(OneNode(std::move(node))); });
}

TEST(CheckSupported, NamesNodeOperatorAndWhatToDo) {
  EXPECT_EQ(Refusal("NonMaxSuppression", 2, 1),
            "node 'layer' (NonMaxSuppression): the operator is not supported; export the network without it");
  for (const char* op : {"DynamicQuantizeLinear", "QLinearConv", "ConvInteger", "DequantizeLinear", "MatMulInteger"}) {
    EXPECT_EQ(Refusal(op, 2, 1), std::string("node 'layer' (") + op +
                                     "): this is a quantised network, which is not supported; export it in float32 "
                                     "instead");
  }
  EXPECT_EQ(Refusal("Relu", 1, 1, {{"slope", 1.0f}}),
            "node 'layer' (Relu): attribute 'slope' is not supported; export the network without it");
  EXPECT_THAT(Refusal("Relu", 2, 1),
              AllOf(HasSubstr("has 2 inputs, this program supports at most 1;"), HasSubstr("export")));
  EXPECT_THAT(Refusal("Clip", 4, 1), HasSubstr("has 4 inputs, this program supports at most 3;"));
  EXPECT_THAT(Refusal("Concat", 0, 1), HasSubstr("has 0 inputs, it needs 1; the file is damaged"));
  EXPECT_THAT(Refusal("Relu", 1, 0), HasSubstr("has 0 outputs, it needs 1; the file is damaged"));
  // What a batch's statistics were: right by ONNX's rules.
  EXPECT_THAT(Refusal("BatchNormalization", 5, 3),
              AllOf(HasSubstr("has 3 outputs, this program supports at most 1;"), Not(HasSubstr("damaged"))));
  EXPECT_EQ(Refusal("Re\nlu", 1, 1).find('\n'), std::string::npos);
  EXPECT_LT(Refusal(std::string(100000, 'x'), 1, 1).size(), 500u);
}

TEST(CheckSupported, AcceptsWhatTheTableHolds) {
  Node node;
  node.op = "Concat";
  node.inputs.resize(100);
  node.outputs.resize(1);
  node.attributes["axis"] = std::int64_t{1};
  EXPECT_NO_THROW(CheckSupported(OneNode(node)));
}

TEST(Evaluate, ChecksCounts) {
  EXPECT_THAT(ErrorOf({"Relu"}, {}), HasSubstr("has 0 inputs"));
  EXPECT_THAT(ErrorOf({"Relu", {}, 2}, {F({1}, {1})}), HasSubstr("has 2 outputs"));
  EXPECT_THAT(ErrorOf({"Foo"}, {F({1}, {1})}), HasSubstr("not supported"));
}

TEST(MultiplyAdds, OfThoseThatMultiply) {
  struct Case {
    const char* op;
    Attributes attributes;
    graph::Shape a, b, y;
    std::int64_t expected;
  };
  constexpr std::int64_t kMany = std::int64_t{1} << 20;
  const Case cases[] = {
      {"Conv", {}, {1, 3, 8, 8}, {16, 3, 3, 3}, {1, 16, 6, 6}, 16 * 36 * 27},
      {"Conv", {{"group", std::int64_t{4}}}, {2, 4, 8, 8}, {4, 1, 3, 3}, {2, 4, 6, 6}, 2 * 4 * 36 * 9},
      {"Gemm", {}, {2, 5}, {5, 7}, {2, 7}, 70},
      {"Gemm", {{"transA", std::int64_t{1}}}, {5, 2}, {5, 7}, {2, 7}, 70},
      {"MatMul", {}, {3, 2, 5}, {5, 7}, {3, 2, 7}, 210},
      {"MatMul", {}, {5}, {5}, {}, 5},
      {"Add", {}, {2, 5}, {2, 5}, {2, 5}, 0},
      {"MatMul", {}, {0, 5}, {5, 7}, {0, 7}, 0},
      {"MatMul", {}, {kMany, kMany}, {kMany, kMany}, {kMany, kMany}, std::int64_t{1} << 45},  // capped
  };
  for (const Case& c : cases) {
    Node node;
    node.op = c.op;
    node.attributes = c.attributes;
    const TensorType a{DataType::kFloat32, c.a}, b{DataType::kFloat32, c.b}, y{DataType::kFloat32, c.y};
    const InferInput inputs[] = {{&a, nullptr}, {&b, nullptr}};
    EXPECT_EQ(MultiplyAdds(node, inputs, std::span(&y, 1)), c.expected) << c.op;
    EXPECT_EQ(MultiplyAdds(node, {}, std::span(&y, 1)), 0);
  }
}

}  // namespace
}  // namespace prefiqs::ops
