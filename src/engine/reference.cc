// Node by node with the operator table's reference kernels; nothing is rewritten.
#include <cstring>
#include <optional>

#include "base/denormals.h"
#include "engine/executor.h"
#include "engine/io_check.h"
#include "engine/reference_node.h"

namespace prefiqs::engine {
namespace {

class ReferenceContext : public Context {};  // every run makes its own tensors

class ReferenceExecutor : public Executor {
 public:
  explicit ReferenceExecutor(const graph::Graph& graph) : graph_(graph), last_use_(graph.values.size(), 0) {
    CheckSpecialised(graph);
    for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
      nodes_.emplace_back(graph_, graph_.nodes[n]);
      for (graph::ValueId id : graph_.nodes[n].inputs) NoteUse(id, n);
      for (graph::ValueId id : graph_.nodes[n].outputs) NoteUse(id, n);
    }
    for (graph::ValueId id : graph_.outputs) NoteUse(id, graph_.nodes.size());
  }

  std::unique_ptr<Context> NewContext() const override { return std::make_unique<ReferenceContext>(); }

  void Run(Context&, std::span<const graph::Tensor* const> inputs, std::span<graph::Tensor> outputs) const override {
    CheckInputsAndOutputs(graph_, inputs, outputs);
    const DenormalsAreZero denormals_are_zero;
    std::vector<std::optional<graph::Tensor>> made(graph_.values.size());
    std::vector<const graph::Tensor*> values(graph_.values.size(), nullptr);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = graph_.values[i].constant.get();
    for (std::size_t i = 0; i < inputs.size(); ++i) values[static_cast<std::size_t>(graph_.inputs[i])] = inputs[i];

    for (std::size_t n = 0; n < nodes_.size(); ++n) {
      const graph::Node& node = graph_.nodes[n];
      std::vector<const graph::Tensor*> arguments;
      for (graph::ValueId id : node.inputs) {
        arguments.push_back(id == graph::kNone ? nullptr : values[static_cast<std::size_t>(id)]);
      }
      std::vector<graph::Tensor> results = nodes_[n].Run(arguments);
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        if (node.outputs[i] == graph::kNone) continue;
        const auto id = static_cast<std::size_t>(node.outputs[i]);
        values[id] = &made[id].emplace(std::move(results[i]));
      }
      for (graph::ValueId id : node.inputs) {
        if (id != graph::kNone && last_use_[static_cast<std::size_t>(id)] == n)
          made[static_cast<std::size_t>(id)].reset();
      }
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const graph::Tensor& result = *values[static_cast<std::size_t>(graph_.outputs[i])];
      std::memcpy(outputs[i].bytes(), result.bytes(), result.byte_count());
    }
  }

  std::vector<LayerReport> Layers() const override {
    std::vector<LayerReport> layers;
    for (const graph::Node& node : graph_.nodes) layers.push_back({node.name, node.op, "reference"});
    return layers;
  }

  std::string InstructionSet() const override { return "portable"; }

 private:
  void NoteUse(graph::ValueId id, std::size_t node) {
    if (id != graph::kNone) last_use_[static_cast<std::size_t>(id)] = node;
  }

  graph::Graph graph_;
  std::vector<ReferenceNode> nodes_;
  std::vector<std::size_t> last_use_;  // per value: the index of the last node that reads it
};

}  // namespace

std::unique_ptr<const Executor> CompileReference(const graph::Graph& graph) {
  return std::make_unique<ReferenceExecutor>(graph);
}

}  // namespace prefiqs::engine
