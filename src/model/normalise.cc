#include "model/normalise.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/tensor_proto.h"
#include "ops/operator.h"

namespace prefiqs::model {
namespace {

using graph::Attribute;
using graph::Node;
using graph::Tensor;

[[noreturn]] void Fail(std::string_view cause) { throw Error(ErrorCode::kModel, std::string(cause)); }

void SetInput(Node& node, std::size_t position, graph::ValueId value) {
  if (node.inputs.size() <= position) node.inputs.resize(position + 1, graph::kNone);
  if (node.inputs[position] != graph::kNone) Fail(fmt::format("input {} is given as attribute and as input", position));
  node.inputs[position] = value;
}

// Attribute -> one-dimensional int64 input. Nothing where the attribute is absent.
void IntsToInput(Node& node, const char* key, std::size_t position, const MakeConstant& make_constant) {
  if (!node.Has(key)) return;
  SetInput(node, position, make_constant(key, Tensor::FromInt64s(node.Ints(key))));
  node.attributes.erase(key);
}

void FloatToInput(Node& node, const char* key, std::size_t position, const MakeConstant& make_constant) {
  if (!node.Has(key)) return;
  SetInput(node, position, make_constant(key, Tensor::Scalar(node.Float(key, 0.0f))));
  node.attributes.erase(key);
}

void AxesToInput(Node& node, const MakeConstant& make_constant) { IntsToInput(node, "axes", 1, make_constant); }

void ClipBoundsToInputs(Node& node, const MakeConstant& make_constant) {
  FloatToInput(node, "min", 1, make_constant);
  FloatToInput(node, "max", 2, make_constant);
}

void SplitSizesToInput(Node& node, const MakeConstant& make_constant) { IntsToInput(node, "split", 1, make_constant); }

// Until 18 the number of equal parts was the number of outputs.
void CountSplitOutputs(Node& node, const MakeConstant&) {
  if (node.inputs.size() < 2 || node.inputs[1] == graph::kNone) {
    node.attributes["num_outputs"] = static_cast<std::int64_t>(node.outputs.size());
  }
}

void SliceBoundsToInputs(Node& node, const MakeConstant& make_constant) {
  if (!node.Has("starts") || !node.Has("ends")) Fail("the attributes starts and ends are missing");
  IntsToInput(node, "starts", 1, make_constant);
  IntsToInput(node, "ends", 2, make_constant);
  IntsToInput(node, "axes", 3, make_constant);
}

void PadsToInputs(Node& node, const MakeConstant& make_constant) {
  if (!node.Has("pads")) Fail("the attribute pads is missing");
  IntsToInput(node, "pads", 1, make_constant);
  FloatToInput(node, "value", 2, make_constant);
}

// In inference Dropout passes its input on, whatever ratio and seed are.
void DropoutOfInference(Node& node, const MakeConstant&) {
  node.attributes.erase("ratio");
  node.attributes.erase("seed");
  node.attributes.erase("is_test");
}

void CoerceSoftmax(Node& node, const MakeConstant&) {
  node.attributes["axis"] = node.Int("axis", 1);
  node.attributes["coerce_2d"] = std::int64_t{1};
}

// Resize before 11 had the inputs X and scales, and no say in coordinates: output pixel i is input pixel floor(i /
// scale).
void ResizeOfOpset10(Node& node, const MakeConstant& make_constant) {
  if (node.inputs.size() > 2) Fail("Resize before opset 11 has two inputs");
  if (node.inputs.size() == 2) {
    node.inputs.insert(node.inputs.begin() + 1, graph::kNone);
  } else if (node.Has("scales")) {  // Upsample 7
    const auto scales = node.Floats("scales");
    SetInput(node, 2, make_constant("scales", Tensor::From<float>({static_cast<std::int64_t>(scales.size())}, scales)));
    node.attributes.erase("scales");
  }
  node.attributes["coordinate_transformation_mode"] = std::string("asymmetric");
  node.attributes["nearest_mode"] = std::string("floor");
}

void UpsampleToResize(Node& node, const MakeConstant&) { node.op = "Resize"; }

void ResizeOfOpset11(Node& node, const MakeConstant&) {
  if (node.String("coordinate_transformation_mode", "") == "tf_half_pixel_for_nn") {
    Fail(
        "the coordinate_transformation_mode tf_half_pixel_for_nn was withdrawn from ONNX; export with opset 13 or "
        "newer");
  }
}

// Statistics are the stored ones in inference. `spatial` = 0 differs from 1 only by the rank of scale, which the shape
// rule checks.
void InferenceBatchNormalization(Node& node, const MakeConstant&) {
  if (node.Int("training_mode", 0) != 0) Fail("training_mode is set; export the network in evaluation mode");
  for (const char* key : {"training_mode", "momentum", "spatial"}) node.attributes.erase(key);
}

void WidenCast(Node& node, const MakeConstant&) {
  if (!node.Has("to")) Fail("the attribute to is missing");
  const std::int64_t to = node.Int("to", 0);
  const bool in_range = to >= 0 && to <= std::numeric_limits<std::int32_t>::max();
  const auto type = in_range ? Widened(static_cast<std::int32_t>(to)) : std::nullopt;
  if (!type)
    Fail(fmt::format("a cast to {} is not supported",
                     in_range ? TypeName(static_cast<std::int32_t>(to)) : fmt::format("{}", to)));
  node.attributes["to"] = std::int64_t{OnnxType(*type)};
  node.attributes.erase("saturate");  // for 8-bit floats
}

// It is about 8-bit floats.
void DropSaturate(Node& node, const MakeConstant&) { node.attributes.erase("saturate"); }

struct Rule {
  std::string_view op;
  std::int64_t below;  // applies to files of an older opset than this
  void (*apply)(Node& node, const MakeConstant& make_constant);
};
constexpr std::int64_t kAlways = kNewestOpset + 1;

// Applied from top to bottom: a rule may rename the operator for those under it.
constexpr Rule kRules[] = {
    {"BatchNormalization", kAlways, InferenceBatchNormalization},
    {"Cast", kAlways, WidenCast},
    {"CastLike", kAlways, DropSaturate},
    {"Clip", 11, ClipBoundsToInputs},
    {"Dropout", kAlways, DropoutOfInference},
    {"Pad", 11, PadsToInputs},
    {"ReduceL2", 18, AxesToInput},
    {"ReduceMax", 18, AxesToInput},
    {"ReduceMean", 18, AxesToInput},
    {"ReduceMin", 18, AxesToInput},
    {"ReduceProd", 18, AxesToInput},
    {"ReduceSum", 13, AxesToInput},
    {"Slice", 10, SliceBoundsToInputs},
    {"Softmax", 13, CoerceSoftmax},
    {"Split", 13, SplitSizesToInput},
    {"Split", 18, CountSplitOutputs},
    {"Squeeze", 13, AxesToInput},
    {"Unsqueeze", 13, AxesToInput},
    {"Upsample", 10, UpsampleToResize},
    {"Resize", 11, ResizeOfOpset10},
    {"Resize", 13, ResizeOfOpset11},
};

// Attributes that say with this value what holds without them.
struct Neutral {
  std::string_view op;
  const char* key;
  std::int64_t value;
};
constexpr Neutral kNeutral[] = {
    {"LayerNormalization", "stash_type", 1},  // float32, which we always compute in
    {"MaxPool", "storage_order", 0},          // matters for the second output only
    {"Resize", "antialias", 0},
    {"Resize", "exclude_outside", 0},
};

}  // namespace

void CheckSince(std::int64_t since, std::int64_t opset) {
  if (opset >= since) return;
  Fail(fmt::format("needs opset {} or newer, the file has {}; export the network with a newer opset", since, opset));
}

void Normalise(Node& node, std::int64_t opset, const MakeConstant& make_constant) {
  constexpr std::int64_t kUpsampleSince = 7;  // it has no row: a rule renames it
  const ops::Operator* const row = ops::Find(node.op);
  CheckSince(node.op == "Upsample" ? kUpsampleSince : row == nullptr ? 1 : row->since, opset);
  for (const Rule& rule : kRules) {
    if (rule.op == node.op && opset < rule.below) rule.apply(node, make_constant);
  }
  for (const Neutral& neutral : kNeutral) {
    if (neutral.op == node.op && node.Has(neutral.key) && node.Int(neutral.key, 0) == neutral.value) {
      node.attributes.erase(neutral.key);
    }
  }
}

}  // namespace prefiqs::model
