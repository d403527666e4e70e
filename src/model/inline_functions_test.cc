#include "model/inline_functions.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "model/model_for_test.h"

namespace prefiqs::model {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

onnx::FunctionProto& AddFunction(TestModel& model, const std::string& name, const std::vector<std::string>& inputs,
                                 const std::vector<std::string>& outputs, std::int64_t opset = 17) {
  auto& function = *model.proto.add_functions();
  function.set_domain("mine");
  function.set_name(name);
  for (const std::string& input : inputs) function.add_input(input);
  for (const std::string& output : outputs) function.add_output(output);
  if (opset != 0) function.add_opset_import()->set_version(opset);
  return function;
}
onnx::NodeProto& AddNode(onnx::FunctionProto& function, const std::string& op, const std::vector<std::string>& inputs,
                         const std::vector<std::string>& outputs, const std::string& domain = "") {
  auto& node = *function.add_node();
  node.set_op_type(op);
  node.set_domain(domain);
  for (const std::string& input : inputs) node.add_input(input);
  for (const std::string& output : outputs) node.add_output(output);
  return node;
}

// x -> call -> y.
TestModel Calling(const std::string& name, std::int64_t opset = 17) {
  TestModel model(opset);
  model.Input("x", {1, 4}).Output("y");
  model.Node(name, {"x"}, {"y"}, "call").set_domain("mine");
  return model;
}

std::vector<std::string> OpsOf(const graph::Graph& graph) {
  std::vector<std::string> ops;
  for (const graph::Node& node : graph.nodes) ops.push_back(node.op);
  return ops;
}

TEST(InlineFunctions, TheNodesStandInThePlaceOfTheCall) {
  TestModel model = Calling("twice");
  model.proto.mutable_graph()->mutable_node(0)->set_output(0, "t");
  model.Node("Relu", {"t"}, {"y"}, "last");
  auto& function = AddFunction(model, "twice", {"a"}, {"c"});
  AddNode(function, "Sigmoid", {"a"}, {"t"});  // a name that the graph has too
  AddNode(function, "Tanh", {"t"}, {"c"});
  const graph::Graph graph = Read(model);
  EXPECT_THAT(OpsOf(graph), ElementsAre("Sigmoid", "Tanh", "Relu"));
  EXPECT_THAT(graph.nodes[0].name, HasSubstr("call"));
}

TEST(InlineFunctions, CallsOfCallsAndTwoCallsOfOne) {
  TestModel model = Calling("outer");
  auto& outer = AddFunction(model, "outer", {"a"}, {"c"});
  AddNode(outer, "inner", {"a"}, {"b"}, "mine");
  AddNode(outer, "inner", {"b"}, {"c"}, "mine");
  auto& inner = AddFunction(model, "inner", {"a"}, {"b"});
  AddNode(inner, "Relu", {"a"}, {"h"});
  AddNode(inner, "Sigmoid", {"h"}, {"b"});
  EXPECT_THAT(OpsOf(Read(model)), ElementsAre("Relu", "Sigmoid", "Relu", "Sigmoid"));
}

TEST(InlineFunctions, AttributesOfTheCallAndDefaults) {
  TestModel model = Calling("slope");
  auto& function = AddFunction(model, "slope", {"a"}, {"b"});
  auto& node = AddNode(function, "LeakyRelu", {"a"}, {"b"});
  AddAttribute(node, "alpha", onnx::AttributeProto::FLOAT).set_ref_attr_name("steep");
  EXPECT_FALSE(Read(model).nodes.at(0).Has("alpha"));
  // A default: field 11, which this ONNX may not know.
  onnx::AttributeProto steep;
  steep.set_name("steep");
  steep.set_type(onnx::AttributeProto::FLOAT);
  steep.set_f(0.25f);
  std::string bytes = function.SerializeAsString();
  const std::string content = steep.SerializeAsString();
  bytes += static_cast<char>(11 << 3 | 2);
  bytes += static_cast<char>(content.size());
  ASSERT_TRUE(function.ParseFromString(bytes + content));
  EXPECT_EQ(Read(model).nodes.at(0).Float("alpha", 0), 0.25f);
  Set(*model.proto.mutable_graph()->mutable_node(0), "steep", 0.5f);
  EXPECT_EQ(Read(model).nodes.at(0).Float("alpha", 0), 0.5f);
}

TEST(InlineFunctions, InputsLeftOutAndOutputsNobodyWants) {
  TestModel model = Calling("limited");
  auto& function = AddFunction(model, "limited", {"a", "low"}, {"b", "other"});
  AddNode(function, "Clip", {"a", "low"}, {"b"});
  AddNode(function, "Tanh", {"a"}, {"other"});
  const graph::Graph graph = Read(model);
  EXPECT_THAT(OpsOf(graph), ElementsAre("Clip"));
  EXPECT_EQ(graph.nodes[0].inputs.size(), 1u);
}

TEST(InlineFunctions, AnInputThatIsAnOutput) {
  TestModel model = Calling("same");
  AddFunction(model, "same", {"a"}, {"a"});
  EXPECT_THAT(OpsOf(Read(model)), ElementsAre("Identity"));
}

// Softmax meant something else before opset 13.
TEST(InlineFunctions, TheBodyIsOfTheFunctionsOpset) {
  const auto coerced = [](std::int64_t of_file, std::int64_t of_function) {
    TestModel model = Calling("soft", of_file);
    AddNode(AddFunction(model, "soft", {"a"}, {"b"}, of_function), "Softmax", {"a"}, {"b"});
    return Read(model).nodes.at(0).Has("coerce_2d");
  };
  EXPECT_TRUE(coerced(17, 11));
  EXPECT_FALSE(coerced(11, 17));
  EXPECT_TRUE(coerced(11, 0));
}

TEST(InlineFunctions, RefusesCallsWithoutEnd) {
  TestModel itself = Calling("f");
  AddNode(AddFunction(itself, "f", {"a"}, {"b"}), "f", {"a"}, {"b"}, "mine");
  EXPECT_THAT(ErrorOf(itself), AllOf(HasSubstr("function 'f'"), HasSubstr("calls itself")));
  TestModel round = Calling("f");
  AddNode(AddFunction(round, "f", {"a"}, {"b"}), "g", {"a"}, {"b"}, "mine");
  AddNode(AddFunction(round, "g", {"a"}, {"b"}), "f", {"a"}, {"b"}, "mine");
  EXPECT_THAT(ErrorOf(round), HasSubstr("calls itself"));
}

// Each of n functions calls the next one `calls` times.
TestModel Tower(int n, int calls) {
  TestModel model = Calling("f0");
  for (int i = 0; i < n; ++i) {
    auto& function = AddFunction(model, "f" + std::to_string(i), {"a"}, {"b"});
    std::string from = "a";
    for (int c = 0; c < calls; ++c) {
      const std::string to = c + 1 == calls ? "b" : "t" + std::to_string(c);
      AddNode(function, i + 1 == n ? "Relu" : "f" + std::to_string(i + 1), {from}, {to}, i + 1 == n ? "" : "mine");
      from = to;
    }
  }
  return model;
}

TEST(InlineFunctions, RefusesWhatGrowsWithoutBounds) {
  EXPECT_EQ(Read(Tower(4, 2)).nodes.size(), 16u);
  EXPECT_THAT(ErrorOf(Tower(30, 2)), HasSubstr("functions expand to more"));  // a thousand million nodes
  EXPECT_THAT(ErrorOf(Tower(33, 1)), HasSubstr("more than 32 deep"));
  // Nothing but calls, and none of a node.
  TestModel empty = Tower(30, 2);
  empty.proto.mutable_functions(29)->clear_node();
  EXPECT_THAT(ErrorOf(empty), HasSubstr("functions expand to more"));
  // Few nodes, each with a name that is a large part of the file.
  TestModel large = Tower(4, 8);
  large.proto.mutable_functions(3)->mutable_node(0)->mutable_input()->Add(std::string(1 << 16, 'x'));
  EXPECT_THAT(ErrorOf(large, {.max_constant_bytes = 1 << 20}), HasSubstr("limit of memory"));
}

TEST(InlineFunctions, RefusesWhatIsDefinedBadly) {
  TestModel twice = Calling("f");
  AddNode(AddFunction(twice, "f", {"a"}, {"b"}), "Relu", {"a"}, {"b"});
  AddNode(AddFunction(twice, "f", {"a"}, {"b"}), "Relu", {"a"}, {"b"});
  EXPECT_THAT(ErrorOf(twice), HasSubstr("defined twice"));
  TestModel inputs = Calling("f");
  AddNode(AddFunction(inputs, "f", {}, {"b"}), "Constant", {}, {"b"});
  EXPECT_THAT(ErrorOf(inputs), AllOf(HasSubstr("'call'"), HasSubstr("more inputs")));
  TestModel missing = Calling("f");
  AddNode(AddFunction(missing, "f", {"a"}, {"b"}), "Relu", {"nowhere"}, {"b"});
  EXPECT_THAT(ErrorOf(missing), HasSubstr("nowhere"));
}

}  // namespace
}  // namespace prefiqs::model
