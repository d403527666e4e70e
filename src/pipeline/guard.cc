#include "pipeline/guard.h"

#include <fmt/format.h>

namespace prefiqs::pipeline {
namespace {

bool InDoubt(const Assessment& assessment, const AssessorOptions& options) {
  if (!options.guard || assessment.status != Status::kOk) return false;
  return !assessment.face || !(assessment.face->confidence >= options.guard_under);
}

}  // namespace

void AskGuard(const AssessorOptions& options, const Image& crop, Assessment& assessment) {
  if (!InDoubt(assessment, options)) return;
  try {
    if (options.guard->sees_face(crop)) return;
    assessment.status = Status::kNotAFace;
    assessment.detail = "the guard sees no face in the crop";
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModel) throw;
    const std::optional<Face> face = assessment.face;
    assessment = {};
    assessment.face = face;
    assessment.status = Status::kNotComputed;
    assessment.detail = fmt::format("the guard: {}", error.what());
  }
  assessment.scalar = -1;
}

}  // namespace prefiqs::pipeline
