// Normalisations in other operators, and constants that are stored quantised.
#include <fmt/format.h>

#include <cfloat>
#include <vector>

#include "model/decompose_parts.h"
#include "model/dequantise.h"

namespace prefiqs::model {
namespace {

using graph::kNone;
using graph::Tensor;
using graph::ValueId;

// x divided by its norm; zeros stay zeros. The largest number that is not normal is zero here (denormals), so that the
// smallest normal one in the divisor's place changes nothing else.
void LpNormalization(Parts& p) {
  const std::int64_t order = p.node.Int("p", 2);
  if (order != 1 && order != 2) p.Fail(fmt::format("p is {}, it must be 1 or 2", order));
  const ValueId x = p.Required(0), axes = p.Integers({p.node.Int("axis", -1)});
  const Parts::Attributes kept{{"keepdims", std::int64_t{1}}};
  const ValueId norm =
      order == 2 ? p.Emit("ReduceL2", {x, axes}, kept) : p.Emit("ReduceSum", {p.Emit("Abs", {x}), axes}, kept);
  p.Result("Div", {x, p.Emit("Max", {norm, p.Number(FLT_MIN)})});
}

constexpr std::int64_t kMostGroups = 1 << 16;

// A vector of `value`, as long as `like`, which may be known in the run only.
ValueId VectorLike(Parts& p, ValueId like, float value) {
  if (const Tensor* constant = p.sink.Constant(like)) {
    const std::vector<float> values(static_cast<std::size_t>(constant->count()), value);
    return p.sink.NewConstant(p.node.name + "/vector", Tensor::From<float>({constant->count()}, values));
  }
  const ValueId one_value = p.sink.NewConstant(p.node.name + "/vector", Tensor::From<float>({1}, std::vector{value}));
  return p.Emit("Expand", {one_value, p.Emit("Shape", {like})});
}

// The groups become the channels of an InstanceNormalization. Scale and offset are of channels, and of groups before
// opset 21.
void GroupNormalization(Parts& p) {
  const std::int64_t groups = p.node.Int("num_groups", 0);
  if (groups < 1) p.Fail("the attribute num_groups is missing");
  const ValueId x = p.Required(0), scale = p.Required(1), offset = p.Required(2);
  const Parts::Attributes epsilon{{"epsilon", p.node.Float("epsilon", 1e-5f)}};
  const ValueId grouped = p.Emit("Reshape", {x, p.Integers({0, groups, -1})});
  const ValueId shape = p.Emit("Shape", {x});
  if (p.opset < 21) {
    const ValueId y = p.Emit("InstanceNormalization", {grouped, scale, offset}, epsilon);
    return p.Result("Reshape", {y, shape});
  }
  const auto of_groups = [&](float value) {
    const std::vector<float> values(static_cast<std::size_t>(groups), value);
    return p.sink.NewConstant(p.node.name + "/groups", Tensor::From<float>({groups}, values));
  };
  if (groups > kMostGroups) p.Fail(fmt::format("{} groups are more than any network has", groups));
  const ValueId normal = p.Emit("InstanceNormalization", {grouped, of_groups(1), of_groups(0)}, epsilon);
  const ValueId back = p.Emit("Reshape", {normal, shape});
  // Its scale lies along the second axis, however many dimensions x has.
  p.Result("BatchNormalization", {back, scale, offset, VectorLike(p, scale, 0), VectorLike(p, scale, 1)},
           {{"epsilon", 0.0f}});
}

// --- By layer: over the axes from `axis` on.

// x / √(mean(x²) + epsilon) times the scale.
void RmsNormalisation(Parts& p, ValueId x, ValueId scale, float epsilon) {
  std::int64_t axis = p.node.Int("axis", -1);
  if (axis >= 0) axis -= static_cast<std::int64_t>(p.Rank(x));
  constexpr std::int64_t kMostAxes = 16;
  if (axis >= 0 || axis < -kMostAxes) p.Fail(fmt::format("axis {} is out of range", p.node.Int("axis", -1)));
  std::vector<std::int64_t> axes;
  for (std::int64_t a = axis; a < 0; ++a) axes.push_back(a);
  const ValueId mean = p.Emit("ReduceMean", {p.Emit("Mul", {x, x}), p.Integers(axes)}, {{"keepdims", std::int64_t{1}}});
  const ValueId root = p.Emit("Sqrt", {p.Emit("Add", {mean, p.Number(epsilon)})});
  p.Result("Mul", {p.Emit("Div", {x, root}), scale});
}
void RmsNormalization(Parts& p) { RmsNormalisation(p, p.Required(0), p.Required(1), p.node.Float("epsilon", 1e-5f)); }

void LayerNormalization(Parts& p, ValueId x, ValueId scale, ValueId offset, float epsilon) {
  std::vector<ValueId> inputs{x, scale};
  if (offset != kNone) inputs.push_back(offset);
  p.Result("LayerNormalization", inputs, {{"axis", p.node.Int("axis", -1)}, {"epsilon", epsilon}});
}

// Mean and inverse deviation, outputs 1 and 2, are for training.
void RefuseStatistics(Parts& p) {
  for (std::size_t i = 1; i < p.node.outputs.size() && i < 3; ++i) {
    if (p.sink.IsNamed(p.node.outputs[i])) p.Fail(fmt::format("output {} is not supported", i));
  }
}

constexpr float kSkipEpsilon = 1e-12f;

// The sum of input, skip connection and bias, which is the output 3 as well.
ValueId SkipSum(Parts& p, ValueId bias) {
  RefuseStatistics(p);
  const ValueId sum = p.Emit("Add", {p.Sum(p.Required(0), bias), p.Required(1)});
  if (p.node.outputs.size() > 3) p.Result("Identity", {sum}, {}, 3);
  return sum;
}
void SkipLayerNormalization(Parts& p) {
  const ValueId sum = SkipSum(p, p.In(4));
  LayerNormalization(p, sum, p.Required(2), p.In(3), p.node.Float("epsilon", kSkipEpsilon));
}
void SkipRmsNormalization(Parts& p) {
  const ValueId sum = SkipSum(p, p.In(3));
  RmsNormalisation(p, sum, p.Required(2), p.node.Float("epsilon", kSkipEpsilon));
}
void LayerNormalizationOfOnnxRuntime(Parts& p) {
  RefuseStatistics(p);
  LayerNormalization(p, p.Required(0), p.Required(1), p.In(2), p.node.Float("epsilon", 1e-5f));
}
void SimplifiedLayerNormalization(Parts& p) {
  RefuseStatistics(p);
  RmsNormalization(p);
}

// --- Constants.

void DequantizeLinear(Parts& p) {
  const auto constant = [&](std::size_t i) -> const Tensor* {
    if (p.In(i) == kNone) return nullptr;
    if (const Tensor* tensor = p.sink.Constant(p.In(i))) return tensor;
    p.Fail(
        "this is a quantised network whose activations are quantised too, which is not supported; export it in "
        "float32, or quantise its weights alone");
  };
  p.Required(1);
  const Tensor& x = *constant(0);
  p.sink.SetConstant(p.node.outputs[0],
                     Dequantised(x, *constant(1), constant(2), p.node.Int("axis", 1), p.node.Int("block_size", 0)));
}

constexpr std::string_view kAxisP[] = {"axis", "p"};
constexpr std::string_view kGroup[] = {"num_groups", "epsilon", "stash_type"};
constexpr std::string_view kLayer[] = {"axis", "epsilon", "stash_type"};
constexpr std::string_view kEpsilon[] = {"epsilon"};
constexpr std::string_view kDequantise[] = {"axis", "block_size", "output_dtype"};

constexpr std::string_view kOnnxRuntime = "com.microsoft";
constexpr Decomposition kRows[] = {
    {"", "LpNormalization", 1, 1, 1, 1, kAxisP, LpNormalization},
    {"", "GroupNormalization", 18, 3, 3, 1, kGroup, GroupNormalization},
    {"", "RMSNormalization", 23, 2, 2, 1, kLayer, RmsNormalization},
    {"", "DequantizeLinear", 10, 2, 3, 1, kDequantise, DequantizeLinear},
    {kOnnxRuntime, "DequantizeLinear", 1, 2, 3, 1, kDequantise, DequantizeLinear},
    // ONNX Runtime has it in ONNX's own domain.
    {"", "SimplifiedLayerNormalization", 1, 2, 2, 2, kLayer, SimplifiedLayerNormalization},
    {kOnnxRuntime, "LayerNormalization", 1, 2, 3, 3, kLayer, LayerNormalizationOfOnnxRuntime},
    {kOnnxRuntime, "SkipLayerNormalization", 1, 3, 5, 4, kEpsilon, SkipLayerNormalization},
    {kOnnxRuntime, "SkipSimplifiedLayerNormalization", 1, 3, 4, 4, kEpsilon, SkipRmsNormalization},
};

}  // namespace

std::span<const Decomposition> NormalisingDecompositions() { return kRows; }

}  // namespace prefiqs::model
