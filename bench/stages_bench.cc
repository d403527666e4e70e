// Each stage by itself: what is paid once for a network, for a picture, and for a crop.
//
//   stages_bench FACE.onnx DETECTOR.onnx PICTURE [Google Benchmark's options]
//
// One thread; the picture shows a face. The preprocessing is ArcFace's: speed does not depend on it. Unlike `prefiqs
// bench`, which measures what users call, this looks inside, so that a change of one stage can be told from noise.
#include <benchmark/benchmark.h>
#include <prefiqs/prefiqs.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "align/align.h"
#include "engine/twin.h"
#include "graph/merge.h"
#include "model/onnx_reader.h"
#include "ops/specialise.h"
#include "pipeline/network_impl.h"
#include "pipeline/preprocess.h"
#include "prune/prune.h"
#include "score/crop_measures.h"
#include "score/drift.h"

namespace {

using namespace prefiqs;

std::vector<std::uint8_t> BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::kIo, path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

// What it returns is freed within the time, as it is where the stage runs.
template <typename Work>
void Register(const char* name, Work work) {
  benchmark::RegisterBenchmark(name,
                               [work = std::move(work)](benchmark::State& state) {
                                 for (auto _ : state) benchmark::DoNotOptimize(work());
                               })
      ->Unit(benchmark::kMicrosecond)
      ->UseRealTime();
}

// From the file to two networks that run, by the steps between. Shared by copies of the pointers.
void RegisterNetwork(const std::string& path, const Network& network) {
  const Network::Impl& impl = network.impl();
  const Recipe unstructured, structured{.granularity = Granularity::kStructured, .sparsity = 0.1};
  const auto masks = std::make_shared<prune::Masks>(impl.Masks(unstructured));
  const auto pruned = std::make_shared<graph::Graph>(prune::ApplyMasks(impl.graph, *masks));
  const auto merged = std::make_shared<graph::Graph>(graph::MergeTwin(impl.graph, *pruned));
  const NetworkOptions options{.preprocessing = Preprocessing{}};
  Register("once/load", [=] { return Network::load(path, options); });
  Register("once/load/read", [=] { return model::ReadOnnxFile(path); });
  Register("once/prune_and_compile", [=] { return Assessor(network, {.recipe = unstructured, .guarded = false}); });
  Register("once/masks/global", [=] { return network.impl().Masks(unstructured); });
  Register("once/masks/layer", [=] { return network.impl().Masks({.scope = Scope::kLayer}); });
  Register("once/masks/channel", [=] { return network.impl().Masks({.scope = Scope::kChannel}); });
  Register("once/masks/structured", [=] { return network.impl().Masks(structured); });
  Register("once/apply_masks", [=] { return prune::ApplyMasks(network.impl().graph, *masks); });
  Register("once/merge", [=] { return graph::MergeTwin(network.impl().graph, *pruned); });
  Register("once/specialise", [=] { return ops::Specialise(*merged, network.impl().InputShapes()); });
  Register("once/compile",
           [=] { return engine::Twin::Compile(network.impl().graph, pruned.get(), ExecutorKind::kOneDnn); });
}

void RegisterPicture(const std::string& path, const Detector& detector, const Network& network) {
  const std::vector<std::uint8_t> bytes = BytesOf(path);
  const DecodedImage picture = Image::decode(bytes);
  if (picture.status != Status::kOk) throw Error(ErrorCode::kUsage, path + ": " + picture.detail);
  const std::vector<Face> faces = detector.detect(picture.image);
  if (faces.empty()) throw Error(ErrorCode::kUsage, path + ": the detector finds no face in it");
  const int width = network.input_width(), height = network.input_height();
  const Landmarks points = faces.front().landmarks, target = align::Template(width, height);
  const auto transform = align::FitSimilarity(points, target);
  if (!transform) throw Error(ErrorCode::kUsage, path + ": the five points of its face coincide");
  const Image crop = align::Warp(picture.image, *transform, width, height);
  Register("picture/decode", [=] { return Image::decode(bytes); });
  Register("picture/detect", [=] { return detector.detect(picture.image); });
  Register("picture/align", [=] { return align::AlignFace(picture.image, points, width, height); });
  Register("picture/align/fit", [=] { return align::FitSimilarity(points, target); });
  Register("picture/align/warp", [=] { return align::Warp(picture.image, *transform, width, height); });

  const Assessor dense(network, {.guarded = false, .method = Method::kEmbedding}),
      twin(network, {.recipe = Recipe{}, .guarded = false});
  const std::vector<float> embedding = dense.assess(crop).embedding;
  std::vector<float> moved = embedding;
  for (std::size_t i = 0; i < moved.size(); i += 2) moved[i] *= 0.5f;
  Register("crop/preprocess", [=] { return pipeline::Preprocess(crop, network.preprocessing()); });
  Register("crop/guard", [=] { return detector.sees_face(crop); });
  Register("crop/dense", [=] { return dense.assess(crop); });
  Register("crop/twin", [=] { return twin.assess(crop); });
  Register("crop/drift", [=] { return score::Drift(embedding, moved); });
  Register("crop/measures", [=] { return score::MeasureCrop(crop); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: stages_bench FACE.onnx DETECTOR.onnx PICTURE [--benchmark_...]\n");
    return 2;
  }
  try {
    const std::string face = argv[1], finder = argv[2];
    const Network network = Network::load(face, {.preprocessing = Preprocessing{}});
    const Detector detector = Detector::load(finder);
    RegisterNetwork(face, network);
    Register("once/load_detector", [=] { return Detector::load(finder); });
    RegisterPicture(argv[3], detector, network);
    argv[3] = argv[0];
    argv += 3;
    argc -= 3;
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "stages_bench: %s\n", error.what());
    return error.code() == ErrorCode::kUsage ? 2 : 1;
  }
}
