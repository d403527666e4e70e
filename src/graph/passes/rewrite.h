// What the passes share: looking at a graph and changing who reads what.
#ifndef PREFIQS_GRAPH_PASSES_REWRITE_H_
#define PREFIQS_GRAPH_PASSES_REWRITE_H_

#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"

namespace prefiqs::graph {

// Every reader of `from`, the graph's outputs included, reads `to` instead. The producer of `from` keeps it.
void ReplaceReaders(Graph& graph, ValueId from, ValueId to);

// Takes out the nodes whose mark is set; the others keep their order.
void DropNodes(Graph& graph, const std::vector<char>& marks);

// True when exactly one node input reads the value and it is no output of the graph.
class SoleReader {
 public:
  explicit SoleReader(const Graph& graph);
  bool operator()(ValueId id) const { return reads_[static_cast<std::size_t>(id)] == 1; }

 private:
  std::vector<int> reads_;
};

// y = scale * x + shift, one pair per channel (dimension 1).
struct Affine {
  std::vector<double> scale;
  std::vector<double> shift;
};

// The affine that `node` applies to input `data` if it is a BatchNormalization, or an Add, Sub, Mul or Div with a
// constant that is the same along all but the channel dimension. Nothing for any other node. `data` receives the index
// of the input that is no constant.
std::optional<Affine> AsAffine(const Graph& graph, const Node& node, std::size_t& data);

// The float constant at `id`, or nothing.
const Tensor* FloatConstant(const Graph& graph, ValueId id);

}  // namespace prefiqs::graph

#endif  // PREFIQS_GRAPH_PASSES_REWRITE_H_
