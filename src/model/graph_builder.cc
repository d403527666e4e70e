#include "model/graph_builder.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "model/attribute_proto.h"
#include "model/conditional.h"
#include "model/decompose.h"
#include "model/inline_functions.h"
#include "model/normalise.h"
#include "model/ranks.h"
#include "model/refused_operators.h"
#include "model/tensor_proto.h"
#include "ops/operator.h"
#include "ops/specialise.h"

namespace prefiqs::model {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::Tensor;
using graph::Value;
using graph::ValueId;
using onnx::AttributeProto;

[[noreturn]] void Fail(const std::string& cause) { throw Error(ErrorCode::kModel, cause); }

// Each costs a look at all nodes before it.
constexpr int kMostConditionals = 64;

std::int64_t OpsetOf(const onnx::ModelProto& proto) {
  std::int64_t opset = 0;
  for (const auto& entry : proto.opset_import()) {
    if (IsDefaultDomain(entry.domain())) opset = std::max<std::int64_t>(opset, entry.version());
  }
  if (opset == 0) Fail("names no opset of ONNX's own operators; this is no ONNX network, or one from before 2018");
  if (opset > kNewestOpset) {
    Fail(fmt::format("opset {} is not supported; export the network with an opset up to {} (17 is a safe choice)",
                     opset, kNewestOpset));
  }
  return opset;
}

class Builder final : public NodeSink {
 public:
  Builder(onnx::ModelProto& proto, const DataSources& sources, const ReadLimits& limits, DenormalCount& denormals)
      : proto_(proto),
        sources_(sources),
        limits_(limits),
        budget_{limits.max_constant_bytes},
        denormals_(denormals),
        opset_(OpsetOf(proto)) {}

  Graph Build() {
    CheckModel(proto_.graph());
    const std::vector<std::int64_t> opsets = InlineFunctions(proto_, opset_, limits_);
    onnx::GraphProto& source = *proto_.mutable_graph();
    graph_.name = source.name();
    graph_.opset = opset_;
    graph_.producer = proto_.producer_name();
    if (!proto_.producer_version().empty())
      graph_.producer += (graph_.producer.empty() ? "" : " ") + proto_.producer_version();
    for (const auto& entry : proto_.metadata_props()) graph_.metadata[entry.key()] = entry.value();

    AddInitializers(source);
    AddInputs(source);
    ReserveNodeNames(source);
    AddOutputsOfNodes(source);
    DeclareRanks(source);
    for (int i = 0; i < source.node_size(); ++i) {
      const std::int64_t opset = opsets[static_cast<std::size_t>(i)];
      AddNode(*source.mutable_node(i), opset == 0 ? opset_ : opset);
    }
    AddOutputs(source);
    return std::move(graph_);
  }

  std::int64_t constant_bytes_left() const { return budget_.bytes_left; }

 private:
  void CheckModel(const onnx::GraphProto& source) const {
    if (source.sparse_initializer_size() > 0) {
      Fail("sparse initialisers are not supported; export the network with dense weights");
    }
  }

  ValueId Define(const std::string& name, Value value, std::string_view what) {
    if (name.empty()) Fail(fmt::format("{} without a name", what));
    value.name = name;
    const auto [place, is_new] = ids_.try_emplace(name, static_cast<ValueId>(graph_.values.size()));
    if (!is_new) Fail(fmt::format("{} '{}': there is another value of this name", what, name));
    graph_.AddValue(std::move(value));
    return place->second;
  }

  void AddInitializers(onnx::GraphProto& source) {
    for (onnx::TensorProto& initializer : *source.mutable_initializer()) {
      const std::string name = initializer.name();
      Tensor tensor = TakeTensor(initializer, fmt::format("initialiser '{}'", name), sources_, budget_, denormals_);
      Define(name, ConstantValue(std::move(tensor)), "initialiser");
    }
  }

  static Value ConstantValue(Tensor tensor) {
    Value value;
    value.type = tensor.type();
    value.shape = tensor.shape();
    value.shape_known = true;
    value.constant = std::make_shared<const Tensor>(std::move(tensor));
    return value;
  }

  static Value Declared(const onnx::ValueInfoProto& info, std::string_view what) {
    if (!info.has_type() || !info.type().has_tensor_type()) {
      Fail(fmt::format("{} '{}' is no tensor (sequences, maps and optional values are not supported)", what,
                       info.name()));
    }
    const auto& tensor = info.type().tensor_type();
    const auto type = Widened(tensor.elem_type());
    if (!type) {
      Fail(fmt::format("{} '{}': elements of type {} are not supported", what, info.name(),
                       TypeName(tensor.elem_type())));
    }
    Value value;
    value.type = *type;
    value.is_uint8 = tensor.elem_type() == onnx::TensorProto::UINT8;
    value.shape_known = tensor.has_shape();
    for (const auto& dim : tensor.shape().dim()) {
      const bool known = dim.has_dim_value() && dim.dim_value() >= 0;
      if (dim.has_dim_value() && dim.dim_value() < -1) {  // some exporters write -1 for "any"
        Fail(fmt::format("{} '{}': dimension {}", what, info.name(), dim.dim_value()));
      }
      value.shape.push_back(known ? dim.dim_value() : graph::kUnknown);
      value.dim_names.push_back(dim.dim_param());
    }
    return value;
  }

  // Before opset 9 initialisers were listed as inputs too; those are constants and no inputs.
  void AddInputs(const onnx::GraphProto& source) {
    std::unordered_set<std::string> seen;
    for (const auto& info : source.input()) {
      if (!seen.insert(info.name()).second) Fail(fmt::format("input '{}' is listed twice", info.name()));
      if (ids_.contains(info.name())) continue;
      graph_.inputs.push_back(Define(info.name(), Declared(info, "input"), "input"));
    }
  }

  void ReserveNodeNames(const onnx::GraphProto& source) {
    for (const auto& node : source.node()) {
      if (!node.name().empty()) names_.try_emplace(node.name(), false);
    }
  }

  // Before any node, so that a file out of topological order reads too, and a missing value is told from a cycle.
  void AddOutputsOfNodes(const onnx::GraphProto& source) {
    for (const auto& node : source.node()) {
      for (const std::string& name : node.output()) {
        if (!name.empty()) Define(name, Value{}, fmt::format("output of node '{}'", Label(node)));
      }
    }
    // Names of ours must not meet names of the file, nor each other.
    for (const auto& [name, id] : ids_) value_names_.insert(name);
  }

  static std::string Label(const onnx::NodeProto& node) {
    if (!node.name().empty()) return node.name();
    return node.output_size() > 0 ? node.output(0) : "";
  }

  std::string NodeName(const onnx::NodeProto& source) {
    const std::size_t index = node_count_++;
    if (!source.name().empty()) {
      bool& used = names_[source.name()];
      if (!std::exchange(used, true)) return source.name();
    }
    std::string base = source.name().empty() ? fmt::format("{}_{}", source.op_type(), index)
                                             : fmt::format("{}_{}", source.name(), index);
    while (!names_.try_emplace(base, true).second) base += "_";
    return base;
  }

  // For values and nodes of ours.
  std::string UniqueValueName(std::string_view hint) {
    std::string name(hint);
    if (value_names_.insert(name).second) return name;
    while (!value_names_.insert(name = fmt::format("{}_{}", hint, unique_++)).second) {
    }
    return name;
  }
  std::string UniqueNodeName(std::string name) {
    const std::string hint = name;
    while (!names_.try_emplace(name, true).second) name = fmt::format("{}_{}", hint, unique_++);
    return name;
  }

  ValueId NewValue(std::string_view name) override {
    Value value;
    value.name = UniqueValueName(name);
    return graph_.AddValue(std::move(value));
  }
  ValueId NewConstant(std::string_view name, Tensor tensor) override {
    return graph_.AddConstant(UniqueValueName(name), std::make_shared<const Tensor>(std::move(tensor)));
  }
  void Add(Node node) override {
    if (node.name != current_) node.name = UniqueNodeName(std::move(node.name));
    if (std::ssize(graph_.nodes) >= limits_.max_nodes) Fail("its operators expand to more nodes than the limit");
    ranks_.Follow(graph_, node);
    graph_.nodes.push_back(std::move(node));
  }
  const Tensor* Constant(ValueId id) const override { return graph_.constant(id); }
  void SetConstant(ValueId id, Tensor tensor) override {
    const auto bytes = static_cast<std::int64_t>(tensor.byte_count());
    if (bytes > budget_.bytes_left) Fail("the constants together are larger than the limit");
    budget_.bytes_left -= bytes;
    SetConstant(id, std::make_shared<const Tensor>(std::move(tensor)));
  }
  bool IsBool(ValueId id) const override { return graph_.value(id).type == graph::DataType::kBool; }
  std::optional<std::size_t> Rank(ValueId id) const override { return ranks_.Of(graph_, id); }
  bool IsNamed(ValueId id) const override { return !unused_.contains(id); }

  void SetConstant(ValueId id, graph::TensorPtr constant) {
    Value& made = graph_.value(id);
    made.type = constant->type();
    made.shape = constant->shape();
    made.shape_known = true;
    made.constant = std::move(constant);
  }

  // Of values that nodes make.
  void DeclareRanks(const onnx::GraphProto& source) {
    for (const auto& info : source.value_info()) {
      const auto found = ids_.find(info.name());
      if (found == ids_.end() || !info.type().tensor_type().has_shape()) continue;
      ranks_.Declare(found->second, static_cast<std::size_t>(info.type().tensor_type().shape().dim_size()));
    }
  }

  // In its place the branch that it takes.
  void AddConditional(onnx::NodeProto& source, std::int64_t opset) {
    std::vector<onnx::NodeProto> branch;
    try {
      if (++conditionals_ > kMostConditionals) {
        Fail(fmt::format("is one of more than {}, which is not supported; export the network without control flow",
                         kMostConditionals));
      }
      if (source.input_size() != 1) Fail("needs one input; the file is damaged, export the network again");
      const bool condition = Decided(graph_, FindValue(source.input(0)), limits_);
      branch = TakeBranch(source, condition, [this](const std::string& name) { return UniqueValueName(name); });
      for (const onnx::NodeProto& node : branch) {
        for (const std::string& name : node.output()) {
          if (!name.empty() && !ids_.contains(name)) Define(name, Value{}, "output of a branch");
        }
      }
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("node '{}' ({}): {}", Label(source), source.op_type(), error.what()));
    }
    for (onnx::NodeProto& node : branch) AddNode(node, opset);
  }

  void AddNode(onnx::NodeProto& source, std::int64_t opset) {
    if (source.op_type() == "If" && IsDefaultDomain(source.domain())) return AddConditional(source, opset);
    Node node;
    node.name = NodeName(source);
    node.op = source.op_type();
    current_ = node.name;
    const std::string what = fmt::format("node '{}' ({})", node.name, node.op);
    try {
      FillNode(source, opset, node);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", what, error.what()));
    }
    onnx::NodeProto().Swap(&source);
  }

  void FillNode(onnx::NodeProto& source, std::int64_t opset, Node& node) {
    RefuseOperator(source.domain(), source.op_type());
    for (AttributeProto& attribute : *source.mutable_attribute()) {
      if (!node.attributes.try_emplace(attribute.name(), ToAttribute(attribute, sources_, budget_, denormals_))
               .second) {
        Fail(fmt::format("attribute '{}' is given twice", attribute.name()));
      }
    }
    if (source.op_type() == "Constant") {
      graph::TensorPtr constant = ConstantOf(source, node, denormals_);  // first: it checks that there is an output
      SetConstant(ids_.at(source.output(0)), std::move(constant));
      return;
    }
    for (const std::string& name : source.input()) node.inputs.push_back(FindValue(name));
    for (const std::string& name : source.output()) {
      node.outputs.push_back(name.empty() ? UnusedOutput(node.name) : ids_.at(name));
    }
    while (!node.inputs.empty() && node.inputs.back() == kNone) node.inputs.pop_back();
    const bool own = !IsDefaultDomain(source.domain());
    if (Decompose(node, own ? source.domain() : "", opset, *this)) return;
    if (own) {
      Fail(fmt::format("is an operator of the domain '{}', which is not supported; export with ONNX's own operators",
                       source.domain()));
    }
    Normalise(node, opset, [&](std::string_view hint, Tensor tensor) {
      return NewConstant(fmt::format("{}.{}", node.name, hint), std::move(tensor));
    });
    Add(std::move(node));
  }

  ValueId FindValue(const std::string& name) const {
    if (name.empty()) return kNone;
    const auto found = ids_.find(name);
    if (found == ids_.end()) Fail(fmt::format("reads '{}', which no node, input or initialiser provides", name));
    return found->second;
  }

  ValueId UnusedOutput(const std::string& node) {
    const ValueId id = NewValue(node + ".unused");
    unused_.insert(id);
    return id;
  }

  void AddOutputs(const onnx::GraphProto& source) {
    if (source.output_size() == 0) Fail("the network has no output");
    std::unordered_set<std::string> seen;
    for (const auto& info : source.output()) {
      const auto found = ids_.find(info.name());
      if (found == ids_.end()) Fail(fmt::format("output '{}' is made by no node", info.name()));
      if (!seen.insert(info.name()).second) Fail(fmt::format("output '{}' is listed twice", info.name()));
      Value& value = graph_.value(found->second);
      if (info.has_type() && value.constant == nullptr && !IsInput(found->second)) {
        Value declared = Declared(info, "output");
        value.type = declared.type;
        value.shape = std::move(declared.shape);
        value.shape_known = declared.shape_known;
        value.dim_names = std::move(declared.dim_names);
      }
      graph_.outputs.push_back(found->second);
    }
  }

  // Inputs are defined before what nodes make.
  bool IsInput(ValueId id) const {
    return !graph_.inputs.empty() && id >= graph_.inputs.front() && id <= graph_.inputs.back();
  }

  onnx::ModelProto& proto_;
  const DataSources& sources_;
  const ReadLimits& limits_;
  ConstantBudget budget_;
  DenormalCount& denormals_;
  const std::int64_t opset_;
  Graph graph_;
  std::unordered_map<std::string, ValueId> ids_;  // values of the file
  std::unordered_set<std::string> value_names_;   // those, and ours
  std::unordered_map<std::string, bool> names_;   // of nodes; true: taken
  std::unordered_set<ValueId> unused_;            // outputs that the file leaves out
  Ranks ranks_;
  std::string current_;  // the node that is being added
  std::size_t node_count_ = 0;
  std::size_t unique_ = 0;
  int conditionals_ = 0;
};

}  // namespace

Graph BuildGraph(onnx::ModelProto& proto, const DataSources& sources, const ReadLimits& limits,
                 DenormalCount& denormals) {
  Builder builder(proto, sources, limits, denormals);
  Graph graph = builder.Build();
  ops::CheckSupported(graph);
  graph::SortTopologically(graph);
  graph = graph::RemoveUnused(graph);
  graph::Validate(graph);
  const std::int64_t budget = builder.constant_bytes_left();
  graph = graph::RemoveUnused(ops::FoldConstants(graph, {.max_value_bytes = budget, .max_total_bytes = budget}));
  return graph;
}

}  // namespace prefiqs::model
