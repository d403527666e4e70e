// The second look at crops of which it is not clear that they show a face.
#ifndef PREFIQS_PIPELINE_GUARD_H_
#define PREFIQS_PIPELINE_GUARD_H_

#include <prefiqs/assessor.h>

namespace prefiqs::pipeline {

// Asks options.guard, where there is one, about a crop whose status is kOk and which no detector found, or one that was
// unsure (assessment.face, options.guard_under): kNotAFace where it sees none, without a scalar, its other numbers as
// they were; kNotComputed without any where the guard fails. Else nothing changes.
void AskGuard(const AssessorOptions& options, const Image& crop, Assessment& assessment);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_GUARD_H_
