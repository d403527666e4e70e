// Which places along the axes of a graph's values stand and fall together.
#ifndef PREFIQS_PRUNE_POSITIONS_H_
#define PREFIQS_PRUNE_POSITIONS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace prefiqs::prune {

// A place is an index along an axis of a value: channel 3 of an activation, row 3 of a matrix. Places that are tied are
// one class (union-find); a class with a pinned place can never go.
class Positions {
 public:
  // Of a graph with known shapes. Throws Error(kRecipe) where it has too many places to keep track of.
  explicit Positions(const graph::Graph& graph);

  std::int64_t Size(graph::ValueId value, std::size_t axis) const;
  std::size_t Rank(graph::ValueId value) const;
  void Tie(graph::ValueId a, std::size_t axis_a, std::int64_t index_a, graph::ValueId b, std::size_t axis_b,
           std::int64_t index_b);
  // Index by index; both have the same size.
  void TieAxes(graph::ValueId a, std::size_t axis_a, graph::ValueId b, std::size_t axis_b);
  void PinAxis(graph::ValueId value, std::size_t axis);
  void Pin(graph::ValueId value);  // all its axes
  bool AllPinned(graph::ValueId value, std::size_t axis);

  // The class of a place: the number of one of its places.
  std::int32_t ClassOf(graph::ValueId value, std::size_t axis, std::int64_t index);
  bool Pinned(std::int32_t of_class) const { return pinned_[static_cast<std::size_t>(of_class)] != 0; }

 private:
  std::int32_t At(graph::ValueId value, std::size_t axis, std::int64_t index) const;
  std::int32_t Find(std::int32_t place);

  const graph::Graph& graph_;
  std::vector<std::int32_t> first_;   // of each value: its first place
  std::vector<std::int32_t> parent_;  // of each place
  std::vector<std::uint8_t> pinned_;  // holds for roots
};

}  // namespace prefiqs::prune

#endif  // PREFIQS_PRUNE_POSITIONS_H_
