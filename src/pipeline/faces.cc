#include "pipeline/faces.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <string>
#include <utility>

#include "align/align.h"

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

FaceCandidate AlignedCrop(const Image& picture, const FaceOptions& options) {
  FaceCandidate candidate;
  candidate.face = 0;
  candidate.crop = align::FitCrop(picture, options.width, options.height);
  if (candidate.crop) return candidate;
  return Without(0, Status::kWrongShape,
                 fmt::format("{}×{} crop (width × height), the network takes {}×{}", picture.width, picture.height,
                             options.width, options.height));
}

FaceCandidate DetectedFace(const Image& picture, const Face& face, int index, const FaceOptions& options) {
  FaceCandidate candidate;
  const float side = std::max(face.box.width, face.box.height);
  if (!(side >= options.min_face)) {
    candidate = Without(index, Status::kFaceTooSmall,
                        fmt::format("{:.1f} pixels on its longer side, {} are wanted", side, options.min_face));
  } else {
    candidate.face = index;
    candidate.crop = align::AlignFace(picture, face.landmarks, options.width, options.height);
    if (!candidate.crop) candidate = Without(index, Status::kNoFace, "the five points of the face found coincide");
  }
  candidate.assessment.face = face;
  return candidate;
}

std::vector<FaceCandidate> Find(const Image& picture, const FaceOptions& options) {
  const bool whole =
      picture.width > 0 && picture.height > 0 &&
      picture.rgb.size() == static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height) * 3;
  std::vector<FaceCandidate> candidates;
  if (!whole) {
    candidates.push_back(
        Without(-1, Status::kUndecodable, "the picture has no pixels, or not as many as its size says"));
  } else if (options.detector == nullptr) {
    candidates.push_back(AlignedCrop(picture, options));
  } else {
    std::vector<Face> faces = options.detector->detect(picture);
    if (options.selection == FaceSelection::kBest && faces.size() > 1) faces.resize(1);
    for (const Face& face : faces) {
      candidates.push_back(DetectedFace(picture, face, static_cast<int>(candidates.size()), options));
    }
    if (faces.empty()) candidates.push_back(Without(-1, Status::kNoFace, "the detector found none"));
  }
  return candidates;
}

}  // namespace

std::vector<FaceCandidate> FindFaces(const Image& picture, const FaceOptions& options) {
  try {
    return Find(picture, options);
  } catch (const std::bad_alloc&) {
    return Alone(Without(-1, Status::kTooLarge, "not enough memory for this picture"));
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModel) throw;
    return Alone(Without(-1, Status::kNotComputed, fmt::format("the detector: {}", error.what())));
  }
}

std::vector<FaceCandidate> FindFaces(const DecodedImage& picture, const FaceOptions& options) {
  if (picture.status == Status::kOk) return FindFaces(picture.image, options);
  return Alone(Without(-1, picture.status, picture.detail));
}

}  // namespace prefiqs::pipeline
