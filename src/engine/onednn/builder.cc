#include "engine/onednn/builder.h"

#include <algorithm>
#include <cstring>

#include "engine/onednn/emit.h"
#include "engine/onednn/fork.h"

namespace prefiqs::engine::onednn {
namespace {

constexpr int kNobody = -1;
constexpr int kSeveral = -2;

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

}  // namespace

Builder::Builder(const graph::Graph& graph, const CompileOptions& options)
    : graph_(graph),
      options_(options),
      packing_(plan_.engine),
      states_(graph.values.size()),
      sole_reader_(graph.values.size(), kNobody),
      form_(graph.values.size()),
      done_(graph.nodes.size(), 0) {
  for (std::size_t n = 0; n < graph.nodes.size(); ++n) {
    const std::vector<graph::ValueId>& inputs = graph.nodes[n].inputs;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const graph::ValueId id = inputs[i];
      if (id == graph::kNone) continue;
      const ChannelForm form = i == 0 ? FactorForm(graph.nodes[n]) : ChannelForm::kFloat;
      std::optional<ChannelForm>& all = form_[static_cast<std::size_t>(id)];
      all = all && *all != form ? ChannelForm::kFloat : form;
      ++State(id).readers;
      int& reader = sole_reader_[static_cast<std::size_t>(id)];
      reader = reader == kNobody ? static_cast<int>(n) : kSeveral;
    }
  }
  for (const graph::ValueId id : graph.outputs) {
    ++State(id).readers;
    sole_reader_[static_cast<std::size_t>(id)] = kSeveral;
    form_[static_cast<std::size_t>(id)] = ChannelForm::kFloat;
  }
  for (const graph::ValueId id : graph.inputs) {
    Operand operand;
    if (Describable(id)) operand.desc = Plain(id);
    operand.buffer = NewBuffer(static_cast<std::size_t>(graph::ElementCount(graph.value(id).shape)) *
                               graph::SizeOf(graph.value(id).type));
    plan_.buffers.back().first_step = -1;
    plan_.inputs.push_back(operand.buffer);
    Define(id, operand);
  }
}

Plan Builder::Build() && {
  for (std::size_t n = 0; n < graph_.nodes.size(); ++n) {
    if (done_[n]) continue;
    Emit(graph_.nodes[n]);
    done_[n] = 1;
    Release(graph_.nodes[n]);
  }
  for (const graph::ValueId id : graph_.outputs) {
    if (graph_.value(id).constant != nullptr) {
      plan_.outputs.push_back({-1, graph_.value(id).constant});
      continue;
    }
    const Operand operand = ReadPlain(id);
    plan_.buffers[static_cast<std::size_t>(operand.buffer)].last_step = static_cast<int>(plan_.steps.size());
    plan_.outputs.push_back({operand.buffer, nullptr});
  }
  // A reorder of one output may have come after another output was looked at.
  for (const Plan::Output& output : plan_.outputs) {
    if (output.buffer >= 0) {
      plan_.buffers[static_cast<std::size_t>(output.buffer)].last_step = static_cast<int>(plan_.steps.size());
    }
  }
  std::vector<int> outputs;
  for (const Plan::Output& output : plan_.outputs) outputs.push_back(output.buffer);
  plan_.fork = FindFork(plan_.steps, plan_.buffers, outputs);
  plan_.arena_bytes = PlaceBuffers(plan_.buffers);
  plan_.constants = packing_.Pack(options_.threads);
  // Half of a usual second-level cache; activations want the rest.
  constexpr std::size_t kCache = std::size_t{1} << 20;
  plan_.stretches = Stretches(plan_.steps, kCache);
  return std::move(plan_);
}

bool Builder::Describable(graph::ValueId id) const {
  const graph::Value& value = graph_.value(id);
  return value.type == graph::DataType::kFloat32 && value.shape.size() <= DNNL_MAX_NDIMS &&
         std::find(value.shape.begin(), value.shape.end(), 0) == value.shape.end();
}

Desc Builder::Plain(graph::ValueId id) const {
  Dims dims = graph_.value(id).shape;
  if (dims.empty()) dims = {1};
  return RowMajor(dims);
}

Desc Builder::Any(graph::ValueId id) const { return Desc(DimsOf(Plain(id)), Type::f32, Tag::any); }

Desc Builder::Layout(graph::ValueId id) const {
  const auto& forms = State(id).forms;
  return forms.empty() ? Plain(id) : forms.front().desc;
}

Operand Builder::Read(graph::ValueId id) { return Settled(ReadUnsettled(id)); }

Operand Builder::Settled(Operand operand) {
  if (operand.constant != nullptr) packing_.Settle(operand.constant);
  return operand;
}

Operand Builder::ReadUnsettled(graph::ValueId id) {
  auto& forms = State(id).forms;
  if (forms.empty()) {  // a constant that nobody asked for yet
    const Desc desc = Plain(id);
    forms.push_back({desc, -1, packing_.Plain(graph_.value(id).constant, desc)});
  }
  Touch(forms.front());
  return forms.front();
}

Operand Builder::ReadPlain(graph::ValueId id) { return Describable(id) ? ReadAs(id, Plain(id)) : Read(id); }

Operand Builder::ReadAs(graph::ValueId id, const Desc& wanted) {
  const Operand first = ReadUnsettled(id);
  for (const Operand& form : State(id).forms) {
    if (form.desc == wanted) {
      Touch(form);
      return Settled(form);
    }
  }
  const Operand copy = Rearranged(first, wanted);
  if (copy.buffer >= 0) residents_[static_cast<std::size_t>(copy.buffer)].push_back(id);
  State(id).forms.push_back(copy);
  return copy;
}

ChannelForm Builder::FactorForm(const graph::Node& node) const {
  if (options_.precision == Precision::kFp32) return ChannelForm::kFloat;
  const graph::ValueId input = node.inputs.empty() ? graph::kNone : node.inputs[0];
  if (input == graph::kNone || !Describable(input) || node.inputs.size() < 2 || node.inputs[1] == graph::kNone ||
      graph_.constant(node.inputs[1]) == nullptr || graph_.constant(input) != nullptr || !Describable(node.inputs[1])) {
    return ChannelForm::kFloat;
  }
  const graph::Shape& shape = graph_.value(input).shape;
  // Depthwise convolutions are no faster in bfloat16, and a picture's three channels fill no tile.
  constexpr std::int64_t kFewest = 16;
  if (node.op == "Conv" && shape.size() == 4) {
    return shape[1] / node.Int("group", 1) < kFewest ? ChannelForm::kFloat : ChannelForm::kBf16;
  }
  return IsInnerProduct(graph_, node) ? ChannelForm::kBf16 : ChannelForm::kFloat;
}

ChannelForm Builder::FormFor(graph::ValueId id) const {
  return form_[static_cast<std::size_t>(id)].value_or(ChannelForm::kFloat);
}

Operand Builder::ReadFactor(graph::ValueId id, const Desc& wanted) {
  const Operand first = Read(id);
  for (const Operand& known : State(id).forms) {
    if (known.desc == wanted) {
      Touch(known);
      return known;
    }
  }
  const Dims dims = DimsOf(Plain(id));
  const auto lies = RowsOf(first.desc);
  if (!lies || wanted != ChannelsLast(dims, Type::bf16)) return ReadAs(id, wanted);
  const Operand rows = lies->blocks == 1 ? first : ReadAs(id, ChannelsLast(dims, Type::f32));
  const Operand factor =
      AddChannelStep(rows, ChannelFunction::Identity(static_cast<std::size_t>(dims[1])), ChannelForm::kBf16, false);
  residents_[static_cast<std::size_t>(factor.buffer)].push_back(id);
  State(id).forms.push_back(factor);
  return factor;
}

Operand Builder::AddChannelwise(const graph::Node& node, const Operand& source, ChannelFunction function,
                                ChannelForm form, bool may_overwrite) {
  Operand target = AddChannelStep(source, std::move(function), form, may_overwrite);
  Report(node, "channelwise");
  return target;
}

Operand Builder::AddChannelStep(const Operand& source, ChannelFunction function, ChannelForm form, bool may_overwrite) {
  const ChannelRows rows = *RowsOf(source.desc);
  function.Widen(static_cast<std::size_t>(rows.blocks * rows.width));
  const ChannelForm from = TypeOf(source.desc) == Type::bf16 ? ChannelForm::kBf16 : ChannelForm::kFloat;
  const Dims dims = DimsOf(source.desc);
  // Factors are batch×height×width×channel; what stays float stays where it lies.
  const Desc desc = form != ChannelForm::kFloat   ? ChannelsLast(dims, Type::bf16)
                    : from == ChannelForm::kFloat ? source.desc
                                                  : ChannelsLast(dims, Type::f32);
  const Operand target = form == from && may_overwrite ? source : NewOperand(desc);
  Touch(source);
  Touch(target);
  plan_.steps.push_back(std::make_unique<ChannelStep>(std::move(function), rows, from, form, source, target));
  return target;
}

Operand Builder::Arrange(graph::ValueId id, const Desc& view, const Desc& wanted) {
  Operand operand;
  if (graph_.value(id).constant != nullptr) {
    operand.constant = packing_.Plain(graph_.value(id).constant, view);
  } else {
    operand = ReadPlain(id);
  }
  operand.desc = view;
  return view == wanted ? operand : Rearranged(operand, wanted);
}

Operand Builder::Rearranged(const Operand& from, const Desc& wanted) {
  if (from.constant != nullptr) return {wanted, -1, packing_.Rearranged(from.constant, wanted)};
  const dnnl::reorder::primitive_desc desc(engine(), from.desc, engine(), wanted, Attributes());
  const Operand to = NewOperand(wanted);
  AddStep(dnnl::reorder(desc), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}}, desc.scratchpad_desc());
  return to;
}

Operand Builder::NewOperand(const Desc& desc) { return {desc, NewBuffer(desc.get_size()), nullptr}; }

bool Builder::MayOverwrite(graph::ValueId overwritten, const Operand& operand) const {
  if (operand.buffer < 0) return false;
  int readers = 0;
  for (const graph::ValueId resident : residents_[static_cast<std::size_t>(operand.buffer)]) {
    readers += State(resident).readers;
  }
  return readers == 1 && State(overwritten).readers == 1;
}

Operand Builder::Overwritable(graph::ValueId overwritten, const Operand& operand) {
  return MayOverwrite(overwritten, operand) ? operand : Rearranged(operand, operand.desc);
}

void Builder::Define(graph::ValueId id, Operand operand) {
  if (operand.buffer >= 0) residents_[static_cast<std::size_t>(operand.buffer)].push_back(id);
  State(id).forms = {std::move(operand)};
}

void Builder::DefineAlias(graph::ValueId id, const Operand& operand, const Desc& desc) {
  Operand alias = operand;
  alias.desc = desc;
  Define(id, std::move(alias));
}

dnnl::primitive_attr Builder::Attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

void Builder::Report(const graph::Node& node, std::string implementation) {
  plan_.layers.push_back({node.name, node.op, std::move(implementation)});
}

const graph::Node* Builder::SoleReader(graph::ValueId id) const {
  const int reader = sole_reader_[static_cast<std::size_t>(id)];
  return reader < 0 ? nullptr : &graph_.nodes[static_cast<std::size_t>(reader)];
}

bool Builder::Available(graph::ValueId id) const {
  return graph_.value(id).constant != nullptr || !State(id).forms.empty();
}

void Builder::MarkFused(const graph::Node& node, const graph::Node& into) {
  done_[static_cast<std::size_t>(&node - graph_.nodes.data())] = 1;
  Report(node, "fused into " + into.name);
  Release(node);
}

int Builder::NewBuffer(std::size_t bytes) {
  const int step = static_cast<int>(plan_.steps.size());
  plan_.buffers.push_back({bytes, step, step, 0});
  residents_.emplace_back();
  return static_cast<int>(plan_.buffers.size()) - 1;
}

// The next step uses it.
void Builder::Touch(const Operand& operand) {
  if (operand.buffer < 0) return;
  int& last = plan_.buffers[static_cast<std::size_t>(operand.buffer)].last_step;
  last = std::max(last, static_cast<int>(plan_.steps.size()));
}

void Builder::AddStep(dnnl::primitive primitive, PrimitiveStep::Arguments arguments, const Desc& scratchpad) {
  if (scratchpad.get_size() > 0) arguments.emplace_back(DNNL_ARG_SCRATCHPAD, NewOperand(scratchpad));
  std::vector<Operand> operands;
  for (const auto& [argument, operand] : arguments) operands.push_back(operand);
  AddStep(std::make_unique<PrimitiveStep>(std::move(primitive), std::move(arguments)), operands);
}

void Builder::AddStep(std::unique_ptr<const Step> step, std::span<const Operand> operands) {
  for (const Operand& operand : operands) {
    Touch(operand);
    if (operand.constant != nullptr) packing_.Settle(operand.constant);
  }
  plan_.steps.push_back(std::move(step));
}

void Builder::Emit(const graph::Node& node) {
  if (const Emitter emit = FindEmitter(node.op); emit != nullptr) {
    try {
      if (emit(*this, node)) return;
    } catch (const dnnl::error& e) {
      // Emitters make their primitives before they add anything: nothing is left behind.
      if (e.status != dnnl_unimplemented && e.status != dnnl_invalid_arguments) throw;
    }
  }
  EmitReference(node);
}

void Builder::EmitReference(const graph::Node& node) {
  std::vector<ReferenceStep::Input> inputs;
  std::vector<Operand> operands;
  for (const graph::ValueId id : node.inputs) {
    ReferenceStep::Input input;
    if (id != graph::kNone) {
      const graph::Value& value = graph_.value(id);
      input = {true, value.constant, -1, value.type, value.shape};
      if (value.constant == nullptr) {
        operands.push_back(ReadPlain(id));
        input.buffer = operands.back().buffer;
      }
    }
    inputs.push_back(std::move(input));
  }
  std::vector<int> outputs;
  for (const graph::ValueId id : node.outputs) {
    if (id == graph::kNone) {
      outputs.push_back(-1);
      continue;
    }
    const graph::Value& value = graph_.value(id);
    Operand operand;
    if (Describable(id)) operand.desc = Plain(id);
    operand.buffer = NewBuffer(static_cast<std::size_t>(graph::ElementCount(value.shape)) * graph::SizeOf(value.type));
    outputs.push_back(operand.buffer);
    operands.push_back(operand);
    Define(id, operand);
  }
  for (const Operand& operand : operands) Touch(operand);
  plan_.steps.push_back(
      std::make_unique<ReferenceStep>(ReferenceNode(graph_, node), std::move(inputs), std::move(outputs)));
  Report(node, "reference");
}

void Builder::Release(const graph::Node& node) {
  for (const graph::ValueId id : node.inputs) {
    if (id != graph::kNone) --State(id).readers;
  }
}

}  // namespace prefiqs::engine::onednn
