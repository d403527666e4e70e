// The second look at crops of which it is not clear that they show an aligned face.
#ifndef PREFIQS_PIPELINE_GUARD_H_
#define PREFIQS_PIPELINE_GUARD_H_

#include <prefiqs/assessor.h>

#include "pipeline/seen_crop.h"

namespace prefiqs::pipeline {

// A face that lies farther from where alignment puts it than this (align::Deviation::distance, in eye distances) is not
// aligned. Why this number: bench/records/2026-11-30-not-aligned.md.
inline constexpr double kMostDeviation = 0.35;

// The options with the guard that is in effect: none where guarded is false, else the one that assessor.h says. Throws
// Error(kIo) where that is not installed.
AssessorOptions WithGuard(const AssessorOptions& options);

// Asks options.guard, where there is one, about a crop whose status is kOk and which no detector found, or one that was
// unsure (assessment.face, options.guard_under): kNotAFace where it sees none, kNotAligned where no detector found the
// crop and its face is not where `crop_template` puts it; without a scalar, the other numbers as they were.
// kNotComputed without any where the guard fails. Else nothing changes. A face that a detector found is aligned by
// construction: where the guard sees other points, nothing says whose are right.
void AskGuard(const AssessorOptions& options, CropTemplate crop_template, SeenCrop& crop, Assessment& assessment);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_GUARD_H_
