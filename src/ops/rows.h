// The operator table in parts: one function a family, each in the file of its name.
#ifndef PREFIQS_OPS_ROWS_H_
#define PREFIQS_OPS_ROWS_H_

#include <span>

#include "ops/operator.h"

namespace prefiqs::ops {

std::span<const Operator> ActivationRows();     // a function of each element
std::span<const Operator> ElementwiseRows();    // one element out of one of each input, with broadcasting
std::span<const Operator> ComparisonRows();     // Equal, Less, ..., And, Or, Not
std::span<const Operator> PassRows();           // Cast, CastLike, Identity, Dropout: the elements as they are
std::span<const Operator> ShapeRows();          // same elements, another shape; Shape, Expand, constants
std::span<const Operator> MovementRows();       // Transpose, Concat, Split, Slice, Gather
std::span<const Operator> PadRows();            // Pad
std::span<const Operator> ConvolutionRows();    // Conv
std::span<const Operator> PoolingRows();        // MaxPool, AveragePool, GlobalAveragePool
std::span<const Operator> MatrixRows();         // Gemm, MatMul
std::span<const Operator> NormalisationRows();  // BatchNormalization, Layer-, InstanceNormalization, Softmax
std::span<const Operator> ReductionRows();      // ReduceMean and the like
std::span<const Operator> ResizeRows();         // Resize

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_ROWS_H_
