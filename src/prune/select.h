// The k-th smallest of many keys in linear time and little memory.
#ifndef PREFIQS_PRUNE_SELECT_H_
#define PREFIQS_PRUNE_SELECT_H_

#include <algorithm>
#include <atomic>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/parallel.h"

namespace prefiqs::prune {

// How many of n go (METHOD §2).
inline std::int64_t PruneCount(double sparsity, std::int64_t n) {
  return static_cast<std::int64_t>(std::floor(sparsity * static_cast<double>(n) + 0.5));
}

enum class Look : std::uint8_t { kAll, kSample };

// `for_each(part, share, which, visit)` calls visit(keys) until it has shown all keys of a part, 0 to parts - 1, or
// some that stand for all, in any order, the same keys each time, on several parts at once from up to `threads`
// threads, of which each has a share, from 0, of its own; k counts from 1 and is at most the number of all keys.
// `at_or_below`, where given, gets how many keys are no larger than the result: k, and more where several are equal to
// it. Radix selection from the top, 16 bits a pass: a copy of the scores of a ResNet-100 would cost a quarter of a
// gigabyte, sorting them seconds.
template <typename Key, typename ForEach>
Key RadixSelect(std::int64_t k, std::size_t parts, int threads, ForEach&& for_each,
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
        for_each(part, share, Look::kAll, [&](std::span<const Key> keys) {
          for (const Key key : keys) {
            if ((key & known) == prefix) ++histogram[static_cast<std::size_t>((key >> shift) & kDigitMask)];
          }
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

// The same, of `count` keys. Of many, a sample says between which two keys the wanted one probably lies, and one pass
// counts those below and keeps those between: a fifth of the time of a pass that counts all digits. Where the sample
// misled, or too many keys are between (equal ones), radix selection it is: the result is exact in any case.
template <typename Key, typename ForEach>
Key SelectSmallest(std::int64_t k, std::int64_t count, std::size_t parts, int threads, ForEach&& for_each,
                   std::int64_t* at_or_below = nullptr) {
  constexpr std::int64_t kMany = 1 << 20;
  if (count < kMany) return RadixSelect<Key>(k, parts, threads, for_each, at_or_below);
  struct Found {
    std::int64_t below = 0;
    std::vector<Key> kept;
  };
  const std::size_t shares = std::clamp<std::size_t>(parts, 1, static_cast<std::size_t>(ThreadCount(threads)));
  const auto pass = [&](Look which, const auto& look) {
    std::vector<Found> found(shares);
    std::atomic<std::size_t> next{0};
    ParallelFor(shares, threads, [&](std::size_t share) {
      Found mine;  // of this thread's own cache lines
      for (std::size_t part = next++; part < parts; part = next++) {
        for_each(part, share, which, [&](std::span<const Key> keys) { look(mine, keys); });
      }
      found[share] = std::move(mine);
    });
    Found all;
    for (const Found& one : found) {
      all.below += one.below;
      all.kept.insert(all.kept.end(), one.kept.begin(), one.kept.end());
    }
    return all;
  };

  std::vector<Key> sample = pass(Look::kSample, [](Found& found, std::span<const Key> keys) {
                              found.kept.insert(found.kept.end(), keys.begin(), keys.end());
                            }).kept;
  const auto at = [&](double rank) {
    const auto place = sample.begin() + static_cast<std::ptrdiff_t>(std::clamp(rank, 0.0, double(sample.size() - 1)));
    std::nth_element(sample.begin(), place, sample.end());
    return *place;
  };
  if (sample.empty()) return RadixSelect<Key>(k, parts, threads, for_each, at_or_below);
  // Six standard deviations of the rank, which is binomial, at its widest.
  const double size = static_cast<double>(sample.size()), margin = 3 * std::sqrt(size) + 1;
  const double expected = static_cast<double>(k) / static_cast<double>(count) * size;
  const Key low = expected < margin ? Key{0} : at(expected - margin);
  const Key high = expected + margin >= size ? static_cast<Key>(~Key{0}) : at(expected + margin);

  const auto most = static_cast<std::size_t>(count / 8);
  Found found = pass(Look::kAll, [=](Found& mine, std::span<const Key> keys) {
    std::int64_t below = 0;
    for (const Key key : keys) below += key < low ? 1 : 0;
    mine.below += below;
    if (mine.kept.size() > most) return;
    for (const Key key : keys) {
      // One comparison: two would each be a branch that goes either way.
      if (static_cast<Key>(key - low) <= static_cast<Key>(high - low)) mine.kept.push_back(key);
    }
  });
  const std::int64_t rank = k - found.below;  // among those that were kept
  if (rank < 1 || rank > std::ssize(found.kept) || found.kept.size() > most) {
    return RadixSelect<Key>(k, parts, threads, for_each, at_or_below);
  }
  const auto place = found.kept.begin() + (rank - 1);
  std::nth_element(found.kept.begin(), place, found.kept.end());
  const Key result = *place;
  if (at_or_below != nullptr) {
    *at_or_below = k + std::count(place + 1, found.kept.end(), result);
  }
  return result;
}

// In one thread, of few: `for_each(visit)`, a key at a time.
template <typename Key, typename ForEach>
Key SelectSmallest(std::int64_t k, ForEach&& for_each) {
  return RadixSelect<Key>(k, 1, 1, [&](std::size_t, std::size_t, Look, auto&& visit) {
    for_each([&](Key key) { visit(std::span<const Key>(&key, 1)); });
  });
}

}  // namespace prefiqs::prune

#endif  // PREFIQS_PRUNE_SELECT_H_
