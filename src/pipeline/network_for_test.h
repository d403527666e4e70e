// Small networks, written as ONNX files by our own writer.
#ifndef PREFIQS_PIPELINE_NETWORK_FOR_TEST_H_
#define PREFIQS_PIPELINE_NETWORK_FOR_TEST_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <prefiqs/image.h>

#include "graph/graph.h"
#include "model/onnx_writer.h"

namespace prefiqs::pipeline {

inline constexpr int kTestSide = 16;
inline constexpr int kTestEmbedding = 8;

inline graph::TensorPtr RandomTensor(graph::Shape shape, std::uint32_t seed) {
  auto tensor = std::make_shared<graph::Tensor>(graph::DataType::kFloat32, std::move(shape));
  std::mt19937 random(seed);
  for (float& value : tensor->values<float>()) value = static_cast<float>(random()) / 4294967296.0f - 0.5f;
  return tensor;
}

// Input -> 3×3 convolution of stride 2, 8 channels -> Relu -> Flatten -> Gemm of kTestEmbedding outputs.
inline graph::Graph TestGraph(graph::Shape input_shape = {graph::kUnknown, 3, kTestSide, kTestSide}) {
  graph::Graph graph;
  graph.name = "test";
  graph.opset = 13;
  const auto value = [&](const char* name, graph::Shape shape) {
    return graph.AddValue({name, graph::DataType::kFloat32, std::move(shape), true, nullptr});
  };
  constexpr std::int64_t kChannels = 8, kHalf = kTestSide / 2;
  const auto input = value("input", std::move(input_shape));
  const auto weight = graph.AddConstant("conv.weight", RandomTensor({kChannels, 3, 3, 3}, 1));
  const auto bias = graph.AddConstant("conv.bias", RandomTensor({kChannels}, 2));
  const auto conv = value("conv", {graph::kUnknown, kChannels, kHalf, kHalf});
  const auto relu = value("relu", {graph::kUnknown, kChannels, kHalf, kHalf});
  const auto flat = value("flat", {graph::kUnknown, kChannels * kHalf * kHalf});
  const auto matrix = graph.AddConstant("gemm.weight", RandomTensor({kTestEmbedding, kChannels * kHalf * kHalf}, 3));
  const auto offset = graph.AddConstant("gemm.bias", RandomTensor({kTestEmbedding}, 4));
  const auto output = value("embedding", {graph::kUnknown, kTestEmbedding});
  using Int64s = std::vector<std::int64_t>;
  graph.nodes = {
      {"conv", "Conv", {input, weight, bias}, {conv}, {{"pads", Int64s{1, 1, 1, 1}}, {"strides", Int64s{2, 2}}}},
      {"relu", "Relu", {conv}, {relu}, {}},
      {"flatten", "Flatten", {relu}, {flat}, {{"axis", std::int64_t{1}}}},
      {"gemm", "Gemm", {flat, matrix, offset}, {output}, {{"transB", std::int64_t{1}}}},
  };
  graph.inputs = {input};
  graph.outputs = {output};
  return graph;
}

inline std::string WriteTestNetwork(const std::string& path, const graph::Graph& graph = TestGraph()) {
  model::WriteOnnxFile(graph, {}, path);
  return path;
}

inline Image TestPicture(int width, int height, std::uint32_t seed) {
  Image image;
  image.width = width;
  image.height = height;
  std::mt19937 random(seed);
  image.rgb.resize(static_cast<std::size_t>(width * height * 3));
  for (std::uint8_t& level : image.rgb) level = static_cast<std::uint8_t>(random());
  return image;
}

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_NETWORK_FOR_TEST_H_
