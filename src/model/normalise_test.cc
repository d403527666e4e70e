// Each rule at both sides of its opset border, through the reader.
#include "model/normalise.h"

#include <gmock/gmock.h>

#include <vector>

#include "model/model_for_test.h"

namespace prefiqs::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Int64s = std::vector<std::int64_t>;
using OptionalInts = std::vector<std::int64_t>;

// A network of one node with the data input x (1x4x4x4) and the output y.
struct OneNode {
  OneNode(std::int64_t opset, const std::string& op, const std::vector<std::string>& inputs = {"x"},
          const std::vector<std::string>& outputs = {"y"})
      : model(opset), node(model.Input("x", {1, 4, 4, 4}).Node(op, inputs, outputs)) {
    for (const std::string& output : outputs) model.Output(output);
  }
  template <typename T>
  OneNode& With(const std::string& key, T value) {
    Set(node, key, value);
    return *this;
  }
  OneNode& Ints(const std::string& name, const Int64s& values) {
    model.Ints(name, values);
    return *this;
  }
  OneNode& Float(const std::string& name, float value) {
    model.Floats(name, {}, {value});
    return *this;
  }
  TestModel model;
  onnx::NodeProto& node;
};

struct ReadNode {
  explicit ReadNode(const OneNode& source) : graph(Read(source.model)) {
    EXPECT_EQ(graph.nodes.size(), 1u);
    node = graph.nodes.at(0);
  }
  Int64s IntInput(std::size_t i) const {
    EXPECT_LT(i, node.inputs.size());
    const graph::Tensor* tensor = i < node.inputs.size() ? graph.constant(node.inputs[i]) : nullptr;
    if (tensor == nullptr) {
      ADD_FAILURE() << "input " << i << " is no constant";
      return {};
    }
    return tensor->ToInt64s();
  }
  float FloatInput(std::size_t i) const {
    EXPECT_LT(i, node.inputs.size());
    const graph::Tensor* tensor = i < node.inputs.size() ? graph.constant(node.inputs[i]) : nullptr;
    if (tensor == nullptr || tensor->count() != 1) {
      ADD_FAILURE() << "input " << i << " is no constant scalar";
      return NAN;
    }
    EXPECT_TRUE(tensor->shape().empty());
    return tensor->values<float>()[0];
  }
  std::vector<std::string> Keys() const {
    std::vector<std::string> keys;
    for (const auto& [key, value] : node.attributes) keys.push_back(key);
    return keys;
  }
  graph::Graph graph;
  graph::Node node;
};

TEST(Normalise, ClipBoundsBecomeInputs) {
  const ReadNode both(OneNode(10, "Clip").With("min", 0.0f).With("max", 6.0f));
  EXPECT_EQ(both.FloatInput(1), 0.0f);
  EXPECT_EQ(both.FloatInput(2), 6.0f);
  EXPECT_THAT(both.Keys(), ElementsAre());
  const ReadNode upper(OneNode(10, "Clip").With("max", 6.0f));
  ASSERT_EQ(upper.node.inputs.size(), 3u);
  EXPECT_EQ(upper.node.inputs[1], graph::kNone);
  EXPECT_EQ(upper.FloatInput(2), 6.0f);
  const ReadNode none(OneNode(10, "Clip"));
  EXPECT_EQ(none.node.inputs.size(), 1u);
  const ReadNode newer(OneNode(11, "Clip", {"x", "", "high"}).Float("high", 6.0f));
  EXPECT_EQ(newer.node.inputs[1], graph::kNone);
  EXPECT_EQ(newer.FloatInput(2), 6.0f);
  EXPECT_THAT(ErrorOf(OneNode(11, "Clip").With("max", 6.0f).model), HasSubstr("max"));
}

TEST(Normalise, AxesBecomeInputs) {
  struct Case {
    const char* op;
    std::int64_t border;
    Int64s axes;
  };
  for (const Case& c : {Case{"Squeeze", 13, {0}}, Case{"Unsqueeze", 13, {0, 2}}, Case{"ReduceMean", 18, {2, 3}},
                        Case{"ReduceL2", 18, {1}}}) {
    SCOPED_TRACE(c.op);
    const ReadNode older(OneNode(c.border - 1, c.op).With("axes", c.axes));
    ASSERT_EQ(older.node.inputs.size(), 2u);
    EXPECT_EQ(older.IntInput(1), c.axes);
    EXPECT_FALSE(older.node.Has("axes"));
    const ReadNode newer(OneNode(c.border, c.op, {"x", "axes"}).Ints("axes", c.axes));
    EXPECT_EQ(newer.IntInput(1), c.axes);
    EXPECT_THAT(ErrorOf(OneNode(c.border, c.op).With("axes", c.axes).model), HasSubstr("axes"));
  }
  EXPECT_EQ(ReadNode(OneNode(12, "Squeeze")).node.inputs.size(), 1u);
  EXPECT_EQ(ReadNode(OneNode(17, "ReduceMean").With("keepdims", std::int64_t{0})).node.Int("keepdims", 1), 0);
}

TEST(Normalise, AttributeAndInputTogetherAreRefused) {
  EXPECT_THAT(ErrorOf(OneNode(12, "Squeeze", {"x", "axes"}).Ints("axes", {0}).With("axes", Int64s{0}).model),
              HasSubstr("given as attribute and as input"));
}

TEST(Normalise, SplitSizesBecomeAnInput) {
  const ReadNode sizes(
      OneNode(12, "Split", {"x"}, {"y", "z"}).With("axis", std::int64_t{1}).With("split", Int64s{1, 3}));
  EXPECT_THAT(sizes.IntInput(1), ElementsAre(1, 3));
  EXPECT_THAT(sizes.Keys(), ElementsAre("axis"));
  for (const std::int64_t opset : {12, 13, 17}) {
    const ReadNode equal(OneNode(opset, "Split", {"x"}, {"y", "z"}).With("axis", std::int64_t{1}));
    EXPECT_EQ(equal.node.inputs.size(), 1u);
    EXPECT_EQ(equal.node.Int("num_outputs", 0), 2);
  }
  const ReadNode newer(OneNode(18, "Split", {"x"}, {"y", "z"}).With("num_outputs", std::int64_t{2}));
  EXPECT_EQ(newer.node.Int("num_outputs", 0), 2);
  const ReadNode given(OneNode(13, "Split", {"x", "sizes"}, {"y", "z"}).Ints("sizes", {2, 2}));
  EXPECT_FALSE(given.node.Has("num_outputs"));
}

TEST(Normalise, SliceBoundsBecomeInputs) {
  const ReadNode older(OneNode(9, "Slice").With("starts", Int64s{1}).With("ends", Int64s{3}).With("axes", Int64s{2}));
  EXPECT_THAT(older.IntInput(1), ElementsAre(1));
  EXPECT_THAT(older.IntInput(2), ElementsAre(3));
  EXPECT_THAT(older.IntInput(3), ElementsAre(2));
  EXPECT_THAT(older.Keys(), ElementsAre());
  const ReadNode newer(OneNode(10, "Slice", {"x", "s", "e"}).Ints("s", {1}).Ints("e", {3}));
  EXPECT_THAT(newer.IntInput(2), ElementsAre(3));
  EXPECT_THAT(ErrorOf(OneNode(9, "Slice").With("starts", Int64s{1}).model), HasSubstr("ends"));
}

TEST(Normalise, PadsBecomeInputs) {
  const Int64s pads{0, 0, 1, 1, 0, 0, 1, 1};
  const ReadNode older(OneNode(10, "Pad").With("pads", pads).With("value", 2.5f).With("mode", "constant"));
  EXPECT_EQ(older.IntInput(1), pads);
  EXPECT_EQ(older.FloatInput(2), 2.5f);
  EXPECT_THAT(older.Keys(), ElementsAre("mode"));
  const ReadNode newer(OneNode(11, "Pad", {"x", "pads"}).Ints("pads", pads));
  EXPECT_EQ(newer.IntInput(1), pads);
  EXPECT_THAT(ErrorOf(OneNode(10, "Pad").model), HasSubstr("pads"));
}

TEST(Normalise, DropoutLosesWhatTrainingNeeds) {
  EXPECT_THAT(ReadNode(OneNode(11, "Dropout").With("ratio", 0.4f)).Keys(), ElementsAre());
  EXPECT_THAT(ReadNode(OneNode(12, "Dropout", {"x", "r"}).Float("r", 0.4f).With("seed", std::int64_t{1})).Keys(),
              ElementsAre());
}

TEST(Normalise, SoftmaxBefore13WorksOnAMatrix) {
  const ReadNode implicit(OneNode(12, "Softmax"));
  EXPECT_EQ(implicit.node.Int("axis", -9), 1);
  EXPECT_EQ(implicit.node.Int("coerce_2d", 0), 1);
  EXPECT_EQ(ReadNode(OneNode(12, "Softmax").With("axis", std::int64_t{3})).node.Int("axis", -9), 3);
  EXPECT_FALSE(ReadNode(OneNode(13, "Softmax")).node.Has("coerce_2d"));
}

TEST(Normalise, UpsampleAndOldResizeBecomeResize) {
  const std::vector<float> scales{1, 1, 2, 2};
  const auto check = [&](const ReadNode& read) {
    EXPECT_EQ(read.node.op, "Resize");
    ASSERT_EQ(read.node.inputs.size(), 3u);
    EXPECT_EQ(read.node.inputs[1], graph::kNone);
    const graph::Tensor* tensor = read.graph.constant(read.node.inputs[2]);
    ASSERT_NE(tensor, nullptr);
    EXPECT_THAT(tensor->values<float>(), ::testing::ElementsAreArray(scales));
    EXPECT_EQ(read.node.String("coordinate_transformation_mode", ""), "asymmetric");
    EXPECT_EQ(read.node.String("nearest_mode", ""), "floor");
    EXPECT_EQ(read.node.String("mode", ""), "nearest");
  };
  {
    SCOPED_TRACE("Upsample 7");
    check(ReadNode(OneNode(8, "Upsample").With("mode", "nearest").With("scales", scales)));
  }
  for (const auto& [opset, op] : {std::pair{9, "Upsample"}, std::pair{10, "Resize"}}) {
    SCOPED_TRACE(op);
    OneNode one(opset, op, {"x", "scales"});
    one.model.Floats("scales", {4}, scales);
    check(ReadNode(one.With("mode", "nearest")));
  }
  OneNode newer(11, "Resize", {"x", "", "scales"});
  newer.model.Floats("scales", {4}, scales);
  EXPECT_FALSE(ReadNode(newer).node.Has("nearest_mode"));
  EXPECT_THAT(ErrorOf(newer.With("coordinate_transformation_mode", "tf_half_pixel_for_nn").model),
              HasSubstr("tf_half_pixel_for_nn"));
}

TEST(Normalise, BatchNormalizationIsThatOfInference) {
  const auto make = [](std::int64_t opset) {
    OneNode one(opset, "BatchNormalization", {"x", "s", "b", "m", "v"});
    for (const char* name : {"s", "b", "m", "v"}) one.model.Floats(name, {4}, {1, 1, 1, 1});
    one.With("epsilon", 1e-3f).With("momentum", 0.9f);
    return one.model;
  };
  for (const std::int64_t opset : {7, 9, 14, 15}) {
    TestModel model = make(opset);
    onnx::NodeProto& node = *model.proto.mutable_graph()->mutable_node(0);
    if (opset < 9) Set(node, "spatial", std::int64_t{1});
    if (opset >= 14) Set(node, "training_mode", std::int64_t{0});
    const graph::Graph graph = Read(model);
    EXPECT_EQ(graph.nodes.at(0).attributes.size(), 1u);
    EXPECT_EQ(graph.nodes.at(0).Float("epsilon", 0), 1e-3f);
  }
  TestModel training = make(14);
  Set(*training.proto.mutable_graph()->mutable_node(0), "training_mode", std::int64_t{1});
  EXPECT_THAT(ErrorOf(training), HasSubstr("evaluation mode"));
}

TEST(Normalise, CastsGoToWidenedTypes) {
  using T = onnx::TensorProto;
  for (const auto& [from, to] :
       {std::pair{T::FLOAT16, T::FLOAT}, std::pair{T::DOUBLE, T::FLOAT}, std::pair{T::INT64, T::INT64},
        std::pair{T::BOOL, T::BOOL}, std::pair{T::UINT32, T::INT64}}) {
    const ReadNode read(OneNode(13, "Cast").With("to", std::int64_t{from}));
    EXPECT_EQ(read.node.Int("to", 0), to);
  }
  EXPECT_THAT(ErrorOf(OneNode(13, "Cast").With("to", std::int64_t{T::STRING}).model), HasSubstr("STRING"));
  EXPECT_THAT(ErrorOf(OneNode(19, "Cast").With("to", std::int64_t{17}).model), HasSubstr("FLOAT8E4M3FN"));
  EXPECT_THAT(ErrorOf(OneNode(13, "Cast").With("to", std::int64_t{1} << 33).model), HasSubstr("8589934592"));
  EXPECT_THAT(ErrorOf(OneNode(13, "Cast").model), HasSubstr("to is missing"));
}

TEST(Normalise, OperatorsStartAtTheirOpset) {
  struct Case {
    const char* op;
    std::int64_t since;
  };
  for (const Case& c :
       {Case{"HardSwish", 14}, Case{"Gelu", 20}, Case{"Erf", 9}, Case{"Relu", 6}, Case{"HardSigmoid", 6}}) {
    SCOPED_TRACE(c.op);
    EXPECT_EQ(ReadNode(OneNode(c.since, c.op)).node.op, c.op);
    EXPECT_THAT(ErrorOf(OneNode(c.since - 1, c.op).model), HasSubstr("or newer, the file has"));
  }
  const auto layer_norm = [](std::int64_t opset) {
    OneNode one(opset, "LayerNormalization", {"x", "s"});
    one.model.Floats("s", {4}, {1, 1, 1, 1});
    return one.With("stash_type", std::int64_t{1}).model;
  };
  EXPECT_EQ(Read(layer_norm(17)).nodes.at(0).op, "LayerNormalization");
}

}  // namespace
}  // namespace prefiqs::model
