#include "pipeline/faces.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "align/align.h"
#include "face/selection.h"
#include "face/turn.h"
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

std::vector<FaceCandidate> CutFaces(const image::View& picture, const std::vector<Face>& faces,
                                    const FaceOptions& options) {
  std::vector<FaceCandidate> candidates;
  for (const Face& face : faces) {
    candidates.push_back(DetectedFace(picture, face, static_cast<int>(candidates.size()), options));
  }
  return candidates;
}

// `found`: at least one, in coordinates of `picture` turned; `picture` is of a large one the reduced picture.
std::vector<FaceCandidate> DetectedFaces(const Image& picture, const image::LargeJpeg* large, face::TurnedFaces found,
                                         const FaceOptions& options) {
  const auto back = [&](const Face& face) {
    return face::TurnedBack(face, found.degrees, picture.width, picture.height);
  };
  std::vector<FaceCandidate> candidates;
  if (large != nullptr) {
    // Its pixels are not turned, for that would take the whole picture's memory: the crops are turned as they are cut.
    for (Face& face : found.faces) face = large->ToWhole(back(face));
    candidates = CutFaces(ReadParts(*large, found.faces, options).view(), found.faces, options);
  } else if (found.degrees == 0) {
    candidates = CutFaces(picture, found.faces, options);
  } else {
    candidates = CutFaces(face::Turned(picture, found.degrees), found.faces, options);
    for (FaceCandidate& candidate : candidates) candidate.assessment.face = back(*candidate.assessment.face);
  }
  for (FaceCandidate& candidate : candidates) candidate.assessment.turn = found.degrees;
  return candidates;
}

face::TurnedFaces Detect(const Image& picture, const FaceOptions& options) {
  const auto detect = [&](const Image& seen) { return options.detector->detect(seen, options.search); };
  if (options.turn) return face::FindTurned(picture, detect);
  return {.degrees = 0, .faces = detect(picture)};
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
    face::TurnedFaces found = Detect(picture, options);
    const int count = static_cast<int>(found.faces.size());
    if (options.max_faces > 0 && count > options.max_faces) {
      candidates.push_back(
          Without(-1, Status::kTooManyFaces, fmt::format("{} faces, the limit is {}", count, options.max_faces)));
    } else if (found.faces.empty()) {
      candidates.push_back(Without(-1, Status::kNoFace, "the detector found none"));
    } else {
      const bool on_a_side = found.degrees % 180 != 0;
      face::Select(options.selection, found.faces, on_a_side ? picture.height : picture.width,
                   on_a_side ? picture.width : picture.height);
      candidates = DetectedFaces(picture, large, std::move(found), options);
    }
    for (FaceCandidate& candidate : candidates) candidate.assessment.faces = count;
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
