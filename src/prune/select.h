// The k-th smallest of many keys in linear time and little memory.
#ifndef PREFIQS_PRUNE_SELECT_H_
#define PREFIQS_PRUNE_SELECT_H_

#include <algorithm>
#include <atomic>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/parallel.h"

namespace prefiqs::prune {

// How many of n go (METHOD §2).
inline std::int64_t PruneCount(double sparsity, std::int64_t n) {
  return static_cast<std::int64_t>(std::floor(sparsity * static_cast<double>(n) + 0.5));
}

// `for_each(part, share, visit)` calls visit(key) for every key of a part, 0 to parts - 1, in any order, the same keys
// each time, on several parts at once from up to `threads` threads, of which each has a share, from 0, of its own; k
// counts from 1 and is at most the number of all keys. `at_or_below`, where given, gets how many keys are no larger
// than the result: k, and more where several are equal to it. Radix selection from the top, 16 bits a pass: a copy of
// the scores of a ResNet-100 would cost a quarter of a gigabyte, sorting them seconds.
template <typename Key, typename ForEach>
Key SelectSmallest(std::int64_t k, std::size_t parts, int threads, ForEach&& for_each,
                   std::int64_t* at_or_below = nullptr) {
  constexpr int kDigitBits = 16;
  constexpr Key kDigitMask = (Key{1} << kDigitBits) - 1;
  constexpr std::size_t kDigits = std::size_t{1} << kDigitBits;
  const std::size_t shares = std::clamp<std::size_t>(parts, 1, static_cast<std::size_t>(ThreadCount(threads)));
  std::vector<std::vector<std::int64_t>> histograms(shares);
  const std::int64_t rank = k;
  Key prefix = 0;
  Key known = 0;  // bits of `prefix` that are settled
  for (int shift = static_cast<int>(sizeof(Key) * CHAR_BIT) - kDigitBits; shift >= 0; shift -= kDigitBits) {
    std::atomic<std::size_t> next{0};
    ParallelFor(shares, threads, [&](std::size_t share) {
      std::vector<std::int64_t>& histogram = histograms[share];
      histogram.assign(kDigits, 0);
      for (std::size_t part = next++; part < parts; part = next++) {
        for_each(part, share, [&](Key key) {
          if ((key & known) == prefix) ++histogram[static_cast<std::size_t>((key >> shift) & kDigitMask)];
        });
      }
    });
    const auto count = [&](Key digit) {
      std::int64_t sum = 0;
      for (const auto& histogram : histograms) sum += histogram[static_cast<std::size_t>(digit)];
      return sum;
    };
    Key digit = 0;
    std::int64_t n = count(digit);
    for (; k > n; n = count(++digit)) k -= n;
    if (shift == 0 && at_or_below != nullptr) *at_or_below = rank - k + n;
    prefix |= digit << shift;
    known |= kDigitMask << shift;
  }
  return prefix;
}

// The same in one thread: `for_each(visit)`.
template <typename Key, typename ForEach>
Key SelectSmallest(std::int64_t k, ForEach&& for_each) {
  return SelectSmallest<Key>(k, 1, 1, [&](std::size_t, std::size_t, auto&& visit) { for_each(visit); });
}

}  // namespace prefiqs::prune

#endif  // PREFIQS_PRUNE_SELECT_H_
