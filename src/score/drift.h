// Two embeddings -> drift and quality (arXiv 2605.13396, METHOD §1).
#ifndef PREFIQS_SCORE_DRIFT_H_
#define PREFIQS_SCORE_DRIFT_H_

#include <optional>
#include <span>

namespace prefiqs::score {

// Euclidean length, accumulated in double.
double Norm(std::span<const float> embedding);

// D = || a/|a| - b/|b| ||, in [0, 2], accumulated in double. Empty when either has no direction (zero, or any element
// not finite). Both must have the same, non-zero size.
std::optional<double> Drift(std::span<const float> dense, std::span<const float> pruned);

// S = || (I - e e^T) t || / |f|, where e = f / |f|: how fast the direction of the embedding `f` turns when f moves
// along its tangent `t`; accumulated in double. Empty when f has no direction or t is not finite. Sizes as for Drift.
std::optional<double> Sensitivity(std::span<const float> embedding, std::span<const float> tangent);

// Q = 1 - D/2, in [0, 1], higher is better.
inline double Quality(double drift) { return 1.0 - drift / 2.0; }

}  // namespace prefiqs::score

#endif  // PREFIQS_SCORE_DRIFT_H_
