#include "model/onnx_writer.h"

#include <fmt/format.h>
#include <onnx/onnx_pb.h>
#include <prefiqs/error.h>
#include <prefiqs/version.h>

#include <limits>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/file.h"
#include "model/lower.h"
#include "model/tensor_proto.h"

namespace prefiqs::model {
namespace {

using graph::Graph;
using graph::kNone;
using graph::ValueId;
using onnx::AttributeProto;

// What protobuf can put into one message, less room for all that is not weights.
constexpr std::int64_t kMaxConstantBytes = std::numeric_limits<std::int32_t>::max() - (std::int64_t{64} << 20);

// `wanted`, or something like it that is neither empty nor taken.
std::string Claim(std::string wanted, std::string_view otherwise, std::unordered_set<std::string>& taken) {
  if (wanted.empty()) wanted = otherwise;
  while (!taken.insert(wanted).second) wanted += "_";
  return wanted;
}

std::vector<std::string> ValueNames(const Graph& graph) {
  std::vector<std::string> names(graph.values.size());
  std::unordered_set<std::string> taken;
  const auto name = [&](ValueId id) {
    std::string& slot = names[static_cast<std::size_t>(id)];
    if (slot.empty()) slot = Claim(graph.value(id).name, fmt::format("value_{}", id), taken);
  };
  // The names that users see come first, so that those of others give way.
  for (const ValueId id : graph.inputs) name(id);
  for (const ValueId id : graph.outputs) name(id);
  for (std::size_t i = 0; i < names.size(); ++i) name(static_cast<ValueId>(i));
  return names;
}

void SetAttribute(const graph::Attribute& value, AttributeProto& proto) {
  struct {
    AttributeProto& to;
    void operator()(std::int64_t i) const {
      to.set_type(AttributeProto::INT);
      to.set_i(i);
    }
    void operator()(float f) const {
      to.set_type(AttributeProto::FLOAT);
      to.set_f(f);
    }
    void operator()(const std::string& s) const {
      to.set_type(AttributeProto::STRING);
      to.set_s(s);
    }
    void operator()(const std::vector<std::int64_t>& ints) const {
      to.set_type(AttributeProto::INTS);
      to.mutable_ints()->Add(ints.begin(), ints.end());
    }
    void operator()(const std::vector<float>& floats) const {
      to.set_type(AttributeProto::FLOATS);
      to.mutable_floats()->Add(floats.begin(), floats.end());
    }
    void operator()(const std::vector<std::string>& strings) const {
      to.set_type(AttributeProto::STRINGS);
      for (const std::string& s : strings) to.add_strings(s);
    }
    void operator()(const graph::TensorPtr& tensor) const {
      to.set_type(AttributeProto::TENSOR);
      *to.mutable_t() = ToProto(*tensor, "");
    }
  } visitor{proto};
  std::visit(visitor, value);
}

void SetValueInfo(const graph::Value& value, const std::string& name, std::string_view first_dim,
                  onnx::ValueInfoProto& proto) {
  proto.set_name(name);
  auto& tensor = *proto.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(value.is_uint8 ? static_cast<std::int32_t>(onnx::TensorProto::UINT8) : OnnxType(value.type));
  if (!value.shape_known) return;
  auto& shape = *tensor.mutable_shape();
  for (std::size_t i = 0; i < value.shape.size(); ++i) {
    auto& dim = *shape.add_dim();
    if (value.shape[i] >= 0) {
      dim.set_dim_value(value.shape[i]);
    } else {
      const bool named = i < value.dim_names.size() && !value.dim_names[i].empty();
      const bool first = i == 0 && !first_dim.empty();
      dim.set_dim_param(named   ? value.dim_names[i]
                        : first ? std::string(first_dim)
                                : fmt::format("{}_dim_{}", name, i));
    }
  }
}

onnx::ModelProto ToModel(const Graph& source, const std::map<std::string, std::string>& metadata) {
  const std::int64_t opset = OpsetFor(source);
  const Graph graph = Lower(source, opset);
  onnx::ModelProto model;
  model.set_ir_version(opset < 19 ? 8 : 9);
  model.set_producer_name("prefiqs");
  model.set_producer_version(std::string(version()));
  auto& opset_import = *model.add_opset_import();
  opset_import.set_domain("");
  opset_import.set_version(opset);

  const std::vector<std::string> names = ValueNames(graph);
  const auto name = [&](ValueId id) { return id == kNone ? std::string() : names[static_cast<std::size_t>(id)]; };
  auto& proto = *model.mutable_graph();
  proto.set_name(graph.name.empty() ? "network" : graph.name);
  for (const ValueId id : graph.inputs) SetValueInfo(graph.value(id), name(id), "batch", *proto.add_input());
  for (const ValueId id : graph.outputs) SetValueInfo(graph.value(id), name(id), "", *proto.add_output());
  for (std::size_t i = 0; i < graph.values.size(); ++i) {
    if (graph.values[i].constant != nullptr) *proto.add_initializer() = ToProto(*graph.values[i].constant, names[i]);
  }
  std::unordered_set<std::string> node_names;
  for (const graph::Node& node : graph.nodes) {
    auto& to = *proto.add_node();
    to.set_name(Claim(node.name, node.op, node_names));
    to.set_op_type(node.op);
    for (const ValueId id : node.inputs) to.add_input(name(id));
    for (const ValueId id : node.outputs) to.add_output(name(id));
    for (const auto& [key, value] : node.attributes) {
      auto& attribute = *to.add_attribute();
      attribute.set_name(key);
      SetAttribute(value, attribute);
    }
  }
  std::map<std::string, std::string> properties = metadata;
  properties.insert(graph.metadata.begin(), graph.metadata.end());
  for (const auto& [key, value] : properties) {
    auto& property = *model.add_metadata_props();
    property.set_key(key);
    property.set_value(value);
  }
  return model;
}

}  // namespace

void WriteOnnxFile(const Graph& graph, const std::map<std::string, std::string>& metadata, const std::string& path) {
  std::int64_t bytes = 0;
  for (const graph::Value& value : graph.values) {
    if (value.constant != nullptr) bytes += static_cast<std::int64_t>(value.constant->byte_count());
  }
  if (bytes > kMaxConstantBytes) {
    throw Error(ErrorCode::kIo,
                fmt::format("{}: cannot write: weights of {} bytes do not fit the 2 GiB of one ONNX file",
                            Printable(path), bytes));
  }
  std::string serialised;
  {
    const onnx::ModelProto model = ToModel(graph, metadata);
    if (!model.SerializeToString(&serialised)) {
      throw Error(ErrorCode::kIo,
                  fmt::format("{}: cannot write: the network does not fit one ONNX file", Printable(path)));
    }
  }
  WriteFileAtomically(path, serialised);
}

}  // namespace prefiqs::model
