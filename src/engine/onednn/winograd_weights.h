// Weights of a 3×3 convolution as Winograd's algorithm multiplies by them.
#ifndef PREFIQS_ENGINE_ONEDNN_WINOGRAD_WEIGHTS_H_
#define PREFIQS_ENGINE_ONEDNN_WINOGRAD_WEIGHTS_H_

#include "engine/channelwise.h"
#include "engine/onednn/plan.h"

namespace prefiqs::engine::onednn {

// What oneDNN's reorder from `from` to `to` does, with the same bits: that one goes element by element and was half the
// processor time of a ResNet-100's start. False, and nothing done, where the two are not filters×channels×3×3,
// row-major float32, and a layout of Winograd's that is known here, of the version of oneDNN that this was compiled
// with. `weights` and `transformed` do not overlap. Starts no thread.
bool TransformForWinograd(const Desc& from, const Desc& to, const float* weights, float* transformed, Vectors vectors);

}  // namespace prefiqs::engine::onednn

#endif  // PREFIQS_ENGINE_ONEDNN_WINOGRAD_WEIGHTS_H_
