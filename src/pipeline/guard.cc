#include "pipeline/guard.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>
#include <vector>

#include "align/align.h"
#include "align/deviation.h"
#include "pipeline/refuse.h"

namespace prefiqs::pipeline {
namespace {

bool InDoubt(const Assessment& assessment, const AssessorOptions& options) {
  if (!options.guard || assessment.status != Status::kOk) return false;
  return !assessment.face || !(assessment.face->confidence >= options.guard_under);
}

void Look(const Detector& guard, CropTemplate crop_template, SeenCrop& crop, Assessment& assessment) {
  const std::vector<Face>& faces = crop.FacesSeenBy(guard);
  if (faces.empty()) return Refuse(Status::kNotAFace, "the guard sees no face in the crop", assessment);
  if (assessment.face) return;
  const Landmarks wanted = align::Template(crop.image.width, crop.image.height, crop_template);
  const Face& face = *align::BestAligned(faces, wanted);
  const align::Deviation deviation = align::DeviationOf(face.landmarks, wanted);
  if (deviation.distance <= kMostDeviation) return;
  Refuse(Status::kNotAligned,
         fmt::format("the face is {:.2f} times as large as in an aligned crop, turned by {:.0f} degrees, and its eyes, "
                     "nose and mouth are {:.2f} eye distances from where they should be",
                     deviation.scale, deviation.degrees, deviation.distance),
         assessment);
}

}  // namespace

AssessorOptions WithGuard(const AssessorOptions& options) {
  AssessorOptions guarded = options;
  if (!options.guarded) {
    guarded.guard.reset();
  } else if (!options.guard) {
    guarded.guard = options.detector ? *options.detector : Detector::load(default_detector());
  }
  return guarded;
}

void AskGuard(const AssessorOptions& options, CropTemplate crop_template, SeenCrop& crop, Assessment& assessment) {
  if (!InDoubt(assessment, options)) return;
  try {
    Look(*options.guard, crop_template, crop, assessment);
    if (assessment.status == Status::kOk) return;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModel) throw;
    Assessment failed;
    failed.face = assessment.face;
    failed.faces = assessment.faces;
    failed.detail = std::move(assessment.detail);
    assessment = std::move(failed);
    Refuse(Status::kNotComputed, fmt::format("the guard: {}", error.what()), assessment);
  }
  assessment.scalar = -1;
}

}  // namespace prefiqs::pipeline
