#include "model/inline_functions.h"

#include <fmt/format.h>
#include <google/protobuf/unknown_field_set.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "model/refused_operators.h"

namespace prefiqs::model {
namespace {

using onnx::AttributeProto;
using onnx::FunctionProto;
using onnx::NodeProto;

[[noreturn]] void Fail(const std::string& cause) { throw Error(ErrorCode::kModel, cause); }

// Exporters nest three or four.
constexpr std::size_t kMostNested = 32;
// What the copies may take, as protobuf counts it.
constexpr std::int64_t kMostBytes = std::int64_t{256} << 20;
// What a call or a name takes at least.
constexpr std::int64_t kBytesOfOne = 64;

// Of a function: attributes with the values that they have where a call does not give them. They are younger than some
// protobuf definitions of ONNX, for which they are an unknown field.
std::vector<AttributeProto> DefaultsOf(const FunctionProto& function) {
  constexpr int kField = 11;
  std::vector<AttributeProto> defaults;
  const auto& reflection = *function.GetReflection();
  if (const auto* const field = function.GetDescriptor()->FindFieldByNumber(kField)) {
    for (int i = 0; i < reflection.FieldSize(function, field); ++i) {
      defaults.push_back(static_cast<const AttributeProto&>(reflection.GetRepeatedMessage(function, field, i)));
    }
    return defaults;
  }
  const auto& unknown = reflection.GetUnknownFields(function);
  for (int i = 0; i < unknown.field_count(); ++i) {
    if (unknown.field(i).number() != kField ||
        unknown.field(i).type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      continue;
    }
    if (!defaults.emplace_back().ParseFromString(unknown.field(i).length_delimited())) {
      Fail(fmt::format("function '{}' is damaged", function.name()));
    }
  }
  return defaults;
}

struct Function {
  const FunctionProto* proto;
  std::map<std::string, AttributeProto> defaults;
  std::int64_t opset = 0;
  bool active = false;  // a call of it is being expanded
};

class Inliner {
 public:
  Inliner(onnx::ModelProto& proto, std::int64_t opset, const ReadLimits& limits)
      : proto_(proto),
        opset_(opset),
        nodes_left_(limits.max_nodes),
        bytes_left_(std::min(kMostBytes, limits.max_constant_bytes)) {
    for (const FunctionProto& function : proto.functions()) {
      if (IsDefaultDomain(function.domain())) {
        Fail(fmt::format("function '{}' redefines an operator of ONNX; inline functions before saving",
                         function.name()));
      }
      Function entry{.proto = &function, .defaults = {}};
      for (AttributeProto& attribute : DefaultsOf(function)) {
        const std::string key = attribute.name();
        entry.defaults[key] = std::move(attribute);
      }
      for (const auto& import : function.opset_import()) {
        if (IsDefaultDomain(import.domain())) entry.opset = std::max<std::int64_t>(entry.opset, import.version());
      }
      if (!functions_.try_emplace({function.domain(), function.name()}, std::move(entry)).second) {
        Fail(fmt::format("function '{}' of '{}' is defined twice", function.name(), function.domain()));
      }
    }
  }

  std::vector<std::int64_t> Run() {
    google::protobuf::RepeatedPtrField<NodeProto> source;
    source.Swap(proto_.mutable_graph()->mutable_node());
    for (NodeProto& node : source) {
      Add(node, opset_);
      NodeProto().Swap(&node);
    }
    return std::move(opsets_);
  }

 private:
  void Add(NodeProto& node, std::int64_t opset) {
    const auto found = functions_.find({node.domain(), node.op_type()});
    if (found == functions_.end()) {
      if (--nodes_left_ < 0) Fail("its functions expand to more nodes than the limit");
      proto_.mutable_graph()->add_node()->Swap(&node);
      opsets_.push_back(opset);
      return;
    }
    Function& function = found->second;
    if (function.active) Fail(fmt::format("function '{}' of '{}' calls itself", node.op_type(), node.domain()));
    if (++nested_ > kMostNested) Fail(fmt::format("functions call one another more than {} deep", kMostNested));
    if (--nodes_left_ < 0) Fail("its functions expand to more nodes than the limit");
    function.active = true;
    Expand(node, function);
    function.active = false;
    --nested_;
  }

  void Charge(std::int64_t bytes) {
    bytes_left_ -= bytes + kBytesOfOne;
    if (bytes_left_ < 0) Fail("its functions expand to more than the limit of memory");
  }

  void Expand(const NodeProto& call, const Function& function) {
    const FunctionProto& proto = *function.proto;
    const std::string label = fmt::format("{}/{}", call.name().empty() ? proto.name() : call.name(), calls_++);
    if (call.input_size() > proto.input_size() || call.output_size() > proto.output_size()) {
      Fail(fmt::format("node '{}' calls the function '{}' with more inputs or outputs than it has", call.name(),
                       proto.name()));
    }
    std::unordered_map<std::string, std::string> names;
    for (int i = 0; i < proto.input_size(); ++i) {
      Charge(static_cast<std::int64_t>(proto.input(i).size()));
      names[proto.input(i)] = i < call.input_size() ? call.input(i) : "";
    }
    for (int i = 0; i < proto.output_size(); ++i) {
      Charge(static_cast<std::int64_t>(proto.output(i).size()));
      const std::string wanted = i < call.output_size() ? call.output(i) : "";
      if (wanted.empty()) continue;
      const auto [place, is_new] = names.try_emplace(proto.output(i), wanted);
      if (is_new) continue;
      // An input, or another output, is passed on under two names.
      NodeProto same;
      same.set_name(fmt::format("{}/{}", label, proto.output(i)));
      same.set_op_type("Identity");
      same.add_input(place->second);
      same.add_output(wanted);
      Add(same, opset_);
    }
    for (const NodeProto& source : proto.node()) {
      Charge(static_cast<std::int64_t>(source.ByteSizeLong() + label.size()));
      NodeProto node = source;
      node.set_name(fmt::format("{}/{}", label, source.name()));
      for (std::string& name : *node.mutable_input()) Rename(name, label, names);
      for (std::string& name : *node.mutable_output()) Rename(name, label, names);
      ResolveAttributes(node, call, function);
      Add(node, function.opset);
    }
  }

  void Rename(std::string& name, const std::string& label, const std::unordered_map<std::string, std::string>& names) {
    if (name.empty()) return;
    const auto found = names.find(name);
    name = found != names.end() ? found->second : fmt::format("{}/{}", label, name);
    Charge(static_cast<std::int64_t>(name.size()));
  }

  // Attributes that refer to those of the call get their values, and go where there is none.
  void ResolveAttributes(NodeProto& node, const NodeProto& call, const Function& function) {
    google::protobuf::RepeatedPtrField<AttributeProto> source;
    source.Swap(node.mutable_attribute());
    for (AttributeProto& attribute : source) {
      if (attribute.ref_attr_name().empty()) {
        node.add_attribute()->Swap(&attribute);
        continue;
      }
      const AttributeProto* value = nullptr;
      for (const AttributeProto& given : call.attribute()) {
        if (given.name() == attribute.ref_attr_name()) value = &given;
      }
      if (value == nullptr) {
        const auto found = function.defaults.find(attribute.ref_attr_name());
        if (found != function.defaults.end()) value = &found->second;
      }
      if (value == nullptr) continue;
      Charge(static_cast<std::int64_t>(value->ByteSizeLong()));
      AttributeProto& resolved = *node.add_attribute();
      resolved = *value;
      resolved.set_name(attribute.name());
    }
  }

  onnx::ModelProto& proto_;
  const std::int64_t opset_;
  std::int64_t nodes_left_, bytes_left_;
  std::size_t nested_ = 0;
  std::int64_t calls_ = 0;
  std::map<std::pair<std::string, std::string>, Function> functions_;
  std::vector<std::int64_t> opsets_;
};

}  // namespace

std::vector<std::int64_t> InlineFunctions(onnx::ModelProto& proto, std::int64_t opset, const ReadLimits& limits) {
  return Inliner(proto, opset, limits).Run();
}

}  // namespace prefiqs::model
