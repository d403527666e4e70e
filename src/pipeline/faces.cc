#include "pipeline/faces.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "align/align.h"
#include "face/selection.h"
#include "image/large.h"

namespace prefiqs::pipeline {
namespace {

FaceCandidate Without(int face, Status status, std::string detail) {
  FaceCandidate candidate;
  candidate.face = face;
  candidate.assessment.status = status;
  candidate.assessment.detail = std::move(detail);
  return candidate;
}

std::vector<FaceCandidate> Alone(FaceCandidate candidate) {
  std::vector<FaceCandidate> candidates;
  candidates.push_back(std::move(candidate));
  return candidates;
}

FaceCandidate AlignedCrop(const Image& picture, const image::LargeJpeg* large, const FaceOptions& options) {
  FaceCandidate candidate;
  candidate.face = 0;
  candidate.crop = align::FitCrop(picture, options.width, options.height);
  if (candidate.crop) return candidate;
  return Without(0, Status::kWrongShape,
                 fmt::format("{}×{} crop (width × height), the network takes {}×{}",
                             large != nullptr ? large->width() : picture.width,
                             large != nullptr ? large->height() : picture.height, options.width, options.height));
}

// Whether a crop is made of it.
bool IsLargeEnough(const Face& face, const FaceOptions& options) {
  return std::max(face.box.width, face.box.height) >= options.min_face;
}

// All parts that crops are made of, in one pass over the picture.
image::Canvas ReadParts(const image::LargeJpeg& large, const std::vector<Face>& faces, const FaceOptions& options) {
  std::vector<image::Rect> parts;
  for (const Face& face : faces) {
    if (!IsLargeEnough(face, options)) continue;
    const auto transform =
        align::FitSimilarity(face.landmarks, align::Template(options.width, options.height, options.crop_template));
    if (transform) parts.push_back(align::SourceOf(*transform, options.width, options.height));
  }
  return large.Read(parts);
}

FaceCandidate DetectedFace(const image::View& picture, const Face& face, int index, const FaceOptions& options) {
  FaceCandidate candidate;
  if (!IsLargeEnough(face, options)) {
    candidate = Without(index, Status::kFaceTooSmall,
                        fmt::format("{:.1f} pixels on its longer side, {} are wanted",
                                    std::max(face.box.width, face.box.height), options.min_face));
  } else {
    candidate.face = index;
    candidate.crop = align::AlignFace(picture, face.landmarks, options.width, options.height, options.crop_template);
    if (!candidate.crop) candidate = Without(index, Status::kNoFace, "the five points of the face found coincide");
  }
  candidate.assessment.face = face;
  return candidate;
}

// `faces`: at least one, in coordinates of `picture`, which of a large one is the reduced picture.
std::vector<FaceCandidate> DetectedFaces(const Image& picture, const image::LargeJpeg* large, std::vector<Face> faces,
                                         const FaceOptions& options) {
  std::optional<image::Canvas> parts;
  if (large != nullptr) {
    for (Face& face : faces) face = large->ToWhole(face);
    parts = ReadParts(*large, faces, options);
  }
  const image::View pixels = parts ? parts->view() : image::View(picture);
  std::vector<FaceCandidate> candidates;
  for (const Face& face : faces) {
    candidates.push_back(DetectedFace(pixels, face, static_cast<int>(candidates.size()), options));
  }
  return candidates;
}

// `picture`: of a large one the reduced picture.
std::vector<FaceCandidate> Find(const Image& picture, const image::LargeJpeg* large, const FaceOptions& options) {
  const bool whole =
      picture.width > 0 && picture.height > 0 &&
      picture.rgb.size() == static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height) * 3;
  std::vector<FaceCandidate> candidates;
  if (!whole) {
    candidates.push_back(
        Without(-1, Status::kUndecodable, "the picture has no pixels, or not as many as its size says"));
  } else if (options.detector == nullptr) {
    candidates.push_back(AlignedCrop(picture, large, options));
  } else {
    std::vector<Face> faces = options.detector->detect(picture);
    const int found = static_cast<int>(faces.size());
    if (options.max_faces > 0 && found > options.max_faces) {
      candidates.push_back(
          Without(-1, Status::kTooManyFaces, fmt::format("{} faces, the limit is {}", found, options.max_faces)));
    } else if (faces.empty()) {
      candidates.push_back(Without(-1, Status::kNoFace, "the detector found none"));
    } else {
      face::Select(options.selection, faces, picture.width, picture.height);
      candidates = DetectedFaces(picture, large, std::move(faces), options);
    }
    for (FaceCandidate& candidate : candidates) candidate.assessment.faces = found;
  }
  return candidates;
}

std::vector<FaceCandidate> FindOrSay(const Image& picture, const image::LargeJpeg* large, const FaceOptions& options) {
  try {
    return image::OrSay(
        [&] { return Find(picture, large, options); },
        [](Status status, std::string detail) { return Alone(Without(-1, status, std::move(detail))); });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModel) throw;
    return Alone(Without(-1, Status::kNotComputed, fmt::format("the detector: {}", error.what())));
  }
}

}  // namespace

std::vector<FaceCandidate> FindFaces(const Image& picture, const FaceOptions& options) {
  return FindOrSay(picture, nullptr, options);
}

std::vector<FaceCandidate> FindFaces(const DecodedImage& picture, const FaceOptions& options) {
  if (picture.large) return FindOrSay(picture.large->reduced(), picture.large.get(), options);
  if (picture.status != Status::kOk) return Alone(Without(-1, picture.status, picture.detail));
  std::vector<FaceCandidate> candidates = FindFaces(picture.image, options);
  for (FaceCandidate& candidate : candidates) {  // what was noticed about the picture, behind what was found in it
    std::string& detail = candidate.assessment.detail;
    if (!picture.detail.empty()) detail += (detail.empty() ? "" : "; ") + picture.detail;
  }
  return candidates;
}

}  // namespace prefiqs::pipeline
