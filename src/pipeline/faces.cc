#include "pipeline/faces.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "align/align.h"
#include "base/file.h"
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

// For each shape of crops.
using Candidates = std::vector<std::vector<FaceCandidate>>;
using Shapes = std::span<const CropShape>;

Candidates Alone(const FaceCandidate& candidate, Shapes shapes) { return Candidates(shapes.size(), {candidate}); }

void Count(std::atomic<std::int64_t> LookCounts::*count, const FaceOptions& options) {
  if (options.counts != nullptr) (options.counts->*count).fetch_add(1, std::memory_order_relaxed);
}

FaceCandidate AlignedCrop(const Image& picture, const image::LargeJpeg* large, const CropShape& shape,
                          const FaceOptions& options) {
  FaceCandidate candidate;
  candidate.face = 0;
  if (auto crop = align::FitCrop(picture, shape.width, shape.height)) {
    Count(&LookCounts::cut, options);
    candidate.crop = std::make_shared<SeenCrop>(std::move(*crop));
    return candidate;
  }
  return Without(0, Status::kWrongShape,
                 fmt::format("{}×{} crop (width × height), the network takes {}×{}",
                             large != nullptr ? large->width() : picture.width,
                             large != nullptr ? large->height() : picture.height, shape.width, shape.height));
}

// Whether a crop is made of it. Landmarks may be given without a box.
bool IsLargeEnough(const Face& face, const FaceOptions& options) {
  return std::isnan(face.box.width) || std::max(face.box.width, face.box.height) >= options.min_face;
}

// All parts that crops are made of, in one pass over the picture.
image::Canvas ReadParts(const image::LargeJpeg& large, const std::vector<Face>& faces, Shapes shapes,
                        const FaceOptions& options) {
  std::vector<image::Rect> parts;
  for (const CropShape& shape : shapes) {
    const Landmarks points = align::Template(shape.width, shape.height, shape.crop_template);
    for (const Face& face : faces) {
      if (!IsLargeEnough(face, options)) continue;
      const auto transform = align::FitSimilarity(face.landmarks, points);
      if (transform) parts.push_back(align::SourceOf(*transform, shape.width, shape.height));
    }
  }
  return large.Read(parts);
}

// Whether the middle of the points lies in the picture: else they were made for another one, or another size of it.
bool IsInside(const Landmarks& points, const image::View& picture) {
  Point sum;
  for (const Point& point : points) sum.x += point.x, sum.y += point.y;
  const auto count = static_cast<float>(points.size());
  return sum.x >= 0 && sum.y >= 0 && sum.x < count * static_cast<float>(picture.width) &&
         sum.y < count * static_cast<float>(picture.height);
}

FaceCandidate DetectedFace(const image::View& picture, const Face& face, int index, const CropShape& shape,
                           const FaceOptions& options) {
  FaceCandidate candidate;
  if (!IsLargeEnough(face, options)) {
    candidate = Without(index, Status::kFaceTooSmall,
                        fmt::format("{:.1f} pixels on its longer side, {} are wanted",
                                    std::max(face.box.width, face.box.height), options.min_face));
  } else if (options.landmarks != nullptr && !IsInside(face.landmarks, picture)) {
    candidate = Without(index, Status::kNoFace,
                        fmt::format("the given points lie outside of the picture of {}×{} pixels (width × height)",
                                    picture.width, picture.height));
  } else if (auto crop = align::AlignFace(picture, face.landmarks, shape.width, shape.height, shape.crop_template)) {
    Count(&LookCounts::cut, options);
    candidate.face = index;
    candidate.crop = std::make_shared<SeenCrop>(std::move(*crop));
  } else {
    candidate = Without(index, Status::kNoFace, "the five points of the face coincide");
  }
  candidate.assessment.face = face;
  return candidate;
}

Candidates CutFaces(const image::View& picture, const std::vector<Face>& faces, Shapes shapes,
                    const FaceOptions& options) {
  Candidates candidates;
  for (const CropShape& shape : shapes) {
    std::vector<FaceCandidate>& of_shape = candidates.emplace_back();
    for (const Face& face : faces) {
      of_shape.push_back(DetectedFace(picture, face, static_cast<int>(of_shape.size()), shape, options));
    }
  }
  return candidates;
}

void ForEach(Candidates& candidates, auto&& change) {
  for (std::vector<FaceCandidate>& of_shape : candidates) {
    for (FaceCandidate& candidate : of_shape) change(candidate);
  }
}

// `found`: at least one, in coordinates of `picture` turned, or of the whole picture where landmarks are given;
// `picture` is of a large one the reduced picture.
Candidates DetectedFaces(const Image& picture, const image::LargeJpeg* large, face::TurnedFaces found, Shapes shapes,
                         const FaceOptions& options) {
  const auto back = [&](const Face& face) {
    return face::TurnedBack(face, found.degrees, picture.width, picture.height);
  };
  Candidates candidates;
  if (large != nullptr) {
    // Its pixels are not turned, for that would take the whole picture's memory: the crops are turned as they are cut.
    if (options.landmarks == nullptr) {
      for (Face& face : found.faces) face = large->ToWhole(back(face));
    }
    candidates = CutFaces(ReadParts(*large, found.faces, shapes, options).view(), found.faces, shapes, options);
  } else if (found.degrees == 0) {
    candidates = CutFaces(picture, found.faces, shapes, options);
  } else {
    candidates = CutFaces(face::Turned(picture, found.degrees), found.faces, shapes, options);
    ForEach(candidates,
            [&](FaceCandidate& candidate) { candidate.assessment.face = back(*candidate.assessment.face); });
  }
  ForEach(candidates, [&](FaceCandidate& candidate) { candidate.assessment.turn = found.degrees; });
  return candidates;
}

face::TurnedFaces Detect(const Image& picture, const FaceOptions& options) {
  if (options.landmarks != nullptr) {
    const std::span<const Face> given = options.landmarks->find(options.name);
    return {.degrees = 0, .faces = {given.begin(), given.end()}};
  }
  const auto detect = [&](const Image& seen) {
    Count(&LookCounts::searched, options);
    return options.detector->detect(seen, options.search);
  };
  if (options.turn) return face::FindTurned(picture, detect);
  return {.degrees = 0, .faces = detect(picture)};
}

// `picture`: of a large one the reduced picture.
Candidates Find(const Image& picture, const image::LargeJpeg* large, Shapes shapes, const FaceOptions& options) {
  const bool whole =
      picture.width > 0 && picture.height > 0 &&
      picture.rgb.size() == static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height) * 3;
  if (!whole) {
    return Alone(Without(-1, Status::kUndecodable, "the picture has no pixels, or not as many as its size says"),
                 shapes);
  }
  Candidates candidates;
  if (options.detector == nullptr && options.landmarks == nullptr) {
    for (const CropShape& shape : shapes) candidates.push_back({AlignedCrop(picture, large, shape, options)});
    return candidates;
  }
  face::TurnedFaces found = Detect(picture, options);
  const int count = static_cast<int>(found.faces.size());
  if (options.max_faces > 0 && count > options.max_faces) {
    candidates = Alone(
        Without(-1, Status::kTooManyFaces, fmt::format("{} faces, the limit is {}", count, options.max_faces)), shapes);
  } else if (found.faces.empty()) {
    candidates = Alone(Without(-1, Status::kNoFace,
                               options.landmarks != nullptr
                                   ? fmt::format("{} has no row of this picture", Printable(options.landmarks->path()))
                                   : "the detector found none"),
                       shapes);
  } else {
    const bool on_a_side = found.degrees % 180 != 0;
    const bool in_whole = large != nullptr && options.landmarks != nullptr;
    const int width = in_whole ? large->width() : picture.width;
    const int height = in_whole ? large->height() : picture.height;
    face::Select(options.selection, found.faces, on_a_side ? height : width, on_a_side ? width : height);
    candidates = DetectedFaces(picture, large, std::move(found), shapes, options);
  }
  ForEach(candidates, [&](FaceCandidate& candidate) { candidate.assessment.faces = count; });
  return candidates;
}

Candidates FindOrSay(const Image& picture, const image::LargeJpeg* large, Shapes shapes, const FaceOptions& options) {
  try {
    return image::OrSay(
        [&] { return Find(picture, large, shapes, options); },
        [&](Status status, std::string detail) { return Alone(Without(-1, status, std::move(detail)), shapes); });
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kModel) throw;
    return Alone(Without(-1, Status::kNotComputed, fmt::format("the detector: {}", error.what())), shapes);
  }
}

CropShape OnlyShape(const FaceOptions& options) { return {options.width, options.height, options.crop_template}; }

}  // namespace

CropShape Canonical(const CropShape& shape) {
  const Landmarks points = align::Template(shape.width, shape.height, shape.crop_template);
  for (const CropTemplateInfo& one : crop_templates()) {
    if (align::Template(shape.width, shape.height, one.value) == points) {
      return {shape.width, shape.height, one.value};
    }
  }
  return shape;
}

std::vector<FaceCandidate> FindFaces(const Image& picture, const FaceOptions& options) {
  const CropShape shape = OnlyShape(options);
  return std::move(FindOrSay(picture, nullptr, {&shape, 1}, options)[0]);
}

std::vector<FaceCandidate> FindFaces(const DecodedImage& picture, const FaceOptions& options) {
  const CropShape shape = OnlyShape(options);
  return std::move(FindFaces(picture, options, {&shape, 1})[0]);
}

std::vector<std::vector<FaceCandidate>> FindFaces(const DecodedImage& picture, const FaceOptions& options,
                                                  std::span<const CropShape> shapes) {
  if (picture.status != Status::kOk) return Alone(Without(-1, picture.status, picture.detail), shapes);
  Candidates candidates = picture.large ? FindOrSay(picture.large->reduced(), picture.large.get(), shapes, options)
                                        : FindOrSay(picture.image, nullptr, shapes, options);
  if (picture.detail.empty()) return candidates;
  ForEach(candidates,
          [&](FaceCandidate& candidate) {  // what was noticed about the picture, behind what was found in it
            std::string& detail = candidate.assessment.detail;
            detail += (detail.empty() ? "" : "; ") + picture.detail;
          });
  return candidates;
}

}  // namespace prefiqs::pipeline
