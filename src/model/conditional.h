// If nodes whose condition is a matter of shapes, as PyTorch writes for x.squeeze(2) where it does not know the size.
#ifndef PREFIQS_MODEL_CONDITIONAL_H_
#define PREFIQS_MODEL_CONDITIONAL_H_

#include <onnx/onnx_pb.h>

#include <functional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "model/onnx_reader.h"

namespace prefiqs::model {

// What `condition` holds, a value of `so_far`, which lacks the nodes that are not read yet. Throws Error(kModel),
// without naming the node, where the elements of an input, the number of pictures or a size that the file leaves open
// decide.
bool Decided(const graph::Graph& so_far, graph::ValueId condition, const ReadLimits& limits);

// The nodes of the branch that an If takes, in place of it: its outputs have the names of the If's, what is inside gets
// names by `unique`, and initialisers become Constant nodes. Takes `node` apart. Throws Error(kModel) for a branch that
// holds another If or that does not fit.
std::vector<onnx::NodeProto> TakeBranch(onnx::NodeProto& node, bool condition,
                                        const std::function<std::string(const std::string&)>& unique);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_CONDITIONAL_H_
