// All pairs of many images: how alike they are, kept where it matters.
#ifndef PREFIQS_EVAL_SIMILARITY_JOIN_H_
#define PREFIQS_EVAL_SIMILARITY_JOIN_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "eval/comparisons.h"
#include "eval/npy_matrix.h"

namespace prefiqs::eval {

// Every mated pair, and the non-mated ones with a similarity of `floor` or more: those that thresholds at small FMRs
// ask about. 2e8 similarities need 4 of the 2 GiB there are; a hundredth of them needs nothing.
struct AllPairs {
  Comparisons comparisons;  // first < second, by first, then second
  float floor = 0;
  std::uint64_t mated = 0, non_mated = 0;  // of all pairs
};

// unit: a normalised row for each image; a row of zeros cannot be compared, and its pairs have the similarity
// -infinity. share: of the non-mated pairs that shall be kept, roughly: the floor is a quantile of a sample; all of
// them for 1. The same bits on every machine and for any number of threads (0: usable_processors()): products are
// summed in the order of the columns.
AllPairs JoinAllPairs(const Matrix& unit, std::span<const std::uint32_t> identity, double share, int threads);

// How alike non-mated pairs must be to be kept, by method: of each image; a pair's is the higher one of its two
// images', and the lowest of the methods' counts. Equally good images have the same, better ones no higher ones: what
// is left when the worst are discarded may be far less alike than all pairs are, and then all of them need not be held
// for it.
using Floors = std::vector<std::vector<float>>;

// For each method those that keep, roughly, `share` of the pairs that are left at whatever discarding. Depends on its
// arguments alone.
Floors FloorsOf(const Matrix& unit, std::span<const std::uint32_t> identity,
                std::span<const std::vector<float>> qualities, double share);

// The pairs above these floors; AllPairs::floor is the lowest of them.
AllPairs JoinAllPairs(const Matrix& unit, std::span<const std::uint32_t> identity, const Floors& floors, int threads);

// Calls `see` with each image, each image (itself too) and the product of their rows, where that is over what `lowest`
// returns for the first of the two; of one image from one thread, by rising second. Bits and threads as above.
void ForEachProduct(const Matrix& unit, int threads, const std::function<float(std::size_t image)>& lowest,
                    const std::function<void(std::size_t image, std::size_t other, float similarity)>& see);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_SIMILARITY_JOIN_H_
