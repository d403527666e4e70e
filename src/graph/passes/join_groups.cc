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
  const std::int64_t size = weights->count() / shape[0];  // of a filter
  shape[1] *= joined;
  const auto write = [weights, size, out, joined](std::int64_t first, std::int64_t count, std::byte* bytes) {
    auto* const to = reinterpret_cast<float*>(bytes);
    std::fill_n(to, count, 0.0f);
    const std::int64_t last = first + count, row = size * joined;
    const std::int64_t first_row = first / row, rows = (last + row - 1) / row - first_row;
    Scratch scratch;
    const float* const from = scratch.Values<float>(*weights, first_row * size, rows * size).data();
    for (std::int64_t r = 0; r < rows; ++r) {
      const std::int64_t o = first_row + r, place = o / out % joined;  // of its old group in the new one
      const std::int64_t there = o * row + place * size;
      const std::int64_t begin = std::max(there, first), end = std::min(there + size, last);
      if (begin < end) std::copy_n(from + r * size + (begin - there), end - begin, to + (begin - first));
    }
  };
  return Tensor::Deferred(DataType::kFloat32, std::move(shape), write, weights);
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
