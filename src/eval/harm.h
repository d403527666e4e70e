// RCE ("Beyond Error-vs-Discard", IJCB 2026): does the quality rank images as the harm ranks them that they did?
// Nothing is discarded.
#ifndef PREFIQS_EVAL_HARM_H_
#define PREFIQS_EVAL_HARM_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "eval/comparisons.h"

namespace prefiqs::eval {

// Of one image at one threshold: errors it takes part in (mated similarities < t, non-mated >= t); among equals, how
// far its comparisons are on the wrong side, max non-mated - min mated similarity (each counted as -1 or 1 where it has
// none of them).
struct Harm {
  std::uint32_t image = 0;
  std::uint32_t errors = 0;
  float margin = 0;
};

// Of the images that take part in a comparison, by number.
std::vector<Harm> HarmOfImages(const Comparisons& comparisons, std::size_t images, double threshold);

// Weighted Spearman correlation 1 - 6 sum w (r_h - r_q)^2 / ((R^2 - 1) sum w) with w = (r_h / R)^alpha: r_h is an
// image's rank by harm, 1 for the most harmful, r_q that by quality, 1 for the worst, equal ones share the mean of
// their ranks, R their number. In use: alpha 0 and 3. With 3 a random quality does not give 0, so show what a random
// and a reversed one give beside it. Empty for fewer than two images. quality: of all images; NaN, a missing one, is
// worse than all others.
std::optional<double> RankOfHarm(std::span<const Harm> harm, std::span<const float> quality, double alpha);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_HARM_H_
