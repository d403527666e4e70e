// Files made to break readers: one clear line each, and no more memory than the limits say.
#include <gmock/gmock.h>

#include <limits>

#include "model/model_for_test.h"

namespace prefiqs::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TestModel Chain() {
  TestModel model(17);
  model.Input("x", {1, 2}).Output("y").Floats("w", {2}, {1, 2});
  model.Node("Add", {"x", "w"}, {"a"}, "first");
  model.Node("Relu", {"a"}, {"y"}, "second");
  return model;
}

onnx::NodeProto& NodeOf(TestModel& model, int i) { return *model.proto.mutable_graph()->mutable_node(i); }

TEST(Hostile, TruncationAnywhereIsAnError) {
  const std::string bytes = Chain().Bytes();
  ASSERT_EQ(ReadBytes(bytes).nodes.size(), 2u);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    SCOPED_TRACE(size);
    EXPECT_NE(ErrorOfBytes(bytes.substr(0, size)), "");
  }
}

TEST(Hostile, OtherFiles) {
  EXPECT_THAT(ErrorOfBytes("\x89PNG\r\n\x1a\n0123456789"), HasSubstr("not an ONNX"));
  EXPECT_THAT(ErrorOfBytes(std::string(1000, '\xff')), HasSubstr("not an ONNX"));
  EXPECT_THAT(ErrorOfBytes(std::string(1000, '\0')), HasSubstr("not an ONNX"));
  EXPECT_THAT(ErrorOfBytes("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"), HasSubstr("ONNX"));
}

TEST(Hostile, Cycles) {
  TestModel model = Chain();
  NodeOf(model, 0).set_input(0, "y");
  EXPECT_THAT(ErrorOf(model), AnyOf(HasSubstr("first"), HasSubstr("second")));
  TestModel self(17);
  self.Input("x", {1}).Output("y");
  self.Node("Add", {"x", "y"}, {"y"}, "loop");
  EXPECT_THAT(ErrorOf(self), HasSubstr("loop"));
}

TEST(Hostile, MissingValues) {
  TestModel input = Chain();
  NodeOf(input, 1).set_input(0, "ghost");
  EXPECT_THAT(ErrorOf(input), AllOf(HasSubstr("node 'second' (Relu)"), HasSubstr("'ghost'")));
  TestModel output = Chain();
  output.Output("ghost");
  EXPECT_THAT(ErrorOf(output), HasSubstr("output 'ghost'"));
  TestModel none = Chain();
  none.proto.mutable_graph()->clear_output();
  EXPECT_THAT(ErrorOf(none), HasSubstr("no output"));
}

TEST(Hostile, DuplicateNames) {
  TestModel node = Chain();
  NodeOf(node, 1).set_output(0, "a");
  EXPECT_THAT(ErrorOf(node), AllOf(HasSubstr("'second'"), HasSubstr("'a'")));
  TestModel shadow = Chain();
  NodeOf(shadow, 0).set_output(0, "w");
  EXPECT_THAT(ErrorOf(shadow), AllOf(HasSubstr("'first'"), HasSubstr("'w'")));
  TestModel initializer = Chain();
  initializer.Floats("w", {1}, {1});
  EXPECT_THAT(ErrorOf(initializer), HasSubstr("initialiser 'w'"));
  TestModel input = Chain();
  input.Input("x", {1});
  EXPECT_THAT(ErrorOf(input), HasSubstr("listed twice"));
  TestModel output = Chain();
  output.Output("y");
  EXPECT_THAT(ErrorOf(output), HasSubstr("listed twice"));
  TestModel attribute = Chain();
  Set(NodeOf(attribute, 1), "alpha", 1.0f);
  Set(NodeOf(attribute, 1), "alpha", 1.0f);
  EXPECT_THAT(ErrorOf(attribute), AllOf(HasSubstr("second"), HasSubstr("'alpha' is given twice")));
}

TEST(Hostile, NamelessThings) {
  TestModel initializer = Chain();
  initializer.Floats("", {1}, {1});
  EXPECT_THAT(ErrorOf(initializer), HasSubstr("without a name"));
  TestModel input = Chain();
  input.Input("", {1});
  EXPECT_THAT(ErrorOf(input), HasSubstr("without a name"));
  TestModel op = Chain();
  NodeOf(op, 1).clear_op_type();
  EXPECT_THAT(ErrorOf(op), HasSubstr("second"));
}

TEST(Hostile, DimensionsOfInputs) {
  for (const std::int64_t dim : {std::int64_t{-2}, std::numeric_limits<std::int64_t>::min()}) {
    TestModel model = Chain();
    model.proto.mutable_graph()
        ->mutable_input(0)
        ->mutable_type()
        ->mutable_tensor_type()
        ->mutable_shape()
        ->mutable_dim(0)
        ->set_dim_value(dim);
    EXPECT_THAT(ErrorOf(model), HasSubstr("input 'x': dimension"));
  }
}

TEST(Hostile, DimensionsOfInitialisers) {
  for (const std::int64_t dim : {std::int64_t{-2}, std::int64_t{1} << 40, std::numeric_limits<std::int64_t>::max()}) {
    TestModel model = Chain();
    model.proto.mutable_graph()->mutable_initializer(0)->set_dims(0, dim);
    EXPECT_THAT(ErrorOf(model), HasSubstr("initialiser 'w'"));
  }
}

TEST(Hostile, WrongCountsOfInputsAndOutputs) {
  TestModel few = Chain();
  NodeOf(few, 0).mutable_input()->DeleteSubrange(1, 1);
  EXPECT_THAT(ErrorOf(few), HasSubstr("first"));
  TestModel many = Chain();
  NodeOf(many, 1).add_input("x");
  EXPECT_THAT(ErrorOf(many), HasSubstr("second"));
  TestModel outputs = Chain();
  NodeOf(outputs, 1).add_output("z");
  EXPECT_THAT(ErrorOf(outputs), HasSubstr("second"));
}

TEST(Hostile, WhatDoesNotRunIsNamedWithWhatToDo) {
  TestModel unknown = Chain();
  NodeOf(unknown, 1).set_op_type("NonMaxSuppression");
  EXPECT_THAT(ErrorOf(unknown), AllOf(HasSubstr("second"), HasSubstr("NonMaxSuppression")));
  TestModel quantised = Chain();
  NodeOf(quantised, 1).set_op_type("DynamicQuantizeLinear");
  EXPECT_THAT(ErrorOf(quantised), AllOf(HasSubstr("node 'second' (DynamicQuantizeLinear)"),
                                        HasSubstr("quantised network"), HasSubstr("float32")));
  TestModel attribute = Chain();
  Set(NodeOf(attribute, 1), "surprise", 1.0f);
  EXPECT_THAT(ErrorOf(attribute), AllOf(HasSubstr("second"), HasSubstr("surprise")));
}

TEST(Hostile, OtherDomainsAndFunctions) {
  TestModel domain = Chain();
  NodeOf(domain, 1).set_domain("com.microsoft");
  EXPECT_THAT(ErrorOf(domain), AllOf(HasSubstr("second"), HasSubstr("com.microsoft")));
  TestModel call = Chain();
  NodeOf(call, 1).set_domain("mine");
  auto& function = *call.proto.add_functions();
  function.set_domain("mine");
  function.set_name("Relu");
  EXPECT_THAT(ErrorOf(call), AllOf(HasSubstr("second"), HasSubstr("function 'Relu' with more inputs")));
  TestModel redefined = Chain();
  redefined.proto.add_functions()->set_name("Relu");
  EXPECT_THAT(ErrorOf(redefined), HasSubstr("redefines"));
  TestModel named = Chain();
  NodeOf(named, 1).set_domain("ai.onnx");
  EXPECT_EQ(Read(named).nodes.size(), 2u);
}

TEST(Hostile, SubgraphsSparseTensorsAndOtherTypes) {
  using A = onnx::AttributeProto;
  TestModel subgraph = Chain();
  NodeOf(subgraph, 1).set_op_type("Loop");
  AddAttribute(NodeOf(subgraph, 1), "body", A::GRAPH).mutable_g()->set_name("g");
  EXPECT_THAT(ErrorOf(subgraph), AllOf(HasSubstr("second"), HasSubstr("body"), HasSubstr("subgraph")));
  for (const auto type : {A::SPARSE_TENSOR, A::TENSORS, A::UNDEFINED, A::TYPE_PROTO}) {
    TestModel model = Chain();
    AddAttribute(NodeOf(model, 1), "odd", type);
    EXPECT_THAT(ErrorOf(model), AllOf(HasSubstr("second"), HasSubstr("'odd'")));
  }
  TestModel reference = Chain();
  AddAttribute(NodeOf(reference, 1), "odd", A::INT).set_ref_attr_name("outer");
  EXPECT_THAT(ErrorOf(reference), HasSubstr("function's attribute"));
  TestModel sparse = Chain();
  sparse.proto.mutable_graph()->add_sparse_initializer();
  EXPECT_THAT(ErrorOf(sparse), HasSubstr("sparse initialisers"));
  TestModel sequence = Chain();
  sequence.proto.mutable_graph()->mutable_input(0)->mutable_type()->mutable_sequence_type();
  EXPECT_THAT(ErrorOf(sequence), AllOf(HasSubstr("input 'x'"), HasSubstr("sequences")));
  TestModel untyped = Chain();
  untyped.proto.mutable_graph()->mutable_input(0)->clear_type();
  EXPECT_THAT(ErrorOf(untyped), HasSubstr("input 'x'"));
  TestModel text = Chain();
  text.proto.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
      onnx::TensorProto::STRING);
  EXPECT_THAT(ErrorOf(text), HasSubstr("STRING"));
}

TEST(Hostile, ControlCharactersStayOutOfMessages) {
  TestModel model = Chain();
  NodeOf(model, 1).set_op_type("Re\nlu\x1b[31m");
  EXPECT_NE(ErrorOf(model), "");  // ErrorOf checks that it is one line
}

TEST(Hostile, MillionsOfNodes) {
  // Two bytes of file, a hundred and more of memory, each: refused by the scan, before protobuf sees them.
  std::string nodes;
  for (int i = 0; i < 1000000; ++i) nodes += std::string("\x0a\x00", 2);
  std::string bytes = "\x3a";
  for (std::size_t size = nodes.size(); size != 0; size >>= 7)
    bytes += static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
  EXPECT_THAT(ErrorOfBytes(bytes + nodes), HasSubstr("more than 200000 nodes"));
}

TEST(Hostile, ManyTinyFields) {
  ReadLimits limits;
  limits.max_nodes = 10;
  TestModel model = Chain();
  for (int i = 0; i < 200000; ++i) NodeOf(model, 0).add_input("");
  EXPECT_THAT(ErrorOf(model, limits), HasSubstr("protobuf fields"));
  TestModel packed = Chain();
  for (int i = 0; i < 1000; ++i) packed.proto.mutable_graph()->mutable_initializer(0)->add_int64_data(1);
  limits.max_constant_bytes = 7000;
  EXPECT_THAT(ErrorOf(packed, limits), HasSubstr("more than 7000 bytes"));
}

TEST(Hostile, SegmentsCannotPointIntoTheFile) {
  TestModel model = Chain();
  auto& weight = *model.proto.mutable_graph()->mutable_initializer(0);
  weight.clear_raw_data();
  weight.mutable_segment()->set_begin(0);
  weight.mutable_segment()->set_end(8);
  EXPECT_THAT(ErrorOf(model), HasSubstr("segments"));
}

TEST(Hostile, ConstantsBeyondTheLimit) {
  ReadLimits limits;
  limits.max_constant_bytes = 100;
  TestModel model(17);
  model.Input("x", {1, 2}).Output("y").Floats("w", {26}, std::vector<float>(26));
  model.Node("Add", {"x", "w"}, {"y"}, "first");
  EXPECT_THAT(ErrorOf(model, limits), HasSubstr("larger than the limit"));
}

TEST(Hostile, FoldingBeyondTheLimit) {
  ReadLimits limits;
  limits.max_constant_bytes = 1 << 20;
  TestModel model(17);
  model.Input("x", {1}).Output("y").Ints("shape", {1 << 15, 1 << 15}).Floats("one", {1}, {1});
  model.Node("Expand", {"one", "shape"}, {"big"}, "bomb");
  model.Node("Add", {"x", "big"}, {"y"}, "use");
  try {
    Read(model, limits);
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("bomb"));
  }
}

TEST(Hostile, DeepNesting) {
  // Attributes with graphs with nodes with attributes …
  onnx::GraphProto inner;
  inner.set_name("g");
  for (int i = 0; i < 60; ++i) {
    onnx::GraphProto outer;
    auto& attribute = *outer.add_node()->add_attribute();
    attribute.set_type(onnx::AttributeProto::GRAPH);
    attribute.mutable_g()->Swap(&inner);
    outer.Swap(&inner);
  }
  TestModel model = Chain();
  auto& attribute = AddAttribute(NodeOf(model, 1), "body", onnx::AttributeProto::GRAPH);
  attribute.mutable_g()->Swap(&inner);
  EXPECT_THAT(ErrorOf(model), HasSubstr("nest too deeply"));
}

}  // namespace
}  // namespace prefiqs::model
