// Written files: accepted by ONNX's own checker, and the same network when read again.
#include "model/onnx_writer.h"

#include <gmock/gmock.h>
#include <onnx/checker.h>

#include <fstream>
#include <map>
#include <sstream>

#include "base/folder_for_test.h"
#include "model/lower.h"
#include "model/model_for_test.h"
#include "ops/operator.h"
#include "ops/specialise.h"

namespace prefiqs::model {
namespace {

using graph::Graph;
using graph::Tensor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Outputs of `graph` for one input that counts up in steps of 0.25 from -4.
std::vector<Tensor> RunReference(const Graph& graph, const graph::Shape& shape) {
  const Graph fixed = ops::Specialise(graph, {{graph.value(graph.inputs.at(0)).name, shape}});
  Tensor input(graph::DataType::kFloat32, shape);
  float next = -4;
  for (float& value : input.values<float>()) value = next += 0.25f;
  std::map<graph::ValueId, Tensor> made;
  made.emplace(fixed.inputs.at(0), std::move(input));
  const auto find = [&](graph::ValueId id) -> const Tensor* {
    if (id == graph::kNone) return nullptr;
    return fixed.constant(id) != nullptr ? fixed.constant(id) : &made.at(id);
  };
  for (const graph::Node& node : fixed.nodes) {
    std::vector<const Tensor*> inputs;
    for (const graph::ValueId id : node.inputs) inputs.push_back(find(id));
    std::vector<Tensor> outputs = ops::Evaluate(node, inputs);
    for (std::size_t i = 0; i < node.outputs.size(); ++i)
      made.insert_or_assign(node.outputs[i], std::move(outputs.at(i)));
  }
  std::vector<Tensor> results;
  for (const graph::ValueId id : fixed.outputs) results.push_back(*find(id));
  return results;
}

onnx::ModelProto ParseFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  onnx::ModelProto proto;
  EXPECT_TRUE(proto.ParseFromIstream(&file));
  return proto;
}

struct Written {
  explicit Written(const Graph& original, const std::map<std::string, std::string>& metadata = {}) {
    const std::string path = folder / "written.onnx";
    WriteOnnxFile(original, metadata, path);
    proto = ParseFile(path);
    graph = ReadOnnxFile(path).graph;
    files = folder.count();
  }
  std::vector<std::string> Ops() const {
    std::vector<std::string> ops;
    for (const auto& node : proto.graph().node()) ops.push_back(node.op_type());
    return ops;
  }
  FolderForTest folder;
  onnx::ModelProto proto;
  Graph graph;
  std::ptrdiff_t files = 0;
};

// Checks that the copy is valid and computes the same bits.
void ExpectFaithful(const TestModel& model, const graph::Shape& shape, std::int64_t opset,
                    const std::vector<std::string>& ops) {
  const Graph original = Read(model);
  const Written written(original);
  EXPECT_EQ(written.proto.opset_import(0).version(), opset);
  if (opset <= 17) {
    EXPECT_NO_THROW(onnx::checker::check_model(written.proto));
  }
  EXPECT_EQ(written.Ops(), ops);
  const auto expected = RunReference(original, shape);
  const auto actual = RunReference(written.graph, shape);
  ASSERT_EQ(expected.size(), actual.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_GT(expected[i].count(), 0);
    EXPECT_TRUE(Identical(expected[i], actual[i])) << "output " << i;
  }
}

TestModel WithInput(std::int64_t opset, const std::vector<std::int64_t>& dims = {-1, 4, 4, 4}) {
  TestModel model(opset);
  model.Input("x", dims);
  return model;
}

TEST(Writer, KeepsDescriptionAndMergesMetadata) {
  TestModel model = WithInput(11);
  model.Output("y", {-1, 4, 4, 4});
  model.Node("Relu", {"x"}, {"y"}, "relu");
  for (const auto& [key, value] : {std::pair{"kept", "1"}, std::pair{"replaced", "old"}}) {
    auto& entry = *model.proto.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  const Written written(Read(model), {{"replaced", "new"}, {"added", "2"}});
  EXPECT_NO_THROW(onnx::checker::check_model(written.proto));
  EXPECT_EQ(written.files, 1);
  EXPECT_EQ(written.proto.ir_version(), 8);
  EXPECT_EQ(written.proto.producer_name(), "prefiqs");
  EXPECT_EQ(written.graph.metadata,
            (std::map<std::string, std::string>{{"added", "2"}, {"kept", "1"}, {"replaced", "new"}}));
  EXPECT_EQ(written.graph.nodes.at(0).name, "relu");
  EXPECT_EQ(written.graph.value(written.graph.inputs.at(0)).name, "x");
  EXPECT_EQ(written.graph.value(written.graph.outputs.at(0)).name, "y");
  const auto& shape = written.proto.graph().input(0).type().tensor_type().shape();
  EXPECT_EQ(shape.dim(0).dim_param(), "open");
  EXPECT_EQ(shape.dim(1).dim_value(), 4);
}

TEST(Writer, KeepsTheNamesOfOpenDimensions) {
  TestModel model(13);
  model.Input("x", {-1, 4, -1, -1}).Output("y", {-1, 4, -1, -1}).Output("z", {-1, 4, -1, -1});
  for (const char* output : {"y", "z"}) model.Node("Relu", {"x"}, {output}, output);
  const auto shape_of = [](onnx::ValueInfoProto& info) {
    return info.mutable_type()->mutable_tensor_type()->mutable_shape();
  };
  auto& proto = *model.proto.mutable_graph();
  auto& input = *shape_of(*proto.mutable_input(0));
  auto& output = *shape_of(*proto.mutable_output(0));
  auto& unnamed = *shape_of(*proto.mutable_output(1));
  for (auto* shape : {&input, &output}) {
    shape->mutable_dim(0)->set_dim_param("N");
    shape->mutable_dim(2)->set_dim_param("height");
    shape->mutable_dim(3)->set_dim_param("width");
  }
  for (const int open : {0, 2, 3}) unnamed.mutable_dim(open)->clear_dim_param();
  input.mutable_dim(3)->clear_dim_param();

  const Written written(Read(model));
  EXPECT_NO_THROW(onnx::checker::check_model(written.proto));
  const auto names = [](const onnx::ValueInfoProto& info) {
    std::vector<std::string> list;
    for (const auto& dim : info.type().tensor_type().shape().dim()) {
      list.push_back(dim.has_dim_value() ? std::to_string(dim.dim_value()) : dim.dim_param());
    }
    return list;
  };
  EXPECT_THAT(names(written.proto.graph().input(0)), ElementsAre("N", "4", "height", "x_dim_3"));
  EXPECT_THAT(names(written.proto.graph().output(0)), ElementsAre("N", "4", "height", "width"));
  EXPECT_THAT(names(written.proto.graph().output(1)), ElementsAre("z_dim_0", "4", "z_dim_2", "z_dim_3"));
  // A copy of the copy says the same.
  EXPECT_EQ(Written(written.graph).proto.SerializeAsString(), written.proto.SerializeAsString());
}

TEST(Writer, SameGraphSameBytes) {
  TestModel model = WithInput(11);
  model.Output("y", {-1, 4, 4, 4});
  model.Node("Relu", {"x"}, {"y"});
  const Graph graph = Read(model);
  EXPECT_EQ(Written(graph, {{"a", "b"}}).proto.SerializeAsString(),
            Written(graph, {{"a", "b"}}).proto.SerializeAsString());
}

TEST(Writer, ReductionsHaveTheirAxesAsAttribute) {
  for (const std::int64_t opset : {11, 18}) {
    TestModel model = WithInput(opset);
    model.Output("z", {-1, 4});
    auto& mean =
        model.Node("ReduceMean", opset < 18 ? std::vector<std::string>{"x"} : std::vector<std::string>{"x", "axes"},
                   {"y"}, "mean");
    if (opset < 18) {
      Set(mean, "axes", std::vector<std::int64_t>{2, 3});
    } else {
      model.Ints("axes", {2, 3});
    }
    Set(mean, "keepdims", std::int64_t{0});
    Set(model.Node("ReduceL2", {"y"}, {"z"}, "norm"), "keepdims", std::int64_t{1});
    ExpectFaithful(model, {2, 4, 4, 4}, 17, {"ReduceMean", "ReduceL2"});
  }
}

TEST(Writer, CoercedSoftmaxIsSpelledOut) {
  TestModel model = WithInput(11);
  model.Output("y", {-1, 4, 4, 4});
  Set(model.Node("Softmax", {"x"}, {"y"}, "soft"), "axis", std::int64_t{2});
  ExpectFaithful(model, {2, 4, 4, 4}, 17, {"Shape", "Flatten", "Softmax", "Reshape"});
  TestModel last = WithInput(11);
  last.Output("y", {-1, 4, 4, 4});
  Set(last.Node("Softmax", {"x"}, {"y"}, "soft"), "axis", std::int64_t{3});
  ExpectFaithful(last, {2, 4, 4, 4}, 17, {"Softmax"});
}

TEST(Writer, Splits) {
  TestModel equal = WithInput(11);
  equal.Output("b", {-1, 2, 4, 4});
  Set(equal.Node("Split", {"x"}, {"a", "b"}, "split"), "axis", std::int64_t{1});
  equal.Output("a", {-1, 2, 4, 4});
  ExpectFaithful(equal, {1, 4, 4, 4}, 17, {"Split"});
  TestModel sizes = WithInput(11);
  sizes.Output("b", {-1, 3, 4, 4});
  auto& node = sizes.Node("Split", {"x"}, {"a", "b"}, "split");
  Set(node, "axis", std::int64_t{1});
  Set(node, "split", std::vector<std::int64_t>{1, 3});
  ExpectFaithful(sizes, {1, 4, 4, 4}, 17, {"Split"});
  TestModel uneven = WithInput(18, {-1, 5});
  uneven.Output("b", {-1, 2});
  auto& newer = uneven.Node("Split", {"x"}, {"a", "b"}, "split");
  Set(newer, "axis", std::int64_t{1});
  Set(newer, "num_outputs", std::int64_t{2});
  ExpectFaithful(uneven, {2, 5}, 18, {"Split"});
}

TEST(Writer, InputsThatWereAttributes) {
  TestModel model = WithInput(9);
  model.Output("e", {-1, 4, 2, 6});
  Set(model.Node("Clip", {"x"}, {"a"}, "clip"), "max", 2.0f);
  auto& slice = model.Node("Slice", {"a"}, {"b"}, "slice");
  Set(slice, "starts", std::vector<std::int64_t>{1});
  Set(slice, "ends", std::vector<std::int64_t>{3});
  Set(slice, "axes", std::vector<std::int64_t>{2});
  auto& pad = model.Node("Pad", {"b"}, {"c"}, "pad");
  Set(pad, "pads", std::vector<std::int64_t>{0, 0, 0, 1, 0, 0, 0, 1});
  Set(pad, "value", 0.5f);
  Set(model.Node("Unsqueeze", {"c"}, {"d"}, "unsqueeze"), "axes", std::vector<std::int64_t>{0});
  Set(model.Node("Squeeze", {"d"}, {"e"}, "squeeze"), "axes", std::vector<std::int64_t>{0});
  ExpectFaithful(model, {1, 4, 4, 4}, 17, {"Clip", "Slice", "Pad", "Unsqueeze", "Squeeze"});
}

TEST(Writer, UpsampleIsWrittenAsResize) {
  TestModel model = WithInput(9);
  model.Output("y", {-1, 4, 8, 8}).Floats("scales", {4}, {1, 1, 2, 2});
  Set(model.Node("Upsample", {"x", "scales"}, {"y"}, "up"), "mode", "nearest");
  ExpectFaithful(model, {1, 4, 4, 4}, 17, {"Resize"});
}

TEST(Writer, NewerOperatorsTakeTheOpsetTheyNeed) {
  TestModel gelu = WithInput(20);
  gelu.Output("y", {-1, 4, 4, 4});
  gelu.Node("Gelu", {"x"}, {"y"}, "gelu");
  ExpectFaithful(gelu, {1, 4, 4, 4}, 20, {"Gelu"});
  // With 20 the axes of a reduction must stay an input.
  gelu.Node("ReduceMean", {"y", "axes"}, {"z"}, "mean");
  gelu.Ints("axes", {2, 3}).Output("z", {-1, 4, 1, 1});
  ExpectFaithful(gelu, {1, 4, 4, 4}, 20, {"Gelu", "ReduceMean"});
}

TEST(Writer, AttributesOfEveryType) {
  TestModel model = WithInput(13, {-1, 2});
  model.Output("y", {-1, 2});
  model.Node("Shape", {"x"}, {"s"}, "shape");
  Set(model.Node("ConstantOfShape", {"s"}, {"c"}, "fill"), "value", Tensor::From<float>({1}, std::vector<float>{2.5f}));
  model.Node("Add", {"x", "c"}, {"y"}, "add");
  ExpectFaithful(model, {3, 2}, 17, {"Shape", "ConstantOfShape", "Add"});
}

TEST(Writer, NamesThatAreMissingOrRepeatedAreMadeUp) {
  Graph graph;
  const auto add = [&](const char* name, const graph::Shape& shape) {
    return graph.AddValue(
        {.name = name, .type = graph::DataType::kFloat32, .shape = shape, .shape_known = true, .constant = {}});
  };
  const auto x = add("v", {1, 2});
  const auto a = add("v", {1, 2});
  const auto y = add("", {1, 2});
  graph.inputs = {x};
  graph.outputs = {y};
  graph.nodes.push_back({.name = "n", .op = "Relu", .inputs = {x}, .outputs = {a}, .attributes = {}});
  graph.nodes.push_back({.name = "n", .op = "Sigmoid", .inputs = {a}, .outputs = {y}, .attributes = {}});
  const Written written(graph);
  EXPECT_NO_THROW(onnx::checker::check_model(written.proto));
  EXPECT_EQ(written.graph.value(written.graph.inputs.at(0)).name, "v");
  EXPECT_EQ(written.graph.nodes.size(), 2u);
}

TEST(Writer, FailuresLeaveNothingBehind) {
  TestModel model = WithInput(11);
  model.Output("y", {-1, 4, 4, 4});
  model.Node("Relu", {"x"}, {"y"});
  const FolderForTest folder;
  const std::string path = folder / "missing/out.onnx";
  try {
    WriteOnnxFile(Read(model), {}, path);
    FAIL() << "written";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_THAT(error.what(), HasSubstr(path));
  }
  EXPECT_EQ(folder.count(), 0);
}

}  // namespace
}  // namespace prefiqs::model
