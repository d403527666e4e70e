// Shapes that repeat to fit one another, and walks over arrays that do.
#ifndef PREFIQS_OPS_BROADCAST_H_
#define PREFIQS_OPS_BROADCAST_H_

#include <cstdint>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "graph/tensor.h"

namespace prefiqs::ops {

// Elements from one index to the next, per dimension.
using Strides = std::vector<std::int64_t>;

// The shape two operands have together: aligned at the last dimension, a dimension of one repeats. Fails where they
// disagree.
graph::Shape BroadcastShape(const graph::Node& node, const graph::Shape& a, const graph::Shape& b);

Strides RowMajor(const graph::Shape& shape);
// Of an array of `shape` read as one of `result`, which it broadcasts to: zero where it repeats.
Strides BroadcastStrides(const graph::Shape& shape, const graph::Shape& result);

// Counts through `shape` in row-major order and calls visit(i, offsets): i counts elements, offsets[k] is where array k
// with strides[k] is.
template <typename Visit>
void Walk(const graph::Shape& shape, std::span<const Strides> strides, Visit visit) {
  const std::int64_t count = graph::ElementCount(shape);
  std::vector<std::int64_t> index(shape.size(), 0);
  std::vector<std::int64_t> offsets(strides.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    visit(static_cast<std::size_t>(i), std::span<const std::int64_t>(offsets));
    for (std::size_t d = shape.size(); d-- > 0;) {
      const bool carry = ++index[d] == shape[d];
      const std::int64_t steps = carry ? 1 - shape[d] : 1;
      for (std::size_t k = 0; k < strides.size(); ++k) offsets[k] += steps * strides[k][d];
      if (!carry) break;
      index[d] = 0;
    }
  }
}

// Calls work(T{}) with the C++ type of the elements.
template <typename Work>
void WithType(graph::DataType type, Work work) {
  switch (type) {
    case graph::DataType::kFloat32:
      return work(float{});
    case graph::DataType::kInt64:
      return work(std::int64_t{});
    case graph::DataType::kInt32:
      return work(std::int32_t{});
    case graph::DataType::kBool:
      return work(bool{});
  }
}

}  // namespace prefiqs::ops

#endif  // PREFIQS_OPS_BROADCAST_H_
