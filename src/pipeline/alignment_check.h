// Do the first pictures that were given as aligned crops look like aligned crops?
#ifndef PREFIQS_PIPELINE_ALIGNMENT_CHECK_H_
#define PREFIQS_PIPELINE_ALIGNMENT_CHECK_H_

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include <prefiqs/assessor.h>
#include <prefiqs/image.h>

namespace prefiqs::pipeline {

// Counts what became of the first kCheckedFaces pictures that were given as aligned crops.
class FirstCrops {
 public:
  void See(Status status);  // of the next picture; of later ones nothing is done, and nothing written

  // A warning for people where half of them or more are no aligned crops: what is wrong and what to do. Empty where
  // there are too few to tell (preprocessing_check.h). `options`: with the guard in effect; `crops`: as the network saw
  // those that have its shape, `crop_template`: where aligned ones have their points.
  std::optional<std::string> Warning(const AssessorOptions& options, CropTemplate crop_template,
                                     std::span<const Image> crops) const;

 private:
  std::size_t seen_ = 0, not_aligned_ = 0, not_a_face_ = 0, wrong_shape_ = 0;
};

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_ALIGNMENT_CHECK_H_
