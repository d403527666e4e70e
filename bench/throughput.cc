// Quality of aligned crops, whole path from pixels to drift and embedding: our side of bench/compare, which measures it
// in turn with its rivals (bench/rivals/serve.py says how they are spoken to).
//
//   throughput MODEL [--batch N] [--threads N] [--precision fp32|bf16] [--method drift|embed|norm|jvp]
//              [--sparsity R] [--from F] [--pixels FILE] [--seconds S]
//
// One line of JSON when it is warm; then one a line of standard input, a number of seconds to measure for. With
// --seconds one measurement and the end.
#include <prefiqs/prefiqs.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace {

using prefiqs::Assessor;
using prefiqs::AssessorOptions;
using prefiqs::Error;
using prefiqs::ErrorCode;
using prefiqs::Image;
using prefiqs::Method;

constexpr int kWarmUp = 3;  // runs before the first measurement

using Options = std::map<std::string, std::string>;

Options Parse(int argc, char** argv) {
  Options options{{"--batch", "1"}, {"--threads", "1"},    {"--precision", "fp32"}, {"--method", "drift"},
                  {"--from", "0"},  {"--sparsity", "0.4"}, {"--pixels", ""},        {"--seconds", ""}};
  for (int i = 2; i < argc; i += 2) {
    const auto option = options.find(argv[i]);
    if (option == options.end() || i + 1 == argc) {
      throw Error(ErrorCode::kUsage, std::string(argv[i]) + ": no such option, or it has no value");
    }
    option->second = argv[i + 1];
  }
  return options;
}

prefiqs::Precision ParsePrecision(const std::string& text) {
  using prefiqs::Precision;
  for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
    if (text == name(precision)) return precision;
  }
  throw Error(ErrorCode::kUsage, "--precision " + text + ": fp32 or bf16");
}

Method ParseMethod(const std::string& text) {
  for (const Method method : {Method::kDrift, Method::kEmbedding, Method::kNorm, Method::kJvp}) {
    if (text == name(method)) return method;
  }
  throw Error(ErrorCode::kUsage, "--method " + text + ": drift, embed, norm or jvp");
}

// Of the file's bytes, else noise.
std::vector<Image> Crops(const prefiqs::Network& network, std::size_t count, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::mt19937 random(1);
  std::vector<Image> crops(count);
  for (Image& crop : crops) {
    crop.width = network.input_width();
    crop.height = network.input_height();
    crop.rgb.resize(static_cast<std::size_t>(crop.width) * static_cast<std::size_t>(crop.height) * 3);
    if (path.empty()) {
      for (auto& value : crop.rgb) value = static_cast<std::uint8_t>(random() >> 24);
    } else if (!file.read(reinterpret_cast<char*>(crop.rgb.data()), static_cast<std::streamsize>(crop.rgb.size()))) {
      throw Error(ErrorCode::kIo, path + ": holds too few pixels, or cannot be read");
    }
  }
  return crops;
}

void Measure(const Assessor& assessor, const std::vector<Image>& crops, double seconds) {
  using Clock = std::chrono::steady_clock;
  std::vector<double> times;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (times.empty() || Clock::now() < end) {
    const auto start = Clock::now();
    const auto results = assessor.assess(crops);
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    if (results.front().embedding.empty()) {
      throw Error(ErrorCode::kInternal, "a crop got no embedding: " + results.front().detail);
    }
  }
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
  std::printf(R"({"ms_per_image":%.5f,"runs":%zu})"
              "\n",
              times[times.size() / 2] / static_cast<double>(crops.size()), times.size());
  std::fflush(stdout);
}

void Run(const char* model, const Options& options) {
  const auto network = prefiqs::Network::load(model, {.preprocessing = prefiqs::Preprocessing{}});
  const int batch = std::max(1, std::atoi(options.at("--batch").c_str()));
  AssessorOptions assessor_options;
  assessor_options.threads = std::atoi(options.at("--threads").c_str());
  assessor_options.method = ParseMethod(options.at("--method"));
  assessor_options.recipe = prefiqs::Recipe{.sparsity = std::atof(options.at("--sparsity").c_str()),
                                            .from = std::atof(options.at("--from").c_str())};
  assessor_options.guarded = false;  // of the network alone
  assessor_options.precision = ParsePrecision(options.at("--precision"));
  const prefiqs::Work work = prefiqs::count_work(network, assessor_options);
  const Assessor assessor(network, assessor_options);
  const std::vector<Image> crops = Crops(network, static_cast<std::size_t>(batch), options.at("--pixels"));
  const float drift = assessor.assess(crops).front().drift;
  for (int i = 0; i < kWarmUp; ++i) (void)assessor.assess(crops);
  std::printf(R"({"engine":"prefiqs","version":"%s","isa":"%s","dense_macs":%lld,"macs":%lld,"suffix_share":%.6f,)",
              std::string(prefiqs::version()).c_str(), assessor.instruction_set().c_str(),
              static_cast<long long>(work.dense), static_cast<long long>(work.method), work.suffix_share());
  std::printf(std::isfinite(drift) ? "\"drift\":%.7f}\n" : "\"drift\":null}\n", static_cast<double>(drift));
  std::fflush(stdout);
  if (const std::string& seconds = options.at("--seconds"); !seconds.empty()) {
    return Measure(assessor, crops, std::atof(seconds.c_str()));
  }
  for (std::string line; std::getline(std::cin, line);) Measure(assessor, crops, std::atof(line.c_str()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: throughput MODEL [--batch N] [--threads N] [--precision P] [--method M] [--from F] ...\n");
    return 2;
  }
  try {
    Run(argv[1], Parse(argc, argv));
    return 0;
  } catch (const Error& e) {
    std::fprintf(stderr, "throughput: %s\n", e.what());
    return prefiqs::info(e.code()).exit_status;
  }
}
