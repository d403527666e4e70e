// Sums, activations and reductions in other operators.
#include <fmt/format.h>

#include <cmath>

#include "model/decompose_parts.h"

namespace prefiqs::model {
namespace {

using graph::kNone;
using graph::ValueId;

// All inputs but the last, added up; the last.
std::pair<ValueId, ValueId> SumOfOthers(Parts& p) {
  ValueId sum = p.Required(0);
  for (std::size_t i = 1; i + 1 < p.node.inputs.size(); ++i) sum = p.Emit("Add", {sum, p.Required(i)});
  return {sum, p.Required(p.node.inputs.size() - 1)};
}

void Sum(Parts& p) {
  if (p.node.inputs.size() == 1) return p.Result("Identity", {p.Required(0)});
  const auto [sum, last] = SumOfOthers(p);
  p.Result("Add", {sum, last});
}

void Mean(Parts& p) {
  if (p.node.inputs.size() == 1) return p.Result("Identity", {p.Required(0)});
  const auto [sum, last] = SumOfOthers(p);
  p.Result("Div", {p.Emit("Add", {sum, last}), p.Number(static_cast<float>(p.node.inputs.size()))});
}

// --- Activations.

// gamma Elu(x).
void Selu(Parts& p) {
  const float alpha = p.node.Float("alpha", 1.67326319217681884765625f);
  const float gamma = p.node.Float("gamma", 1.05070102214813232421875f);
  p.Result("Mul", {p.Emit("Elu", {p.Required(0)}, {{"alpha", alpha}}), p.Number(gamma)});
}

// alpha Elu(x / alpha).
void Celu(Parts& p) {
  const float alpha = p.node.Float("alpha", 1.0f);
  if (!(alpha > 0)) p.Fail("alpha must be positive; export the network with another activation");
  if (alpha == 1) return p.Result("Elu", {p.Required(0)}, {{"alpha", 1.0f}});
  const ValueId number = p.Number(alpha);
  p.Result("Mul", {p.Emit("Elu", {p.Emit("Div", {p.Required(0), number})}, {{"alpha", 1.0f}}), number});
}

// x tanh(ln(1 + e^x)) = x n / (n + 2) with n = e^x (e^x + 2), which keeps its digits where e^x is small. Over the bound
// the quotient is 1 in float, and n would not be finite long after.
void Mish(Parts& p) {
  constexpr float kBound = 20;
  const ValueId x = p.Required(0), power = p.Emit("Exp", {p.Emit("Clip", {x, kNone, p.Number(kBound)})});
  const ValueId two = p.Number(2), n = p.Emit("Mul", {p.Emit("Add", {power, two}), power});
  p.Result("Mul", {p.Emit("Div", {n, p.Emit("Add", {n, two})}), x});
}

void Softsign(Parts& p) {
  const ValueId x = p.Required(0);
  p.Result("Div", {x, p.Emit("Add", {p.Emit("Abs", {x}), p.Number(1)})});
}

// x Sigmoid(alpha x).
void SigmoidGate(Parts& p, float alpha) {
  const ValueId x = p.Required(0);
  const ValueId scaled = alpha == 1 ? x : p.Emit("Mul", {x, p.Number(alpha)});
  p.Result("Mul", {x, p.Emit("Sigmoid", {scaled})});
}
void Swish(Parts& p) { SigmoidGate(p, p.node.Float("alpha", 1.0f)); }
void QuickGelu(Parts& p) { SigmoidGate(p, p.node.Float("alpha", 1.702f)); }

void Gelu(Parts& p) { p.Result("Gelu", {p.Sum(p.Required(0), p.In(1))}, {{"approximate", std::string("none")}}); }
void FastGelu(Parts& p) { p.Result("Gelu", {p.Sum(p.Required(0), p.In(1))}, {{"approximate", std::string("tanh")}}); }

// --- Reductions.

// ReduceSum of `x` over the axes of the node. They are an attribute before opset 18.
void SumOver(Parts& p, ValueId x) {
  if (p.node.Int("noop_with_empty_axes", 0) != 0) {
    p.Fail("noop_with_empty_axes is not supported here: editions of ONNX differ in what it means");
  }
  std::vector<ValueId> inputs{x};
  if (p.node.Has("axes")) {
    inputs.push_back(p.Integers(p.node.Ints("axes")));
  } else if (p.In(1) != kNone) {
    inputs.push_back(p.In(1));
  }
  p.Result("ReduceSum", inputs, {{"keepdims", p.node.Int("keepdims", 1)}});
}
void ReduceSumSquare(Parts& p) { SumOver(p, p.Emit("Mul", {p.Required(0), p.Required(0)})); }
void ReduceL1(Parts& p) { SumOver(p, p.Emit("Abs", {p.Required(0)})); }

void Size(Parts& p) { p.Result("ReduceProd", {p.Emit("Shape", {p.Required(0)})}, {{"keepdims", std::int64_t{0}}}); }

constexpr std::string_view kAlpha[] = {"alpha"};
constexpr std::string_view kAlphaGamma[] = {"alpha", "gamma"};
constexpr std::string_view kReduction[] = {"axes", "keepdims", "noop_with_empty_axes"};

constexpr std::string_view kOnnxRuntime = "com.microsoft";
constexpr Decomposition kRows[] = {
    {"", "Sum", 6, 1, -1, 1, {}, Sum},
    {"", "Mean", 6, 1, -1, 1, {}, Mean},
    {"", "Selu", 6, 1, 1, 1, kAlphaGamma, Selu},
    {"", "Celu", 12, 1, 1, 1, kAlpha, Celu},
    {"", "Mish", 18, 1, 1, 1, {}, Mish},
    {"", "Softsign", 1, 1, 1, 1, {}, Softsign},
    {"", "Swish", 24, 1, 1, 1, kAlpha, Swish},
    {"", "ReduceSumSquare", 1, 1, 2, 1, kReduction, ReduceSumSquare},
    {"", "Size", 1, 1, 1, 1, {}, Size},
    {"", "ReduceL1", 1, 1, 2, 1, kReduction, ReduceL1},
    {kOnnxRuntime, "Gelu", 1, 1, 1, 1, {}, Gelu},
    {kOnnxRuntime, "BiasGelu", 1, 2, 2, 1, {}, Gelu},
    {kOnnxRuntime, "FastGelu", 1, 1, 2, 1, {}, FastGelu},
    {kOnnxRuntime, "QuickGelu", 1, 1, 1, 1, kAlpha, QuickGelu},
};

}  // namespace

std::span<const Decomposition> SimpleDecompositions() { return kRows; }

}  // namespace prefiqs::model
