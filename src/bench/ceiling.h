// What the machine can do at most, as far as a program can tell.
#ifndef PREFIQS_BENCH_CEILING_H_
#define PREFIQS_BENCH_CEILING_H_

#include <string_view>
#include <vector>

#include <prefiqs/bench.h>

namespace prefiqs::bench {

enum class Factors { kFloat32, kBFloat16 };  // what is multiplied; sums are float32
std::string_view Name(Factors factors);      // "fp32", "bf16"

// Whether the machine has instructions for them; emulated products say nothing about a ceiling.
bool Multiplies(Factors factors);

// Billions of floating-point operations a second, over `threads` threads that each have a product of their own: the
// best of tries for about `seconds`, of a matrix product and of a convolution that fit into a core's cache. Requires
// Multiplies(factors).
double MeasureGigaflops(Factors factors, int threads, double seconds);

// Billions of bytes a second that `threads` threads copy, each between buffers larger than its share of the cache.
double MeasureCopiedGigabytes(int threads, double seconds);

// For each number of threads, fp32 and, where there is, bf16; about `seconds` in all.
std::vector<BenchCeiling> MeasureCeilings(const std::vector<int>& threads, double seconds);

}  // namespace prefiqs::bench

#endif  // PREFIQS_BENCH_CEILING_H_
