// How sure areas and error rates are: the same curves over resamples of identities.
#ifndef PREFIQS_EVAL_RESAMPLE_H_
#define PREFIQS_EVAL_RESAMPLE_H_

#include <prefiqs/evaluation.h>

#include "eval/evaluator.h"

namespace prefiqs::eval {

// Completes intervals, bands and shares in a report that has its curves and error rates. Resamples are spread over
// options.threads; no result depends on how. Throws FloorTooHigh.
void Resample(const EvaluationSet& set, const Evaluator& evaluator, const EvaluationOptions& options,
              EvaluationReport& report);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_RESAMPLE_H_
