// Operators that ONNX Runtime's optimiser writes, and attention, in other operators.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "model/decompose_parts.h"

namespace prefiqs::model {
namespace {

using graph::kNone;
using graph::ValueId;

constexpr std::string_view kBefore = "take the file as it was before ONNX Runtime optimised it";

// --- A product and the activation behind it.

struct Activation {
  std::string_view op;
  std::vector<const char*> attributes;  // which its parameters become
};
const Activation kActivations[] = {
    {"Relu", {}},
    {"Tanh", {}},
    {"Sigmoid", {}},
    {"HardSwish", {}},
    {"Softplus", {}},
    {"Elu", {"alpha"}},
    {"LeakyRelu", {"alpha"}},
    {"ThresholdedRelu", {"alpha"}},
    {"HardSigmoid", {"alpha", "beta"}},
};

// The node's activation of `x`, or `x` itself, as its result. `parameters`: what the file gives, in order.
void ResultBehind(Parts& p, ValueId x, const std::vector<float>& parameters) {
  const std::string op = p.node.String("activation", "");
  if (op.empty()) return p.Result("Identity", {x});
  if (op == "Clip") {
    if (parameters.size() != 2) p.Fail("the activation Clip needs two parameters");
    return p.Result("Clip", {x, p.Number(parameters[0]), p.Number(parameters[1])});
  }
  const auto row = std::ranges::find(kActivations, op, &Activation::op);
  if (row == std::end(kActivations) || parameters.size() > row->attributes.size()) {
    p.Fail(fmt::format("the activation {} with {} parameters is not supported; {}", op, parameters.size(), kBefore));
  }
  Parts::Attributes attributes;
  for (std::size_t i = 0; i < parameters.size(); ++i) attributes[row->attributes[i]] = parameters[i];
  p.Result(row->op, {x}, attributes);
}

// The node's attributes but those of the activation.
Parts::Attributes Without(const Parts& p, std::string_view prefix) {
  Parts::Attributes left;
  for (const auto& [key, value] : p.node.attributes) {
    if (!key.starts_with(prefix)) left[key] = value;
  }
  return left;
}

// The fourth input is added before the activation.
void FusedConv(Parts& p) {
  std::vector<ValueId> inputs{p.Required(0), p.Required(1)};
  if (p.In(2) != kNone) inputs.push_back(p.In(2));
  const ValueId product = p.Emit("Conv", inputs, Without(p, "activation"));
  ResultBehind(p, p.Sum(product, p.In(3)), p.node.Floats("activation_params"));
}

void FusedGemm(Parts& p) {
  std::vector<ValueId> inputs{p.Required(0), p.Required(1)};
  if (p.In(2) != kNone) inputs.push_back(p.In(2));
  std::vector<float> parameters;
  for (const char* key : {"activation_alpha", "activation_beta"}) {
    if (p.node.Has(key)) parameters.push_back(p.node.Float(key, 0.0f));
  }
  ResultBehind(p, p.Emit("Gemm", inputs, Without(p, "activation")), parameters);
}

// `x` with its last two axes exchanged, where the attribute says so.
ValueId Transposed(Parts& p, ValueId x, const char* attribute) {
  if (p.node.Int(attribute, 0) == 0) return x;
  const std::size_t rank = p.Rank(x);
  if (rank < 2) return x;
  std::vector<std::int64_t> perm(rank);
  std::iota(perm.begin(), perm.end(), std::int64_t{0});
  std::swap(perm[rank - 1], perm[rank - 2]);
  return p.Emit("Transpose", {x}, {{"perm", perm}});
}

void FusedMatMul(Parts& p) {
  if (p.node.Int("transBatchA", 0) != 0 || p.node.Int("transBatchB", 0) != 0) {
    p.Fail(fmt::format("transBatchA and transBatchB are not supported; {}", kBefore));
  }
  const ValueId a = Transposed(p, p.Required(0), "transA"), b = Transposed(p, p.Required(1), "transB");
  const float alpha = p.node.Float("alpha", 1.0f);
  if (alpha == 1) return p.Result("MatMul", {a, b});
  p.Result("Mul", {p.Emit("MatMul", {a, b}), p.Number(alpha)});
}

// --- Attention. Heads lie beside one another in the last of three axes, or are the second of four.

ValueId HeadsApart(Parts& p, ValueId x, std::int64_t heads) {
  const ValueId split = p.Emit("Reshape", {x, p.Integers({0, 0, heads, -1})});
  return p.Emit("Transpose", {split}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
}

struct Heads {
  ValueId query, key, value;  // batch x heads x length x size of a head
  ValueId mask = kNone;       // to be added to the products; true or false: which of them count
  bool beside_one_another = false;
};

// softmax(scale query key^T + mask) value. A scale of 0: 1 / √(size of a head).
void AttentionOf(Parts& p, const Heads& heads, float scale) {
  ValueId factor = kNone;
  if (scale != 0) {
    factor = p.Number(scale);
  } else {
    const ValueId size = p.Emit("Shape", {heads.query}, {{"start", std::int64_t{3}}, {"end", std::int64_t{4}}});
    const ValueId root = p.Emit("Sqrt", {p.Emit("Cast", {size}, {{"to", std::int64_t{1}}})});
    factor = p.Emit("Div", {p.Number(1), root});
  }
  const ValueId turned = p.Emit("Transpose", {heads.key}, {{"perm", std::vector<std::int64_t>{0, 1, 3, 2}}});
  ValueId products = p.Emit("Mul", {p.Emit("MatMul", {heads.query, turned}), factor});
  if (heads.mask != kNone) {
    products = p.sink.IsBool(heads.mask)
                   ? p.Emit("Where", {heads.mask, products, p.Number(-std::numeric_limits<float>::infinity())})
                   : p.Emit("Add", {products, heads.mask});
  }
  const ValueId shares = p.Emit("Softmax", {products}, {{"axis", std::int64_t{-1}}});
  if (!heads.beside_one_another) return p.Result("MatMul", {shares, heads.value});
  const ValueId result = p.Emit("MatMul", {shares, heads.value});
  const ValueId beside = p.Emit("Transpose", {result}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
  p.Result("Reshape", {beside, p.Integers({0, 0, -1})});
}

void RequireHeads(Parts& p, std::int64_t heads) {
  if (heads < 1) p.Fail(fmt::format("{} heads", heads));
}

// ONNX's own.
void Attention(Parts& p) {
  for (const auto& [key, plain] : {std::pair{"is_causal", 0}, std::pair{"qk_matmul_output_mode", 0}}) {
    if (p.node.Int(key, 0) != plain) p.Fail(fmt::format("{} is not supported in the attention of a face network", key));
  }
  if (p.node.Float("softcap", 0.0f) != 0) p.Fail("softcap is not supported in the attention of a face network");
  Heads heads{p.Required(0), p.Required(1), p.Required(2), p.In(3)};
  if (p.node.Has("q_num_heads")) {
    const std::int64_t count = p.node.Int("q_num_heads", 0);
    RequireHeads(p, count);
    if (p.node.Int("kv_num_heads", count) != count) {
      p.Fail("several heads of the query for one of the keys are not supported; export attention in basic operators");
    }
    for (ValueId* const id : {&heads.query, &heads.key, &heads.value}) *id = HeadsApart(p, *id, count);
    heads.beside_one_another = true;
  }
  AttentionOf(p, heads, p.node.Float("scale", 0.0f));
}

// What ONNX Runtime's two operators share. `mask` is added to the products.
void AttentionOfThree(Parts& p, ValueId query, ValueId key, ValueId value, ValueId mask) {
  if (p.node.Int("unidirectional", 0) != 0) p.Fail("unidirectional attention is not supported in a face network");
  const std::int64_t count = p.node.Int("num_heads", 0);
  RequireHeads(p, count);
  AttentionOf(p, {HeadsApart(p, query, count), HeadsApart(p, key, count), HeadsApart(p, value, count), mask, true},
              p.node.Float("scale", 0.0f));
}

constexpr std::int64_t kThree = 3;  // query, key and value

// Inputs 4, 6, 7: padding and a past, which no face has.
void MultiHeadAttention(Parts& p) {
  if (p.In(4) != kNone) p.Fail(fmt::format("a mask of padding is not supported in a face network; {}", kBefore));
  if (p.In(1) == kNone || p.In(2) == kNone) p.Fail(fmt::format("packed inputs are not supported; {}", kBefore));
  ValueId parts[] = {p.Required(0), p.In(1), p.In(2)};
  if (p.In(3) != kNone) {
    const auto biases = p.EmitMany("Split", {p.In(3)}, kThree, {{"axis", std::int64_t{0}}, {"num_outputs", kThree}});
    for (std::size_t i = 0; i < biases.size(); ++i) parts[i] = p.Emit("Add", {parts[i], biases[i]});
  }
  AttentionOfThree(p, parts[0], parts[1], parts[2], p.In(5));
}

// Query, key and value by one matrix.
void AttentionOfOnnxRuntime(Parts& p) {
  if (p.In(3) != kNone || p.In(4) != kNone) {
    p.Fail(fmt::format("a mask of padding and a past are not supported in a face network; {}", kBefore));
  }
  const ValueId all = p.Sum(p.Emit("MatMul", {p.Required(0), p.Required(1)}), p.In(2));
  const auto parts = p.EmitMany("Split", {all}, kThree, {{"axis", std::int64_t{-1}}, {"num_outputs", kThree}});
  AttentionOfThree(p, parts[0], parts[1], parts[2], p.In(5));
}

constexpr std::string_view kConv[] = {"auto_pad", "dilations", "group",      "kernel_shape",
                                      "pads",     "strides",   "activation", "activation_params"};
constexpr std::string_view kGemm[] = {"alpha",          "beta", "transA", "transB", "activation", "activation_alpha",
                                      "activation_beta"};
constexpr std::string_view kMatMul[] = {"alpha", "transA", "transB", "transBatchA", "transBatchB"};
constexpr std::string_view kAttention[] = {"is_causal", "kv_num_heads", "q_num_heads",      "qk_matmul_output_mode",
                                           "scale",     "softcap",      "softmax_precision"};
constexpr std::string_view kHeads[] = {"num_heads", "scale", "unidirectional", "mask_filter_value"};

constexpr std::string_view kOnnxRuntime = "com.microsoft";
constexpr Decomposition kRows[] = {
    {"", "Attention", 23, 3, 4, 1, kAttention, Attention},
    {kOnnxRuntime, "FusedConv", 1, 2, 4, 1, kConv, FusedConv},
    {kOnnxRuntime, "FusedGemm", 1, 2, 3, 1, kGemm, FusedGemm},
    {kOnnxRuntime, "FusedMatMul", 1, 2, 2, 1, kMatMul, FusedMatMul},
    {kOnnxRuntime, "TransposeMatMul", 1, 2, 2, 1, kMatMul, FusedMatMul},
    {kOnnxRuntime, "MultiHeadAttention", 1, 1, 6, 1, kHeads, MultiHeadAttention},
    {kOnnxRuntime, "Attention", 1, 2, 6, 1, kHeads, AttentionOfOnnxRuntime},
};

}  // namespace

std::span<const Decomposition> FusedDecompositions() { return kRows; }

}  // namespace prefiqs::model
