// Thresholds among the similarities of what is kept.
#ifndef PREFIQS_EVAL_THRESHOLD_H_
#define PREFIQS_EVAL_THRESHOLD_H_

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "eval/comparisons.h"

namespace prefiqs::eval {

struct Operating {
  double threshold = 0;
  double fmr = 0;                 // share of non-mated similarities at or above the threshold
  std::uint64_t mated_above = 0;  // mated similarities that exceed it
  std::uint64_t mated_at = 0;     // equal to it
  bool certain = false;           // comparisons that may be missing, all less alike, would change nothing
};

// Among the kept similarities the one of which the share of non-mated at or above it is nearest to `fmr`; of equals
// the lowest. kept(i): weight of comparison i. Requires non_mated, the kept non-mated weight, above 0. lowest: from
// there on up no comparison is missing.
template <typename Kept>
Operating NearestToFmr(const Comparisons& c, const Ranking& ranking, double fmr, std::uint64_t non_mated,
                       const Kept& kept, float lowest = -std::numeric_limits<float>::infinity()) {
  Operating best;
  double best_distance = std::numeric_limits<double>::infinity();
  std::uint64_t false_matches = 0, mated_above = 0;
  const auto share_of = [&](std::uint64_t matches) {
    return static_cast<double>(matches) / static_cast<double>(non_mated);
  };
  // With no more matches than this the share is surely below `fmr`, and the next similarity no farther from it: most of
  // them need no arithmetic.
  constexpr double kRounding = 1e-9;
  const auto surely_below = static_cast<std::uint64_t>(fmr * static_cast<double>(non_mated) * (1 - kRounding));
  std::optional<Operating> below;
  std::uint64_t below_matches = 0;
  const auto take_below = [&] {
    if (!below) return;
    best = *below;
    best.fmr = share_of(below_matches);
    best_distance = std::abs(best.fmr - fmr);
    below.reset();
  };
  const std::vector<std::uint32_t>& order = *ranking.by_similarity;
  for (std::size_t i = 0; i < order.size();) {
    const float similarity = c.similarity[order[i]];
    if (similarity < lowest) return best;
    std::uint64_t mated = 0, others = 0;
    for (; i < order.size() && c.similarity[order[i]] == similarity; ++i) {
      (c.mated[order[i]] ? mated : others) += kept(order[i]);
    }
    if (mated + others == 0) continue;
    false_matches += others;
    if (false_matches <= surely_below) {
      below = {.threshold = similarity, .fmr = 0, .mated_above = mated_above, .mated_at = mated, .certain = false};
      below_matches = false_matches;
      mated_above += mated;
      continue;
    }
    take_below();
    const double share = share_of(false_matches);
    const double distance = std::abs(share - fmr);
    if (distance <= best_distance) {
      best_distance = distance;
      best = {.threshold = similarity, .fmr = share, .mated_above = mated_above, .mated_at = mated, .certain = false};
    }
    if (share > fmr && distance > best_distance) {
      best.certain = true;  // from here on the distance only grows
      return best;
    }
    mated_above += mated;
  }
  take_below();
  best.certain = false_matches == non_mated;
  return best;
}

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_THRESHOLD_H_
