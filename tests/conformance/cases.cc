#include "cases.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace prefiqs::conformance {
namespace {

using nlohmann::json;

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) throw std::runtime_error("cannot read " + path);
  return text;
}

graph::DataType Type(const std::string& name) {
  using graph::DataType;
  for (const DataType type : {DataType::kFloat32, DataType::kInt64, DataType::kInt32, DataType::kBool}) {
    if (name == graph::Name(type)) return type;
  }
  throw std::runtime_error("no type " + name);
}

graph::Tensor ToTensor(const json& entry, const std::string& data) {
  graph::Tensor tensor(Type(entry.at("type")), entry.at("shape").get<graph::Shape>());
  const auto offset = entry.at("offset").get<std::size_t>();
  if (offset > data.size() || data.size() - offset < tensor.byte_count()) {
    throw std::runtime_error("tensors.bin is too short");
  }
  data.copy(reinterpret_cast<char*>(tensor.bytes()), tensor.byte_count(), offset);
  return tensor;
}

}  // namespace

std::vector<Case> LoadCases(const std::string& folder) {
  const json entries = json::parse(Contents(folder + "/cases.json"));
  const std::string data = Contents(folder + "/tensors.bin");
  std::vector<Case> cases;
  for (const json& entry : entries) {
    Case& one = cases.emplace_back();
    one.name = entry.at("name");
    one.source = entry.at("source");
    one.operators = entry.at("operators").get<std::vector<std::string>>();
    one.has_data = entry.at("has_data");
    one.half = entry.at("half");
    for (const json& output : entry.at("outputs")) one.outputs.push_back(ToTensor(output, data));
    for (const json& variant : entry.at("forms")) {
      Form& form = one.forms.emplace_back();
      form.name = variant.at("form");
      form.model = fmt::format("{}/{}", folder, variant.at("model").get<std::string>());
      for (const json& input : variant.at("inputs")) form.inputs.emplace_back(input.at("name"), ToTensor(input, data));
    }
  }
  return cases;
}

std::string ReadOnnxVersion(const std::string& folder) { return Contents(folder + "/onnx_version"); }

}  // namespace prefiqs::conformance
