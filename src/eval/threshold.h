// Thresholds among the similarities of what is kept.
#ifndef PREFIQS_EVAL_THRESHOLD_H_
#define PREFIQS_EVAL_THRESHOLD_H_

#include <cmath>
#include <cstdint>
#include <limits>
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
// the lowest. kept(i): weight of comparison i. Requires non_mated, the kept non-mated weight, above 0.
template <typename Kept>
Operating NearestToFmr(const Comparisons& c, const Ranking& ranking, double fmr, std::uint64_t non_mated,
                       const Kept& kept) {
  Operating best;
  double best_distance = std::numeric_limits<double>::infinity();
  std::uint64_t false_matches = 0, mated_above = 0;
  const std::vector<std::uint32_t>& order = *ranking.by_similarity;
  for (std::size_t i = 0; i < order.size();) {
    const float similarity = c.similarity[order[i]];
    std::uint64_t mated = 0, others = 0;
    for (; i < order.size() && c.similarity[order[i]] == similarity; ++i) {
      (c.mated[order[i]] ? mated : others) += kept(order[i]);
    }
    if (mated + others == 0) continue;
    false_matches += others;
    const double share = static_cast<double>(false_matches) / static_cast<double>(non_mated);
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
  best.certain = false_matches == non_mated;
  return best;
}

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_THRESHOLD_H_
