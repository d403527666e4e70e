// Operators as oneDNN primitives, one function an operator.
#ifndef PREFIQS_ENGINE_ONEDNN_EMIT_H_
#define PREFIQS_ENGINE_ONEDNN_EMIT_H_

#include <string_view>

#include "engine/onednn/builder.h"
#include "graph/graph.h"

namespace prefiqs::engine::onednn {

// Adds the node to the plan and defines its outputs. False, with nothing added, where oneDNN has no primitive for this
// form of the operator; the same for a dnnl::error with the status unimplemented or invalid_arguments. So every
// primitive is made before the first operand is read.
using Emitter = bool (*)(Builder& builder, const graph::Node& node);

// Null for operators that oneDNN has nothing for.
Emitter FindEmitter(std::string_view op);

bool EmitConvolution(Builder& builder, const graph::Node& node);
// By our own Winograd kernel: tried before EmitConvolution.
bool EmitWinograd(Builder& builder, const graph::Node& node);
// By tiles, in bfloat16: tried first of all.
bool EmitTiles(Builder& builder, const graph::Node& node);
// Rows times a constant matrix, or its transpose (`transposed`, as Gemm's transB has it), plus a constant vector or
// kNone: tried where EmitGemm found that.
bool EmitTileProduct(Builder& builder, const graph::Node& node, graph::ValueId bias, bool transposed);
// A Gemm that multiplies rows, as they lie, by a constant matrix and adds one row or none.
bool IsInnerProduct(const graph::Graph& graph, const graph::Node& node);
bool EmitGemm(Builder& builder, const graph::Node& node);
bool EmitMatMul(Builder& builder, const graph::Node& node);
bool EmitUnary(Builder& builder, const graph::Node& node);   // what AsEltwise describes
bool EmitBinary(Builder& builder, const graph::Node& node);  // Add, Sub, Mul, Div, Min, Max
bool EmitPRelu(Builder& builder, const graph::Node& node);
// What is one function a channel (channelwise.h) and all that follows in that form: tried before EmitBinary and
// EmitPRelu.
bool EmitChannelwise(Builder& builder, const graph::Node& node);
bool EmitPool(Builder& builder, const graph::Node& node);  // MaxPool, AveragePool, GlobalAveragePool
bool EmitBatchNormalization(Builder& builder, const graph::Node& node);
bool EmitLayerNormalization(Builder& builder, const graph::Node& node);
bool EmitSoftmax(Builder& builder, const graph::Node& node);
bool EmitReduce(Builder& builder, const graph::Node& node);   // ReduceMean, ReduceL2
bool EmitReshape(Builder& builder, const graph::Node& node);  // Reshape, Flatten, Squeeze, Unsqueeze, Identity
bool EmitTranspose(Builder& builder, const graph::Node& node);
bool EmitConcat(Builder& builder, const graph::Node& node);
bool EmitSplit(Builder& builder, const graph::Node& node);
bool EmitSlice(Builder& builder, const graph::Node& node);
bool EmitResize(Builder& builder, const graph::Node& node);

}  // namespace prefiqs::engine::onednn

#endif  // PREFIQS_ENGINE_ONEDNN_EMIT_H_
