#ifndef PREFIQS_MODEL_DEQUANTISE_H_
#define PREFIQS_MODEL_DEQUANTISE_H_

#include <cstdint>

#include "graph/tensor.h"

namespace prefiqs::model {

// DequantizeLinear: (x - zero_point) * scale as float32. `x` is int32 (or what widened to it), `zero_point` may be
// null. The scale is one number, or one for each place along `axis` of `x`, or, with block_size > 0, one for so many
// places along `axis`, and of the shape of `x` else. Throws Error(kModel) where types and shapes do not agree.
graph::Tensor Dequantised(const graph::Tensor& x, const graph::Tensor& scale, const graph::Tensor* zero_point,
                          std::int64_t axis, std::int64_t block_size);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_DEQUANTISE_H_
