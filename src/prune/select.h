// The k-th smallest of many keys in linear time and constant memory.
#ifndef PREFIQS_PRUNE_SELECT_H_
#define PREFIQS_PRUNE_SELECT_H_

#include <climits>
#include <cmath>
#include <cstdint>
#include <vector>

namespace prefiqs::prune {

// How many of n go (METHOD §2).
inline std::int64_t PruneCount(double sparsity, std::int64_t n) {
  return static_cast<std::int64_t>(std::floor(sparsity * static_cast<double>(n) + 0.5));
}

// `for_each(visit)` calls visit(key) for every key, in any order, the same keys each time; k counts from 1 and is at
// most their number. Radix selection from the top, 16 bits a pass: a copy of the scores of a ResNet-100 would cost a
// quarter of a gigabyte, sorting them seconds.
template <typename Key, typename ForEach>
Key SelectSmallest(std::int64_t k, ForEach&& for_each) {
  constexpr int kDigitBits = 16;
  constexpr Key kDigitMask = (Key{1} << kDigitBits) - 1;
  Key prefix = 0;
  Key known = 0;  // bits of `prefix` that are settled
  for (int shift = static_cast<int>(sizeof(Key) * CHAR_BIT) - kDigitBits; shift >= 0; shift -= kDigitBits) {
    std::vector<std::int64_t> histogram(std::size_t{1} << kDigitBits, 0);
    for_each([&](Key key) {
      if ((key & known) == prefix) ++histogram[static_cast<std::size_t>((key >> shift) & kDigitMask)];
    });
    Key digit = 0;
    while (k > histogram[static_cast<std::size_t>(digit)]) k -= histogram[static_cast<std::size_t>(digit++)];
    prefix |= digit << shift;
    known |= kDigitMask << shift;
  }
  return prefix;
}

}  // namespace prefiqs::prune

#endif  // PREFIQS_PRUNE_SELECT_H_
