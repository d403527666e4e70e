// The derivatives of operators: a table, and what its rows work with.
#ifndef PREFIQS_OPS_TANGENT_RULES_H_
#define PREFIQS_OPS_TANGENT_RULES_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace prefiqs::ops {

// A graph while its derivatives are added, node by node.
class TangentMaker {
 public:
  // A derivative is the sum of its terms, the oldest first; nothing where it is zero. It is added up as late as
  // possible, so that a scale that follows can go into the weights of each term, and each addition into a convolution.
  using Terms = std::vector<graph::ValueId>;

  TangentMaker(graph::Graph& graph, const graph::Graph& changed);
  void Differentiate(const graph::Node& node);
  graph::ValueId OutputTangent(graph::ValueId output);  // zeros where there is none

  bool Has(graph::ValueId id) const { return id != graph::kNone && !terms_[static_cast<std::size_t>(id)].empty(); }
  graph::ValueId Of(graph::ValueId id);  // added up; kNone where it is zero
  // As it is, for the node that is the only one to read the value; else added up: the sum is wanted anyway.
  Terms TermsOf(graph::ValueId id);
  void Set(graph::ValueId id, Terms terms) { terms_[static_cast<std::size_t>(id)] = std::move(terms); }

  using Attributes = std::map<std::string, graph::Attribute, std::less<>>;
  // A node whose first output is given; named after the one that is being differentiated.
  graph::ValueId Emit(std::string_view op, std::vector<graph::ValueId> inputs, Attributes attributes = {}) {
    return EmitMany(op, std::move(inputs), 1, std::move(attributes))[0];
  }
  std::vector<graph::ValueId> EmitMany(std::string_view op, std::vector<graph::ValueId> inputs, std::size_t outputs,
                                       Attributes attributes = {});
  // `node` again, reading `x` in place of its input i.
  graph::ValueId Again(const graph::Node& node, std::size_t i, graph::ValueId x);
  // The same of each term of its input i alone, for what is linear in it: a scale by constants then goes into the
  // weights that make the term.
  Terms TermsAgain(const graph::Node& node, std::size_t i);
  graph::ValueId Number(float value);
  graph::ValueId Zero(graph::ValueId like) { return Emit("Mul", {like, Number(0)}); }
  graph::ValueId Integers(const std::vector<std::int64_t>& values);
  const graph::Tensor* Constant(graph::ValueId id) const { return graph_.constant(id); }
  [[noreturn]] static void Refuse(const graph::Node& node, std::string_view cause);

  std::vector<graph::Node> TakeNodes() { return std::move(nodes_); }

 private:
  graph::ValueId AddConstant(std::string name, graph::TensorPtr tensor);

  graph::Graph& graph_;
  std::vector<Terms> terms_;        // by value
  std::vector<int> readers_;        // by value of the graph; an output of it counts
  std::vector<graph::Node> nodes_;  // those of the graph so far, and the new ones among them
  std::set<std::string, std::less<>> names_;
  std::map<float, graph::ValueId> numbers_;
  std::string stem_;  // of the names of new nodes
};

// A row: an operator that a derivative may pass.
struct TangentRule {
  std::string_view op;
  std::vector<std::size_t> inputs;  // by which it can be differentiated; empty: by all
  // Sets the terms of the node's outputs; called when an input has some.
  void (*apply)(TangentMaker& maker, const graph::Node& node);
};
std::span<const TangentRule> TangentRules();
// Those of them that look at many elements: reductions, normalisations, MaxPool.
std::span<const TangentRule> RulesOfMany();

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_TANGENT_RULES_H_
