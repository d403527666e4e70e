#include "run_case.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <exception>
#include <map>
#include <memory>

#include "compare.h"
#include "engine/executor.h"
#include "model/onnx_reader.h"
#include "ops/specialise.h"

namespace prefiqs::conformance {
namespace {

// What the outputs held before the run must not show through.
constexpr unsigned char kRubbish = 0x5a;

void Run(const Case& one, const Form& form, Kind kind, CaseResult& result) {
  std::map<std::string, graph::Shape> shapes;
  for (const auto& [name, tensor] : form.inputs) shapes[name] = tensor.shape();
  const graph::Graph graph = ops::Specialise(model::ReadOnnxFile(form.model).graph, shapes);
  const std::unique_ptr<const engine::Executor> executor =
      kind == Kind::kOneDnn ? engine::CompileOneDnn(graph) : engine::CompileReference(graph);

  std::vector<const graph::Tensor*> inputs;
  for (const graph::ValueId id : graph.inputs) {
    const auto found = std::find_if(form.inputs.begin(), form.inputs.end(),
                                    [&](const auto& input) { return input.first == graph.value(id).name; });
    if (found == form.inputs.end()) throw std::runtime_error("an input that the case has no data for");
    inputs.push_back(&found->second);
  }
  std::vector<graph::Tensor> outputs;
  for (const graph::ValueId id : graph.outputs) {
    const graph::Value& value = graph.value(id);
    graph::Tensor& output = outputs.emplace_back(value.type, value.shape);
    if (value.type != graph::DataType::kBool) {
      std::fill_n(reinterpret_cast<unsigned char*>(output.bytes()), output.byte_count(), kRubbish);
    }
  }
  const auto context = executor->NewContext();
  executor->Run(*context, inputs, outputs);

  for (const engine::LayerReport& layer : executor->Layers()) {
    ++result.layers;
    result.fallbacks += layer.implementation == "reference" ? 1 : 0;
  }
  for (std::size_t i = 0; i < one.outputs.size(); ++i) {
    if (i >= outputs.size()) throw std::runtime_error("too few outputs");
    const std::string difference = Difference(outputs[i], one.outputs[i], one.half ? kHalfTolerance : kFloatTolerance);
    if (!difference.empty()) throw std::runtime_error(fmt::format("output {} {}", i, difference));
  }
}

}  // namespace

CaseResult RunForm(const Case& one, const Form& form, Kind kind) {
  CaseResult result;
  try {
    Run(one, form, kind, result);
    result.outcome = Outcome::kPassed;
  } catch (const Error& e) {
    result.detail = e.what();
    const bool one_line = result.detail.find('\n') == std::string::npos;
    result.outcome = e.code() == ErrorCode::kModel && one_line ? Outcome::kRefused : Outcome::kFailed;
  } catch (const std::exception& e) {
    result.detail = e.what();
  }
  return result;
}

}  // namespace prefiqs::conformance
