// Random numbers by place: the same on every platform, in any order.
#ifndef PREFIQS_BASE_SPLIT_MIX_H_
#define PREFIQS_BASE_SPLIT_MIX_H_

#include <cstdint>

namespace prefiqs {

// SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", OOPSLA 2014): its finaliser over a
// counter needs no state, so nothing depends on the order of evaluation.
constexpr std::uint64_t SplitMix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

}  // namespace prefiqs

#endif  // PREFIQS_BASE_SPLIT_MIX_H_
