// Picture -> the faces in it that are to be assessed, each as the crop the network gets.
#ifndef PREFIQS_PIPELINE_FACES_H_
#define PREFIQS_PIPELINE_FACES_H_

#include <optional>
#include <vector>

#include <prefiqs/assessor.h>
#include <prefiqs/job.h>

namespace prefiqs::pipeline {

struct FaceCandidate {
  int face = -1;                // Row::face
  Assessment assessment;        // complete where there is no crop
  std::optional<Image> crop{};  // still to be assessed
};

struct FaceOptions {
  const Detector* detector = nullptr;  // null: the picture is a crop already
  float min_face = 0;
  FaceSelection selection = FaceSelection::kBest;
  int max_faces = 0;  // AssessorOptions::max_faces
  Search search = Search::kNormal;
  bool turn = false;          // AssessorOptions::turn
  int width = 0, height = 0;  // of the network's input
  CropTemplate crop_template = CropTemplate::kInsightFace;
};

// At least one candidate, in the order of the selection. Never throws for what the picture holds.
std::vector<FaceCandidate> FindFaces(const DecodedImage& picture, const FaceOptions& options);
std::vector<FaceCandidate> FindFaces(const Image& picture, const FaceOptions& options);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_FACES_H_
