#include "model/conditional.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "model/model_for_test.h"
#include "ops/specialise.h"

namespace prefiqs::model {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A branch of one node that reads the value `x` of the graph around it.
onnx::GraphProto Branch(const std::string& op, const std::string& output = "inner") {
  onnx::GraphProto branch;
  branch.set_name(op);
  auto& node = *branch.add_node();
  node.set_op_type(op);
  node.set_name("same name");
  node.add_input("x");
  if (op == "Squeeze") node.add_input("axis");
  node.add_output(output);
  branch.add_output()->set_name(output);
  if (op == "Squeeze")
    *branch.add_initializer() = ToProto(graph::Tensor::FromInt64s(std::vector<std::int64_t>{2}), "axis");
  return branch;
}

onnx::NodeProto& AddIf(TestModel& model, const std::string& condition, const std::string& output) {
  auto& node = model.Node("If", {condition}, {output}, "choice of " + output);
  *AddAttribute(node, "then_branch", onnx::AttributeProto::GRAPH).mutable_g() = Branch("Squeeze");
  *AddAttribute(node, "else_branch", onnx::AttributeProto::GRAPH).mutable_g() = Branch("Relu");
  return node;
}

// x.squeeze(2), as PyTorch has it, twice.
TestModel Squeezing(const std::vector<std::int64_t>& shape, std::int64_t axis = 2) {
  TestModel model(13);
  model.Input("x", shape).Output("y").Output("z");
  model.Ints("place", {axis}).Ints("one", {1});
  model.Node("Shape", {"x"}, {"shape"}, "shape");
  model.Node("Gather", {"shape", "place"}, {"size"}, "gather");
  model.Node("Equal", {"size", "one"}, {"condition"}, "equal");
  AddIf(model, "condition", "y");
  AddIf(model, "condition", "z");
  return model;
}

TEST(Conditional, TakesTheBranchThatTheShapesChoose) {
  const graph::Graph one = ops::Specialise(Read(Squeezing({-1, 3, 1})), {{"x", {4, 3, 1}}});
  EXPECT_THAT(OpsOf(one), ElementsAre("Squeeze", "Identity", "Squeeze", "Identity"));
  EXPECT_EQ(one.value(one.outputs[0]).shape, (graph::Shape{4, 3}));
  EXPECT_EQ(one.value(one.outputs[1]).name, "z");
  const graph::Graph more = ops::Specialise(Read(Squeezing({-1, 3, 5})), {{"x", {4, 3, 5}}});
  EXPECT_THAT(OpsOf(more), ElementsAre("Relu", "Identity", "Relu", "Identity"));
}

TEST(Conditional, TakesConstants) {
  TestModel model(13);
  model.Input("x", {1, 3, 1}).Output("y");
  graph::Tensor no(graph::DataType::kBool, {});
  model.Initializer("no", no);
  AddIf(model, "no", "y");
  EXPECT_THAT(OpsOf(Read(model)), ElementsAre("Relu", "Identity"));
}

TEST(Conditional, RefusesWhatShapesDoNotDecide) {
  EXPECT_THAT(ErrorOf(Squeezing({-1, 3, -1})), AllOf(HasSubstr("node 'choice of y' (If)"), HasSubstr("leaves open")));
  EXPECT_THAT(ErrorOf(Squeezing({-1, 3, 1}, 0)), HasSubstr("number of pictures"));
  TestModel pixels(13);
  pixels.Input("x", {1, 1, 1}).Output("y");
  pixels.Node("Equal", {"x", "x"}, {"same"}, "equal");
  AddIf(pixels, "same", "y");
  EXPECT_THAT(ErrorOf(pixels), HasSubstr("pixels decide"));
}

TEST(Conditional, RefusesDamagedFiles) {
  const auto changed = [](auto change) {
    TestModel model = Squeezing({-1, 3, 1});
    change(*model.proto.mutable_graph()->mutable_node(3));
    return ErrorOf(model);
  };
  EXPECT_THAT(changed([](onnx::NodeProto& node) { node.clear_attribute(); }), HasSubstr("has no then_branch"));
  EXPECT_THAT(changed([](onnx::NodeProto& node) { node.clear_input(); }), HasSubstr("needs one input"));
  EXPECT_THAT(changed([](onnx::NodeProto& node) { node.set_input(0, "size"); }), HasSubstr("not one bool"));
  EXPECT_THAT(changed([](onnx::NodeProto& node) { node.set_input(0, "y"); }), HasSubstr("cannot be computed"));
  EXPECT_THAT(changed([](onnx::NodeProto& node) { node.mutable_attribute(0)->mutable_g()->clear_output(); }),
              HasSubstr("0 outputs"));
  EXPECT_THAT(changed([](onnx::NodeProto& node) {
                auto& g = *node.mutable_attribute(0)->mutable_g();
                *g.add_node() = onnx::NodeProto(g.node(0));
              }),
              HasSubstr("twice"));
  EXPECT_THAT(changed([](onnx::NodeProto& node) {
                auto& inner = *node.mutable_attribute(0)->mutable_g()->mutable_node(0);
                AddAttribute(inner, "body", onnx::AttributeProto::GRAPH);
              }),
              HasSubstr("control flow again"));
  EXPECT_THAT(changed([](onnx::NodeProto& node) {
                node.mutable_attribute(0)->mutable_g()->mutable_output(0)->set_name("nowhere");
              }),
              HasSubstr("nowhere"));
}

TEST(Conditional, LimitsTheirNumber) {
  TestModel model(13);
  model.Input("x", {1, 3, 1});
  model.Initializer("no", graph::Tensor(graph::DataType::kBool, {}));
  for (int i = 0; i < 65; ++i) {
    AddIf(model, "no", "y" + std::to_string(i));
    model.Output("y" + std::to_string(i));
  }
  EXPECT_THAT(ErrorOf(model), HasSubstr("more than 64"));
}

}  // namespace
}  // namespace prefiqs::model
