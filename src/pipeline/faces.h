// Picture -> the faces in it that are to be assessed, each as the crop the network gets.
#ifndef PREFIQS_PIPELINE_FACES_H_
#define PREFIQS_PIPELINE_FACES_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <prefiqs/assessor.h>
#include <prefiqs/job.h>

#include "pipeline/seen_crop.h"

namespace prefiqs::pipeline {

struct FaceCandidate {
  int face = -1;                     // Row::face
  Assessment assessment;             // complete where there is no crop
  std::shared_ptr<SeenCrop> crop{};  // still to be assessed; null: none
};

// The crop that a network takes: its size in pixels, and where the five points of a face lie.
struct CropShape {
  int width = 0, height = 0;
  CropTemplate crop_template = CropTemplate::kInsightFace;
  friend bool operator==(const CropShape&, const CropShape&) = default;
};

// The shape of the same crops with the first template of crop_templates() that puts the points there: two shapes that
// give the same crops become equal.
CropShape Canonical(const CropShape& shape);

// How often pictures were looked at.
struct LookCounts {
  std::atomic<std::int64_t> read{0};      // pictures that were read and decoded
  std::atomic<std::int64_t> searched{0};  // calls of Detector::detect; with FaceOptions::turn up to four a picture
  std::atomic<std::int64_t> cut{0};       // crops that were made
};

struct FaceOptions {
  const Detector* detector = nullptr;
  const GivenLandmarks* landmarks = nullptr;  // in place of a detector; without both the picture is a crop already
  std::string_view name{};                    // of the picture, for the landmarks
  float min_face = 0;
  FaceSelection selection = FaceSelection::kBest;
  int max_faces = 0;  // AssessorOptions::max_faces
  Search search = Search::kNormal;
  bool turn = false;          // AssessorOptions::turn
  int width = 0, height = 0;  // of the network's input
  CropTemplate crop_template = CropTemplate::kInsightFace;
  LookCounts* counts = nullptr;  // null: nobody counts
};

// At least one candidate, in the order of the selection. Never throws for what the picture holds.
std::vector<FaceCandidate> FindFaces(const DecodedImage& picture, const FaceOptions& options);
std::vector<FaceCandidate> FindFaces(const Image& picture, const FaceOptions& options);

// The same for several shapes of crops: what the function above gives for each of them alone, in their order. The
// picture is searched once. Width, height and crop_template of the options are not used.
std::vector<std::vector<FaceCandidate>> FindFaces(const DecodedImage& picture, const FaceOptions& options,
                                                  std::span<const CropShape> shapes);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_FACES_H_
