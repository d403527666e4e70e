// How far two measures go together: Pearson's correlation, of values and of ranks.
#ifndef PREFIQS_SCORE_RANK_CORRELATION_H_
#define PREFIQS_SCORE_RANK_CORRELATION_H_

#include <optional>
#include <span>
#include <vector>

namespace prefiqs::score {

// Ranks from 1; equal values share the mean of theirs. Requires values that are not NaN.
std::vector<double> MidRanks(std::span<const double> values);

// Pearson's, in [-1, 1]. Empty for fewer than two pairs, where one side is constant, or where a value is not finite.
// Requires sides of equal length.
std::optional<double> Correlation(std::span<const double> a, std::span<const double> b);

// The same of the mid-ranks (Spearman 1904).
std::optional<double> RankCorrelation(std::span<const double> a, std::span<const double> b);

}  // namespace prefiqs::score

#endif  // PREFIQS_SCORE_RANK_CORRELATION_H_
