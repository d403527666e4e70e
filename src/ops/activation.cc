// Functions of one element. Computed in double and rounded once; NaN stays NaN.
#include <cmath>
#include <numbers>
#include <type_traits>

#include "ops/broadcast.h"
#include "ops/rows.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Node;
using graph::Tensor;

double Between(double low, double x, double high) { return x < low ? low : x > high ? high : x; }

// Those without attributes.
template <double (*kFunction)(double)>
struct Plain {
  explicit Plain(const Node&) {}
  double operator()(double x) const { return kFunction(x); }
};
double Sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double HardSwish(double x) { return x * Between(0, x / 6 + 0.5, 1); }
double Softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
double Reciprocal(double x) { return 1 / x; }
double Tanh(double x) { return std::tanh(x); }
double Erf(double x) { return std::erf(x); }
double Exp(double x) { return std::exp(x); }
double Sqrt(double x) { return std::sqrt(x); }
double Log(double x) { return std::log(x); }
double Floor(double x) { return std::floor(x); }
double Ceil(double x) { return std::ceil(x); }
// Halves go to the even neighbour.
double Round(double x) { return std::nearbyint(x); }

// Those with attributes.
struct LeakyRelu {
  explicit LeakyRelu(const Node& node) : alpha(node.Float("alpha", 0.01f)) {}
  double operator()(double x) const { return x < 0 ? alpha * x : x; }
  double alpha;
};
struct HardSigmoid {
  explicit HardSigmoid(const Node& node) : alpha(node.Float("alpha", 0.2f)), beta(node.Float("beta", 0.5f)) {}
  double operator()(double x) const { return Between(0, alpha * x + beta, 1); }
  double alpha, beta;
};
struct Elu {
  explicit Elu(const Node& node) : alpha(node.Float("alpha", 1.0f)) {}
  double operator()(double x) const { return x < 0 ? alpha * std::expm1(x) : x; }
  double alpha;
};
struct ThresholdedRelu {
  explicit ThresholdedRelu(const Node& node) : alpha(node.Float("alpha", 1.0f)) {}
  double operator()(double x) const { return x <= alpha ? 0 : x; }
  double alpha;
};
struct Gelu {
  explicit Gelu(const Node& node) {
    const std::string approximate = node.String("approximate", "none");
    if (approximate != "none" && approximate != "tanh") Fail(node, "approximate must be none or tanh");
    by_tanh = approximate == "tanh";
  }
  double operator()(double x) const {
    using std::numbers::inv_pi, std::numbers::sqrt2;
    if (by_tanh) return 0.5 * x * (1 + std::tanh(std::sqrt(2 * inv_pi) * (x + 0.044715 * x * x * x)));
    return 0.5 * x * (1 + std::erf(x / sqrt2));
  }
  bool by_tanh = false;
};

template <typename Function>
std::vector<TensorType> InferFloat(const Node& node, std::span<const InferInput> inputs) {
  const Function check_attributes(node);
  static_cast<void>(check_attributes);
  return {RequiredFloat(node, inputs, 0, "X")};
}

template <typename Function>
void RunFloat(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const Function function(node);
  const auto x = inputs[0]->values<float>();
  const auto y = outputs[0].values<float>();
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = static_cast<float>(function(x[i]));
}

std::vector<TensorType> InferNumber(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& x = Required(node, inputs, 0, "X");
  if (x.type == DataType::kBool) Fail(node, "is for numbers, X is bool");
  return {x};
}

// y = function(x), of any numbers.
template <typename Function>
void RunNumber(Tensor& output, const Tensor& input, Function function) {
  WithType(output.type(), [&]<typename T>(T) {
    if constexpr (!std::is_same_v<T, bool>) {
      const auto x = input.values<T>();
      const auto y = output.values<T>();
      for (std::size_t i = 0; i < y.size(); ++i) y[i] = function(x[i]);
    }
  });
}

void RunRelu(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  RunNumber(outputs[0], *inputs[0], [](auto x) { return x < 0 ? decltype(x){0} : x; });
}

// The lowest integer has no counterpart and stays.
template <typename T>
T Negative(T x) {
  if constexpr (std::is_integral_v<T>) return static_cast<T>(std::make_unsigned_t<T>(0) - std::make_unsigned_t<T>(x));
  return -x;
}

void RunNeg(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  RunNumber(outputs[0], *inputs[0], [](auto x) { return Negative(x); });
}

void RunSign(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  RunNumber(outputs[0], *inputs[0], [](auto x) {
    using T = decltype(x);
    return x > 0 ? T{1} : x < 0 ? T{-1} : x;
  });
}

void RunAbs(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  RunNumber(outputs[0], *inputs[0], [](auto x) {
    if constexpr (std::is_integral_v<decltype(x)>) {
      return x < 0 ? Negative(x) : x;
    } else {
      return std::fabs(x);
    }
  });
}

std::vector<TensorType> InferClip(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& x = Required(node, inputs, 0, "X");
  if (x.type == DataType::kBool) Fail(node, "is for numbers, X is bool");
  for (std::size_t i = 1; i < 3; ++i) {
    if (!Given(inputs, i)) continue;
    const TensorType& bound = *inputs[i].type;
    if (bound.type != x.type || graph::ElementCount(bound.shape) != 1) {
      Fail(node, "a bound must be one number of the type of X");
    }
  }
  return {x};
}

// The upper bound wins where it is under the lower one.
void RunClip(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const auto bound = [&](std::size_t i) { return i < inputs.size() ? inputs[i] : nullptr; };
  WithType(outputs[0].type(), [&]<typename T>(T) {
    if constexpr (!std::is_same_v<T, bool>) {
      const auto x = inputs[0]->values<T>();
      const auto y = outputs[0].values<T>();
      for (std::size_t i = 0; i < y.size(); ++i) {
        y[i] = x[i];
        if (bound(1) != nullptr && y[i] < bound(1)->template values<T>()[0]) y[i] = bound(1)->template values<T>()[0];
        if (bound(2) != nullptr && y[i] > bound(2)->template values<T>()[0]) y[i] = bound(2)->template values<T>()[0];
      }
    }
  });
}

constexpr std::string_view kAlpha[] = {"alpha"};
constexpr std::string_view kAlphaBeta[] = {"alpha", "beta"};
constexpr std::string_view kApproximate[] = {"approximate"};

template <typename Function>
constexpr Operator FloatRow(std::string_view name, int since, std::span<const std::string_view> attributes = {}) {
  return {name, 1, 1, 1, 1, attributes, InferFloat<Function>, RunFloat<Function>, since, kElementwise};
}

constexpr Operator kRows[] = {
    {"Relu", 1, 1, 1, 1, {}, InferNumber, RunRelu, 6, kElementwise},
    {"Neg", 1, 1, 1, 1, {}, InferNumber, RunNeg, 6, kElementwise},
    {"Abs", 1, 1, 1, 1, {}, InferNumber, RunAbs, 6, kElementwise},
    {"Sign", 1, 1, 1, 1, {}, InferNumber, RunSign, 9, kElementwise},
    {"Clip", 1, 3, 1, 1, {}, InferClip, RunClip, 6, kElementwise},
    FloatRow<LeakyRelu>("LeakyRelu", 6, kAlpha),
    FloatRow<Plain<Sigmoid>>("Sigmoid", 6),
    FloatRow<HardSigmoid>("HardSigmoid", 6, kAlphaBeta),
    FloatRow<Plain<HardSwish>>("HardSwish", 14),
    FloatRow<Plain<Tanh>>("Tanh", 6),
    FloatRow<Plain<Erf>>("Erf", 9),
    FloatRow<Gelu>("Gelu", 20, kApproximate),
    FloatRow<Elu>("Elu", 6, kAlpha),
    FloatRow<ThresholdedRelu>("ThresholdedRelu", 10, kAlpha),
    FloatRow<Plain<Softplus>>("Softplus", 1),
    FloatRow<Plain<Reciprocal>>("Reciprocal", 6),
    FloatRow<Plain<Exp>>("Exp", 6),
    FloatRow<Plain<Sqrt>>("Sqrt", 6),
    FloatRow<Plain<Log>>("Log", 6),
    FloatRow<Plain<Floor>>("Floor", 6),
    FloatRow<Plain<Ceil>>("Ceil", 6),
    FloatRow<Plain<Round>>("Round", 11),
};

}  // namespace

std::span<const Operator> ActivationRows() { return kRows; }

}  // namespace prefiqs::ops
