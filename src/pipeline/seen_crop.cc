#include "pipeline/seen_crop.h"

namespace prefiqs::pipeline {

const score::CropMeasures& SeenCrop::Measures() {
  if (!measures_) measures_ = score::MeasureCrop(image);
  return *measures_;
}

const std::vector<Face>& SeenCrop::FacesSeenBy(const Detector& guard) {
  if (guard_error_) throw Error(*guard_error_);
  if (faces_) return *faces_;
  try {
    return faces_.emplace(guard.detect_in_crop(image));
  } catch (const Error& error) {
    guard_error_ = error;
    throw;
  }
}

}  // namespace prefiqs::pipeline
