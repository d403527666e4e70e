// Turns a rewritten graph into a plan, one node after the other.
#ifndef PREFIQS_ENGINE_ONEDNN_BUILDER_H_
#define PREFIQS_ENGINE_ONEDNN_BUILDER_H_

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/onednn/packing.h"
#include "engine/onednn/plan.h"
#include "graph/graph.h"

namespace prefiqs::engine::onednn {

// What a value's readers need to know of it while the plan grows. Emitters (emit.h) make the primitives; the builder
// knows where values lie and when their memory may be used again.
class Builder {
 public:
  // `graph` is specialised and rewritten; it must outlive the builder.
  Builder(const graph::Graph& graph, const CompileOptions& options);

  // Goes through the nodes and gives the finished plan.
  Plan Build() &&;

  const graph::Graph& graph() const { return graph_; }
  const dnnl::engine& engine() const { return plan_.engine; }
  // How `node`, a Conv or Gemm, multiplies: float32, for all its operands or none, wherever less would gain nothing.
  ChannelForm FactorForm(const graph::Node& node) const;

  // --- descriptions; they add nothing to the plan

  // float32, at least one element, and no more dimensions than oneDNN takes.
  bool Describable(graph::ValueId id) const;
  // Row-major; a scalar has one dimension. Only of what is describable, as all that follow.
  Desc Plain(graph::ValueId id) const;
  Desc Any(graph::ValueId id) const;     // the layout is the primitive's choice
  Desc Layout(graph::ValueId id) const;  // as it lies now

  // --- operands; these may add reorders

  // A constant that they give as it is has its elements; one that had to be rearranged gets them when all is built.
  Operand Read(graph::ValueId id);
  Operand ReadPlain(graph::ValueId id);
  Operand ReadAs(graph::ValueId id, const Desc& wanted);
  // Elements of `id`, row-major there, seen as `view` (same elements, other dimensions or strides), laid out as
  // `wanted`. Constants are arranged while compiling.
  Operand Arrange(graph::ValueId id, const Desc& view, const Desc& wanted);

  // Input 0 of a node of which FactorForm says kBf16: rounded, and laid out as `wanted`.
  Operand ReadFactor(graph::ValueId id, const Desc& wanted);

  // --- results

  Operand NewOperand(const Desc& desc);
  // The elements of `from` in another layout, in memory of its own.
  Operand Rearranged(const Operand& from, const Desc& wanted);
  // Whether a primitive may write over `operand`, which must come from Read or ReadAs of `overwritten`: nobody else
  // reads it any more.
  bool MayOverwrite(graph::ValueId overwritten, const Operand& operand) const;
  // What a primitive that adds to its result adds to: `operand` itself where it may be overwritten, else a copy.
  Operand Overwritable(graph::ValueId overwritten, const Operand& operand);
  // The form that all readers of `id` take it in.
  ChannelForm FormFor(graph::ValueId id) const;
  // `source`, laid out in rows, through `function`: over itself where it may be and the form allows it.
  Operand AddChannelwise(const graph::Node& node, const Operand& source, ChannelFunction function, ChannelForm form,
                         bool may_overwrite);
  void Define(graph::ValueId id, Operand operand);
  // The same memory as `operand`, seen as `desc`.
  void DefineAlias(graph::ValueId id, const Operand& operand, const Desc& desc);

  // Adds a primitive of `node`. Its scratchpad is taken care of; make it with Attributes() or a copy of them.
  template <typename PrimitiveDesc>
  void Add(const graph::Node& node, const PrimitiveDesc& desc, dnnl::primitive primitive,
           PrimitiveStep::Arguments arguments) {
    AddStep(std::move(primitive), std::move(arguments), desc.scratchpad_desc());
    Report(node, desc.impl_info_str());
  }
  // A further primitive of the same node.
  void AddStep(dnnl::primitive primitive, PrimitiveStep::Arguments arguments, const Desc& scratchpad);
  // One that is no primitive; `operands`: all that it uses.
  void AddStep(std::unique_ptr<const Step> step, std::span<const Operand> operands);
  static dnnl::primitive_attr Attributes();
  void Report(const graph::Node& node, std::string implementation);

  // --- fusion

  // The one node that reads `id`, if that is its only reader and `id` is no output of the graph.
  const graph::Node* SoleReader(graph::ValueId id) const;
  // Its value is there already (input, constant, or made by an emitted node).
  bool Available(graph::ValueId id) const;
  // `node` is done by the primitive of `into`.
  void MarkFused(const graph::Node& node, const graph::Node& into);

 private:
  struct ValueState {
    std::vector<Operand> forms;  // the first is the one that was made, others are reordered copies
    int readers = 0;             // nodes not emitted yet, times they read it; an output of the graph counts one
  };

  ValueState& State(graph::ValueId id) { return states_[static_cast<std::size_t>(id)]; }
  const ValueState& State(graph::ValueId id) const { return states_[static_cast<std::size_t>(id)]; }
  // A constant's elements may not be there.
  Operand ReadUnsettled(graph::ValueId id);
  // Those of a constant in its plain form.
  Operand Settled(Operand operand);
  int NewBuffer(std::size_t bytes);
  void Touch(const Operand& operand);

  Operand AddChannelStep(const Operand& source, ChannelFunction function, ChannelForm form, bool may_overwrite);
  void EmitReference(const graph::Node& node);
  void Emit(const graph::Node& node);
  void Release(const graph::Node& node);

  const graph::Graph& graph_;
  const CompileOptions options_;
  Plan plan_;
  Packing packing_;
  std::vector<ValueState> states_;
  std::vector<int> sole_reader_;                        // node index; -1: none, -2: several or an output
  std::vector<std::vector<graph::ValueId>> residents_;  // by buffer: the values that lie in it
  std::vector<std::optional<ChannelForm>> form_;        // by value: nothing when it has no readers yet
  std::vector<char> done_;                              // by node
};

}  // namespace prefiqs::engine::onednn

#endif  // PREFIQS_ENGINE_ONEDNN_BUILDER_H_
