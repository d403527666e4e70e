// RCE ("Beyond Error-vs-Discard", IJCB 2026): does the quality rank images as the harm ranks them that they did?
// Nothing is discarded.
#ifndef PREFIQS_EVAL_HARM_H_
#define PREFIQS_EVAL_HARM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "eval/comparisons.h"
#include "eval/nearest_strangers.h"

namespace prefiqs::eval {

// As it is published: the threshold's FMR, and the weights that are in use.
inline constexpr double kHarmFmr = 1e-3;
inline constexpr std::array kHarmAlphas{0.0, 3.0};

// Of one image at one threshold: errors it takes part in (mated similarities < t, non-mated >= t); among equals, how
// far its comparisons are on the wrong side, max non-mated - min mated similarity (each counted as -1 or 1 where it has
// none of them).
struct Harm {
  std::uint32_t image = 0;
  std::uint64_t errors = 0;
  float margin = 0;
  std::uint32_t copies = 1;  // in a resample
};

// What a resample of identities (bootstrap.h) makes of comparisons and images; empty: everything counts once. errors
// are then those of one copy.
struct HarmWeights {
  Weights comparisons{}, images{};
  std::span<const std::uint32_t> identities{};  // how often each is drawn; for `strangers`
};

// Of the images that take part in a comparison, by number. `strangers`: of all pairs, of which not all are held; null
// for a list. All mated ones are held, and all non-mated ones that are as alike as the threshold.
std::vector<Harm> HarmOfImages(const Comparisons& comparisons, std::size_t images, double threshold,
                               const HarmWeights& weights = {}, const NearestStrangers* strangers = nullptr);

// Weighted Spearman correlation 1 - 6 sum w (r_h - r_q)^2 / ((R^2 - 1) sum w) with w = (r_h / R)^alpha: r_h is an
// image's rank by harm, 1 for the most harmful, r_q that by quality, 1 for the worst, equal ones share the mean of
// their ranks, R their number; copies count as images that are equal. With alpha 3 a random quality does not give 0, so
// show what a random and a reversed one give beside it. Empty for fewer than two images. quality: of all images; NaN, a
// missing one, is worse than all others.
std::optional<double> RankOfHarm(std::span<const Harm> harm, std::span<const float> quality, double alpha);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_HARM_H_
