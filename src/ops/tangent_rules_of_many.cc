// Derivatives of operators that look at many elements. Sums are ratios of means: nobody needs to know of how many.
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "ops/tangent_rules.h"

namespace prefiqs::ops {
namespace {

using graph::kNone;
using graph::Node;
using graph::ValueId;

using Maker = TangentMaker;
using Terms = TangentMaker::Terms;

ValueId Mean(Maker& m, ValueId x, std::int64_t axis) {
  return m.Emit("ReduceMean", {x, m.Integers({axis})}, {{"keepdims", std::int64_t{1}}});
}

// As two dimensions: those before the axis, and those from it on.
ValueId Flat(Maker& m, ValueId x, std::int64_t axis) { return m.Emit("Flatten", {x}, {{"axis", axis}}); }

ValueId ShapedLike(Maker& m, ValueId x, ValueId like) { return m.Emit("Reshape", {x, m.Emit("Shape", {like})}); }

// y = √Σx²: dy = Σ x dx / y = y Σ x dx / Σ x².
void ReduceL2(Maker& m, const Node& node) {
  const ValueId x = node.inputs[0], y = node.outputs[0];
  const auto mean = [&](ValueId v) {
    std::vector<ValueId> inputs = node.inputs;
    inputs[0] = v;
    return m.Emit("ReduceMean", inputs, node.attributes);
  };
  const ValueId ratio = m.Emit("Div", {mean(m.Emit("Mul", {x, m.Of(x)})), mean(m.Emit("Mul", {x, x}))});
  m.Set(y, {m.Emit("Mul", {y, ratio})});
}

// The mean of dx over the places that hold the extreme: those of distance 0 to it.
void ReduceExtreme(Maker& m, const Node& node) {
  const ValueId x = node.inputs[0];
  std::vector<ValueId> inputs = node.inputs;
  TangentMaker::Attributes kept = node.attributes;
  kept["keepdims"] = std::int64_t{1};
  const ValueId extreme = m.Emit(node.op, inputs, kept);
  // 1 at the others: the smallest difference of two numbers times this is at least one.
  const ValueId large =
      m.Emit("Mul", {m.Emit("Abs", {m.Emit("Sub", {x, extreme})}), m.Number(std::numeric_limits<float>::max())});
  const ValueId here = m.Emit("Sub", {m.Number(1), m.Emit("Clip", {large, m.Number(0), m.Number(1)})});
  const auto sum = [&](ValueId v) {
    inputs[0] = v;
    return m.Emit("ReduceSum", inputs, node.attributes);
  };
  m.Set(node.outputs[0], {m.Emit("Div", {sum(m.Emit("Mul", {here, m.Of(x)})), sum(here)})});
}

// Σ dx times the product of the others. Of several zeros nothing is left; of one, its own term.
void ReduceProd(Maker& m, const Node& node) {
  const ValueId x = node.inputs[0], dx = m.Of(x), none = m.Number(0), one = m.Number(1);
  const ValueId is_zero = m.Emit("Equal", {x, none}), others = m.Emit("Where", {is_zero, one, x});
  const auto reduced = [&](std::string_view op, ValueId v) {
    std::vector<ValueId> inputs = node.inputs;
    inputs[0] = v;
    return m.Emit(op, inputs, node.attributes);
  };
  const ValueId zeros = reduced("ReduceSum", m.Emit("Where", {is_zero, one, none}));
  const ValueId ratios = reduced("ReduceSum", m.Emit("Where", {is_zero, none, m.Emit("Div", {dx, others})}));
  const ValueId of_zero = reduced("ReduceSum", m.Emit("Where", {is_zero, dx, none}));
  const ValueId sum = m.Emit("Where", {m.Emit("Equal", {zeros, none}), ratios,
                                       m.Emit("Where", {m.Emit("Equal", {zeros, one}), of_zero, none})});
  m.Set(node.outputs[0], {m.Emit("Mul", {reduced("ReduceProd", others), sum})});
}

// y (dx - Σ y dx), and Σ y = 1.
void Softmax(Maker& m, const Node& node) {
  const bool flat = node.Int("coerce_2d", 0) != 0;
  const std::int64_t axis = node.Int("axis", -1), of_sum = flat ? -1 : axis;
  const auto lines = [&](ValueId v) { return flat ? Flat(m, v, axis) : v; };
  const ValueId y = lines(node.outputs[0]), dx = lines(m.Of(node.inputs[0]));
  const ValueId sum = m.Emit("Div", {Mean(m, m.Emit("Mul", {y, dx}), of_sum), Mean(m, y, of_sum)});
  const ValueId dy = m.Emit("Mul", {m.Emit("Sub", {dx, sum}), y});
  m.Set(node.outputs[0], {flat ? ShapedLike(m, dy, node.outputs[0]) : dy});
}

// What the places hold at which the largest lie.
void MaxPool(Maker& m, const Node& node) {
  const ValueId x = node.inputs[0];
  const ValueId places = m.EmitMany("MaxPool", {x}, 2, node.attributes)[1];
  const ValueId line = m.Emit("Reshape", {m.Of(x), m.Integers({-1})});
  m.Set(node.outputs[0], {m.Emit("Gather", {line, places}, {{"axis", std::int64_t{0}}})});
}

// --- Normalisations: y = scale x̂ + offset.

// By scale and offset, inputs 1 and 2: the same with their derivatives in their place.
Terms ScaleAndOffset(Maker& m, const Node& node) {
  std::vector<ValueId> inputs = node.inputs;
  bool changes = false;
  for (std::size_t i = 1; i < 3 && i < inputs.size(); ++i) {
    if (inputs[i] == kNone) continue;
    changes = changes || m.Has(inputs[i]);
    inputs[i] = m.Has(inputs[i]) ? m.Of(inputs[i]) : m.Zero(inputs[i]);
  }
  return changes ? Terms{m.Emit(node.op, inputs, node.attributes)} : Terms{};
}

// By x without mean and offset.
void BatchNormalization(Maker& m, const Node& node) {
  Terms terms;
  if (m.Has(node.inputs[0])) {
    Node scale = node;
    for (const std::size_t i : {2u, 3u}) scale.inputs[i] = m.Zero(node.inputs[i]);
    terms = m.TermsAgain(scale, 0);
  }
  for (const ValueId term : ScaleAndOffset(m, node)) terms.push_back(term);
  m.Set(node.outputs[0], terms);
}

// x̂ = (x - mean(x)) / σ. dσ = mean(x̂ dx), and dx̂ = (dx - mean(dx) - x̂ dσ) / σ.
struct Normalised {
  ValueId mean, deviation;  // their derivatives
  ValueId result;
};
template <typename MeanOf>
Normalised OfNormalised(Maker& m, ValueId normal, ValueId inverse_deviation, ValueId dx, MeanOf mean_of) {
  const ValueId mean = mean_of(dx), deviation = mean_of(m.Emit("Mul", {normal, dx}));
  const ValueId along = m.Emit("Mul", {normal, deviation});
  const ValueId across = m.Emit("Sub", {m.Emit("Sub", {dx, mean}), along});
  return {mean, deviation, m.Emit("Mul", {across, inverse_deviation})};
}

void LayerNormalization(Maker& m, const Node& node) {
  const std::int64_t axis = node.Int("axis", -1);
  const ValueId x = node.inputs[0];
  Terms terms;
  if (m.Has(x)) {
    const std::vector<ValueId> unscaled =
        m.EmitMany("LayerNormalization", {x, m.Number(1)}, 3, node.attributes);  // x̂, mean, 1 / σ
    const ValueId inverse = Flat(m, unscaled[2], axis);
    const Normalised change = OfNormalised(m, Flat(m, unscaled[0], axis), inverse, Flat(m, m.Of(x), axis),
                                           [&](ValueId v) { return Mean(m, v, -1); });
    terms.push_back(m.Emit("Mul", {ShapedLike(m, change.result, x), node.inputs[1]}));
    const auto further = [&](std::size_t i) { return i < node.outputs.size() ? node.outputs[i] : kNone; };
    if (further(1) != kNone) m.Set(further(1), {ShapedLike(m, change.mean, unscaled[1])});
    if (further(2) != kNone) {  // d(1 / σ) = -dσ / σ²
      const ValueId square = m.Emit("Mul", {m.Emit("Mul", {inverse, inverse}), m.Number(-1)});
      m.Set(further(2), {ShapedLike(m, m.Emit("Mul", {square, change.deviation}), unscaled[2])});
    }
  }
  for (const ValueId term : ScaleAndOffset(m, node)) terms.push_back(term);
  m.Set(node.outputs[0], terms);
}

// Over what lies in a channel.
void InstanceNormalization(Maker& m, const Node& node) {
  const ValueId x = node.inputs[0], scale = node.inputs[1];
  Terms terms;
  if (m.Has(x)) {
    const auto mean = [&](ValueId v) { return m.Emit("GlobalAveragePool", {v}); };
    const ValueId centred = m.Emit("Sub", {x, mean(x)});
    const ValueId epsilon = m.Number(node.Float("epsilon", 1e-5f));
    const ValueId variance = m.Emit("Add", {mean(m.Emit("Mul", {centred, centred})), epsilon});
    const ValueId inverse = m.Emit("Div", {m.Number(1), m.Emit("Sqrt", {variance})});
    const Normalised change = OfNormalised(m, m.Emit("Mul", {centred, inverse}), inverse, m.Of(x), mean);
    // The scale's axis is the second of x, whose rank nobody knows yet.
    const ValueId zero = m.Zero(scale), one = m.Emit("Add", {zero, m.Number(1)});
    terms.push_back(m.Emit("BatchNormalization", {change.result, scale, zero, zero, one}, {{"epsilon", 0.0f}}));
  }
  for (const ValueId term : ScaleAndOffset(m, node)) terms.push_back(term);
  m.Set(node.outputs[0], terms);
}

}  // namespace

std::span<const TangentRule> RulesOfMany() {
  static const std::array kRules{
      TangentRule{"MaxPool", {0}, MaxPool},
      TangentRule{"ReduceL2", {0}, ReduceL2},
      TangentRule{"ReduceMax", {0}, ReduceExtreme},
      TangentRule{"ReduceMin", {0}, ReduceExtreme},
      TangentRule{"ReduceProd", {0}, ReduceProd},
      TangentRule{"Softmax", {0}, Softmax},
      TangentRule{"BatchNormalization", {0, 1, 2}, BatchNormalization},
      TangentRule{"LayerNormalization", {}, LayerNormalization},
      TangentRule{"InstanceNormalization", {}, InstanceNormalization},
  };
  return kRules;
}

}  // namespace prefiqs::ops
