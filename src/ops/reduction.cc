#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>
#include <vector>

#include "base/count.h"
#include "ops/broadcast.h"
#include "ops/rows.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::Node;
using graph::Shape;
using graph::Tensor;

// Which dimensions go. `axes` may be null: none are given.
std::vector<bool> Reduced(const Node& node, const Tensor* axes, std::size_t rank) {
  if (axes == nullptr || axes->count() == 0) return std::vector<bool>(rank, node.Int("noop_with_empty_axes", 0) == 0);
  if (axes->type() != graph::DataType::kInt64 && axes->type() != graph::DataType::kInt32) {
    Fail(node, fmt::format("the axes must be integers, they are {}", graph::Name(axes->type())));
  }
  if (axes->count() > static_cast<std::int64_t>(rank)) {
    Fail(node, fmt::format("{} for an input of {}", Count(axes->count(), "axis", "axes"), Count(rank, "dimension")));
  }
  std::vector<bool> reduced(rank, false);
  for (const std::int64_t written : axes->ToInt64s()) {
    const auto axis = static_cast<std::size_t>(NormalAxis(node, written, rank));
    if (reduced[axis]) Fail(node, fmt::format("axis {} is given twice", written));
    reduced[axis] = true;
  }
  return reduced;
}

// The shape with every reduced dimension kept as one.
Shape KeptShape(Shape shape, const std::vector<bool>& reduced) {
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (reduced[d]) shape[d] = 1;
  }
  return shape;
}

std::vector<TensorType> InferOf(const Node& node, const TensorType& x, std::span<const InferInput> inputs) {
  const Shape& input = x.shape;
  const std::vector<bool> reduced = Reduced(node, KnownInput(node, inputs, 1, "the axes"), input.size());
  const bool keep = node.Int("keepdims", 1) != 0;
  Shape result;
  for (std::size_t d = 0; d < input.size(); ++d) {
    if (reduced[d] && input[d] < 1) {
      Fail(node, fmt::format("dimension {} of an input of {} is empty", d, graph::ToString(input)));
    }
    if (!reduced[d]) result.push_back(input[d]);
    if (reduced[d] && keep) result.push_back(1);
  }
  return {MakeType(node, x.type, std::move(result))};
}

std::vector<TensorType> InferReduce(const Node& node, std::span<const InferInput> inputs) {
  return InferOf(node, RequiredFloat(node, inputs, 0, "the input"), inputs);
}

std::vector<TensorType> InferReduceNumbers(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& x = Required(node, inputs, 0, "the input");
  if (x.type == graph::DataType::kBool) Fail(node, "is for numbers, the input is bool");
  return InferOf(node, x, inputs);
}

// Calls visit(x, place in the output) for each element.
template <typename T, typename Visit>
void VisitReduced(const Node& node, std::span<const Tensor* const> inputs, Visit visit) {
  const auto in = inputs[0]->values<T>();
  const Shape& shape = inputs[0]->shape();
  const std::vector<bool> reduced = Reduced(node, inputs.size() > 1 ? inputs[1] : nullptr, shape.size());
  const Strides to_output[] = {BroadcastStrides(KeptShape(shape, reduced), shape)};
  Walk(shape, to_output,
       [&](std::size_t i, std::span<const std::int64_t> at) { visit(in[i], static_cast<std::size_t>(at[0])); });
}

// out = finish(Σ term(x), number of terms), for each element of the output.
template <typename Term, typename Finish>
void Reduce(const Node& node, std::span<const Tensor* const> inputs, Tensor& output, Term term, Finish finish) {
  const auto out = output.values<float>();
  if (out.empty()) return;
  std::vector<double> sums(out.size());
  VisitReduced<float>(node, inputs, [&](float x, std::size_t at) { sums[at] += term(double{x}); });
  const double terms = static_cast<double>(inputs[0]->values<float>().size() / out.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(finish(sums[i], terms));
}

bool IsNoop(const Node& node, std::span<const Tensor* const> inputs) {
  const bool no_axes = inputs.size() < 2 || inputs[1] == nullptr || inputs[1]->count() == 0;
  return no_axes && node.Int("noop_with_empty_axes", 0) != 0;
}

void RunReduceMean(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const auto same = [](double x) { return x; };
  Reduce(node, inputs, outputs[0], same, [](double sum, double terms) { return sum / terms; });
}

void RunReduceL2(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  if (IsNoop(node, inputs)) {  // then the operator's text asks for the input itself, not for its absolute values
    outputs[0] = *inputs[0];
    return;
  }
  const auto square = [](double x) { return x * x; };
  Reduce(node, inputs, outputs[0], square, [](double sum, double) { return std::sqrt(sum); });
}

// Integers wrap around where they overflow.
void RunReduceSum(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  const auto same = [](double x) { return x; };
  if (outputs[0].type() == graph::DataType::kFloat32) {
    return Reduce(node, inputs, outputs[0], same, [](double sum, double) { return sum; });
  }
  WithType(outputs[0].type(), [&]<typename T>(T) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      using Wrapping = std::make_unsigned_t<T>;
      const auto out = outputs[0].values<T>();
      VisitReduced<T>(node, inputs,
                      [&](T x, std::size_t at) { out[at] = static_cast<T>(Wrapping(out[at]) + Wrapping(x)); });
    }
  });
}

void RunReduceProd(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  WithType(outputs[0].type(), [&]<typename T>(T) {
    const auto out = outputs[0].values<T>();
    if constexpr (std::is_same_v<T, float>) {
      std::vector<double> products(out.size(), 1.0);
      VisitReduced<T>(node, inputs, [&](T x, std::size_t at) { products[at] *= double{x}; });
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(products[i]);
    } else if constexpr (!std::is_same_v<T, bool>) {
      using Wrapping = std::make_unsigned_t<T>;
      std::ranges::fill(out, T{1});
      VisitReduced<T>(node, inputs,
                      [&](T x, std::size_t at) { out[at] = static_cast<T>(Wrapping(out[at]) * Wrapping(x)); });
    }
  });
}

// `wins(a, b)`: a stands before b. NaN stands before any number.
template <typename Wins>
void RunExtreme(const Node& node, std::span<const Tensor* const> inputs, Tensor& output, Wins wins) {
  WithType(output.type(), [&]<typename T>(T) {
    if constexpr (!std::is_same_v<T, bool>) {
      const auto out = output.values<T>();
      std::vector<char> seen(out.size());
      VisitReduced<T>(node, inputs, [&](T x, std::size_t at) {
        if (!seen[at] || wins(x, out[at]) || x != x) out[at] = x;
        seen[at] = 1;
      });
    }
  });
}
void RunReduceMax(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  RunExtreme(node, inputs, outputs[0], [](auto a, auto b) { return a > b; });
}
void RunReduceMin(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  RunExtreme(node, inputs, outputs[0], [](auto a, auto b) { return a < b; });
}

std::vector<AxisUse> TouchedByReduction(const graph::Graph& inferred, const Node& node) {
  const Tensor* const axes = ConstantInput(inferred, node, 1);
  if (axes == nullptr || axes->count() == 0) return {};
  std::vector<AxisUse> uses = AllApart(inferred, node);
  const AxisUse use = node.Int("keepdims", 1) != 0 ? AxisUse::kTouched : AxisUse::kDropped;
  for (const std::int64_t axis : axes->ToInt64s()) SetUse(node, axis, use, uses);
  return uses;
}

constexpr std::string_view kReduceAttributes[] = {"keepdims", "noop_with_empty_axes"};
constexpr Operator kReductionRows[] = {
    {"ReduceMean", 1, 2, 1, 1, kReduceAttributes, InferReduce, RunReduceMean, 1, false, TouchedByReduction},
    {"ReduceSum", 1, 2, 1, 1, kReduceAttributes, InferReduceNumbers, RunReduceSum, 1, false, TouchedByReduction},
    {"ReduceMax", 1, 2, 1, 1, kReduceAttributes, InferReduceNumbers, RunReduceMax, 1, false, TouchedByReduction},
    {"ReduceMin", 1, 2, 1, 1, kReduceAttributes, InferReduceNumbers, RunReduceMin, 1, false, TouchedByReduction},
    {"ReduceProd", 1, 2, 1, 1, kReduceAttributes, InferReduceNumbers, RunReduceProd, 1, false, TouchedByReduction},
    {"ReduceL2", 1, 2, 1, 1, kReduceAttributes, InferReduce, RunReduceL2, 1, false, TouchedByReduction},
};

}  // namespace

std::span<const Operator> ReductionRows() { return kReductionRows; }

}  // namespace prefiqs::ops
