// Operators on elements of several operands that broadcast to one shape. Integers wrap around where they overflow.
#include <fmt/format.h>

#include <cmath>
#include <type_traits>
#include <utility>

#include "ops/broadcast.h"
#include "ops/convert.h"
#include "ops/rows.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Node;
using graph::Tensor;

template <typename T>
constexpr bool kIsInteger = std::is_integral_v<T>;

// Integers as the unsigned ones of their size, for which overflow is defined.
template <typename T>
struct WrappingType {
  using Type = std::make_unsigned_t<T>;
};
template <>
struct WrappingType<float> {
  using Type = float;
};
template <typename T>
using Wrapping = typename WrappingType<T>::Type;

struct Add {
  template <typename T>
  static T Apply(const Node&, T a, T b) {
    return static_cast<T>(Wrapping<T>(a) + Wrapping<T>(b));
  }
};
struct Sub {
  template <typename T>
  static T Apply(const Node&, T a, T b) {
    return static_cast<T>(Wrapping<T>(a) - Wrapping<T>(b));
  }
};
struct Mul {
  template <typename T>
  static T Apply(const Node&, T a, T b) {
    return static_cast<T>(Wrapping<T>(a) * Wrapping<T>(b));
  }
};
struct Div {
  template <typename T>
  static T Apply(const Node& node, T a, T b) {
    if constexpr (kIsInteger<T>) {
      if (b == 0) Fail(node, "an integer is divided by zero");
      if (b == -1) return Sub::Apply<T>(node, 0, a);  // the lowest value has no counterpart
    }
    return a / b;
  }
};
// NaN wins over any number.
struct Min {
  template <typename T>
  static T Apply(const Node&, T a, T b) {
    return a < b || a != a ? a : b;
  }
};
struct Max {
  template <typename T>
  static T Apply(const Node&, T a, T b) {
    return a > b || a != a ? a : b;
  }
};

// The remainder has the sign of the divisor; with the attribute fmod that of the dividend.
struct Mod {
  template <typename T>
  static T Apply(const Node& node, T a, T b) {
    const bool of_dividend = node.Int("fmod", 0) != 0;
    if constexpr (kIsInteger<T>) {
      if (b == 0) Fail(node, "an integer is divided by zero");
      if (b == -1) return 0;  // the quotient of the lowest value is none
      const T rest = a % b;
      return rest != 0 && !of_dividend && (rest < 0) != (b < 0) ? static_cast<T>(rest + b) : rest;
    } else {
      return std::fmod(a, b);
    }
  }
};

graph::Shape ShapeOfAll(const Node& node, std::span<const InferInput> inputs) {
  graph::Shape shape = Required(node, inputs, 0, "the first operand").shape;
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    shape = BroadcastShape(node, shape, Required(node, inputs, i, "an operand").shape);
  }
  return shape;
}

std::vector<TensorType> InferArithmetic(const Node& node, std::span<const InferInput> inputs) {
  const DataType type = Required(node, inputs, 0, "the first operand").type;
  if (type == DataType::kBool) Fail(node, "is for numbers, the first operand is bool");
  for (std::size_t i = 1; i < inputs.size(); ++i) {
    const DataType other = Required(node, inputs, i, "an operand").type;
    if (other != type) {
      Fail(node,
           fmt::format("operands must be of one type, they are {} and {}", graph::Name(type), graph::Name(other)));
    }
  }
  return {MakeType(node, type, ShapeOfAll(node, inputs))};
}

std::vector<TensorType> InferMod(const Node& node, std::span<const InferInput> inputs) {
  std::vector<TensorType> types = InferArithmetic(node, inputs);
  if (types[0].type == DataType::kFloat32 && node.Int("fmod", 0) == 0)
    Fail(node, "the attribute fmod must be 1 for floats");
  return types;
}

// Folds the operands one by one into the output.
template <typename Operation>
void RunArithmetic(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const graph::Shape& shape = outputs[0].shape();
  WithType(outputs[0].type(), [&]<typename T>(T) {
    if constexpr (!std::is_same_v<T, bool>) {
      const auto y = outputs[0].values<T>();
      for (std::size_t k = 0; k < inputs.size(); ++k) {
        const auto x = inputs[k]->values<T>();
        const Strides strides[] = {BroadcastStrides(inputs[k]->shape(), shape)};
        Walk(shape, strides, [&](std::size_t i, auto offsets) {
          const T operand = x[static_cast<std::size_t>(offsets[0])];
          y[i] = k == 0 ? operand : Operation::template Apply<T>(node, y[i], operand);
        });
      }
    }
  });
}

std::vector<TensorType> InferPow(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& base = Required(node, inputs, 0, "the base");
  const TensorType& exponent = Required(node, inputs, 1, "the exponent");
  if (base.type == DataType::kBool || exponent.type == DataType::kBool)
    Fail(node, "is for numbers, an operand is bool");
  return {MakeType(node, base.type, BroadcastShape(node, base.shape, exponent.shape))};
}

// Base and result are integers: exact, but for wrapping around. What is below one in magnitude truncates to zero.
template <typename T, typename E>
T IntegerPower(const Node& node, T base, E exponent) {
  if (exponent < 0) {
    if (base == 0) Fail(node, "zero is raised to a negative power");
    if (base == 1) return 1;
    if (base == -1) return exponent % 2 == 0 ? 1 : -1;
    return 0;
  }
  T result = 1;
  for (T factor = base; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = Mul::Apply<T>(node, result, factor);
    factor = Mul::Apply<T>(node, factor, factor);
  }
  return result;
}

template <typename T, typename E>
T Power(const Node& node, T base, E exponent) {
  if constexpr (kIsInteger<T> && kIsInteger<E>) {
    return IntegerPower(node, base, exponent);
  } else {
    return Saturated<T>(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
}

void RunPow(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const graph::Shape& shape = outputs[0].shape();
  const Strides strides[] = {BroadcastStrides(inputs[0]->shape(), shape), BroadcastStrides(inputs[1]->shape(), shape)};
  WithType(inputs[0]->type(), [&]<typename T>(T) {
    WithType(inputs[1]->type(), [&]<typename E>(E) {
      if constexpr (!std::is_same_v<T, bool> && !std::is_same_v<E, bool>) {
        const auto base = std::as_const(*inputs[0]).values<T>();
        const auto exponent = std::as_const(*inputs[1]).values<E>();
        const auto y = outputs[0].values<T>();
        Walk(shape, strides, [&](std::size_t i, auto offsets) {
          y[i] =
              Power(node, base[static_cast<std::size_t>(offsets[0])], exponent[static_cast<std::size_t>(offsets[1])]);
        });
      }
    });
  });
}

std::vector<TensorType> InferPRelu(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& x = RequiredFloat(node, inputs, 0, "X");
  const TensorType& slope = RequiredFloat(node, inputs, 1, "the slope");
  if (slope.shape.size() == 1 && x.shape.size() > 2 && slope.shape[0] == x.shape[1] && slope.shape[0] != 1 &&
      slope.shape[0] != x.shape.back()) {
    const std::int64_t channels = slope.shape[0];
    Fail(node,
         fmt::format("a slope of shape {} lines up with the last axis of X, {}; one for each channel has the shape "
                     "{}x1x1: reshape it, or export the network again",
                     channels, graph::ToString(x.shape), channels));
  }
  if (slope.shape.size() > x.shape.size() || BroadcastShape(node, x.shape, slope.shape) != x.shape) {
    Fail(node, fmt::format("a slope of shape {} does not fit X of shape {}", graph::ToString(slope.shape),
                           graph::ToString(x.shape)));
  }
  return {x};
}

void RunPRelu(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const auto x = inputs[0]->values<float>();
  const auto slope = inputs[1]->values<float>();
  const auto y = outputs[0].values<float>();
  const Strides strides[] = {BroadcastStrides(inputs[1]->shape(), outputs[0].shape())};
  Walk(outputs[0].shape(), strides, [&](std::size_t i, auto offsets) {
    y[i] = x[i] < 0 ? x[i] * slope[static_cast<std::size_t>(offsets[0])] : x[i];
  });
}

std::vector<TensorType> InferWhere(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& condition = Required(node, inputs, 0, "the condition");
  const TensorType& x = Required(node, inputs, 1, "X");
  const TensorType& y = Required(node, inputs, 2, "Y");
  if (condition.type != DataType::kBool) Fail(node, "the condition must be bool");
  if (x.type != y.type) Fail(node, "X and Y must be of one type");
  return {MakeType(node, x.type, ShapeOfAll(node, inputs))};
}

void RunWhere(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const graph::Shape& shape = outputs[0].shape();
  const auto condition = inputs[0]->values<bool>();
  const Strides strides[] = {BroadcastStrides(inputs[0]->shape(), shape), BroadcastStrides(inputs[1]->shape(), shape),
                             BroadcastStrides(inputs[2]->shape(), shape)};
  WithType(outputs[0].type(), [&]<typename T>(T) {
    const auto x = inputs[1]->values<T>();
    const auto y = inputs[2]->values<T>();
    const auto z = outputs[0].values<T>();
    Walk(shape, strides, [&](std::size_t i, auto offsets) {
      z[i] = condition[static_cast<std::size_t>(offsets[0])] ? x[static_cast<std::size_t>(offsets[1])]
                                                             : y[static_cast<std::size_t>(offsets[2])];
    });
  });
}

constexpr std::string_view kFmod[] = {"fmod"};

constexpr Operator kRows[] = {
    {"Add", 2, 2, 1, 1, {}, InferArithmetic, RunArithmetic<Add>, 7, kElementwise},
    {"Sub", 2, 2, 1, 1, {}, InferArithmetic, RunArithmetic<Sub>, 7, kElementwise},
    {"Mul", 2, 2, 1, 1, {}, InferArithmetic, RunArithmetic<Mul>, 7, kElementwise},
    {"Div", 2, 2, 1, 1, {}, InferArithmetic, RunArithmetic<Div>, 7, kElementwise},
    {"Mod", 2, 2, 1, 1, kFmod, InferMod, RunArithmetic<Mod>, 10, kElementwise},
    {"Min", 1, -1, 1, 1, {}, InferArithmetic, RunArithmetic<Min>, 6, kElementwise},
    {"Max", 1, -1, 1, 1, {}, InferArithmetic, RunArithmetic<Max>, 6, kElementwise},
    {"Pow", 2, 2, 1, 1, {}, InferPow, RunPow, 7, kElementwise},
    {"PRelu", 2, 2, 1, 1, {}, InferPRelu, RunPRelu, 7, kElementwise},
    {"Where", 3, 3, 1, 1, {}, InferWhere, RunWhere, 9, kElementwise},
};

}  // namespace

std::span<const Operator> ElementwiseRows() { return kRows; }

}  // namespace prefiqs::ops
