// All pairs of many images: how alike they are, kept where it matters.
#ifndef PREFIQS_EVAL_SIMILARITY_JOIN_H_
#define PREFIQS_EVAL_SIMILARITY_JOIN_H_

#include <cstdint>
#include <span>

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
// them for 1. The same bits on every machine and for any number of threads (0: all cores): products are summed in the
// order of the columns.
AllPairs JoinAllPairs(const Matrix& unit, std::span<const std::uint32_t> identity, double share, int threads);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_SIMILARITY_JOIN_H_
