// Everything that was read for an evaluation, put together: images, people, comparisons, qualities.
#ifndef PREFIQS_EVAL_EVALUATION_SET_H_
#define PREFIQS_EVAL_EVALUATION_SET_H_

#include <cstdint>
#include <string>
#include <vector>

#include <prefiqs/evaluation.h>

#include "eval/comparisons.h"
#include "eval/npy_matrix.h"

namespace prefiqs::eval {

struct EvaluationSet {
  // All pairs are compared: `unit`, and `unit_mirrored` where mirrored embeddings were given (both side by side), hold
  // the images' normalised rows, zeros for those without an embedding; comparisons and folds are empty.
  bool all_pairs = false;
  Matrix unit, unit_mirrored;
  // Of those that are compared: paths, or where templates are, which then take the images' place in everything, their
  // names.
  std::vector<std::string> images;
  std::vector<std::uint32_t> identity;  // of each image
  std::size_t identities = 0;
  std::size_t not_compared = 0;       // images without an embedding
  Comparisons comparisons;            // cosines of the embeddings
  std::vector<float> mirrored;        // similarities of embeddings with their mirrored ones; empty: none
  std::vector<std::uint32_t> fold;    // of each comparison
  std::uint32_t folds = 0;            // 0: none
  std::vector<EvaluationFile> forms;  // EvaluationReport::files
  std::vector<std::string> methods;
  std::vector<std::string> left_out;          // EvaluationReport::left_out
  std::vector<std::size_t> missing;           // by method: of the images with an embedding, those without a quality
  std::vector<std::vector<float>> qualities;  // of each method: of each image, higher is better, NaN missing
};

// Throws as evaluate() does.
EvaluationSet ReadEvaluationSet(const EvaluationOptions& options);

// Throws where a picture of a pair or template is none of `paths`, which are those of `source`, or a quality's file is
// of none of them.
void CheckNames(const EvaluationOptions& options, const std::vector<std::string>& paths, const std::string& source);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_EVALUATION_SET_H_
