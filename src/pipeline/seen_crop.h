// A crop, and what is found out about it without the network that it is for.
#ifndef PREFIQS_PIPELINE_SEEN_CROP_H_
#define PREFIQS_PIPELINE_SEEN_CROP_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <prefiqs/detector.h>
#include <prefiqs/image.h>

#include "score/crop_measures.h"

namespace prefiqs::pipeline {

// Several networks may see one crop. What each of them wants to know of the pixels alone is computed once. Not
// thread-safe: one thread has a crop at a time.
class SeenCrop {
 public:
  explicit SeenCrop(Image the_image) : image(std::move(the_image)) {}

  Image image;  // not changed while the functions below are used

  const score::CropMeasures& Measures();
  // What guard.detect_in_crop(image) returns or throws. Requires the same guard at every call.
  const std::vector<Face>& FacesSeenBy(const Detector& guard);

 private:
  std::optional<score::CropMeasures> measures_;
  std::optional<std::vector<Face>> faces_;
  std::optional<Error> guard_error_;
};

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_SEEN_CROP_H_
