#include "model/attribute_proto.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/denormals.h"

namespace prefiqs::model {
namespace {

using graph::Tensor;
using onnx::AttributeProto;

[[noreturn]] void Fail(const std::string& cause) { throw Error(ErrorCode::kModel, cause); }

graph::TensorPtr FloatConstant(graph::Shape shape, std::span<const float> values, DenormalCount& denormals) {
  Tensor tensor = Tensor::From<float>(std::move(shape), values);
  denormals.Add(ZeroDenormals(tensor.values<float>()));
  return std::make_shared<const Tensor>(std::move(tensor));
}

}  // namespace

graph::Attribute ToAttribute(AttributeProto& attribute, const DataSources& sources, ConstantBudget& budget,
                             DenormalCount& denormals) {
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
          *attribute.mutable_t(), fmt::format("attribute '{}'", attribute.name()), sources, budget, denormals));
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

graph::TensorPtr ConstantOf(const onnx::NodeProto& source, const graph::Node& node, DenormalCount& denormals) {
  if (node.attributes.size() != 1 || source.output_size() != 1 || source.input_size() != 0 ||
      source.output(0).empty()) {
    Fail("a constant has one attribute, one output and no input");
  }
  const auto& [key, attribute] = *node.attributes.begin();
  if (const auto* tensor = std::get_if<graph::TensorPtr>(&attribute); tensor != nullptr && key == "value") {
    return *tensor;
  }
  if (const auto* f = std::get_if<float>(&attribute); f != nullptr && key == "value_float") {
    return FloatConstant({}, std::span(f, 1), denormals);
  }
  if (const auto* i = std::get_if<std::int64_t>(&attribute); i != nullptr && key == "value_int") {
    return std::make_shared<const Tensor>(Tensor::From<std::int64_t>({}, std::span(i, 1)));
  }
  if (const auto* fs = std::get_if<std::vector<float>>(&attribute); fs != nullptr && key == "value_floats") {
    return FloatConstant({static_cast<std::int64_t>(fs->size())}, *fs, denormals);
  }
  if (const auto* is = std::get_if<std::vector<std::int64_t>>(&attribute); is != nullptr && key == "value_ints") {
    return std::make_shared<const Tensor>(Tensor::FromInt64s(*is));
  }
  Fail(fmt::format("attribute '{}' makes a constant of a kind that is not supported", key));
}

}  // namespace prefiqs::model
