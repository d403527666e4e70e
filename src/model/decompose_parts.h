// What the rules of decompose.h work with.
#ifndef PREFIQS_MODEL_DECOMPOSE_PARTS_H_
#define PREFIQS_MODEL_DECOMPOSE_PARTS_H_

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/decompose.h"

namespace prefiqs::model {

// A node while it is written in others.
struct Parts {
  using Attributes = std::map<std::string, graph::Attribute, std::less<>>;

  // kNone: left out.
  graph::ValueId In(std::size_t i) const { return i < node.inputs.size() ? node.inputs[i] : graph::kNone; }
  // Throws Error(kModel) where it is left out.
  graph::ValueId Required(std::size_t i) const;
  graph::ValueId Number(float value);
  graph::ValueId Integers(const std::vector<std::int64_t>& values);
  // A new node; its output.
  graph::ValueId Emit(std::string_view op, std::vector<graph::ValueId> inputs, Attributes attributes = {});
  std::vector<graph::ValueId> EmitMany(std::string_view op, std::vector<graph::ValueId> inputs, std::size_t outputs,
                                       Attributes attributes = {});
  // The same, with an output of the node in place of a new one.
  void Result(std::string_view op, std::vector<graph::ValueId> inputs, Attributes attributes = {},
              std::size_t output = 0);
  // x + y, or the one that is there.
  graph::ValueId Sum(graph::ValueId x, graph::ValueId y);
  // Throws Error(kModel) where it is not known.
  std::size_t Rank(graph::ValueId id) const;
  [[noreturn]] static void Fail(std::string_view cause);

  const graph::Node& node;
  const std::int64_t opset;
  NodeSink& sink;
};

// A row: an operator that is written in others.
struct Decomposition {
  std::string_view domain;
  std::string_view op;
  int since;                                // the oldest opset in which it means this
  int min_inputs, max_inputs, max_outputs;  // -1: any number
  std::span<const std::string_view> attributes;
  void (*apply)(Parts& parts);
};
std::span<const Decomposition> SimpleDecompositions();       // sums, activations, reductions
std::span<const Decomposition> NormalisingDecompositions();  // normalisations, constants that are quantised
std::span<const Decomposition> FusedDecompositions();        // ONNX Runtime's own operators, and attention
std::span<const Decomposition> EinsumDecompositions();
std::span<const Decomposition> PackedDecompositions();  // products with weights of few bits

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_DECOMPOSE_PARTS_H_
