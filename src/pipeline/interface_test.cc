#include "pipeline/interface.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/assessor.h>
#include <prefiqs/network.h>

#include <string>
#include <vector>

#include "base/folder_for_test.h"
#include "model/onnx_reader.h"
#include "pipeline/network_for_test.h"
#include "pipeline/network_impl.h"
#include "pipeline/preprocess.h"

namespace prefiqs::pipeline {
namespace {

using graph::DataType;
using graph::Graph;
using graph::kUnknown;
using graph::ValueId;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Int64s = std::vector<std::int64_t>;

constexpr int kWide = 24;

ValueId Add(Graph& graph, const char* name, graph::Shape shape, DataType type = DataType::kFloat32) {
  return graph.AddValue({name, type, std::move(shape), true, nullptr});
}

void Put(Graph& graph, const char* op, std::vector<ValueId> inputs, ValueId output,
         std::map<std::string, graph::Attribute, std::less<>> attributes = {}) {
  graph.nodes.push_back({graph.value(output).name, op, std::move(inputs), {output}, std::move(attributes)});
}

graph::TensorPtr Axes(const Int64s& axes) { return std::make_shared<graph::Tensor>(graph::Tensor::FromInt64s(axes)); }

// TestGraph() with another Gemm, of kWide numbers: "feature", as long as an embedding that is found among others.
Graph WideGraph(graph::Shape input_shape = {kUnknown, 3, kTestSide, kTestSide}) {
  Graph graph = TestGraph(std::move(input_shape));
  const ValueId flat = graph.nodes[3].inputs[0];
  graph.nodes.pop_back();
  const std::int64_t features = 8 * kTestSide * kTestSide / 4;
  const ValueId matrix = graph.AddConstant("matrix", RandomTensor({kWide, features}, 5));
  graph.outputs = {Add(graph, "feature", {kUnknown, kWide})};
  Put(graph, "Gemm", {flat, matrix}, graph.outputs[0], {{"transB", std::int64_t{1}}});
  return graph;
}

// "feature" and its length, as AdaFace gives them; "half", a vector too; "pair", of two numbers.
Graph WithOthers(const std::vector<std::string>& names) {
  Graph graph = WideGraph();
  const ValueId feature = graph.outputs[0];
  graph.outputs.clear();
  for (const std::string& name : names) {
    ValueId output = feature;
    if (name == "norm") {
      output = Add(graph, "norm", {kUnknown, 1});
      const ValueId axes = graph.AddConstant("axes", Axes({1}));
      Put(graph, "ReduceL2", {feature, axes}, output, {{"keepdims", std::int64_t{1}}});
    } else if (name == "half" || name == "pair") {
      const std::int64_t size = name == "half" ? 32 : 2;
      output = Add(graph, name.c_str(), {kUnknown, size});
      const ValueId matrix = graph.AddConstant(name + ".matrix", RandomTensor({size, kWide}, 6));
      Put(graph, "Gemm", {feature, matrix}, output, {{"transB", std::int64_t{1}}});
    }
    graph.outputs.push_back(output);
  }
  return graph;
}

// WideGraph() behind an input of channels last, or of bytes, or both.
Graph Behind(bool channels_last, bool bytes) {
  Graph graph = WideGraph();
  ValueId pictures = graph.inputs[0];
  const auto before = [&](const char* name, const char* op, graph::Shape shape, DataType type,
                          std::map<std::string, graph::Attribute, std::less<>> attributes) {
    const ValueId made = pictures;
    pictures = Add(graph, name, std::move(shape), type);
    graph.nodes.insert(graph.nodes.begin(),
                       {std::string(name) + ".node", op, {pictures}, {made}, std::move(attributes)});
  };
  if (channels_last) {
    before("nhwc", "Transpose", {kUnknown, kTestSide, kTestSide, 3}, DataType::kFloat32,
           {{"perm", Int64s{0, 3, 1, 2}}});
  }
  if (bytes) {
    before("bytes", "Cast", graph.value(pictures).shape, DataType::kInt32, {{"to", std::int64_t{1}}});
    graph.value(pictures).is_uint8 = true;
  }
  graph.inputs = {pictures};
  return graph;
}

std::vector<Assessment> Assess(const Network& network, Method method = Method::kDrift) {
  const Assessor assessor(
      network, {.recipe = Recipe{.scope = Scope::kLayer, .sparsity = 0.5}, .guarded = false, .method = method});
  std::vector<Assessment> assessments;
  for (std::uint32_t seed = 0; seed < 3; ++seed) {
    assessments.push_back(assessor.assess(TestPicture(network.input_width(), network.input_height(), seed)));
    EXPECT_EQ(assessments.back().status, Status::kOk) << assessments.back().detail;
  }
  return assessments;
}

// Drifts and embeddings to the last bit.
void ExpectSame(const Network& network, const Network& expected) {
  const auto a = Assess(network), b = Assess(expected);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_GT(b[i].drift, 0);
    EXPECT_EQ(a[i].drift, b[i].drift) << i;
    EXPECT_EQ(a[i].embedding, b[i].embedding) << i;
  }
}

class Interfaces : public ::testing::Test {
 protected:
  Network Load(const Graph& graph, const NetworkOptions& options = {}) {
    return Network::load(WriteTestNetwork(folder_ / "net.onnx", graph), options);
  }
  // What loading says, which names the file.
  std::string Refusal(const Graph& graph, ErrorCode code = ErrorCode::kModel, const NetworkOptions& options = {}) {
    try {
      Load(graph, options);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), code) << e.what();
      EXPECT_THAT(e.what(), HasSubstr("net.onnx"));
      return e.what();
    }
    ADD_FAILURE() << "loaded without an error";
    return "";
  }
  FolderForTest folder_;
};

const NetworkOptions kRaw{.preprocessing = Preprocessing::preset("raw")};

TEST_F(Interfaces, ChannelsLastAndBytesGiveTheSame) {
  const Network expected = Load(WideGraph(), kRaw);
  const Network last = Load(Behind(true, false), kRaw);
  EXPECT_EQ(last.input_width(), kTestSide);
  ExpectSame(last, expected);
  EXPECT_THAT(last.inspect({}).inputs[0].shape, ElementsAre(-1, kTestSide, kTestSide, 3));
  // Bytes need no word about mean and scale.
  for (const bool channels_last : {false, true}) {
    const Network bytes = Load(Behind(channels_last, true));
    EXPECT_EQ(bytes.preprocessing(), Preprocessing::preset("raw"));
    EXPECT_EQ(bytes.preprocessing_source(), PreprocessingSource::kAssumed);
    EXPECT_EQ(bytes.inspect({}).inputs[0].type, "uint8");
    ExpectSame(bytes, expected);
  }
  const Network told = Load(Behind(false, true), {.preprocessing = Preprocessing::preset("arcface")});
  EXPECT_EQ(told.preprocessing(), Preprocessing::preset("arcface"));
  ExpectSame(told, Load(WideGraph(), {.preprocessing = Preprocessing::preset("arcface")}));
}

TEST_F(Interfaces, ChannelsLastHaveTheirPlaces) {
  // A network that gives the pixels themselves, so that a swap of height and width, or of channels, is seen.
  Graph graph;
  graph.opset = 13;
  graph.inputs = {Add(graph, "x", {kUnknown, 4, 6, 3})};
  graph.outputs = {Add(graph, "y", {kUnknown, 72})};
  Put(graph, "Flatten", {graph.inputs[0]}, graph.outputs[0], {{"axis", std::int64_t{1}}});
  const Network network = Load(graph, kRaw);
  EXPECT_EQ(network.input_width(), 6);
  EXPECT_EQ(network.input_height(), 4);
  const Assessor assessor(network, {.guarded = false, .method = Method::kEmbedding});
  const Image picture = TestPicture(6, 4, 1);
  const std::vector<float> embedding = assessor.assess(picture).embedding;
  EXPECT_EQ(embedding, std::vector<float>(picture.rgb.begin(), picture.rgb.end()));
}

TEST_F(Interfaces, GreyIsOneChannel) {
  Graph graph = WideGraph({kUnknown, 1, kTestSide, kTestSide});
  graph.value(graph.nodes[0].inputs[1]) = {"w", DataType::kFloat32, {8, 1, 3, 3}, true, RandomTensor({8, 1, 3, 3}, 1)};
  const Network network = Load(graph);
  EXPECT_THAT(Assess(network), SizeIs(3));
  const Image picture = TestPicture(kTestSide, kTestSide, 1);
  Image grey = picture;
  for (std::size_t i = 0; i < picture.rgb.size(); i += 3) {
    const double luma = 0.299 * picture.rgb[i] + 0.587 * picture.rgb[i + 1] + 0.114 * picture.rgb[i + 2];
    std::fill_n(grey.rgb.begin() + static_cast<std::ptrdiff_t>(i), 3, static_cast<std::uint8_t>(luma + 0.5));
  }
  const Assessor assessor(network, {.guarded = false});
  EXPECT_EQ(assessor.assess(picture).drift, assessor.assess(grey).drift);
  EXPECT_THAT(Preprocess(picture, Preprocessing::preset("raw"), 1), SizeIs(kTestSide * kTestSide));
  for (std::size_t i = 0; i < picture.rgb.size() / 3; ++i) {
    ASSERT_EQ(Preprocess(picture, Preprocessing::preset("raw"), 1)[i], grey.rgb[3 * i]) << i;
  }
  EXPECT_THAT(Refusal(graph, ErrorCode::kUsage, {.preprocessing = Preprocessing::preset("imagenet")}),
              HasSubstr("one mean and one scale"));
}

TEST_F(Interfaces, TheOnlyVectorBesideNumbersIsTheEmbedding) {
  const Network expected = Load(WideGraph());
  EXPECT_EQ(expected.output(), "");
  EXPECT_THAT(expected.remarks(), IsEmpty());
  for (const auto& names : std::vector<std::vector<std::string>>{{"feature", "norm"}, {"norm", "feature"}}) {
    const Network network = Load(WithOthers(names));
    EXPECT_EQ(network.output(), "feature");
    EXPECT_EQ(network.embedding_size(), kWide);
    ASSERT_THAT(network.remarks(), SizeIs(1));
    EXPECT_THAT(network.remarks()[0], AllOf(HasSubstr("\"feature\" (1x24)"), HasSubstr("\"norm\" (1x1)"),
                                            HasSubstr("\"feature\" is taken for the embedding")));
    ExpectSame(network, expected);
  }
}

TEST_F(Interfaces, SeveralCandidatesAreListed) {
  EXPECT_THAT(Refusal(WithOthers({"feature", "half"})),
              AllOf(HasSubstr("\"feature\" (1x24), \"half\" (1x32)"), HasSubstr("--output-name NAME")));
  // An age or two angles are no single number a face.
  EXPECT_THAT(Refusal(WithOthers({"feature", "pair"})), HasSubstr("\"pair\" (1x2)"));
  const Network half = Load(WithOthers({"feature", "half"}), {.output = "half"});
  EXPECT_EQ(half.embedding_size(), 32);
  EXPECT_EQ(half.output(), "half");
  EXPECT_THAT(half.remarks(), IsEmpty());
  ExpectSame(Load(WithOthers({"feature", "half"}), {.output = "feature"}), Load(WideGraph()));
  EXPECT_THAT(Refusal(WithOthers({"feature", "half"}), ErrorCode::kUsage, {.output = "Half"}),
              AllOf(HasSubstr("no output \"Half\""), HasSubstr("\"half\" (1x32)")));
}

TEST_F(Interfaces, TheSidecarNamesTheOutput) {
  for (const char* text : {R"({"output":"half"})", R"({"output":"half","channels":"bgr"})"}) {
    Fill(folder_ / "net.onnx.json", text);
    const Network network = Load(WithOthers({"feature", "half"}));
    EXPECT_EQ(network.output(), "half");
    EXPECT_EQ(Load(WithOthers({"feature", "half"}), {.output = "feature"}).output(), "feature");
    // Calibrating keeps it.
    network.save_calibration(Calibration::of(std::vector<float>(100, 0.5f), Recipe{}, network.preprocessing()));
    EXPECT_EQ(Load(WithOthers({"feature", "half"})).output(), "half");
    EXPECT_EQ(Load(WithOthers({"feature", "half"})).preprocessing(), network.preprocessing());
  }
  Fill(folder_ / "net.onnx.json", R"({"output":3})");
  EXPECT_THAT(Refusal(WithOthers({"feature", "half"})), HasSubstr("\"output\" must be the name"));
}

TEST_F(Interfaces, AQualityIsFoundAmongOthers) {
  EXPECT_EQ(Load(WithOthers({"feature", "norm"}), {.tells_quality = true}).output(), "norm");
  EXPECT_THAT(Refusal(WithOthers({"feature", "half"}), ErrorCode::kModel, {.tells_quality = true}),
              HasSubstr("which is the quality"));
}

TEST_F(Interfaces, OpenSizesAreSaid) {
  const Network expected = Load(WideGraph());
  const Graph open = WideGraph({kUnknown, 3, kUnknown, kUnknown});
  EXPECT_THAT(Refusal(open), AllOf(HasSubstr("cannot be multiplied"), HasSubstr("112x112 was tried: --size")));
  const NetworkOptions options{.size = PictureSize{kTestSide, kTestSide}};
  const Network network = Load(open, options);
  EXPECT_EQ(network.input_width(), kTestSide);
  EXPECT_EQ(network.preprocessing().size, options.size);
  ExpectSame(network, expected);
  EXPECT_EQ(Load(WideGraph(), options).preprocessing().size, PictureSize{});  // the file's own
  EXPECT_THAT(Refusal(WideGraph(), ErrorCode::kUsage, {.size = PictureSize{32, 16}}),
              HasSubstr("size 32x16: the file fixes the width of pictures to 16"));

  for (const char* text : {R"({"size":[16,16]})", R"({"preprocessing":{"size":[16,16]}})"}) {
    Fill(folder_ / "net.onnx.json", text);
    EXPECT_EQ(Load(open).input_height(), kTestSide);
    EXPECT_EQ(Load(open).preprocessing_source(), PreprocessingSource::kAssumed);
    EXPECT_EQ(Load(open, {.preprocessing = Preprocessing::preset("adaface")}).input_height(), kTestSide);
  }
  for (const char* text : {R"({"size":16})", R"({"size":[16,0]})", R"({"size":[16,1e9]})", R"({"size":[16,16,3]})"}) {
    Fill(folder_ / "net.onnx.json", text);
    EXPECT_THAT(Refusal(open), HasSubstr("\"size\" must be [width, height]"));
  }
}

TEST_F(Interfaces, OneOpenSideNeedsAWord) {
  EXPECT_THAT(Refusal(WideGraph({kUnknown, 3, kTestSide, kUnknown})), HasSubstr("give the size of pictures"));
  const NetworkOptions options{.size = PictureSize{kTestSide, kTestSide}};
  ExpectSame(Load(WideGraph({kUnknown, 3, kTestSide, kUnknown}), options), Load(WideGraph()));
}

TEST_F(Interfaces, OtherInputsAreNamed) {
  Graph graph = WideGraph();
  const ValueId keypoints = Add(graph, "keypoints", {kUnknown, 5, 2}), points = Add(graph, "points", {kUnknown, 1, 1});
  const ValueId axes = graph.AddConstant("axes", Axes({1, 2})), length = Add(graph, "length", {kUnknown, 1});
  const ValueId moved = Add(graph, "moved", {kUnknown, kWide});
  graph.inputs.push_back(keypoints);
  Put(graph, "ReduceL2", {keypoints, axes}, points, {{"keepdims", std::int64_t{1}}});
  Put(graph, "Flatten", {points}, length, {{"axis", std::int64_t{1}}});
  Put(graph, "Add", {graph.outputs[0], length}, moved);
  graph.outputs = {moved};
  EXPECT_THAT(Refusal(graph), AllOf(HasSubstr("\"keypoints\" (?x5x2)"), HasSubstr("landmarks")));
  graph.value(graph.inputs[1]).shape = {kUnknown, 7, 3};
  EXPECT_THAT(Refusal(graph), AllOf(HasSubstr("this one has 2"), Not(HasSubstr("landmarks"))));
}

TEST_F(Interfaces, InputsThatNothingReadsAreLeftOut) {
  Graph graph = WideGraph();
  graph.inputs.insert(graph.inputs.begin(), Add(graph, "bias", {8}));
  graph.inputs.push_back(Add(graph, "scale", {kUnknown, 5, 2}));
  ExpectSame(Load(graph), Load(WideGraph()));
}

TEST_F(Interfaces, AnEmbeddingMayHaveSidesOfOne) {
  Graph graph = WideGraph();
  const ValueId flat = graph.outputs[0];
  const ValueId axes = graph.AddConstant("axes", Axes({2, 3}));
  graph.outputs = {Add(graph, "square", {kUnknown, kWide, 1, 1})};
  Put(graph, "Unsqueeze", {flat, axes}, graph.outputs[0]);
  ExpectSame(Load(graph), Load(WideGraph()));
}

// They have the interface of the file, but for the outputs that are not in use.
TEST_F(Interfaces, PrunedCopiesKeepTheInput) {
  Graph graph = Behind(true, true);
  const ValueId norm = Add(graph, "norm", {kUnknown, 1});
  const ValueId axes = graph.AddConstant("axes", Axes({1}));
  Put(graph, "ReduceL2", {graph.outputs[0], axes}, norm, {{"keepdims", std::int64_t{1}}});
  graph.outputs.push_back(norm);
  const Network network = Load(graph);
  for (const PrunedForm form : {PrunedForm::kMasked, PrunedForm::kRemoved}) {
    const Recipe recipe{.granularity = Granularity::kStructured, .scope = Scope::kLayer, .sparsity = 0.5};
    network.save_pruned(recipe, folder_ / "pruned.onnx", form);
    const Graph copy = model::ReadOnnxFile(folder_ / "pruned.onnx").graph;
    EXPECT_TRUE(copy.value(copy.inputs[0]).is_uint8);
    EXPECT_EQ(copy.value(copy.inputs[0]).name, "bytes");
    EXPECT_EQ(copy.value(copy.inputs[0]).shape, (graph::Shape{kUnknown, kTestSide, kTestSide, 3}));
    ASSERT_THAT(copy.outputs, SizeIs(1));
    EXPECT_EQ(copy.value(copy.outputs[0]).name, "feature");
    const Network pruned = Network::load(folder_ / "pruned.onnx");
    const Assessor whole(network, {.recipe = recipe, .guarded = false});
    const Assessor alone(pruned, {.guarded = false, .method = Method::kEmbedding});
    const Image picture = TestPicture(kTestSide, kTestSide, 1);
    EXPECT_NEAR(alone.assess(picture).embedding_norm, whole.assess(picture).pruned_norm, 1e-4);
  }
}

}  // namespace
}  // namespace prefiqs::pipeline
