#include "ops/tangent.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <prefiqs/error.h>

#include "ops/tangent_rules.h"

namespace prefiqs::ops {
namespace {

using graph::Graph;
using graph::kNone;
using graph::Node;
using graph::Tensor;
using graph::ValueId;

// changed - original; null where they are the same.
graph::TensorPtr Difference(const graph::Value& original, const graph::Value& changed) {
  const graph::TensorPtr &a = original.constant, &b = changed.constant;
  if ((a == nullptr) != (b == nullptr)) {
    throw Error(ErrorCode::kInternal, fmt::format("tangent: the graphs differ in '{}'", original.name));
  }
  if (a == b || Identical(*a, *b)) return nullptr;
  if (a->shape() != b->shape() || a->type() != graph::DataType::kFloat32 || b->type() != a->type()) {
    throw Error(ErrorCode::kInternal, fmt::format("tangent: '{}' has changed its type", original.name));
  }
  auto difference = std::make_shared<Tensor>(*b);
  const std::span<const float> from = a->values<float>();
  const std::span<float> values = difference->values<float>();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] -= from[i];
  return difference;
}

}  // namespace

TangentMaker::TangentMaker(Graph& graph, const Graph& changed)
    : graph_(graph), terms_(graph.values.size()), readers_(graph.values.size()) {
  if (changed.values.size() != graph.values.size() || changed.nodes.size() != graph.nodes.size()) {
    throw Error(ErrorCode::kInternal, "tangent: the graphs differ in more than constants");
  }
  const auto read = [&](ValueId id) { readers_[static_cast<std::size_t>(id)] += 1; };
  for (const Node& node : graph.nodes) {
    names_.insert(node.name);
    for (const ValueId id : node.inputs) {
      if (id != kNone) read(id);
    }
  }
  std::ranges::for_each(graph.outputs, read);
  for (std::size_t i = 0; i < changed.values.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    if (const graph::TensorPtr difference = Difference(graph.value(id), changed.value(id))) {
      Set(id, {AddConstant(graph.value(id).name + "/tangent", difference)});
    }
  }
}

ValueId TangentMaker::Of(ValueId id) {
  if (!Has(id)) return kNone;
  const Terms terms = terms_[static_cast<std::size_t>(id)];
  // The oldest first: each that a convolution makes can then take in the sum of those before it.
  ValueId sum = terms.front();
  for (std::size_t i = 1; i < terms.size(); ++i) sum = Emit("Add", {terms[i], sum});
  Set(id, {sum});
  return sum;
}

TangentMaker::Terms TangentMaker::TermsOf(ValueId id) {
  if (Has(id) && readers_[static_cast<std::size_t>(id)] > 1) Of(id);
  return Has(id) ? terms_[static_cast<std::size_t>(id)] : Terms();
}

ValueId TangentMaker::OutputTangent(ValueId output) {
  stem_ = graph_.value(output).name;
  return Has(output) ? Of(output) : Emit("ConstantOfShape", {Emit("Shape", {output})});
}

std::vector<ValueId> TangentMaker::EmitMany(std::string_view op, std::vector<ValueId> inputs, std::size_t outputs,
                                            Attributes attributes) {
  Node node;
  node.op = op;
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  const std::string stem = stem_ + "/tangent";
  node.name = stem;
  for (int n = 1; !names_.insert(node.name).second; ++n) node.name = fmt::format("{}.{}", stem, n);
  for (std::size_t i = 0; i < outputs; ++i) {
    graph::Value value;
    value.name = i == 0 ? node.name : fmt::format("{}:{}", node.name, i);
    node.outputs.push_back(graph_.AddValue(std::move(value)));
  }
  terms_.resize(graph_.values.size());
  nodes_.push_back(std::move(node));
  return nodes_.back().outputs;
}

ValueId TangentMaker::Again(const Node& node, std::size_t i, ValueId x) {
  std::vector<ValueId> inputs = node.inputs;
  inputs[i] = x;
  return Emit(node.op, std::move(inputs), node.attributes);
}

TangentMaker::Terms TangentMaker::TermsAgain(const Node& node, std::size_t i) {
  Terms terms;
  for (const ValueId term : TermsOf(node.inputs[i])) terms.push_back(Again(node, i, term));
  return terms;
}

ValueId TangentMaker::AddConstant(std::string name, graph::TensorPtr tensor) {
  const ValueId id = graph_.AddConstant(std::move(name), std::move(tensor));
  terms_.resize(graph_.values.size());
  return id;
}

ValueId TangentMaker::Number(float value) {
  const auto [it, is_new] = numbers_.emplace(value, kNone);
  if (is_new) {
    it->second = AddConstant(fmt::format("tangent:{}", value), std::make_shared<Tensor>(Tensor::Scalar(value)));
  }
  return it->second;
}

ValueId TangentMaker::Integers(const std::vector<std::int64_t>& values) {
  return AddConstant(stem_ + "/tangent:integers", std::make_shared<Tensor>(Tensor::FromInt64s(values)));
}

void TangentMaker::Refuse(const Node& node, std::string_view cause) {
  throw Error(ErrorCode::kNotAvailable,
              fmt::format("node '{}' ({}): there is no rule for the derivative {}", node.name, node.op, cause));
}

void TangentMaker::Differentiate(const Node& node) {
  nodes_.push_back(node);
  if (std::ranges::none_of(node.inputs, [&](ValueId id) { return Has(id); })) return;
  const std::span<const TangentRule> rules = TangentRules();
  const auto rule = std::ranges::find(rules, node.op, &TangentRule::op);
  if (rule == rules.end()) Refuse(node, "of this operator");
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    const bool known = rule->inputs.empty() || std::ranges::find(rule->inputs, i) != rule->inputs.end();
    if (Has(node.inputs[i]) && !known) Refuse(node, fmt::format("by its input {}, which pruning changes", i));
  }
  stem_ = node.name;
  rule->apply(*this, node);
}

Graph WithTangent(const Graph& graph, const Graph& changed) {
  Graph result = graph::RemoveUnused(graph);
  const std::vector<Node> nodes = std::move(result.nodes);
  result.nodes = nodes;
  TangentMaker maker(result, graph::RemoveUnused(changed));
  for (const Node& node : nodes) maker.Differentiate(node);
  const std::vector<ValueId> outputs = result.outputs;
  for (const ValueId output : outputs) result.outputs.push_back(maker.OutputTangent(output));
  result.nodes = maker.TakeNodes();
  graph::Validate(result);
  return result;
}

}  // namespace prefiqs::ops
