// Operators that the reader writes in others: what they become, and what is refused. Their values are tested by the
// conformance cases.
#include "model/decompose.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "model/model_for_test.h"
#include "ops/operator.h"
#include "ops/specialise.h"

namespace prefiqs::model {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// One operator with the data input x, of 1x4x4x4, and the output y.
TestModel One(const std::string& op, std::int64_t opset = 23, const std::string& domain = "",
              std::vector<std::string> inputs = {"x"}) {
  TestModel model(opset);
  model.Input("x", {1, 4, 4, 4}).Output("y");
  model.Node(op, inputs, {"y"}).set_domain(domain);
  return model;
}
onnx::NodeProto& NodeOf(TestModel& model) { return *model.proto.mutable_graph()->mutable_node(0); }

TEST(Decompose, WritesSumsAndActivationsInOthers) {
  EXPECT_THAT(OpsOf(Read(One("Sum", 13))), ElementsAre("Identity"));
  EXPECT_THAT(OpsOf(Read(One("Sum", 13, "", {"x", "x", "x"}))), ElementsAre("Add", "Add"));
  EXPECT_THAT(OpsOf(Read(One("Mean", 13, "", {"x", "x", "x"}))), ElementsAre("Add", "Add", "Div"));
  EXPECT_THAT(OpsOf(Read(One("Selu"))), ElementsAre("Elu", "Mul"));
  EXPECT_THAT(OpsOf(Read(One("Swish", 24))), ElementsAre("Sigmoid", "Mul"));
  EXPECT_THAT(OpsOf(Read(One("QuickGelu", 17, "com.microsoft"))), ElementsAre("Mul", "Sigmoid", "Mul"));
  EXPECT_THAT(OpsOf(Read(One("ReduceL1", 13))), ElementsAre("Abs", "ReduceSum"));
}

TEST(Decompose, TheLastNodeKeepsNameAndOutput) {
  const graph::Graph graph = Read(One("Selu"));
  EXPECT_EQ(graph.nodes.back().name, "n");
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
  EXPECT_EQ(graph.nodes.front().name, "n/Elu");
}

TEST(Decompose, NamesOfTheFileAreNoObstacle) {
  TestModel model(17);
  model.Input("x", {1, 4}).Output("y");
  model.Node("Relu", {"x"}, {"n/Elu"}, "other");
  model.Node("Selu", {"n/Elu"}, {"z"}, "n");
  model.Node("Selu", {"z"}, {"y"}, "n/Elu");
  const graph::Graph graph = Read(model);
  graph::Validate(graph);
  EXPECT_EQ(graph.nodes.size(), 5u);
}

TEST(Decompose, KnowsSinceWhenAnOperatorIs) {
  EXPECT_THAT(ErrorOf(One("Mish", 17)), HasSubstr("needs opset 18 or newer"));
  EXPECT_THAT(ErrorOf(One("Swish", 23)), HasSubstr("needs opset 24 or newer"));
  EXPECT_THAT(OpsOf(Read(One("Gelu", 11, "com.microsoft"))), ElementsAre("Gelu"));
}

TEST(Decompose, ThinksOfAttributesInputsAndOutputs) {
  TestModel attribute = One("Selu");
  Set(NodeOf(attribute), "surprise", 1.0f);
  EXPECT_THAT(ErrorOf(attribute), AllOf(HasSubstr("node 'n' (Selu)"), HasSubstr("'surprise'")));
  TestModel few = One("Sum", 13, "", {});
  EXPECT_THAT(ErrorOf(few), HasSubstr("has 0 inputs, it needs 1"));
  TestModel left_out = One("Sum", 13, "", {"", "x"});
  EXPECT_THAT(ErrorOf(left_out), HasSubstr("input 0 is missing"));
  EXPECT_THAT(ErrorOf(One("Selu", 17, "", {"x", "x"})), HasSubstr("input 1 is not supported"));
  TestModel outputs = One("Selu");
  NodeOf(outputs).add_output("z");
  EXPECT_THAT(ErrorOf(outputs), HasSubstr("has 2 outputs"));
  TestModel none = One("Selu");
  NodeOf(none).clear_output();
  EXPECT_THAT(ErrorOf(none), HasSubstr("no output"));
}

TEST(Decompose, RefusesWhatTheOthersCannotSay) {
  const auto with = [](TestModel model, const char* key, auto value) {
    Set(NodeOf(model), key, value);
    return ErrorOf(model);
  };
  EXPECT_THAT(with(One("Celu"), "alpha", -1.0f), HasSubstr("alpha must be positive"));
  EXPECT_THAT(with(One("LpNormalization"), "p", std::int64_t{3}), HasSubstr("p is 3"));
  EXPECT_THAT(with(One("ReduceL1"), "noop_with_empty_axes", std::int64_t{1}), HasSubstr("noop_with_empty_axes"));
  EXPECT_THAT(ErrorOf(One("GroupNormalization", 21, "", {"x", "x", "x"})), HasSubstr("num_groups"));
  const TestModel attention = One("Attention", 23, "", {"x", "x", "x"});
  EXPECT_THAT(with(attention, "is_causal", std::int64_t{1}), HasSubstr("is_causal"));
  EXPECT_THAT(with(attention, "softcap", 2.0f), HasSubstr("softcap"));
  TestModel grouped = attention;
  Set(NodeOf(grouped), "q_num_heads", std::int64_t{4});
  EXPECT_THAT(with(grouped, "kv_num_heads", std::int64_t{2}), HasSubstr("several heads"));
  EXPECT_THAT(ErrorOf(One("Attention", 23, "", {"x", "x", "x", "", "x"})), HasSubstr("input 4 is not supported"));
  EXPECT_THAT(with(One("FusedConv", 17, "com.microsoft", {"x", "x"}), "activation", "Sin"),
              HasSubstr("activation Sin"));
  EXPECT_THAT(ErrorOf(One("MultiHeadAttention", 17, "com.microsoft")), HasSubstr("packed inputs"));
}

// The file tells the rank of 'a' only where it declares it.
TEST(Decompose, TransposesWhereTheRankIsKnown) {
  const auto make = [](bool declared) {
    TestModel model(17);
    model.Input("x", {1, 2, 3, 4}).Input("s", {4}, onnx::TensorProto::INT64).Output("y");
    model.Node("Reshape", {"x", "s"}, {"a"}, "reshape");
    onnx::NodeProto& node = model.Node("FusedMatMul", {"x", "a"}, {"y"}, "product");
    node.set_domain("com.microsoft");
    Set(node, "transB", std::int64_t{1});
    if (declared) TestModel::SetType(*model.proto.mutable_graph()->add_value_info(), "a", {-1, -1, -1, -1});
    return model;
  };
  EXPECT_THAT(OpsOf(Read(make(true))), ElementsAre("Reshape", "Transpose", "MatMul"));
  EXPECT_THAT(ErrorOf(make(false)), AllOf(HasSubstr("product"), HasSubstr("onnx.shape_inference")));
}

TEST(Decompose, TheSumOfASkipConnectionIsAnOutput) {
  TestModel model(17);
  model.Input("x", {2, 3, 4}).Floats("s", {4}, {1, 1, 1, 1}).Output("y").Output("sum");
  model.Node("SkipLayerNormalization", {"x", "x", "s"}, {"y", "", "", "sum"}).set_domain("com.microsoft");
  const graph::Graph graph = ops::Specialise(Read(model), {});
  EXPECT_THAT(OpsOf(graph), ElementsAre("Add", "Identity", "LayerNormalization"));
  NodeOf(model).set_output(1, "mean");
  EXPECT_THAT(ErrorOf(model), HasSubstr("output 1 is not supported"));
}

TEST(Decompose, LimitsTheNodesThatItMakes) {
  TestModel model = One("Selu");
  EXPECT_EQ(Read(model, {.max_nodes = 2}).nodes.size(), 2u);
  EXPECT_THAT(ErrorOf(model, {.max_nodes = 1}), HasSubstr("more nodes than the limit"));
}

TEST(Decompose, EachRowIsOfAnOperatorThatIsNotInTheTable) {
  for (const char* op : {"Sum", "Mish", "RMSNormalization", "Attention", "DequantizeLinear", "Einsum", "MatMulNBits"}) {
    EXPECT_EQ(ops::Find(op), nullptr) << op;
  }
}

TEST(Refused, FilesThatNothingElseReads) {
  EXPECT_THAT(ErrorOf(One("Conv", 17, "com.microsoft.nchwc", {"x", "x"})),
              AllOf(HasSubstr("node 'n' (Conv)"), HasSubstr("ONNX Runtime"), HasSubstr("level extended")));
  for (const char* op : {"QLinearConv", "QuantizeLinear", "ConvInteger", "DynamicQuantizeLinear", "MatMulInteger"}) {
    EXPECT_THAT(ErrorOf(One(op)), AllOf(HasSubstr("activations are quantised"), HasSubstr("export it in float32")));
  }
  for (const char* op : {"QLinearAdd", "QAttention", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"}) {
    EXPECT_THAT(ErrorOf(One(op, 17, "com.microsoft")), HasSubstr("quantised network"));
  }
  EXPECT_THAT(ErrorOf(One("Sampling", 17, "com.microsoft")), HasSubstr("domain 'com.microsoft'"));
}

}  // namespace
}  // namespace prefiqs::model
