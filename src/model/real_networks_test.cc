// The networks beside the project: read, specialised, written and read again.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "base/folder_for_test.h"
#include "model/model_for_test.h"
#include "model/onnx_writer.h"
#include "ops/specialise.h"

namespace prefiqs::model {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct RealNetwork {
  const char* file;
  graph::Shape input;
  std::size_t outputs;
  graph::Shape first_output;
};

void PrintTo(const RealNetwork& network, std::ostream* out) { *out << network.file; }

const RealNetwork kNetworks[] = {
    {"w600k_mbf_dequantised_fp32.onnx", {2, 3, 112, 112}, 1, {2, 512}},
    {"vface_mobilefacenet.onnx", {2, 3, 112, 112}, 1, {2, 128}},
    {"foamliu_MobileFaceNet.onnx", {1, 3, 112, 112}, 1, {1, 128}},
    {"xiaoccer_mobilefacenet_112x96_casia.onnx", {2, 3, 112, 96}, 1, {2, 128}},
    {"detectors/face_detection_yunet_2023mar.onnx", {1, 3, 640, 640}, 12, {1, 6400, 1}},
    {"detectors/yunet_n_320_320.onnx", {1, 3, 320, 320}, 12, {1, 1600, 1}},
    {"detectors/yunet_n_dynamic.onnx", {1, 3, 256, 320}, 12, {1, 1280, 1}},
    {"detectors/scrfd_500m_fixed.onnx", {1, 3, 640, 640}, 9, {12800, 1}},
    {"detectors/scrfd_2.5g_bnkps.onnx", {1, 3, 320, 640}, 9, {6400, 1}},
    {"detectors/RetinaFace_mobile320.onnx", {1, 3, 320, 320}, 3, {1, 4200, 4}},
    {"detectors/version-RFB-320.onnx", {1, 3, 240, 320}, 2, {1, 4420, 2}},
};

std::string Folder() { return std::string(PREFIQS_SHARED_DIR) + "/models/"; }

class RealNetworks : public ::testing::TestWithParam<RealNetwork> {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(PREFIQS_SHARED_DIR)) GTEST_SKIP() << "no folder " PREFIQS_SHARED_DIR;
  }
  static graph::Graph Specialised(const graph::Graph& graph) {
    return ops::Specialise(graph, {{graph.value(graph.inputs.at(0)).name, GetParam().input}});
  }
};

TEST_P(RealNetworks, ReadAndSpecialise) {
  const graph::Graph graph = ReadOnnxFile(Folder() + GetParam().file).graph;
  ASSERT_EQ(graph.inputs.size(), 1u);
  const graph::Graph fixed = Specialised(graph);
  ASSERT_EQ(fixed.outputs.size(), GetParam().outputs);
  EXPECT_EQ(fixed.value(fixed.outputs[0]).shape, GetParam().first_output);
  for (const graph::Value& value : fixed.values) {
    EXPECT_TRUE(value.shape_known) << value.name;
    EXPECT_THAT(value.shape, ::testing::Each(::testing::Ge(0))) << value.name;
  }
  // What is left computes pictures; arithmetic with shapes is gone.
  for (const graph::Node& node : fixed.nodes)
    EXPECT_THAT(node.op, ::testing::AllOf(::testing::Ne("Shape"), ::testing::Ne("Gather")));
}

TEST_P(RealNetworks, WrittenFilesReadTheSame) {
  const FolderForTest folder;
  const std::string path = folder / "copy.onnx";
  const graph::Graph original = ReadOnnxFile(Folder() + GetParam().file).graph;
  WriteOnnxFile(original, {{"note", "copy"}}, path);
  const graph::Graph copy = ReadOnnxFile(path).graph;
  EXPECT_EQ(copy.opset, 17);
  EXPECT_EQ(copy.metadata.at("note"), "copy");
  const graph::Graph a = Specialised(original);
  const graph::Graph b = Specialised(copy);
  std::size_t next = 0;  // in b
  for (const graph::Node& node : a.nodes) {
    SCOPED_TRACE(node.name);
    std::vector<std::string> ops{node.op};
    if (node.Int("coerce_2d", 0) != 0) ops = {"Flatten", "Softmax", "Reshape"};  // as written; Shape is folded
    for (const std::string& op : ops) {
      ASSERT_LT(next, b.nodes.size());
      EXPECT_EQ(b.nodes[next++].op, op);
    }
    if (ops.size() > 1) continue;
    const graph::Node& other = b.nodes[next - 1];
    ASSERT_EQ(node.inputs.size(), other.inputs.size());
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      const graph::Tensor* left = a.constant(node.inputs[i]);
      const graph::Tensor* right = b.constant(other.inputs[i]);
      ASSERT_EQ(left == nullptr, right == nullptr);
      if (left != nullptr) {
        EXPECT_TRUE(Identical(*left, *right));
      }
    }
  }
  EXPECT_EQ(next, b.nodes.size());
}

std::string NameOf(const ::testing::TestParamInfo<RealNetwork>& network) {
  std::string name = std::filesystem::path(network.param.file).stem().string();
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Shared, RealNetworks, ::testing::ValuesIn(kNetworks), NameOf);

TEST(RealQuantisedNetwork, IsRefusedInOneLine) {
  if (!std::filesystem::exists(PREFIQS_SHARED_DIR)) GTEST_SKIP() << "no folder " PREFIQS_SHARED_DIR;
  try {
    ReadOnnxFile(Folder() + "offlineid_mobilefacenet_int8.onnx");
    FAIL() << "read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModel);
    EXPECT_THAT(
        error.what(),
        AllOf(HasSubstr("offlineid_mobilefacenet_int8.onnx: node 'input.1_QuantizeLinear' (DynamicQuantizeLinear)"),
              HasSubstr("quantised network"), HasSubstr("export it in float32")));
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace prefiqs::model
