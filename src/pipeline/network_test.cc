#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/assessor.h>
#include <prefiqs/network.h>

#include <filesystem>
#include <functional>

#include "base/folder_for_test.h"
#include "model/onnx_reader.h"
#include "pipeline/network_for_test.h"
#include "pipeline/network_impl.h"

namespace prefiqs {
namespace {

using pipeline::TestGraph;
using pipeline::WriteTestNetwork;
using ::testing::AllOf;
using ::testing::HasSubstr;

// What loading `graph` says.
std::string Refusal(const graph::Graph& graph) {
  FolderForTest folder;
  try {
    Network::load(WriteTestNetwork(folder / "net.onnx", graph));
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModel);
    EXPECT_THAT(e.what(), HasSubstr("net.onnx"));
    return e.what();
  }
  return "loaded without an error";
}

TEST(Network, LoadsWhatItShould) {
  FolderForTest folder;
  const Network network = Network::load(WriteTestNetwork(folder / "net.onnx"));
  EXPECT_EQ(network.input_width(), pipeline::kTestSide);
  EXPECT_EQ(network.input_height(), pipeline::kTestSide);
  EXPECT_EQ(network.embedding_size(), pipeline::kTestEmbedding);
  EXPECT_EQ(network.content_hash().size(), 32u);
  EXPECT_EQ(network.preprocessing_source(), PreprocessingSource::kAssumed);
  EXPECT_EQ(network.preprocessing(), Preprocessing{});
  EXPECT_FALSE(network.stored_recipe());
}

TEST(Network, RefusesOtherChannelsAndRanks) {
  EXPECT_THAT(Refusal(TestGraph({graph::kUnknown, 2, 16, 16})), HasSubstr("2 channels"));
  EXPECT_THAT(Refusal(TestGraph({graph::kUnknown, 3, 16, graph::kUnknown})), HasSubstr("height and width"));
  EXPECT_THAT(Refusal(TestGraph({graph::kUnknown, 768})), HasSubstr("N×3×height×width"));
}

TEST(Network, RefusesSeveralOutputs) {
  graph::Graph graph = TestGraph();
  graph.outputs.push_back(graph.nodes[1].outputs[0]);
  EXPECT_THAT(Refusal(graph), AllOf(HasSubstr("\"embedding\" (1x8), \"relu\" (1x8x8x8)"), HasSubstr("--output-name")));
}

TEST(Network, RefusesWhatIsNoEmbedding) {
  graph::Graph graph = TestGraph();
  graph.outputs = {graph.nodes[1].outputs[0]};
  EXPECT_THAT(Refusal(graph), AllOf(HasSubstr("\"relu\""), HasSubstr("1x8x8x8")));
}

TEST(Network, TakesPreprocessingFromTheNearestPlace) {
  FolderForTest folder;
  graph::Graph graph = TestGraph();
  const std::string path = WriteTestNetwork(folder / "net.onnx", graph);
  Fill(path + ".json", R"({"preprocessing":{"channels":"bgr"},"recipe":{"sparsity":0.3}})");
  EXPECT_EQ(Network::load(path).preprocessing_source(), PreprocessingSource::kSidecar);
  EXPECT_EQ(Network::load(path).preprocessing().channels, ChannelOrder::kBgr);
  EXPECT_EQ(Network::load(path).stored_recipe()->sparsity, 0.3);
  graph.metadata[pipeline::kPreprocessingKey] = R"({"mean":0,"scale":255})";
  WriteTestNetwork(path, graph);
  EXPECT_EQ(Network::load(path).preprocessing_source(), PreprocessingSource::kMetadata);
  EXPECT_EQ(Network::load(path).preprocessing().scale[0], 255);
  const NetworkOptions options{.preprocessing = Preprocessing::preset("raw")};
  EXPECT_EQ(Network::load(path, options).preprocessing_source(), PreprocessingSource::kOption);
  EXPECT_EQ(Network::load(path, options).preprocessing(), Preprocessing::preset("raw"));
}

TEST(Network, NamesAFileThatIsNotThere) {
  try {
    Network::load("/no/such/net.onnx");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kIo);
    EXPECT_THAT(e.what(), HasSubstr("/no/such/net.onnx"));
  }
}

TEST(Network, SavesAPrunedCopy) {
  FolderForTest folder;
  const Network network =
      Network::load(WriteTestNetwork(folder / "net.onnx"), {.preprocessing = Preprocessing::preset("adaface")});
  const Recipe recipe{.scope = Scope::kLayer, .sparsity = 0.5};
  const double achieved = network.save_pruned(recipe, folder / "pruned.onnx");
  EXPECT_NEAR(achieved, 0.5, 0.01);
  const model::ReadResult copy = model::ReadOnnxFile(folder / "pruned.onnx");
  std::int64_t zeros = 0, weights = 0;
  for (const graph::Value& value : copy.graph.values) {
    if (value.constant == nullptr || value.constant->shape().size() < 2) continue;
    for (const float weight : value.constant->values<float>()) zeros += weight == 0 ? 1 : 0;
    weights += value.constant->count();
  }
  EXPECT_DOUBLE_EQ(static_cast<double>(zeros) / static_cast<double>(weights), achieved);
  const Network pruned = Network::load(folder / "pruned.onnx");
  EXPECT_EQ(pruned.stored_recipe(), recipe);
  EXPECT_TRUE(pruned.is_pruned());
  EXPECT_EQ(pruned.preprocessing(), Preprocessing::preset("adaface"));
  EXPECT_EQ(pruned.preprocessing_source(), PreprocessingSource::kMetadata);
}

TEST(Network, DoesNotPruneAPrunedCopy) {
  FolderForTest folder;
  Network::load(WriteTestNetwork(folder / "net.onnx")).save_pruned({}, folder / "pruned.onnx");
  const Network pruned = Network::load(folder / "pruned.onnx");
  for (const std::function<void()>& act :
       {std::function<void()>([&] { pruned.save_pruned({}, folder / "again.onnx"); }),
        std::function<void()>([&] { Assessor assessor(pruned, {.guarded = false}); })}) {
    try {
      act();
      ADD_FAILURE();
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kRecipe);
      EXPECT_THAT(e.what(), HasSubstr("pruned copy already"));
    }
  }
  Assessor embed(pruned, {.guarded = false, .method = Method::kEmbedding});
}

TEST(Network, DoesNotWriteAGuessDown) {
  FolderForTest folder;
  Network::load(WriteTestNetwork(folder / "net.onnx")).save_pruned({}, folder / "pruned.onnx");
  EXPECT_EQ(Network::load(folder / "pruned.onnx").preprocessing_source(), PreprocessingSource::kAssumed);
}

TEST(Inspect, CountsLayers) {
  FolderForTest folder;
  const Network network = Network::load(WriteTestNetwork(folder / "net.onnx"));
  for (const ExecutorKind kind : {ExecutorKind::kReference, ExecutorKind::kOneDnn}) {
    const Inspection inspection = network.inspect({.scope = Scope::kLayer, .sparsity = 0.25}, kind);
    ASSERT_EQ(inspection.inputs.size(), 1u);
    EXPECT_EQ(inspection.inputs[0].name, "input");
    EXPECT_EQ(inspection.inputs[0].type, "float32");
    EXPECT_EQ(inspection.inputs[0].shape, (std::vector<std::int64_t>{-1, 3, 16, 16}));
    EXPECT_EQ(inspection.outputs[0].shape, (std::vector<std::int64_t>{-1, 8}));
    ASSERT_EQ(inspection.layers.size(), 4u);
    const LayerInfo& conv = inspection.layers[0];
    EXPECT_EQ(conv.op, "Conv");
    EXPECT_EQ(conv.shape, (std::vector<std::int64_t>{1, 8, 8, 8}));
    EXPECT_EQ(conv.parameters, 8 * 3 * 9 + 8);
    EXPECT_EQ(conv.prunable, 8 * 3 * 9);
    EXPECT_EQ(conv.pruned, 8 * 3 * 9 / 4);
    EXPECT_EQ(conv.macs, 8 * 8 * 8 * 3 * 9);
    EXPECT_EQ(inspection.layers[3].macs, 8 * 512);
    EXPECT_EQ(inspection.parameters, 8 * 3 * 9 + 8 + 8 * 512 + 8);
    EXPECT_EQ(inspection.prunable, 8 * 3 * 9 + 8 * 512);
    EXPECT_EQ(inspection.pruned, inspection.prunable / 4);
    for (const LayerInfo& layer : inspection.layers) EXPECT_FALSE(layer.implementation.empty()) << layer.name;
    EXPECT_FALSE(inspection.instruction_set.empty());
  }
}

// Not what the recipe would take once more, nor what is gone for good.
TEST(Inspect, CountsTheZerosOfAPrunedCopy) {
  FolderForTest folder;
  const Network network = Network::load(WriteTestNetwork(folder / "net.onnx"));
  const Recipe channels{.granularity = Granularity::kStructured, .scope = Scope::kLayer, .sparsity = 0.5};
  const Recipe weights{.scope = Scope::kLayer, .sparsity = 0.25};
  const auto inspect = [&](const Recipe& recipe, PrunedForm form, const Recipe& asked) {
    network.save_pruned(recipe, folder / "pruned.onnx", form);
    return Network::load(folder / "pruned.onnx").inspect(asked);
  };
  const Inspection removed = inspect(channels, PrunedForm::kRemoved, channels);
  EXPECT_LT(removed.prunable, network.inspect().prunable);
  EXPECT_EQ(removed.pruned, 0);
  for (const Recipe& recipe : {channels, weights}) {
    const Inspection before = network.inspect(recipe);
    const Inspection masked = inspect(recipe, PrunedForm::kMasked, {.sparsity = 0.9});
    EXPECT_GT(before.pruned, 0);
    EXPECT_EQ(masked.pruned, before.pruned);
    ASSERT_EQ(masked.layers.size(), before.layers.size());
    for (std::size_t i = 0; i < before.layers.size(); ++i) {
      EXPECT_EQ(masked.layers[i].pruned, before.layers[i].pruned) << before.layers[i].name;
    }
  }
}

TEST(Network, HasASidecarElsewhere) {
  FolderForTest folder;
  const std::string path = WriteTestNetwork(folder / "net.onnx"), other = folder / "other.json";
  EXPECT_EQ(Network::load(path).sidecar(), path + ".json");
  Fill(path + ".json", R"({"recipe":{"sparsity":0.1}})");
  try {
    Network::load(path, {.sidecar = other});
    ADD_FAILURE() << "a file that is not there was read";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kIo);
    EXPECT_NE(std::string(e.what()).find("other.json: there is no such file"), std::string::npos) << e.what();
  }
  const Network fresh = Network::load(path, {.sidecar = other, .new_sidecar = true});
  EXPECT_EQ(fresh.sidecar(), other);
  EXPECT_EQ(fresh.stored_recipe()->sparsity, 0.1);
  fresh.check_calibration_can_be_saved();
  EXPECT_FALSE(std::filesystem::exists(other));
  const Calibration calibration = Calibration::of(std::vector<float>(100, 0.5f), *fresh.stored_recipe(), {});
  EXPECT_EQ(fresh.save_calibration(calibration), other);

  Fill(path + ".json", R"({"recipe":{"sparsity":0.9}})");
  for (const bool is_new : {false, true}) {  // it is not new any more
    const Network again = Network::load(path, {.sidecar = other, .new_sidecar = is_new});
    EXPECT_EQ(again.calibration(), calibration);
    EXPECT_EQ(again.stored_recipe()->sparsity, 0.1);
  }
  EXPECT_FALSE(Network::load(path).calibration());
  // What stands beside is of a network that was replaced: a new file does without it, the old one is refused.
  Fill(path + ".json", Contents(other));
  WriteTestNetwork(path, TestGraph({1, 3, pipeline::kTestSide, pipeline::kTestSide}));
  EXPECT_THROW(Network::load(path, {.new_sidecar = true}), Error);
  EXPECT_FALSE(Network::load(path, {.sidecar = folder / "third.json", .new_sidecar = true}).calibration());
}

TEST(Network, TakesATemplateAloneForNoPreprocessing) {
  FolderForTest folder;
  const std::string path = WriteTestNetwork(folder / "net.onnx");
  Fill(path + ".json", R"({"template":"scaled"})");
  const Network network = Network::load(path);
  EXPECT_EQ(network.preprocessing_source(), PreprocessingSource::kAssumed);
  EXPECT_EQ(network.preprocessing().crop_template, CropTemplate::kScaled);
}

TEST(Network, SaysBeforeTheWorkThatACalibrationCannotBeSaved) {
  FolderForTest folder;
  const std::string path = WriteTestNetwork(folder / "net.onnx");
  const auto code_of = [&](const std::string& sidecar, bool and_recipe, const std::string& network) {
    try {
      Network::load(network, {.sidecar = sidecar, .new_sidecar = true}).check_calibration_can_be_saved(and_recipe);
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::kInternal;  // it can
  };
  EXPECT_EQ(code_of("", true, path), ErrorCode::kInternal);
  EXPECT_EQ(code_of(folder / "new.json", true, path), ErrorCode::kInternal);
  EXPECT_EQ(code_of(folder / "none/new.json", false, path), ErrorCode::kIo);
  // A network that names its own recipe takes no other.
  const std::string pruned = folder / "pruned.onnx";
  Network::load(path).save_pruned({}, pruned);
  EXPECT_EQ(code_of("", true, pruned), ErrorCode::kUsage);
  EXPECT_EQ(code_of("", false, pruned), ErrorCode::kInternal);
}

}  // namespace
}  // namespace prefiqs
