#include "engine/io_check.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>

#include "base/count.h"

namespace prefiqs::engine {
namespace {

void CheckOne(const graph::Value& value, const graph::Tensor* tensor) {
  if (tensor != nullptr && tensor->type() == value.type && tensor->shape() == value.shape) return;
  throw Error(
      ErrorCode::kInternal,
      fmt::format("'{}' is {} {}, the caller gave {}", value.name, Name(value.type), graph::ToString(value.shape),
                  tensor == nullptr ? "nothing"
                                    : fmt::format("{} {}", Name(tensor->type()), graph::ToString(tensor->shape()))));
}

}  // namespace

void CheckSpecialised(const graph::Graph& graph) {
  for (const graph::Value& value : graph.values) {
    if (!value.shape_known || std::find(value.shape.begin(), value.shape.end(), graph::kUnknown) != value.shape.end()) {
      throw Error(ErrorCode::kInternal, fmt::format("cannot compile: the shape of '{}' is not known", value.name));
    }
  }
}

void CheckInputsAndOutputs(const graph::Graph& graph, std::span<const graph::Tensor* const> inputs,
                           std::span<const graph::Tensor> outputs) {
  if (inputs.size() != graph.inputs.size() || outputs.size() != graph.outputs.size()) {
    throw Error(ErrorCode::kInternal,
                fmt::format("the graph has {} and {}, the caller gave {} and {}", Count(graph.inputs.size(), "input"),
                            Count(graph.outputs.size(), "output"), inputs.size(), outputs.size()));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) CheckOne(graph.value(graph.inputs[i]), inputs[i]);
  for (std::size_t i = 0; i < outputs.size(); ++i) CheckOne(graph.value(graph.outputs[i]), &outputs[i]);
}

}  // namespace prefiqs::engine
