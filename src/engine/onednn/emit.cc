#include "engine/onednn/emit.h"

#include <utility>

namespace prefiqs::engine::onednn {
namespace {

constexpr std::pair<std::string_view, Emitter> kEmitters[] = {
    {"Add", EmitBinary},
    {"AveragePool", EmitPool},
    {"BatchNormalization", EmitBatchNormalization},
    {"Clip", EmitUnary},
    {"Concat", EmitConcat},
    {"Conv", EmitConvolution},
    {"Div", EmitBinary},
    {"Exp", EmitUnary},
    {"Flatten", EmitReshape},
    {"Gelu", EmitUnary},
    {"Gemm", EmitGemm},
    {"GlobalAveragePool", EmitPool},
    {"HardSigmoid", EmitUnary},
    {"HardSwish", EmitUnary},
    {"Identity", EmitReshape},
    {"LayerNormalization", EmitLayerNormalization},
    {"LeakyRelu", EmitUnary},
    {"MatMul", EmitMatMul},
    {"Max", EmitBinary},
    {"MaxPool", EmitPool},
    {"Min", EmitBinary},
    {"Mul", EmitBinary},
    {"PRelu", EmitPRelu},
    {"ReduceL2", EmitReduce},
    {"ReduceMean", EmitReduce},
    {"Relu", EmitUnary},
    {"Reshape", EmitReshape},
    {"Resize", EmitResize},
    {"Sigmoid", EmitUnary},
    {"Slice", EmitSlice},
    {"Softmax", EmitSoftmax},
    {"Split", EmitSplit},
    {"Sqrt", EmitUnary},
    {"Squeeze", EmitReshape},
    {"Sub", EmitBinary},
    {"Tanh", EmitUnary},
    {"Transpose", EmitTranspose},
    {"Unsqueeze", EmitReshape},
};

}  // namespace

Emitter FindEmitter(std::string_view op) {
  for (const auto& [name, emitter] : kEmitters) {
    if (name == op) return emitter;
  }
  return nullptr;
}

}  // namespace prefiqs::engine::onednn
