// Crop -> network input.
#ifndef PREFIQS_PIPELINE_PREPROCESS_H_
#define PREFIQS_PIPELINE_PREPROCESS_H_

#include <vector>

#include <prefiqs/image.h>
#include <prefiqs/preprocessing.h>

namespace prefiqs::pipeline {

// channels×height×width floats: the planes in the network's channel order, each (x - mean) / scale in float. One
// channel is grey, as Preprocessing says. Requires 1 or 3 channels.
std::vector<float> Preprocess(const Image& crop, const Preprocessing& preprocessing, int channels = 3);

// Whether both give a network of width×height pixels the same input for the same picture. Templates count by where they
// put the points at that size, and not at all where pictures are `aligned` crops already.
bool GiveTheSame(const Preprocessing& a, const Preprocessing& b, int width, int height, bool aligned);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_PREPROCESS_H_
