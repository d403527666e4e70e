#include "engine/onednn/emit.h"

#include <utility>

namespace prefiqs::engine::onednn {
namespace {

constexpr std::pair<std::string_view, Emitter> kEmitters[] = {
    {"Abs", EmitUnary},         {"Add", EmitBinary},
    {"AveragePool", EmitPool},  {"BatchNormalization", EmitBatchNormalization},
    {"Clip", EmitUnary},        {"Concat", EmitConcat},
    {"Conv", EmitConvolution},  {"Div", EmitBinary},
    {"Elu", EmitUnary},         {"Exp", EmitUnary},
    {"Flatten", EmitReshape},   {"Gelu", EmitUnary},
    {"Gemm", EmitGemm},         {"GlobalAveragePool", EmitPool},
    {"HardSigmoid", EmitUnary}, {"HardSwish", EmitUnary},
    {"Identity", EmitReshape},  {"LayerNormalization", EmitLayerNormalization},
    {"LeakyRelu", EmitUnary},   {"MatMul", EmitMatMul},
    {"Max", EmitBinary},        {"MaxPool", EmitPool},
    {"Min", EmitBinary},        {"Mul", EmitBinary},
    {"Neg", EmitUnary},         {"PRelu", EmitPRelu},
    {"Reciprocal", EmitUnary},  {"ReduceL2", EmitReduce},
    {"ReduceMax", EmitReduce},  {"ReduceMean", EmitReduce},
    {"ReduceMin", EmitReduce},  {"ReduceProd", EmitReduce},
    {"ReduceSum", EmitReduce},  {"Relu", EmitUnary},
    {"Reshape", EmitReshape},   {"Resize", EmitResize},
    {"Sigmoid", EmitUnary},     {"Slice", EmitSlice},
    {"Softmax", EmitSoftmax},   {"Softplus", EmitUnary},
    {"Split", EmitSplit},       {"Sqrt", EmitUnary},
    {"Squeeze", EmitReshape},   {"Sub", EmitBinary},
    {"Tanh", EmitUnary},        {"Transpose", EmitTranspose},
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
