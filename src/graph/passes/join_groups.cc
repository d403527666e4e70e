#include "graph/passes/join_groups.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "graph/passes/rewrite.h"

namespace prefiqs::graph {
namespace {

// O×(I/g)×kernel with groups of `in` inputs and `out` outputs -> O×(joined·in)×kernel.
Tensor Joined(const TensorPtr& weights, std::int64_t out, std::int64_t joined) {
  Shape shape = weights->shape();
  const std::int64_t filters = shape[0], size = weights->count() / filters;  // of a filter
  shape[1] *= joined;
  return Tensor::Deferred(DataType::kFloat32, std::move(shape),
                          [weights, filters, size, out, joined](std::byte* bytes) {
                            const Tensor copy = *weights;
                            const float* from = copy.values<float>().data();
                            auto* to = reinterpret_cast<float*>(bytes);
                            std::fill_n(to, filters * size * joined, 0.0f);
                            for (std::int64_t o = 0; o < filters; ++o) {
                              const std::int64_t place = o / out % joined;  // of its old group in the new one
                              std::copy_n(from + o * size, size, to + (o * joined + place) * size);
                            }
                          });
}

}  // namespace

Graph JoinGroups(const Graph& graph, std::int64_t width) {
  Graph result = graph;
  for (Node& node : result.nodes) {
    const std::int64_t groups = node.op == "Conv" ? node.Int("group", 1) : 1;
    if (groups == 1 || FloatConstant(result, node.inputs[1]) == nullptr) continue;
    const TensorPtr weights = result.value(node.inputs[1]).constant;
    const std::int64_t in = weights->shape()[1], out = weights->shape()[0] / groups;
    if (in <= 1 || in >= width || width % in != 0) continue;
    const std::int64_t joined = width / in;
    if (groups % joined != 0) continue;
    node.inputs[1] = result.AddConstant(node.name + "/joined", std::make_shared<Tensor>(Joined(weights, out, joined)));
    node.attributes["group"] = groups / joined;
  }
  return RemoveUnused(result);
}

}  // namespace prefiqs::graph
