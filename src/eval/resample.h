// How sure areas and error rates are: the same curves over resamples of identities.
#ifndef PREFIQS_EVAL_RESAMPLE_H_
#define PREFIQS_EVAL_RESAMPLE_H_

#include <string>
#include <vector>

#include <prefiqs/evaluation.h>

#include "eval/evaluator.h"

namespace prefiqs::eval {

// Completes intervals, bands and shares in a report that has its curves and error rates. Resamples are spread over
// options.threads; no result depends on how. Throws FloorTooHigh.
void Resample(const EvaluationSet& set, const Evaluator& evaluator, const EvaluationOptions& options,
              EvaluationReport& report);

// Completes an area of samples: its interval and, compared with the first method's, its share of the lower ones.
void CompleteArea(EvaluationArea& area, std::vector<double> samples, const std::vector<double>& first, bool is_first);

// EvaluationReport::draws. Paths count without what all have in common at their beginning.
std::string DrawsToken(const EvaluationSet& set, const EvaluationOptions& options);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_RESAMPLE_H_
