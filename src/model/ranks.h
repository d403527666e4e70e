// How many dimensions values have, as far as that can be told before shapes are known.
#ifndef PREFIQS_MODEL_RANKS_H_
#define PREFIQS_MODEL_RANKS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "graph/graph.h"

namespace prefiqs::model {

class Ranks {
 public:
  // What a file declares of a value that a node makes.
  void Declare(graph::ValueId id, std::size_t rank);
  // Takes note of what `node`, in normal form, makes of what is known of its inputs.
  void Follow(const graph::Graph& graph, const graph::Node& node);
  std::optional<std::size_t> Of(const graph::Graph& graph, graph::ValueId id) const;

 private:
  std::vector<std::optional<std::size_t>> ranks_;  // by value; shorter where nothing is known of the last
};

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_RANKS_H_
