// How sure a result is: the same evaluation on people drawn anew.
//
// Identities are drawn with replacement, as many as there are. A mated comparison counts as often as its identity was
// drawn, a non-mated one as often as both of its identities together: the product. Copies of one identity are not
// compared with each other as different people. Methods that are compared use the same draws.
#ifndef PREFIQS_EVAL_BOOTSTRAP_H_
#define PREFIQS_EVAL_BOOTSTRAP_H_

#include <cstdint>
#include <span>
#include <vector>

#include "eval/comparisons.h"

namespace prefiqs::eval {

// How often each of `identities` identities is drawn; sums to `identities`. Depends on its arguments alone, on every
// machine.
std::vector<std::uint32_t> DrawIdentities(std::size_t identities, std::uint64_t seed, std::uint64_t resample);

// identity: of each image, below drawn.size().
std::vector<std::uint32_t> ComparisonWeights(const Comparisons& comparisons, std::span<const std::uint32_t> identity,
                                             std::span<const std::uint32_t> drawn);
std::vector<std::uint32_t> ImageWeights(std::span<const std::uint32_t> identity, std::span<const std::uint32_t> drawn);

struct Interval {
  double low = 0, high = 0;
};
// Percentile interval that holds `level` (0.95) of the values, linear between order statistics. NaN values, resamples
// without a result, are left out; both ends NaN where no other is there.
Interval PercentileInterval(std::vector<double> values, double level);

// Share of resamples in which a's value is lower than b's, equal ones by half; those in which either is NaN left out.
double ShareLower(std::span<const double> a, std::span<const double> b);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_BOOTSTRAP_H_
