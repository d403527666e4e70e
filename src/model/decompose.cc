#include "model/decompose.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "model/decompose_parts.h"
#include "model/normalise.h"

namespace prefiqs::model {
namespace {

using graph::kNone;
using graph::Node;
using graph::Tensor;
using graph::ValueId;

const Decomposition* Find(std::string_view domain, std::string_view op) {
  for (const auto rows : {SimpleDecompositions, NormalisingDecompositions, FusedDecompositions, EinsumDecompositions,
                          PackedDecompositions}) {
    for (const Decomposition& row : rows()) {
      if (row.op == op && row.domain == domain) return &row;
    }
  }
  return nullptr;
}

void Check(const Node& node, const Decomposition& row) {
  for (const auto& [key, value] : node.attributes) {
    if (std::ranges::find(row.attributes, key) == row.attributes.end()) {
      Parts::Fail(fmt::format("attribute '{}' is not supported; export the network without it", key));
    }
  }
  const auto inputs = static_cast<int>(node.inputs.size()), outputs = static_cast<int>(node.outputs.size());
  if (inputs < row.min_inputs) {
    Parts::Fail(fmt::format("has {} inputs, it needs {}; the file is damaged, export the network again", inputs,
                            row.min_inputs));
  }
  if (outputs < 1) Parts::Fail("has no output; the file is damaged, export the network again");
  for (int i = row.max_inputs; row.max_inputs >= 0 && i < inputs; ++i) {
    if (node.inputs[static_cast<std::size_t>(i)] == kNone) continue;
    Parts::Fail(fmt::format("input {} is not supported; export the network without it", i));
  }
  if (outputs > row.max_outputs) {
    Parts::Fail(fmt::format("has {} outputs, this program supports at most {}; export the network without the others",
                            outputs, row.max_outputs));
  }
}

}  // namespace

void Parts::Fail(std::string_view cause) { throw Error(ErrorCode::kModel, std::string(cause)); }

ValueId Parts::Required(std::size_t i) const {
  if (In(i) == kNone) Fail(fmt::format("input {} is missing; the file is damaged, export the network again", i));
  return In(i);
}

ValueId Parts::Number(float value) {
  return sink.NewConstant(fmt::format("{}/number", node.name), Tensor::Scalar(value));
}

ValueId Parts::Integers(const std::vector<std::int64_t>& values) {
  return sink.NewConstant(fmt::format("{}/integers", node.name), Tensor::FromInt64s(values));
}

ValueId Parts::Emit(std::string_view op, std::vector<ValueId> inputs, Attributes attributes) {
  return EmitMany(op, std::move(inputs), 1, std::move(attributes))[0];
}

std::vector<ValueId> Parts::EmitMany(std::string_view op, std::vector<ValueId> inputs, std::size_t outputs,
                                     Attributes attributes) {
  Node part{.name = fmt::format("{}/{}", node.name, op),
            .op = std::string(op),
            .inputs = std::move(inputs),
            .outputs = {},
            .attributes = std::move(attributes)};
  for (std::size_t i = 0; i < outputs; ++i) part.outputs.push_back(sink.NewValue(part.name));
  const std::vector<ValueId> results = part.outputs;
  sink.Add(std::move(part));
  return results;
}

void Parts::Result(std::string_view op, std::vector<ValueId> inputs, Attributes attributes, std::size_t output) {
  sink.Add({.name = output == 0 ? node.name : fmt::format("{}/{}", node.name, output),
            .op = std::string(op),
            .inputs = std::move(inputs),
            .outputs = {node.outputs.at(output)},
            .attributes = std::move(attributes)});
}

ValueId Parts::Sum(ValueId x, ValueId y) {
  if (x == kNone || y == kNone) return x == kNone ? y : x;
  return Emit("Add", {x, y});
}

std::size_t Parts::Rank(ValueId id) const {
  if (const auto rank = sink.Rank(id)) return *rank;
  Fail(
      "the file does not tell how many dimensions its input has; run ONNX's shape inference on it "
      "(onnx.shape_inference.infer_shapes)");
}

bool Decompose(const Node& node, std::string_view domain, std::int64_t opset, NodeSink& sink) {
  const Decomposition* const row = Find(domain, node.op);
  if (row == nullptr) return false;
  if (domain.empty()) CheckSince(row->since, opset);
  Check(node, *row);
  Parts parts{node, opset, sink};
  row->apply(parts);
  return true;
}

}  // namespace prefiqs::model
