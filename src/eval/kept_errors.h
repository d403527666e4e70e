// The comparisons that are a curve's errors, for people to look at.
#ifndef PREFIQS_EVAL_KEPT_ERRORS_H_
#define PREFIQS_EVAL_KEPT_ERRORS_H_

#include <cstdint>
#include <string>
#include <vector>

#include <prefiqs/evaluation.h>

#include "eval/comparisons.h"
#include "eval/edc.h"

namespace prefiqs::eval {

struct KeptErrors {
  std::vector<std::uint32_t> false_non_matches;  // comparisons, the least alike first
  std::vector<std::uint32_t> false_matches;      // the most alike first
};

// Those that protocol A counts at a step: kept mated ones with s <= threshold, which is the point's of EdcOfPairs, and
// kept non-mated ones with s >= threshold. Each counts once: cuts without weights.
KeptErrors ErrorsOfPairs(const Comparisons& comparisons, const Ranking& ranking, const PairCuts& cuts,
                         std::uint64_t step, double threshold);

// What a page shows besides the report.
struct ErrorPair {
  std::uint32_t first = 0, second = 0;  // images
  float similarity = 0;
  std::uint64_t gone = kEdcSteps;  // the first step at which it is discarded; kEdcSteps: at none
};
struct ErrorStep {
  EvaluationPoint point;                                                // of the curve
  std::uint64_t false_non_matches = 0, false_matches = 0;               // all of them
  std::vector<ErrorPair> worst_false_non_matches, worst_false_matches;  // no more than kMostErrors
};
struct Examples {
  std::vector<std::string> images;             // paths
  std::vector<std::vector<float>> qualities;   // by method, of each image: higher is better, NaN missing
  double fmr = 0;                              // of the curves that the errors are of; 0: none has enough comparisons
  std::vector<std::vector<ErrorStep>> errors;  // by method: the points up to kLastErrorStep
};
inline constexpr std::size_t kMostErrors = 12;
inline constexpr std::uint64_t kLastErrorStep = 6;  // 30 %: what areas are compared to

// The point's threshold may be NaN, as the report has it: then it is -infinity.
ErrorStep StepOfErrors(const Comparisons& comparisons, const Ranking& ranking, const PairCuts& cuts,
                       const EvaluationPoint& point);

// The one nearest to 1e-3 of those that so many comparisons can tell; 0: none.
double FmrOfErrors(const std::vector<double>& fmrs, std::uint64_t non_mated);

// evaluate(), and the examples that its report has no place for.
EvaluationReport EvaluateWithExamples(const EvaluationOptions& options, Examples& examples);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_KEPT_ERRORS_H_
