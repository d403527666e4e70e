#include "pipeline/alignment_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "align/align.h"
#include "align/deviation.h"
#include "base/count.h"
#include "pipeline/guard.h"
#include "pipeline/preprocessing_check.h"

namespace prefiqs::pipeline {
namespace {

// How large the faces are that are not aligned, in the middle of their order; 1: as in aligned crops.
double MedianScale(const Detector& guard, CropTemplate crop_template, std::span<const Image> crops) {
  std::vector<double> scales;
  for (const Image& crop : crops) {
    std::vector<Face> faces;
    try {
      faces = guard.detect_in_crop(crop);
    } catch (const Error& error) {  // the crop's row says it
      if (error.code() != ErrorCode::kModel) throw;
    }
    const Landmarks wanted = align::Template(crop.width, crop.height, crop_template);
    const Face* face = align::BestAligned(faces, wanted);
    if (face == nullptr) continue;
    const align::Deviation deviation = align::DeviationOf(face->landmarks, wanted);
    if (deviation.distance > kMostDeviation) scales.push_back(deviation.scale);
  }
  if (scales.empty()) return 0;
  std::ranges::nth_element(scales, scales.begin() + static_cast<std::ptrdiff_t>(scales.size() / 2));
  return scales[scales.size() / 2];
}

}  // namespace

void FirstCrops::See(Status status) {
  if (seen_ >= kCheckedFaces) return;
  ++seen_;
  not_aligned_ += status == Status::kNotAligned ? 1 : 0;
  not_a_face_ += status == Status::kNotAFace ? 1 : 0;
  wrong_shape_ += status == Status::kWrongShape ? 1 : 0;
}

std::optional<std::string> FirstCrops::Warning(const AssessorOptions& options, CropTemplate crop_template,
                                               std::span<const Image> crops) const {
  const std::size_t wrong = not_aligned_ + not_a_face_ + wrong_shape_;
  if (options.aligns() || seen_ < kFewestCheckedFaces || 2 * wrong < seen_) return std::nullopt;
  std::vector<std::string> parts;
  if (not_aligned_ > 0) {
    parts.push_back(fmt::format("{} a face that is not aligned, {:.2f} times as large as aligned ones",
                                Count(not_aligned_, "shows", "show"),
                                MedianScale(*options.guard, crop_template, crops)));
  }
  if (not_a_face_ > 0) parts.push_back(Count(not_a_face_, "shows no face", "show no face"));
  if (wrong_shape_ > 0)
    parts.push_back(Count(wrong_shape_, "does not have the network's shape", "do not have the network's shape"));
  return fmt::format(
      "of the first {} pictures {} do not look like aligned crops ({}): photographs are given without --aligned, so "
      "that faces are found and aligned",
      seen_, wrong, fmt::join(parts, "; "));
}

}  // namespace prefiqs::pipeline
