// What methods cost, in passes of the network: medians of processor time, of runs in turn, so that what else the
// machine does hits neither one method more than another nor longer runs more than shorter ones.
//   methods MODEL SECONDS [SPARSITY FROM [structured]]
// The recipe is the paper's; with SPARSITY and FROM that of the layers from there on, or of their channels.
#include <prefiqs/prefiqs.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <vector>

namespace {

using prefiqs::Method;

prefiqs::Image Noise(int width, int height) {
  prefiqs::Image image;
  image.width = width;
  image.height = height;
  std::mt19937 random(1);
  image.rgb.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3);
  for (auto& value : image.rgb) value = static_cast<std::uint8_t>(random() >> 24);
  return image;
}

}  // namespace

int main(int argc, char** argv) {
  const bool structured = argc == 6 && std::string(argv[5]) == "structured";
  if (argc != 3 && argc != 5 && !structured) {
    std::fprintf(stderr, "usage: methods MODEL SECONDS [SPARSITY FROM [structured]]\n");
    return 2;
  }
  try {
    using Clock = std::chrono::steady_clock;
    const auto network = prefiqs::Network::load(argv[1], {.preprocessing = prefiqs::Preprocessing{}});
    constexpr std::array kMethods{Method::kNorm, Method::kDrift, Method::kJvp};
    prefiqs::Recipe recipe;
    if (argc > 3) recipe = {.sparsity = std::atof(argv[3]), .from = std::atof(argv[4])};
    if (structured) recipe.granularity = prefiqs::Granularity::kStructured;
    std::vector<prefiqs::Assessor> assessors;
    for (const Method method : kMethods) {
      assessors.emplace_back(network, prefiqs::AssessorOptions{.recipe = recipe, .guarded = false, .method = method});
    }
    const prefiqs::Image image = Noise(network.input_width(), network.input_height());
    std::array<std::vector<double>, kMethods.size()> times;
    const auto end = Clock::now() + std::chrono::duration<double>(std::atof(argv[2]));
    for (int round = 0; round < 5 || Clock::now() < end; ++round) {
      for (std::size_t i = 0; i < kMethods.size(); ++i) {
        const std::clock_t start = std::clock();
        (void)assessors[i].assess(image);
        const double milliseconds = 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
        if (round >= 2) times[i].push_back(milliseconds);  // the first ones fill caches
      }
    }
    double dense = 0;
    for (std::size_t i = 0; i < kMethods.size(); ++i) {
      std::nth_element(times[i].begin(), times[i].begin() + static_cast<std::ptrdiff_t>(times[i].size() / 2),
                       times[i].end());
      const double median = times[i][times[i].size() / 2];
      if (i == 0) dense = median;
      std::printf("%-6s %8.3f ms  %.2f passes\n", std::string(prefiqs::name(kMethods[i])).c_str(), median,
                  median / dense);
    }
  } catch (const prefiqs::Error& e) {
    std::fprintf(stderr, "methods: %s\n", e.what());
    return 1;
  }
}
