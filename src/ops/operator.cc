#include "ops/operator.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/denormals.h"
#include "ops/rows.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

std::vector<Operator> MakeTable() {
  std::vector<Operator> table;
  for (const auto rows : {ActivationRows, ElementwiseRows, ComparisonRows, PassRows, ShapeRows, MovementRows, PadRows,
                          ConvolutionRows, PoolingRows, MatrixRows, NormalisationRows, ReductionRows, ResizeRows}) {
    const std::span<const Operator> part = rows();
    table.insert(table.end(), part.begin(), part.end());
  }
  std::ranges::sort(table, {}, &Operator::name);
  return table;
}

bool IsQuantised(std::string_view op) {
  return op.starts_with("QLinear") || op.ends_with("Integer") || op.find("uantize") != std::string_view::npos;
}

// Too few break ONNX's own rules; more than this program knows what to do with may be right.
void CheckCount(const graph::Node& node, std::string_view what, std::size_t count, int low, int high) {
  if (count < static_cast<std::size_t>(low)) {
    Fail(node, fmt::format("has {} {}, it needs {}; the file is damaged, export the network again", count, what, low));
  }
  if (high >= 0 && count > static_cast<std::size_t>(high)) {
    Fail(node, fmt::format("has {} {}, this program supports at most {}; export the network without the others", count,
                           what, high));
  }
}

const Operator& Row(const graph::Node& node) {
  if (const Operator* op = Find(node.op)) return *op;
  Fail(node, IsQuantised(node.op) ? "this is a quantised network, which is not supported; export it in float32 instead"
                                  : "the operator is not supported; export the network without it");
}

void CheckCounts(const graph::Node& node, const Operator& op) {
  CheckCount(node, "inputs", node.inputs.size(), op.min_inputs, op.max_inputs);
  CheckCount(node, "outputs", node.outputs.size(), op.min_outputs, op.max_outputs);
}

// Sums over all nodes a file may have stay in range.
constexpr std::int64_t kMostMultiplyAdds = std::int64_t{1} << 45;

std::int64_t CappedProduct(std::span<const std::int64_t> factors) {
  if (std::ranges::find(factors, 0) != factors.end()) return 0;
  std::int64_t product = 1;
  for (const std::int64_t factor : factors) {
    if (factor > kMostMultiplyAdds / product) return kMostMultiplyAdds;
    product *= factor;
  }
  return product;
}

}  // namespace

std::span<const Operator> All() {
  static const std::vector<Operator> table = MakeTable();
  return table;
}

const Operator* Find(std::string_view name) {
  const std::span<const Operator> table = All();
  const auto row = std::ranges::lower_bound(table, name, {}, &Operator::name);
  return row != table.end() && row->name == name ? &*row : nullptr;
}

void CheckSupported(const graph::Graph& graph) {
  for (const graph::Node& node : graph.nodes) {
    const Operator& op = Row(node);
    // First: an attribute that became an input in a newer opset explains the count.
    for (const auto& [key, value] : node.attributes) {
      if (std::ranges::find(op.attributes, key) == op.attributes.end()) {
        Fail(node, fmt::format("attribute '{}' is not supported; export the network without it", key));
      }
    }
    CheckCounts(node, op);
  }
}

std::vector<graph::Tensor> Evaluate(const graph::Node& node, std::span<const graph::Tensor* const> inputs) {
  const DenormalsAreZero denormals_are_zero;
  const Operator& op = Row(node);
  CheckCounts(node, op);
  if (inputs.size() != node.inputs.size()) Fail(node, "is evaluated with another number of inputs than it has");
  const TensorInputs known(inputs);
  std::vector<graph::Tensor> outputs;
  for (const TensorType& type : op.infer(node, known.get())) outputs.emplace_back(type.type, type.shape);
  op.reference(node, inputs, outputs);
  return outputs;
}

std::int64_t MultiplyAdds(const graph::Node& node, std::span<const InferInput> inputs,
                          std::span<const TensorType> outputs) {
  if (!Given(inputs, 0) || !Given(inputs, 1) || outputs.empty()) return 0;
  const graph::Shape& a = inputs[0].type->shape;
  const graph::Shape& b = inputs[1].type->shape;
  std::vector<std::int64_t> factors = outputs[0].shape;
  if (node.op == "Conv") {  // every output element: input channels of its group times the kernel
    if (b.empty()) return 0;
    factors.insert(factors.end(), b.begin() + 1, b.end());
  } else if (node.op == "Gemm") {
    if (a.size() != 2) return 0;
    factors.push_back(a[node.Int("transA", 0) != 0 ? 0 : 1]);
  } else if (node.op == "MatMul") {
    if (a.empty()) return 0;
    factors.push_back(a.back());
  } else {
    return 0;
  }
  return CappedProduct(factors);
}

}  // namespace prefiqs::ops
