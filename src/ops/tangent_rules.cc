// Each derivative in other operators.
#include "ops/tangent_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

namespace prefiqs::ops {
namespace {

using graph::kNone;
using graph::Node;
using graph::ValueId;

using Maker = TangentMaker;
using Terms = TangentMaker::Terms;

constexpr std::int64_t kFloat = 1;  // ONNX's number of the type

// --- Operators that are linear in their first input, the others being fixed: the same again.

void Linear(Maker& m, const Node& node) { m.Set(node.outputs[0], {m.Again(node, 0, m.Of(node.inputs[0]))}); }

void Pass(Maker& m, const Node& node) { m.Set(node.outputs[0], m.TermsOf(node.inputs[0])); }

// The result is of sizes, not of elements, or it changes in steps.
void None(Maker&, const Node&) {}

void Cast(Maker& m, const Node& node) {
  if (node.Int("to", 0) == kFloat) Pass(m, node);  // whole numbers change in steps
}

// To floats. Where the other holds whole numbers, what reads this refuses a derivative of that type.
void CastLike(Maker& m, const Node& node) {
  if (m.Has(node.inputs[0])) Linear(m, node);
}

void Split(Maker& m, const Node& node) {
  std::vector<ValueId> inputs = node.inputs;
  inputs[0] = m.Of(inputs[0]);
  const std::vector<ValueId> parts = m.EmitMany(node.op, inputs, node.outputs.size(), node.attributes);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (node.outputs[i] != kNone) m.Set(node.outputs[i], {parts[i]});
  }
}

// What is put around an input is fixed.
void Pad(Maker& m, const Node& node) {
  Node zeros = node;
  if (zeros.inputs.size() > 2) zeros.inputs[2] = kNone;
  Linear(m, zeros);
}

void Resize(Maker& m, const Node& node) {
  Node zeros = node;
  if (zeros.Has("extrapolation_value")) zeros.attributes.insert_or_assign("extrapolation_value", 0.0f);
  Linear(m, zeros);
}

ValueId ZerosLike(Maker& m, ValueId x) { return m.Emit("ConstantOfShape", {m.Emit("Shape", {x})}); }

void Concat(Maker& m, const Node& node) {
  std::vector<ValueId> parts;
  for (const ValueId part : node.inputs) parts.push_back(m.Has(part) ? m.Of(part) : ZerosLike(m, part));
  m.Set(node.outputs[0], {m.Emit("Concat", parts, node.attributes)});
}

// --- Sums and products.

// As large as `x`; no work where it is so already (specialised graphs lose it).
ValueId Widened(Maker& m, ValueId term, ValueId x) { return m.Emit("Expand", {term, m.Emit("Shape", {x})}); }

void AddOrSub(Maker& m, const Node& node) {
  std::vector<std::pair<ValueId, bool>> terms;  // and whether it is to be taken away
  for (std::size_t i = 0; i < 2; ++i) {
    for (const ValueId term : m.TermsOf(node.inputs[i])) terms.emplace_back(term, i == 1 && node.op == "Sub");
  }
  std::ranges::sort(terms);  // ids are by age
  Terms sum;
  for (const auto& [term, negative] : terms) {
    const ValueId wide = Widened(m, term, node.outputs[0]);
    sum.push_back(negative ? m.Emit("Mul", {wide, m.Number(-1)}) : wide);
  }
  m.Set(node.outputs[0], sum);
}

// Linear in either of the first two inputs: Mul, MatMul, Conv, Gemm. A bias is part of one term: nothing to compute.
Terms ProductTerms(Maker& m, const Node& node) {
  Node product = node;
  product.inputs.resize(2);
  if (node.inputs.size() > 2 && m.Has(node.inputs[2])) {
    product.inputs.push_back(m.Of(node.inputs[2]));
    if (!m.Has(node.inputs[0]) && !m.Has(node.inputs[1])) return {m.Again(product, 1, m.Zero(node.inputs[1]))};
  }
  Terms terms;
  for (const std::size_t i : {1u, 0u}) {
    if (!m.Has(node.inputs[i])) continue;
    terms.push_back(m.Again(product, i, m.Of(node.inputs[i])));
    product.inputs.resize(2);
  }
  return terms;
}

void Product(Maker& m, const Node& node) { m.Set(node.outputs[0], ProductTerms(m, node)); }

void Mul(Maker& m, const Node& node) {
  for (const std::size_t i : {0u, 1u}) {
    if (!m.Has(node.inputs[1 - i]) && m.Constant(node.inputs[1 - i]))
      return m.Set(node.outputs[0], m.TermsAgain(node, i));
  }
  Product(m, node);
}

// y = a / b: (da - y db) / b.
void Div(Maker& m, const Node& node) {
  const ValueId a = node.inputs[0], b = node.inputs[1], y = node.outputs[0];
  if (!m.Has(b)) return m.Set(y, m.TermsAgain(node, 0));
  ValueId change = m.Emit("Mul", {y, m.Of(b)});
  change = m.Has(a) ? m.Emit("Sub", {m.Of(a), change}) : m.Emit("Mul", {change, m.Number(-1)});
  m.Set(y, {m.Emit("Div", {change, b})});
}

// The quotient, which is whole, changes in steps.
void Mod(Maker& m, const Node& node) { m.Set(node.outputs[0], {Widened(m, m.Of(node.inputs[0]), node.outputs[0])}); }

void Where(Maker& m, const Node& node) {
  const auto part = [&](std::size_t i) { return m.Has(node.inputs[i]) ? m.Of(node.inputs[i]) : m.Number(0); };
  const ValueId y = node.outputs[0];
  m.Set(y, {Widened(m, m.Emit("Where", {node.inputs[0], part(1), part(2)}), y)});
}

// 1 where a > b, -1 where a < b, 0 where they are equal. NaN where both are infinite.
ValueId Order(Maker& m, ValueId a, ValueId b) {
  const ValueId large = m.Emit("Mul", {m.Emit("Sub", {a, b}), m.Number(std::numeric_limits<float>::max())});
  return m.Emit("Clip", {large, m.Number(-1), m.Number(1)});
}

// Of two, and of more as they are folded: the first two, their result and the third, …
void MaxOrMin(Maker& m, const Node& node) {
  if (node.inputs.size() == 1) return Pass(m, node);
  ValueId value = node.inputs[0], change = m.Of(value);
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    const ValueId other = node.inputs[i];
    if (change != kNone || m.Has(other)) {
      const ValueId order = node.op == "Max" ? Order(m, value, other) : Order(m, other, value);
      const auto part = [&](std::string_view op, ValueId of) {
        return m.Emit("Mul", {m.Emit("Mul", {m.Emit(op, {m.Number(1), order}), m.Number(0.5f)}), of});
      };
      if (change != kNone) change = part("Add", change);
      if (m.Has(other)) {
        const ValueId more = part("Sub", m.Of(other));
        change = change == kNone ? more : m.Emit("Add", {more, change});
      }
    }
    if (i + 1 < node.inputs.size()) value = m.Emit(node.op, {value, other});
  }
  m.Set(node.outputs[0], {change});
}

// --- Functions of each element: dy = f'(x) dx. Where f' is simpler in y, in y: what makes y can then still be one
// primitive with f.

void Chain(Maker& m, const Node& node, ValueId slope) {
  m.Set(node.outputs[0], {m.Emit("Mul", {slope, m.Of(node.inputs[0])})});
}

// 1 where v > 0, else 0: every number but those too small to have all their digits times this is at least one.
ValueId Positive(Maker& m, ValueId v, float sign = 1) {
  const ValueId large = m.Emit("Mul", {v, m.Number(sign * std::numeric_limits<float>::max())});
  return m.Emit("Clip", {large, m.Number(0), m.Number(1)});
}

bool IsZero(const graph::Tensor* constant) {
  return constant && constant->type() == graph::DataType::kFloat32 && constant->count() == 1 &&
         constant->values<float>()[0] == 0;
}

// 1 where low < v < high, else 0.
ValueId Between(Maker& m, ValueId v, ValueId low, ValueId high) {
  const ValueId above = IsZero(m.Constant(low)) ? v : m.Emit("Sub", {v, low}), below = m.Emit("Sub", {v, high});
  return Positive(m, m.Emit("Mul", {below, above}), -1);
}

void Relu(Maker& m, const Node& node) { Chain(m, node, Positive(m, node.outputs[0])); }

// 1 where v > 0, else `slope`.
ValueId OneOr(Maker& m, ValueId v, ValueId slope) {
  const ValueId rise = m.Emit("Mul", {Positive(m, v), m.Emit("Sub", {m.Number(1), slope})});
  return m.Emit("Add", {rise, slope});
}

void LeakyRelu(Maker& m, const Node& node) {
  const float alpha = node.Float("alpha", 0.01f);
  Chain(m, node, OneOr(m, alpha >= 0 ? node.outputs[0] : node.inputs[0], m.Number(alpha)));
}

// By x, and by the slope: min(x, 0).
void PRelu(Maker& m, const Node& node) {
  const ValueId x = node.inputs[0], slope = node.inputs[1];
  Terms terms;
  const graph::Tensor* slopes = m.Constant(slope);
  const bool same_sign = slopes && std::ranges::all_of(slopes->values<float>(), [](float s) { return s >= 0; });
  if (m.Has(x)) terms.push_back(m.Emit("Mul", {OneOr(m, same_sign ? node.outputs[0] : x, slope), m.Of(x)}));
  if (m.Has(slope)) {
    terms.push_back(m.Emit("Mul", {m.Emit("Clip", {x, kNone, m.Number(0)}), m.Of(slope)}));
  }
  m.Set(node.outputs[0], terms);
}

void Clip(Maker& m, const Node& node) {
  const auto bound = [&](std::size_t i) { return i < node.inputs.size() ? node.inputs[i] : kNone; };
  const ValueId y = node.outputs[0], low = bound(1), high = bound(2);
  if (low == kNone && high == kNone) return Pass(m, node);
  if (low == kNone) return Chain(m, node, Positive(m, m.Emit("Sub", {y, high}), -1));
  if (high == kNone) return Chain(m, node, Positive(m, m.Emit("Sub", {y, low})));
  Chain(m, node, Between(m, y, low, high));
}

void Sigmoid(Maker& m, const Node& node) {
  const ValueId y = node.outputs[0];
  Chain(m, node, m.Emit("Sub", {y, m.Emit("Mul", {y, y})}));
}

void Abs(Maker& m, const Node& node) { Chain(m, node, Order(m, node.inputs[0], m.Number(0))); }

void Reciprocal(Maker& m, const Node& node) {
  const ValueId y = node.outputs[0];
  Chain(m, node, m.Emit("Mul", {m.Emit("Mul", {y, y}), m.Number(-1)}));
}

// 1 where x > 0, else alpha e^x.
void Elu(Maker& m, const Node& node) {
  const ValueId x = node.inputs[0], power = m.Emit("Exp", {m.Emit("Clip", {x, kNone, m.Number(0)})});
  const float alpha = node.Float("alpha", 1.0f);
  Chain(m, node, alpha == 1 ? power : m.Emit("Mul", {power, OneOr(m, x, m.Number(alpha))}));
}

void Softplus(Maker& m, const Node& node) { Chain(m, node, m.Emit("Sigmoid", {node.inputs[0]})); }

void ThresholdedRelu(Maker& m, const Node& node) {
  Chain(m, node, Positive(m, m.Emit("Sub", {node.inputs[0], m.Number(node.Float("alpha", 1.0f))})));
}

ValueId OneMinusSquare(Maker& m, ValueId y) { return m.Emit("Sub", {m.Number(1), m.Emit("Mul", {y, y})}); }

void Tanh(Maker& m, const Node& node) { Chain(m, node, OneMinusSquare(m, node.outputs[0])); }

void Log(Maker& m, const Node& node) {
  m.Set(node.outputs[0], {m.Emit("Div", {m.Of(node.inputs[0]), node.inputs[0]})});
}
void Exp(Maker& m, const Node& node) { Chain(m, node, node.outputs[0]); }

void Sqrt(Maker& m, const Node& node) { Chain(m, node, m.Emit("Div", {m.Number(0.5f), node.outputs[0]})); }

void HardSigmoid(Maker& m, const Node& node) {
  const ValueId inside = Between(m, node.outputs[0], m.Number(0), m.Number(1));
  Chain(m, node, m.Emit("Mul", {inside, m.Number(node.Float("alpha", 0.2f))}));
}

// x clip(x / 6 + 1/2, 0, 1).
void HardSwish(Maker& m, const Node& node) {
  const ValueId x = node.inputs[0], sixth = m.Emit("Mul", {x, m.Number(1.0f / 6)});
  const ValueId ramp = m.Emit("Clip", {m.Emit("Add", {sixth, m.Number(0.5f)}), m.Number(0), m.Number(1)});
  Chain(m, node, m.Emit("Add", {m.Emit("Mul", {Between(m, x, m.Number(-3), m.Number(3)), sixth}), ramp}));
}

// factor exp(-(scale x)²).
ValueId Bell(Maker& m, ValueId x, float scale, float factor) {
  const ValueId scaled = m.Emit("Mul", {x, m.Number(scale)});
  const ValueId exponent = m.Emit("Mul", {m.Emit("Mul", {scaled, scaled}), m.Number(-1)});
  return m.Emit("Mul", {m.Emit("Exp", {exponent}), m.Number(factor)});
}

void Erf(Maker& m, const Node& node) {
  Chain(m, node, Bell(m, node.inputs[0], 1, 2 * std::numbers::inv_sqrtpi_v<float>));
}

void Gelu(Maker& m, const Node& node) {
  const ValueId x = node.inputs[0];
  const auto half_of_one_and = [&](ValueId v) {
    return m.Emit("Mul", {m.Emit("Add", {v, m.Number(1)}), m.Number(0.5f)});
  };
  constexpr float kRoot = 0.5f * std::numbers::sqrt2_v<float>;
  if (node.String("approximate", "none") == "none") {
    const ValueId share = half_of_one_and(m.Emit("Erf", {m.Emit("Mul", {x, m.Number(kRoot)})}));
    const ValueId bell = Bell(m, x, kRoot, kRoot * std::numbers::inv_sqrtpi_v<float>);
    return Chain(m, node, m.Emit("Add", {m.Emit("Mul", {x, bell}), share}));
  }
  // u = c (x + 0.044715 x³) and t = tanh u: (1 + t) / 2 + x (1 - t²) u' / 2.
  constexpr float kScale = std::numbers::sqrt2_v<float> * std::numbers::inv_sqrtpi_v<float>, kCube = 0.044715f;
  const ValueId square = m.Emit("Mul", {x, x});
  const auto polynomial = [&](float factor) {
    const ValueId inner = m.Emit("Add", {m.Emit("Mul", {square, m.Number(factor)}), m.Number(1)});
    return m.Emit("Mul", {inner, m.Number(kScale)});
  };
  const ValueId t = m.Emit("Tanh", {m.Emit("Mul", {polynomial(kCube), x})});
  const ValueId rise = m.Emit("Mul", {m.Emit("Mul", {OneMinusSquare(m, t), polynomial(3 * kCube)}), x});
  Chain(m, node, m.Emit("Add", {m.Emit("Mul", {rise, m.Number(0.5f)}), half_of_one_and(t)}));
}

// c x^(c - 1).
void Pow(Maker& m, const Node& node) {
  const ValueId exponent = m.Emit("Cast", {node.inputs[1]}, {{"to", kFloat}});
  const ValueId lower = m.Emit("Pow", {node.inputs[0], m.Emit("Sub", {exponent, m.Number(1)})});
  Chain(m, node, m.Emit("Mul", {lower, exponent}));
}

// Their results change in steps.
constexpr std::string_view kSteps[] = {
    "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Floor", "Ceil", "Round", "Sign", "And", "Or", "Not"};

}  // namespace

std::span<const TangentRule> TangentRules() {
  static const std::vector<TangentRule> kRules = [] {
    std::vector<TangentRule> rules(RulesOfMany().begin(), RulesOfMany().end());
    rules.insert(rules.end(), {
                                  TangentRule{"Identity", {0}, Pass},
                                  TangentRule{"Dropout", {0}, Pass},
                                  TangentRule{"Cast", {0}, Cast},
                                  TangentRule{"CastLike", {}, CastLike},
                                  TangentRule{"Shape", {0}, None},
                                  TangentRule{"Reshape", {0}, Linear},
                                  TangentRule{"Flatten", {0}, Linear},
                                  TangentRule{"Squeeze", {0}, Linear},
                                  TangentRule{"Unsqueeze", {0}, Linear},
                                  TangentRule{"Expand", {0}, Linear},
                                  TangentRule{"Transpose", {0}, Linear},
                                  TangentRule{"Concat", {}, Concat},
                                  TangentRule{"Split", {0}, Split},
                                  TangentRule{"Slice", {0}, Linear},
                                  TangentRule{"Gather", {0}, Linear},
                                  TangentRule{"Tile", {0}, Linear},
                                  TangentRule{"Pad", {0}, Pad},
                                  TangentRule{"Resize", {0}, Resize},
                                  TangentRule{"AveragePool", {0}, Linear},
                                  TangentRule{"GlobalAveragePool", {0}, Linear},
                                  TangentRule{"ReduceMean", {0}, Linear},
                                  TangentRule{"ReduceSum", {0}, Linear},
                                  TangentRule{"Add", {0, 1}, AddOrSub},
                                  TangentRule{"Sub", {0, 1}, AddOrSub},
                                  TangentRule{"Mul", {0, 1}, Mul},
                                  TangentRule{"Div", {0, 1}, Div},
                                  TangentRule{"Mod", {0}, Mod},
                                  TangentRule{"Max", {}, MaxOrMin},
                                  TangentRule{"Min", {}, MaxOrMin},
                                  TangentRule{"Pow", {0}, Pow},
                                  TangentRule{"Where", {1, 2}, Where},
                                  TangentRule{"Conv", {}, Product},
                                  TangentRule{"Gemm", {}, Product},
                                  TangentRule{"MatMul", {0, 1}, Product},
                                  TangentRule{"Relu", {0}, Relu},
                                  TangentRule{"LeakyRelu", {0}, LeakyRelu},
                                  TangentRule{"PRelu", {}, PRelu},
                                  TangentRule{"Clip", {0}, Clip},
                                  TangentRule{"Sigmoid", {0}, Sigmoid},
                                  TangentRule{"HardSigmoid", {0}, HardSigmoid},
                                  TangentRule{"HardSwish", {0}, HardSwish},
                                  TangentRule{"Neg", {0}, Linear},
                                  TangentRule{"Abs", {0}, Abs},
                                  TangentRule{"Reciprocal", {0}, Reciprocal},
                                  TangentRule{"Elu", {0}, Elu},
                                  TangentRule{"Softplus", {0}, Softplus},
                                  TangentRule{"ThresholdedRelu", {0}, ThresholdedRelu},
                                  TangentRule{"Tanh", {0}, Tanh},
                                  TangentRule{"Erf", {0}, Erf},
                                  TangentRule{"Gelu", {0}, Gelu},
                                  TangentRule{"Exp", {0}, Exp},
                                  TangentRule{"Log", {0}, Log},
                                  TangentRule{"Sqrt", {0}, Sqrt},
                              });
    for (const std::string_view op : kSteps) rules.push_back({op, {}, None});
    return rules;
  }();
  return kRules;
}

}  // namespace prefiqs::ops
