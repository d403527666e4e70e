#include "model/graph_builder.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/denormals.h"
#include "model/normalise.h"
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

constexpr std::array<std::string_view, 8> kQuantised = {
    "ConvInteger", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger",
    "QLinearConv", "QLinearMatMul",    "QuantizeLinear",        "DynamicQuantizeLSTM",
};

bool IsDefaultDomain(const std::string& domain) { return domain.empty() || domain == "ai.onnx"; }

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

class Builder {
 public:
  Builder(onnx::ModelProto& proto, const DataSources& sources, const ReadLimits& limits, DenormalCount& denormals)
      : proto_(proto),
        sources_(sources),
        budget_{limits.max_constant_bytes},
        denormals_(denormals),
        opset_(OpsetOf(proto)) {}

  Graph Build() {
    onnx::GraphProto& source = *proto_.mutable_graph();
    CheckModel(source);
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
    for (onnx::NodeProto& node : *source.mutable_node()) AddNode(node);
    AddOutputs(source);
    return std::move(graph_);
  }

  std::int64_t constant_bytes_left() const { return budget_.bytes_left; }

 private:
  void CheckModel(const onnx::GraphProto& source) const {
    if (source.sparse_initializer_size() > 0) {
      Fail("sparse initialisers are not supported; export the network with dense weights");
    }
    for (const auto& function : proto_.functions()) {
      if (IsDefaultDomain(function.domain())) {
        Fail(fmt::format("function '{}' redefines an operator of ONNX; inline functions before saving",
                         function.name()));
      }
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

  ValueId NewConstant(const std::string& hint, Tensor tensor) {
    std::string name = hint;
    while (!value_names_.insert(name).second) name += "_";
    return graph_.AddConstant(std::move(name), std::make_shared<const Tensor>(std::move(tensor)));
  }

  void AddNode(onnx::NodeProto& source) {
    Node node;
    node.name = NodeName(source);
    node.op = source.op_type();
    const std::string what = fmt::format("node '{}' ({})", node.name, node.op);
    try {
      FillNode(source, node);
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", what, error.what()));
    }
    onnx::NodeProto().Swap(&source);
  }

  void FillNode(onnx::NodeProto& source, Node& node) {
    if (!IsDefaultDomain(source.domain())) {
      const bool is_function =
          std::any_of(proto_.functions().begin(), proto_.functions().end(), [&](const auto& function) {
            return function.domain() == source.domain() && function.name() == source.op_type();
          });
      Fail(fmt::format("{} '{}', which {}", is_function ? "calls a function of" : "is an operator of the domain",
                       source.domain(),
                       is_function ? "is not supported; inline functions before saving (onnx.inliner)"
                                   : "is not supported; export with ONNX's own operators only"));
    }
    if (std::find(kQuantised.begin(), kQuantised.end(), source.op_type()) != kQuantised.end()) {
      Fail("this is a quantised network, which is not supported; export it in float32 instead");
    }
    for (AttributeProto& attribute : *source.mutable_attribute()) {
      if (!node.attributes.try_emplace(attribute.name(), ToAttribute(attribute)).second) {
        Fail(fmt::format("attribute '{}' is given twice", attribute.name()));
      }
    }
    if (source.op_type() == "Constant") {
      FillConstant(source, node);
      return;
    }
    for (const std::string& name : source.input()) node.inputs.push_back(FindValue(name));
    for (const std::string& name : source.output()) {
      node.outputs.push_back(name.empty() ? UnusedOutput(node.name) : ids_.at(name));
    }
    while (!node.inputs.empty() && node.inputs.back() == kNone) node.inputs.pop_back();
    Normalise(node, opset_, [&](std::string_view hint, Tensor tensor) {
      return NewConstant(fmt::format("{}.{}", node.name, hint), std::move(tensor));
    });
    graph_.nodes.push_back(std::move(node));
  }

  ValueId FindValue(const std::string& name) const {
    if (name.empty()) return kNone;
    const auto found = ids_.find(name);
    if (found == ids_.end()) Fail(fmt::format("reads '{}', which no node, input or initialiser provides", name));
    return found->second;
  }

  ValueId UnusedOutput(const std::string& node) {
    Value value;
    value.name = node + ".unused";
    while (!value_names_.insert(value.name).second) value.name += "_";
    return graph_.AddValue(std::move(value));
  }

  graph::Attribute ToAttribute(AttributeProto& attribute) {
    const auto unsupported = [&](std::string_view kind) {
      Fail(fmt::format("attribute '{}' is {}, which is not supported; export the network without it", attribute.name(),
                       kind));
    };
    if (attribute.name().empty()) Fail("an attribute without a name");
    if (!attribute.ref_attr_name().empty()) unsupported("a reference to a function's attribute");
    switch (attribute.type()) {
      case AttributeProto::FLOAT:
        return attribute.f();
      case AttributeProto::INT:
        return std::int64_t{attribute.i()};
      case AttributeProto::STRING:
        return attribute.s();
      case AttributeProto::FLOATS:
        return std::vector<float>(attribute.floats().begin(), attribute.floats().end());
      case AttributeProto::INTS:
        return std::vector<std::int64_t>(attribute.ints().begin(), attribute.ints().end());
      case AttributeProto::STRINGS:
        return std::vector<std::string>(attribute.strings().begin(), attribute.strings().end());
      case AttributeProto::TENSOR:
        return std::make_shared<const Tensor>(TakeTensor(
            *attribute.mutable_t(), fmt::format("attribute '{}'", attribute.name()), sources_, budget_, denormals_));
      case AttributeProto::GRAPH:
      case AttributeProto::GRAPHS:
        unsupported("a subgraph: control flow");
        break;
      case AttributeProto::SPARSE_TENSOR:
      case AttributeProto::SPARSE_TENSORS:
        unsupported("a sparse tensor");
        break;
      default:
        unsupported("of a type unknown here");
        break;
    }
    Fail("unreachable");
  }

  void FillConstant(const onnx::NodeProto& source, const Node& node) {
    if (node.attributes.size() != 1 || source.output_size() != 1 || source.input_size() != 0 ||
        source.output(0).empty()) {
      Fail("a constant has one attribute, one output and no input");
    }
    const auto& [key, attribute] = *node.attributes.begin();
    Value value;
    if (const auto* tensor = std::get_if<graph::TensorPtr>(&attribute); tensor != nullptr && key == "value") {
      value.constant = *tensor;
    } else if (const auto* f = std::get_if<float>(&attribute); f != nullptr && key == "value_float") {
      value.constant = FloatConstant({}, std::span(f, 1));
    } else if (const auto* i = std::get_if<std::int64_t>(&attribute); i != nullptr && key == "value_int") {
      value.constant = std::make_shared<const Tensor>(Tensor::From<std::int64_t>({}, std::span(i, 1)));
    } else if (const auto* fs = std::get_if<std::vector<float>>(&attribute); fs != nullptr && key == "value_floats") {
      value.constant = FloatConstant({static_cast<std::int64_t>(fs->size())}, *fs);
    } else if (const auto* is = std::get_if<std::vector<std::int64_t>>(&attribute);
               is != nullptr && key == "value_ints") {
      value.constant = std::make_shared<const Tensor>(Tensor::FromInt64s(*is));
    } else {
      Fail(fmt::format("attribute '{}' makes a constant of a kind that is not supported", key));
    }
    Value& made = graph_.value(ids_.at(source.output(0)));
    made.type = value.constant->type();
    made.shape = value.constant->shape();
    made.shape_known = true;
    made.constant = std::move(value.constant);
  }

  graph::TensorPtr FloatConstant(graph::Shape shape, std::span<const float> values) {
    Tensor tensor = Tensor::From<float>(std::move(shape), values);
    denormals_.Add(ZeroDenormals(tensor.values<float>()));
    return std::make_shared<const Tensor>(std::move(tensor));
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
  ConstantBudget budget_;
  DenormalCount& denormals_;
  const std::int64_t opset_;
  Graph graph_;
  std::unordered_map<std::string, ValueId> ids_;  // values of the file
  std::unordered_set<std::string> value_names_;   // those, and ours
  std::unordered_map<std::string, bool> names_;   // of nodes; true: taken
  std::size_t node_count_ = 0;
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
