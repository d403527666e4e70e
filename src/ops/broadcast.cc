#include "ops/broadcast.h"

#include <fmt/format.h>

#include <algorithm>

#include "ops/rule.h"

namespace prefiqs::ops {

graph::Shape BroadcastShape(const graph::Node& node, const graph::Shape& a, const graph::Shape& b) {
  graph::Shape result(std::max(a.size(), b.size()), 1);
  for (std::size_t back = 1; back <= result.size(); ++back) {
    const std::int64_t in_a = back <= a.size() ? a[a.size() - back] : 1;
    const std::int64_t in_b = back <= b.size() ? b[b.size() - back] : 1;
    if (in_a != in_b && in_a != 1 && in_b != 1) {
      Fail(node, fmt::format("shapes {} and {} do not go together", graph::ToString(a), graph::ToString(b)));
    }
    result[result.size() - back] = in_a == 1 ? in_b : in_a;
  }
  return result;
}

Strides RowMajor(const graph::Shape& shape) {
  Strides strides(shape.size(), 1);
  // Arrays without elements are never walked; their sizes must not overflow here.
  if (std::ranges::find(shape, 0) != shape.end()) return strides;
  for (std::size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

Strides BroadcastStrides(const graph::Shape& shape, const graph::Shape& result) {
  const Strides own = RowMajor(shape);
  Strides strides(result.size(), 0);
  const std::size_t missing = result.size() - shape.size();
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] != 1) strides[missing + d] = own[d];
  }
  return strides;
}

}  // namespace prefiqs::ops
