// One node, bound to its row of the operator table and to the types of its outputs.
#ifndef PREFIQS_ENGINE_REFERENCE_NODE_H_
#define PREFIQS_ENGINE_REFERENCE_NODE_H_

#include <span>
#include <vector>

#include "graph/graph.h"
#include "graph/tensor.h"
#include "ops/operator.h"

namespace prefiqs::engine {

class ReferenceNode {
 public:
  // Every input of the node must have a known shape. Throws Error(kModel) where the operator's shape rule does.
  ReferenceNode(const graph::Graph& graph, const graph::Node& node);

  // One tensor an output, those that are left out included.
  std::vector<graph::Tensor> Run(std::span<const graph::Tensor* const> inputs) const;

  const graph::Node& node() const { return node_; }

 private:
  graph::Node node_;
  const ops::Operator* op_;
  std::vector<ops::TensorType> output_types_;
};

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_REFERENCE_NODE_H_
