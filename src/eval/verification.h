// How well the verifying network itself tells people apart, without any quality.
#ifndef PREFIQS_EVAL_VERIFICATION_H_
#define PREFIQS_EVAL_VERIFICATION_H_

#include <cstdint>
#include <span>
#include <vector>

#include "eval/comparisons.h"

namespace prefiqs::eval {

struct FoldAccuracy {
  double mean = 0, standard_error = 0;  // of the folds' accuracies
  std::vector<double> accuracy;         // by fold
  std::vector<double> threshold;        // by fold: chosen on the others
};

// LFW's protocol: for each fold the threshold, one of the similarities of all others, that is right most often on them
// (of equals the lowest; accepted is s >= t), and the share of the fold's comparisons that it decides rightly. fold: of
// each comparison, below `folds`, none of them empty; two folds at least. Throws Error(kUsage) otherwise.
FoldAccuracy AccuracyByFolds(const Comparisons& comparisons, std::span<const std::uint32_t> fold, std::uint32_t folds);

struct ErrorRates {
  double threshold = 0;
  double fnmr = 0, fmr = 0;  // NaN where no comparison is of that kind
  std::uint64_t false_non_matches = 0, false_matches = 0, mated = 0, non_mated = 0;
};

// Of all comparisons, accepted being s >= threshold.
ErrorRates RatesAt(const Comparisons& comparisons, double threshold, Weights weights = {});

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_VERIFICATION_H_
