#include "eval/verification.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace prefiqs::eval {

FoldAccuracy AccuracyByFolds(const Comparisons& c, std::span<const std::uint32_t> fold, std::uint32_t folds) {
  if (folds < 2 || fold.size() != c.size()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{} folds for {} comparisons, {} of them placed", folds, c.size(), fold.size()));
  }
  std::vector<std::int64_t> size(folds), mated(folds);
  for (std::size_t i = 0; i < c.size(); ++i) {
    if (fold[i] >= folds) {
      throw Error(ErrorCode::kUsage, fmt::format("comparison {}: fold {} of {}", i + 1, fold[i] + 1, folds));
    }
    ++size[fold[i]];
    mated[fold[i]] += c.mated[i] ? 1 : 0;
  }
  if (const auto empty = std::ranges::find(size, 0); empty != size.end()) {
    throw Error(ErrorCode::kUsage, fmt::format("fold {} of {} is empty", empty - size.begin() + 1, folds));
  }
  std::vector<std::uint32_t> falling(c.size());
  std::iota(falling.begin(), falling.end(), 0u);
  std::ranges::sort(falling, std::greater{}, [&](std::uint32_t i) { return c.similarity[i]; });

  // From a threshold that accepts nothing down: right are the non-mated that are not accepted and the mated that are.
  std::vector<std::int64_t> right(folds);
  for (std::uint32_t f = 0; f < folds; ++f) right[f] = size[f] - mated[f];
  std::int64_t all_right = std::accumulate(right.begin(), right.end(), std::int64_t{0});
  struct Best {
    std::int64_t others_right, own_right;
    double threshold;
  };
  std::vector<Best> best(folds);
  for (std::uint32_t f = 0; f < folds; ++f) {
    best[f] = {all_right - right[f], right[f], std::numeric_limits<double>::infinity()};
  }
  for (std::size_t i = 0; i < falling.size();) {
    const float similarity = c.similarity[falling[i]];
    const std::uint32_t owner = fold[falling[i]];
    bool shared = false;  // between folds
    for (; i < falling.size() && c.similarity[falling[i]] == similarity; ++i) {
      shared |= fold[falling[i]] != owner;
      const std::int64_t change = c.mated[falling[i]] ? 1 : -1;
      right[fold[falling[i]]] += change;
      all_right += change;
    }
    for (std::uint32_t f = 0; f < folds; ++f) {
      if (f == owner && !shared) continue;   // the others have no such similarity
      if (std::isinf(similarity)) continue;  // what could not be compared is not accepted by any threshold
      if (all_right - right[f] >= best[f].others_right) best[f] = {all_right - right[f], right[f], similarity};
    }
  }
  FoldAccuracy result;
  for (std::uint32_t f = 0; f < folds; ++f) {
    result.accuracy.push_back(static_cast<double>(best[f].own_right) / static_cast<double>(size[f]));
    result.threshold.push_back(best[f].threshold);
    result.mean += result.accuracy.back() / folds;
  }
  double squares = 0;
  for (const double accuracy : result.accuracy) squares += (accuracy - result.mean) * (accuracy - result.mean);
  result.standard_error = std::sqrt(squares / (folds - 1) / folds);
  return result;
}

ErrorRates RatesAt(const Comparisons& c, double threshold, Weights weights) {
  ErrorRates rates{.threshold = threshold};
  for (std::size_t i = 0; i < c.size(); ++i) {
    const std::uint64_t weight = WeightOf(weights, i);
    const bool accepted = c.similarity[i] >= threshold;
    (c.mated[i] ? rates.mated : rates.non_mated) += weight;
    if (accepted == (c.mated[i] != 0)) continue;
    (c.mated[i] ? rates.false_non_matches : rates.false_matches) += weight;
  }
  // 0 / 0 is the NaN that is promised.
  rates.fnmr = static_cast<double>(rates.false_non_matches) / static_cast<double>(rates.mated);
  rates.fmr = static_cast<double>(rates.false_matches) / static_cast<double>(rates.non_mated);
  return rates;
}

}  // namespace prefiqs::eval
