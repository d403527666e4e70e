// What follows a convolution or matrix product and can run inside its primitive.
#ifndef PREFIQS_ENGINE_ONEDNN_FUSION_H_
#define PREFIQS_ENGINE_ONEDNN_FUSION_H_

#include <optional>
#include <vector>

#include "engine/onednn/builder.h"
#include "graph/graph.h"

namespace prefiqs::engine::onednn {

// dst = op(src), `alpha` and `beta` as oneDNN's algorithm defines them; then clipped where `clip` is set.
struct Eltwise {
  dnnl::algorithm algorithm;
  float alpha = 0, beta = 0;
  bool clip_to_one = false;  // HardSigmoid is a line clipped to [0, 1]
};

// Relu, LeakyRelu, Elu, Clip by constants, Sigmoid, HardSigmoid, HardSwish, Softplus, Tanh, Gelu, Exp, Sqrt, Neg, Abs,
// Reciprocal; nothing for any other.
std::optional<Eltwise> AsEltwise(const graph::Graph& graph, const graph::Node& node);
void Append(dnnl::post_ops& post_ops, const Eltwise& eltwise);

// A chain of sole readers: activations, and at most one addition of a value of the same shape that exists already.
struct Fusion {
  std::vector<const graph::Node*> nodes;
  dnnl::post_ops post_ops;
  graph::ValueId added = graph::kNone;  // what the sum adds: its memory becomes the result's
  graph::ValueId output;                // of the last node

  dnnl::primitive_attr Attributes() const;
};

// The longest chain behind `node`, which must have one output; at most `limit` nodes.
Fusion FindFusion(const Builder& builder, const graph::Node& node, std::size_t limit = 8);

// Where the primitive writes, with the sum's operand in place; then everything fused is marked and the output defined.
Operand PrepareOutput(Builder& builder, const Fusion& fusion, const Desc& desc);
void Finish(Builder& builder, const graph::Node& node, const Fusion& fusion, const Operand& output);

}  // namespace prefiqs::engine::onednn

#endif  // PREFIQS_ENGINE_ONEDNN_FUSION_H_
