#include "ops/specialise.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/count.h"
#include "base/file.h"
#include "ops/cast_like.h"
#include "ops/operator.h"
#include "ops/rule.h"
#include "ops/shape_value.h"

namespace prefiqs::ops {
namespace {

using graph::Graph;
using graph::Node;
using graph::Shape;
using graph::Value;
using graph::ValueId;

// Element visits that folding may cost in all. Enough for anything exporters leave to fold (a network's weights,
// transposed or scaled a few times); what is beyond stays in the graph and is computed in the run.
constexpr std::int64_t kMaxFoldingWork = std::int64_t{1} << 30;
// A node this small is always folded: arithmetic with shapes must not depend on what weights used up.
constexpr std::int64_t kAlwaysFolded = 1024;

std::int64_t CappedMultiply(std::int64_t a, std::int64_t b) {
  std::int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? kMaxFoldingWork : std::min(product, kMaxFoldingWork);
}

// How many element visits the reference kernel makes, about; at most 2 kMaxFoldingWork.
std::int64_t FoldingWork(const Node& node, std::span<const InferInput> inputs, std::span<const TensorType> outputs) {
  std::int64_t read = 0;
  std::int64_t written = 0;
  const auto add = [](std::int64_t& sum, const Shape& shape) {
    sum = std::min(sum + graph::ElementCount(shape), kMaxFoldingWork);
  };
  for (const InferInput& input : inputs) {
    if (input.type != nullptr) add(read, input.type->shape);
  }
  for (const TensorType& output : outputs) add(written, output.shape);
  std::int64_t per_output = 1;
  if (node.op == "MaxPool" || node.op == "AveragePool") {
    for (const std::int64_t size : node.Ints("kernel_shape")) per_output = CappedMultiply(per_output, size);
  }
  if (node.op == "Resize") per_output = 64;  // taps of a cubic over three dimensions
  const std::int64_t kernel = std::max(CappedMultiply(written, per_output), MultiplyAdds(node, inputs, outputs));
  return std::min(std::min(kernel, kMaxFoldingWork) + read, 2 * kMaxFoldingWork);
}

class Folder {
 public:
  Folder(const Graph& graph, const SpecialiseLimits& limits) : graph_(graph), limits_(limits) {}

  void SetInputs(const std::map<std::string, Shape>& shapes) {
    std::size_t found = 0;
    for (const ValueId id : graph_.inputs) {
      Value& input = graph_.value(id);
      if (const auto given = shapes.find(input.name); given != shapes.end()) {
        ++found;
        SetInput(input, given->second);
      } else if (!input.shape_known || std::ranges::any_of(input.shape, [](std::int64_t d) { return d < 0; })) {
        throw Error(ErrorCode::kModel,
                    fmt::format("input '{}' has open dimensions{}{}; give its shape", Shown(input),
                                input.shape_known ? ": " : "", input.shape_known ? graph::ToString(input.shape) : ""));
      }
      CountOrThrow(input, "input");
    }
    if (found == shapes.size()) return;
    for (const auto& given : shapes) {
      const bool exists =
          std::ranges::any_of(graph_.inputs, [&](ValueId id) { return graph_.value(id).name == given.first; });
      if (!exists) throw Error(ErrorCode::kUsage, fmt::format("the network has no input '{}'", Printable(given.first)));
    }
  }

  void CountConstants() {
    for (const Value& value : graph_.values) {
      if (value.constant != nullptr) CountOrThrow(value, "constant");
    }
  }

  // What they cost is not this fold's; how many dimensions they have is.
  void CheckConstants() const {
    for (const Value& value : graph_.values) {
      if (value.constant == nullptr || value.shape.size() <= kMaxRank) continue;
      throw Error(ErrorCode::kModel, fmt::format("constant '{}' has more than {} dimensions, which is not supported",
                                                 Shown(value), kMaxRank));
    }
  }

  // With `constants_only`, nodes with an input that is not constant stay as they are and need no known shapes.
  void Run(bool constants_only) {
    std::size_t kept = 0;
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      Node& node = graph_.nodes[n];
      // Asks for a type alone, which does not wait for the value that has it.
      if (!constants_only && node.op == "CastLike" && node.inputs[1] != graph::kNone)
        node = CastTo(graph_.value(node.inputs[1]).type, node);
      const bool all_constant = std::ranges::all_of(
          node.inputs, [&](ValueId id) { return id == graph::kNone || graph_.constant(id) != nullptr; });
      if ((all_constant || !constants_only) && Visit(node, all_constant)) continue;
      if (kept != n) graph_.nodes[kept] = std::move(node);
      ++kept;
    }
    graph_.nodes.resize(kept);
  }

  Graph Take() && { return std::move(graph_); }

 private:
  static std::string Shown(const Value& value) { return Printable(std::string_view(value.name).substr(0, 200)); }

  static void SetInput(Value& input, const Shape& given) {
    bool fits = !input.shape_known || input.shape.size() == given.size();
    for (std::size_t d = 0; fits && d < given.size(); ++d) {
      const bool open = !input.shape_known || input.shape[d] == graph::kUnknown;
      fits = open ? given[d] >= 1 : given[d] == input.shape[d];
    }
    if (!fits) {
      throw Error(ErrorCode::kModel,
                  fmt::format("input '{}' cannot have the shape {}{}{}", Shown(input), graph::ToString(given),
                              input.shape_known ? "; the network wants " : "",
                              input.shape_known ? graph::ToString(input.shape) : ""));
    }
    input.shape = given;
    input.shape_known = true;
  }

  // Counts a value of known shape. What limit it passes; empty: none.
  std::string OverLimit(const Value& value) {
    if (value.shape.size() > kMaxRank) return fmt::format("more than {} dimensions are not supported", kMaxRank);
    std::int64_t bytes = 0;
    try {
      bytes = graph::ElementCount(value.shape) * static_cast<std::int64_t>(graph::SizeOf(value.type));
    } catch (const Error& error) {
      return error.what();
    }
    if (bytes > limits_.max_value_bytes) {
      return fmt::format("a value of shape {} needs {} bytes, the limit is {}; use a smaller input",
                         graph::ToString(value.shape), bytes, limits_.max_value_bytes);
    }
    if (bytes > limits_.max_total_bytes - total_bytes_) {
      return fmt::format("all values together need more than the limit of {} bytes; use a smaller input",
                         limits_.max_total_bytes);
    }
    total_bytes_ += bytes;
    return "";
  }

  void CountOrThrow(const Value& value, std::string_view what) {
    const std::string cause = OverLimit(value);
    if (!cause.empty()) throw Error(ErrorCode::kModel, fmt::format("{} '{}': {}", what, Shown(value), cause));
  }

  // Infers and, where it can, folds. True: the node is folded and goes.
  bool Visit(const Node& node, bool all_constant) {
    const Operator& op = *Find(node.op);
    std::vector<TensorType> types(node.inputs.size());
    std::vector<InferInput> inputs(node.inputs.size());
    for (std::size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] == graph::kNone) continue;
      const Value& value = graph_.value(node.inputs[i]);
      types[i] = {value.type, value.shape};
      inputs[i] = {&types[i], value.constant.get()};
    }
    const std::vector<TensorType> outputs = op.infer(node, inputs);
    if (outputs.size() < node.outputs.size()) Fail(node, fmt::format("makes {} only", Count(outputs.size(), "output")));
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i] == graph::kNone) continue;
      Value& value = graph_.value(node.outputs[i]);
      value.type = outputs[i].type;
      value.shape = outputs[i].shape;
      value.shape_known = true;
      if (const std::string cause = OverLimit(value); !cause.empty()) Fail(node, cause);
    }
    if (node.op == "Shape") {
      SetConstant(node.outputs[0], ShapeValue(node, types[0].shape));
      return true;
    }
    if (!all_constant || !Affordable(FoldingWork(node, inputs, outputs))) return false;
    Fold(node);
    return true;
  }

  bool Affordable(std::int64_t work) {
    if (work <= kAlwaysFolded) return true;
    if (work > work_left_) return false;
    work_left_ -= work;
    return true;
  }

  void Fold(const Node& node) {
    std::vector<const graph::Tensor*> inputs;
    for (const ValueId id : node.inputs) inputs.push_back(graph_.constant(id));
    std::vector<graph::Tensor> results = Evaluate(node, inputs);
    for (std::size_t i = 0; i < node.outputs.size(); ++i) SetConstant(node.outputs[i], std::move(results[i]));
  }

  void SetConstant(ValueId id, graph::Tensor tensor) {
    if (id != graph::kNone) graph_.value(id).constant = std::make_shared<const graph::Tensor>(std::move(tensor));
  }

  Graph graph_;
  const SpecialiseLimits limits_;
  std::int64_t total_bytes_ = 0;
  std::int64_t work_left_ = kMaxFoldingWork;
};

}  // namespace

Graph InferShapes(const Graph& graph, const std::map<std::string, Shape>& input_shapes,
                  const SpecialiseLimits& limits) {
  CheckSupported(graph);
  Folder folder(graph, limits);
  folder.SetInputs(input_shapes);
  folder.CountConstants();
  folder.Run(false);
  return std::move(folder).Take();
}

Graph Specialise(const Graph& graph, const std::map<std::string, Shape>& input_shapes, const SpecialiseLimits& limits) {
  return graph::RemoveUnused(InferShapes(graph, input_shapes, limits));
}

Graph FoldConstants(const Graph& graph, const SpecialiseLimits& limits) {
  CheckSupported(graph);
  Folder folder(graph, limits);
  folder.CheckConstants();
  folder.Run(true);
  return std::move(folder).Take();
}

}  // namespace prefiqs::ops
