// Pictures and networks that several passes run over.
#ifndef PREFIQS_PIPELINE_PASSES_FOR_TEST_H_
#define PREFIQS_PIPELINE_PASSES_FOR_TEST_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <prefiqs/job.h>

#include "base/folder_for_test.h"
#include "pipeline/network_for_test.h"

namespace prefiqs::pipeline {

// Convolution -> Relu -> mean over the picture -> Gemm: takes pictures of any size.
inline graph::Graph AnySizeGraph(std::uint32_t seed) {
  graph::Graph graph;
  graph.name = "any size";
  graph.opset = 13;
  constexpr std::int64_t kChannels = 32, kOutputs = 16;
  const auto value = [&](const char* name, graph::Shape shape) {
    return graph.AddValue({name, graph::DataType::kFloat32, std::move(shape), true, nullptr});
  };
  const auto open = graph::kUnknown;
  const auto input = value("input", {open, 3, open, open});
  const auto weight = graph.AddConstant("conv.weight", RandomTensor({kChannels, 3, 3, 3}, seed));
  const auto bias = graph.AddConstant("conv.bias", RandomTensor({kChannels}, seed + 1));
  const auto conv = value("conv", {open, kChannels, open, open});
  const auto relu = value("relu", {open, kChannels, open, open});
  const auto mean = value("mean", {open, kChannels, 1, 1});
  const auto flat = value("flat", {open, kChannels});
  const auto matrix = graph.AddConstant("gemm.weight", RandomTensor({kOutputs, kChannels}, seed + 2));
  const auto offset = graph.AddConstant("gemm.bias", RandomTensor({kOutputs}, seed + 3));
  const auto output = value("embedding", {open, kOutputs});
  using Int64s = std::vector<std::int64_t>;
  graph.nodes = {
      {"conv", "Conv", {input, weight, bias}, {conv}, {{"pads", Int64s{1, 1, 1, 1}}, {"strides", Int64s{2, 2}}}},
      {"relu", "Relu", {conv}, {relu}, {}},
      {"mean", "GlobalAveragePool", {relu}, {mean}, {}},
      {"flatten", "Flatten", {mean}, {flat}, {{"axis", std::int64_t{1}}}},
      {"gemm", "Gemm", {flat, matrix, offset}, {output}, {{"transB", std::int64_t{1}}}},
  };
  graph.inputs = {input};
  graph.outputs = {output};
  return graph;
}

class Passes : public ::testing::Test {
 protected:
  static constexpr int kPictures = 23;

  // A detector that sees faces in noise.
  Passes() : detector_(Detector::load(default_detector(), {.min_confidence = 0.0f})) {
    for (int i = 0; i < kPictures; ++i) {
      // Every fifth is no picture, every seventh too small for a face that counts.
      const std::string path = Picture(i);
      std::filesystem::create_directories(folder_ / "in");
      if (i % 5 == 4) {
        Fill(path, "not a picture");
      } else {
        const int side = i % 7 == 6 ? 8 : 48 + i;
        write_png(TestPicture(side, side, static_cast<std::uint32_t>(i)), path);
      }
    }
    options_.job.inputs = {folder_ / "in"};
    options_.job.assessor.detector = detector_;
    options_.job.assessor.min_face = 6;
  }

  std::string Picture(int i) const { return folder_ / ("in/" + std::to_string(100 + i) + ".png"); }
  static constexpr int kDecodable = kPictures - kPictures / 5;

  Network Load(std::uint32_t seed, int width, int height, CropTemplate crop_template = CropTemplate::kInsightFace) {
    const std::string path = folder_ / ("net" + std::to_string(seed) + ".onnx");
    if (!std::filesystem::exists(path)) WriteTestNetwork(path, AnySizeGraph(seed));
    return Network::load(path, {.crop_template = crop_template, .size = PictureSize{width, height}});
  }

  void Add(const std::string& name, const Network& network, Method method, bool mirror = false, bool guarded = true) {
    const bool embeds = method == Method::kDrift || method == Method::kEmbedding;
    options_.passes.push_back({.network = network,
                               .method = method,
                               .mirror = mirror,
                               .guarded = guarded,
                               .output = folder_ / ("work/" + name + ".csv"),
                               .embeddings = embeds ? folder_ / ("work/" + name + ".npy") : std::string()});
  }

  // Three networks, of which two share their crops; plain, mirrored, and by other methods.
  void AddAll() {
    std::filesystem::create_directories(folder_ / "work");
    const Network a = Load(1, 112, 112), b = Load(2, 112, 112, CropTemplate::kScaled), c = Load(3, 128, 128);
    Add("a-drift", a, Method::kDrift);
    Add("a-mirrored", a, Method::kEmbedding, true, false);
    Add("a-jvp", a, Method::kJvp);
    Add("b", b, Method::kEmbedding, false, false);
    Add("b-mirrored", b, Method::kEmbedding, true, false);
    Add("c-stochastic", c, Method::kStochastic);
    Add("c", c, Method::kEmbedding, false, false);
  }
  static constexpr int kShapes = 2;  // of AddAll()'s crops

  // Contents of all files that passes write, by name.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const NetworkPass& pass : options_.passes) {
      for (const std::string& path : {pass.output, pass.embeddings}) {
        if (!path.empty()) files[path] = Contents(path);
      }
    }
    return files;
  }

  void RemoveFiles() const {
    for (const NetworkPass& pass : options_.passes) {
      std::filesystem::remove(pass.output);
      if (!pass.embeddings.empty()) std::filesystem::remove(pass.embeddings);
    }
  }

  // The obviously correct twin: a run for each pass.
  std::map<std::string, std::string> FilesOfARunForEach() {
    for (const NetworkPass& pass : options_.passes) {
      JobOptions job = options_.job;
      job.assessor.method = pass.method;
      job.assessor.recipe = pass.recipe;
      job.assessor.mirror = pass.mirror;
      job.assessor.guarded = pass.guarded;
      job.output = pass.output;
      job.embeddings = pass.embeddings;
      run_job(pass.network, job);
    }
    auto files = Files();
    RemoveFiles();
    return files;
  }

  FolderForTest folder_;
  Detector detector_;
  PassesOptions options_;
};

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_PASSES_FOR_TEST_H_
