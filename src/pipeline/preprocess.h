// Crop -> network input.
#ifndef PREFIQS_PIPELINE_PREPROCESS_H_
#define PREFIQS_PIPELINE_PREPROCESS_H_

#include <vector>

#include <prefiqs/image.h>
#include <prefiqs/preprocessing.h>

namespace prefiqs::pipeline {

// 3×height×width floats: the planes in the network's channel order, each (x - mean) / scale in float.
std::vector<float> Preprocess(const Image& crop, const Preprocessing& preprocessing);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_PREPROCESS_H_
