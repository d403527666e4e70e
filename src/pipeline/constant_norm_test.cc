#include "pipeline/constant_norm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/prefiqs.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/folder_for_test.h"
#include "pipeline/network_for_test.h"

namespace prefiqs {
namespace {

using pipeline::TestGraph;
using testing::AllOf;
using testing::HasSubstr;

const std::filesystem::path kShared = PREFIQS_SHARED_DIR;

// The test network with its embedding brought to the length 1, then times `scale`.
graph::Graph Normalised(float scale = 1) {
  graph::Graph graph = TestGraph();
  const graph::ValueId embedding = graph.outputs[0];
  const auto value = [&](const char* name, std::int64_t columns) {
    return graph.AddValue({name, graph::DataType::kFloat32, {graph::kUnknown, columns}, true, nullptr});
  };
  const auto length = value("length", 1), unit = value("unit", pipeline::kTestEmbedding);
  graph.nodes.push_back({"length",
                         "ReduceL2",
                         {embedding},
                         {length},
                         {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{1}}}});
  graph.nodes.push_back({"normalise", "Div", {embedding, length}, {unit}, {}});
  graph.outputs = {unit};
  if (scale == 1) return graph;
  auto factor = std::make_shared<graph::Tensor>(graph::DataType::kFloat32, graph::Shape{1});
  factor->values<float>()[0] = scale;
  const auto scaled = value("scaled", pipeline::kTestEmbedding);
  graph.nodes.push_back({"scale", "Mul", {unit, graph.AddConstant("factor", factor)}, {scaled}, {}});
  graph.outputs = {scaled};
  return graph;
}

class ConstantNorm : public ::testing::Test {
 protected:
  Network Load(const graph::Graph& graph, bool tells_quality = false) {
    return Network::load(pipeline::WriteTestNetwork(folder_ / "net.onnx", graph), {.tells_quality = tells_quality});
  }

  std::string Refusal(const Network& network, Method method) {
    try {
      Assessor(network, {.guarded = false, .method = method});
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kUsage);
      return error.what();
    }
    return "";
  }

  FolderForTest folder_;
};

TEST_F(ConstantNorm, OfANormalisedOutputIsNoMethod) {
  for (const float scale : {1.0f, 64.0f}) {
    const Network network = Load(Normalised(scale));
    EXPECT_TRUE(network.has_constant_norm());
    for (const Method method : {Method::kNorm, Method::kPrunedNorm}) {
      EXPECT_THAT(Refusal(network, method), AllOf(HasSubstr("net.onnx"), HasSubstr(name(method)), HasSubstr("length")));
    }
    for (const Method method : {Method::kDrift, Method::kJvp, Method::kStochastic, Method::kEmbedding}) {
      EXPECT_EQ(Refusal(network, method), "") << name(method);
    }
    EXPECT_THAT(Refusal(Load(Normalised(scale), true), Method::kOutput), HasSubstr("length"));
  }
}

TEST_F(ConstantNorm, OfOtherNetworksIsAMethod) {
  const Network network = Load(TestGraph());
  EXPECT_FALSE(network.has_constant_norm());
  for (const Method method : {Method::kNorm, Method::kPrunedNorm}) EXPECT_EQ(Refusal(network, method), "");
  EXPECT_EQ(Refusal(Load(TestGraph(), true), Method::kOutput), "");
}

TEST(IsConstant, LiesFarFromRoundingAndFromNetworks) {
  EXPECT_TRUE(pipeline::IsConstant(std::vector<double>{1, 1 + 2e-7, 1 - 2e-7}));
  EXPECT_TRUE(pipeline::IsConstant(std::vector<double>{50, 50.0002}));
  EXPECT_FALSE(pipeline::IsConstant(std::vector<double>{1, 1.0001}));
  EXPECT_FALSE(pipeline::IsConstant(std::vector<double>{50, 50.01}));
  EXPECT_FALSE(pipeline::IsConstant(std::vector<double>{1}));
  EXPECT_FALSE(pipeline::IsConstant(std::vector<double>{0, 0}));  // no lengths at all
}

TEST_F(ConstantNorm, IsNotThatOfNetworksAtHand) {
  EXPECT_FALSE(Network::load(default_network()).has_constant_norm());
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << kShared << " is not there: no real networks to test with";
  for (const char* file : {"w600k_mbf_dequantised_fp32.onnx", "vface_mobilefacenet.onnx", "foamliu_MobileFaceNet.onnx",
                           "xiaoccer_mobilefacenet_112x96_casia.onnx"}) {
    EXPECT_FALSE(Network::load((kShared / "models" / file).string()).has_constant_norm()) << file;
  }
}

}  // namespace
}  // namespace prefiqs
