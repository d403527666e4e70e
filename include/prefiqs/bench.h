// How fast a network is on this machine, stage by stage, beside what the machine can do at most.
#ifndef PREFIQS_BENCH_H_
#define PREFIQS_BENCH_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <prefiqs/assessor.h>
#include <prefiqs/network.h>

namespace prefiqs {

// Multiply-adds of Conv, Gemm and MatMul for one picture, counted as the plain loops of the specialised graph do them,
// whatever an implementation saves. Half of its floating-point operations.
struct Work {
  std::int64_t dense = 0;   // of a pass of the whole network
  std::int64_t method = 0;  // of a pass of the method: of a twin, what both networks share once

  // What the method does beyond a pass of the whole network, as a part of that: of a twin its suffix, from 0 to 1.
  double suffix_share() const {
    return dense == 0 ? 0.0 : static_cast<double>(method - dense) / static_cast<double>(dense);
  }
};

// Of an assessor with these options. Throws Error as the assessor's constructor does for a recipe that does not fit.
PREFIQS_API Work count_work(const Network& network, const AssessorOptions& options);

struct BenchOptions {
  std::string model;  // ONNX file; reading it is one of the stages
  NetworkOptions network{};
  // Method, recipe, detector and executor; threads is not used. Without a detector pictures are aligned crops.
  AssessorOptions assessor{};
  std::vector<int> threads{1};  // each from 1 to 1024
  std::vector<int> batches{1};  // pictures given at once, each from 1 to 16384
  // Files. None: passes see crops of noise, and there is nothing to decode and to search.
  std::vector<std::string> pictures{};
  // Of those. JPEGs are decoded whole, whatever whole_jpeg_pixels is, as the stages have the pictures one by one.
  ImageLimits limits{};
  // About how long all of it takes, above what three runs of each stage need.
  double seconds = 30;
  // Called before each stage, by the calling thread.
  std::function<void(const std::string& stage)> on_stage{};
};

struct BenchStage {
  std::string name;  // "load", "prune and compile", "decode", "detect", "align", "dense pass", "drift pass", …
  int threads = 1;
  int batch = 1;
  // For one picture (of the first two, for the network): median of the runs, and their quartiles. Wall-clock time over
  // all threads, so with two of them half of what a picture takes.
  double milliseconds = 0, lower_quartile = 0, upper_quartile = 0;
  int runs = 0;
  double images_a_second = 0;
  // Of passes, NaN else: billions of floating-point operations a second, by Work; and that as a part of the ceiling for
  // as many threads. An algorithm with fewer multiplications (Winograd's) can be over 1.
  double gigaflops = std::numeric_limits<double>::quiet_NaN();
  double of_ceiling = std::numeric_limits<double>::quiet_NaN();
};

// The most that this machine did in several tries, while it was measured and with what else ran on it.
struct BenchCeiling {
  std::string precision;        // "fp32", or "bf16" where the machine multiplies such numbers
  int threads = 1;              // each with a product, or copy, of its own
  double gigaflops = 0;         // the faster of a matrix product and a 3×3 convolution, both in the cache
  double copied_gigabytes = 0;  // a second, read and written counted as one; of copies larger than the cache
};

struct BenchReport {
  std::vector<BenchStage> stages;
  std::vector<BenchCeiling> ceilings;
  Work work;
  std::string network;             // content hash
  std::string recipe;              // name; empty where the method prunes nothing
  std::string precision;           // of the passes
  std::string instruction_set;     // as Assessor::instruction_set
  std::vector<std::string> notes;  // what was left out, and why
};

// Throws Error(kUsage) for options out of range, else as Network::load and Assessor do. A picture that cannot be read
// is an Error too: what is measured must be what was named.
PREFIQS_API BenchReport run_bench(const BenchOptions& options);

}  // namespace prefiqs

#endif  // PREFIQS_BENCH_H_
