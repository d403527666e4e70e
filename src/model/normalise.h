// Operators of older opsets in the form of the newest one.
#ifndef PREFIQS_MODEL_NORMALISE_H_
#define PREFIQS_MODEL_NORMALISE_H_

#include <cstdint>
#include <functional>
#include <string_view>

#include "graph/graph.h"

namespace prefiqs::model {

inline constexpr std::int64_t kNewestOpset = 26;  // the last in which we know what changed

// Makes a constant of the graph that `node` belongs to; the hint becomes part of its name.
using MakeConstant = std::function<graph::ValueId(std::string_view hint, graph::Tensor tensor)>;

// Throws Error(kModel) where an operator that came with `since` stands in a file of an older opset.
void CheckSince(std::int64_t since, std::int64_t opset);

// Rewrites `node`, as an ONNX file of `opset` has it, to the form src/ops knows: attributes that became inputs are
// inputs, operators that were renamed have their new name, attributes that change nothing in inference are gone. What a
// form of its own had to be kept for has an attribute that ONNX lacks: Softmax before opset 13 has coerce_2d = 1 (it
// works on the input flattened to a matrix at `axis`). Nodes that no rule names stay as they are. Throws Error(kModel)
// without naming the node.
void Normalise(graph::Node& node, std::int64_t opset, const MakeConstant& make_constant);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_NORMALISE_H_
