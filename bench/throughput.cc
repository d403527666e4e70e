// Quality of aligned crops, whole path from pixels to drift, in images a second. Prints one line of JSON;
// bench/compare_onnxruntime runs it in turn with its rival.
//   throughput MODEL BATCH THREADS SECONDS [fp32|bf16|bf16x3] [FROM] [drift|embed]
#include <prefiqs/prefiqs.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

namespace {

struct Milliseconds {
  double wall = 0;  // median of the runs
  double cpu = 0;   // mean, all threads: less disturbed where others work on the machine
};

Milliseconds Measure(const prefiqs::Assessor& assessor, const std::vector<prefiqs::Image>& batch, double seconds) {
  using Clock = std::chrono::steady_clock;
  constexpr int kWarmUp = 5;
  for (int i = 0; i < kWarmUp; ++i) (void)assessor.assess(batch);
  std::vector<double> times;
  const std::clock_t cpu_start = std::clock();
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end || times.size() < kWarmUp) {
    const auto start = Clock::now();
    const auto results = assessor.assess(batch);
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    if (results.front().status != prefiqs::Status::kOk) {
      throw prefiqs::Error(prefiqs::ErrorCode::kInternal, "a crop got no score: " + results.front().detail);
    }
  }
  const double cpu = 1e3 * static_cast<double>(std::clock() - cpu_start) / CLOCKS_PER_SEC;
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  return {times[times.size() / 2], cpu / static_cast<double>(times.size())};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || argc > 8) {
    std::fprintf(stderr, "usage: throughput MODEL BATCH THREADS SECONDS [PRECISION] [FROM] [METHOD]\n");
    return 2;
  }
  try {
    const auto network = prefiqs::Network::load(argv[1], {.preprocessing = prefiqs::Preprocessing{}});
    const int batch = std::atoi(argv[2]);
    prefiqs::AssessorOptions options;
    options.threads = std::atoi(argv[3]);
    const std::string precision = argc > 5 ? argv[5] : "fp32";
    for (const auto p : {prefiqs::Precision::kBf16, prefiqs::Precision::kBf16x3}) {
      if (name(p) == precision) options.precision = p;
    }
    if (argc > 6) options.recipe = prefiqs::Recipe{.sparsity = 0.4f, .from = static_cast<float>(std::atof(argv[6]))};
    if (argc > 7 && std::string(argv[7]) == "embed") options.method = prefiqs::Method::kEmbedding;
    const prefiqs::Assessor assessor(network, options);

    std::mt19937 random(1);
    std::vector<prefiqs::Image> images(static_cast<std::size_t>(batch));
    for (auto& image : images) {
      image.width = network.input_width();
      image.height = network.input_height();
      image.rgb.resize(static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * 3);
      for (auto& value : image.rgb) value = static_cast<std::uint8_t>(random() >> 24);
    }
    const Milliseconds taken = Measure(assessor, images, std::atof(argv[4]));
    std::printf(R"({"engine":"prefiqs","isa":"%s","batch":%d,"threads":%d,"ms_per_image":%.4f,"cpu_ms_per_image":%.4f})"
                "\n",
                assessor.instruction_set().c_str(), batch, options.threads, taken.wall / batch, taken.cpu / batch);
  } catch (const prefiqs::Error& e) {
    std::fprintf(stderr, "throughput: %s\n", e.what());
    return 1;
  }
}
