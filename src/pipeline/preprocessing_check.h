// Do the embeddings of the first faces look as if the network got the pixels it was trained with?
//
// Measured on three real networks with six presets each (64 faces of different people): with the right one the mean
// cosine between faces was 0.00 to 0.02 and lowest, and so was the mean drift; raw 0-255 pixels for a network that
// wants
// [-1, 1] gave 0.63 to 0.89, ImageNet's scaling 0.13 to 0.21, the wrong channel order 0.01 more than the right one.
#ifndef PREFIQS_PIPELINE_PREPROCESSING_CHECK_H_
#define PREFIQS_PIPELINE_PREPROCESSING_CHECK_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <prefiqs/image.h>

#include "pipeline/assessor_impl.h"

namespace prefiqs::pipeline {

// How many faces are looked at, and how few are too few.
inline constexpr std::size_t kCheckedFaces = 16;
inline constexpr std::size_t kFewestCheckedFaces = 8;

// Above these it is worth comparing presets: the faces look alike to the network, or the pruned network disagrees with
// the whole one on everything.
inline constexpr double kCollapsedCosine = 0.1;
inline constexpr double kImplausibleDrift = 0.9;

struct EmbeddingsLook {
  double cosine = 0;           // mean over pairs of faces
  double drift = 0;            // mean; NaN where nothing is pruned
  std::vector<double> drifts;  // of each face
  bool suspicious() const;
};
EmbeddingsLook LookAt(std::span<const engine::TwinEmbedding> embeddings);

// A warning for people, or nothing: pictures of one person look alike with the right preprocessing too, so that alone
// is none. `crops`: of different pictures, as the network sees them. Runs them through the assessor's twin; through
// that again with every preset's preprocessing where what comes out is suspicious or the preprocessing had to be
// assumed.
std::optional<std::string> PreprocessingWarning(const Assessor::Impl& assessor, std::span<const Image> crops);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_PREPROCESSING_CHECK_H_
