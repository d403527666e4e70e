// Each stage of one picture's way, and what is paid once per network.
//
//   stages_bench FACE.onnx DETECTOR.onnx PICTURE [Google Benchmark's options]
//
// One thread. The preprocessing is ArcFace's: speed does not depend on it.
#include <benchmark/benchmark.h>
#include <prefiqs/prefiqs.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace prefiqs;

std::vector<std::uint8_t> BytesOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error(ErrorCode::kIo, path + ": cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

Image Crop(const Network& network) {
  Image crop{network.input_width(), network.input_height(), {}};
  for (int i = 0; i < crop.width * crop.height * 3; ++i)
    crop.rgb.push_back(static_cast<std::uint8_t>(i * 2654435761u >> 24));
  return crop;
}

template <typename Work>
void Register(const char* name, Work work) {
  benchmark::RegisterBenchmark(name,
                               [work = std::move(work)](benchmark::State& state) {
                                 for (auto _ : state) benchmark::DoNotOptimize(work());
                               })
      ->Unit(benchmark::kMillisecond)
      ->UseRealTime();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: stages_bench FACE.onnx DETECTOR.onnx PICTURE [--benchmark_...]\n");
    return 2;
  }
  try {
    const std::string face = argv[1], finder = argv[2];
    const std::vector<std::uint8_t> bytes = BytesOf(argv[3]);
    const NetworkOptions options{.preprocessing = Preprocessing{}};
    const Network network = Network::load(face, options);
    const Detector detector = Detector::load(finder);
    const DecodedImage picture = Image::decode(bytes);
    if (picture.status != Status::kOk) throw Error(ErrorCode::kUsage, std::string(argv[3]) + ": " + picture.detail);
    const Image crop = Crop(network);
    const Assessor twin(network, {}), dense(network, {.method = Method::kEmbedding});

    Register("once/load", [=] { return Network::load(face, options); });
    Register("once/prune_and_compile", [=] { return Assessor(network, {}); });
    Register("once/load_detector", [=] { return Detector::load(finder); });
    Register("picture/decode", [=] { return Image::decode(bytes); });
    Register("picture/detect", [=] { return detector.detect(picture.image); });
    Register("crop/dense", [=] { return dense.assess(crop); });
    Register("crop/twin", [=] { return twin.assess(crop); });
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
