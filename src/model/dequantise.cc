#include "model/dequantise.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <string>

namespace prefiqs::model {
namespace {

using graph::DataType;
using graph::Shape;
using graph::Tensor;

[[noreturn]] void Fail(const std::string& cause) { throw Error(ErrorCode::kModel, cause); }

// Where the scale of an element lies: the element's place along the axis, in blocks.
struct Layout {
  std::int64_t length = 1;  // of the axis
  std::int64_t inner = 1;   // elements of one place along the axis
  std::int64_t block = 1;   // places that share a scale
  std::int64_t scales = 1;  // along the axis
  bool per_place = false;   // scales vary with the other axes too
};

Layout LayoutOf(const Tensor& x, const Tensor& scale, std::int64_t axis, std::int64_t block_size) {
  const Shape& shape = x.shape();
  Layout layout;
  if (block_size == 0 && scale.count() == 1 && scale.shape().size() <= 1) {
    layout.inner = x.count();
    return layout;
  }
  const auto rank = static_cast<std::int64_t>(shape.size());
  if (axis < -rank || axis >= rank) Fail(fmt::format("axis {} of a tensor of {} dimensions", axis, rank));
  const auto place = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
  layout.length = shape[place];
  for (std::size_t d = place + 1; d < shape.size(); ++d) layout.inner *= shape[d];
  Shape wanted{layout.length};
  layout.scales = layout.length;
  if (block_size != 0) {
    if (block_size < 0) Fail(fmt::format("block_size is {}", block_size));
    layout.block = block_size;
    layout.scales = (layout.length - 1) / block_size + 1;
    layout.per_place = true;
    wanted = shape;
    wanted[place] = layout.scales;
  }
  if (scale.shape() != wanted) {
    Fail(fmt::format("the scale has the shape {}, {} is needed for a tensor of {}", graph::ToString(scale.shape()),
                     graph::ToString(wanted), graph::ToString(shape)));
  }
  return layout;
}

}  // namespace

Tensor Dequantised(const Tensor& x, const Tensor& scale, const Tensor* zero_point, std::int64_t axis,
                   std::int64_t block_size) {
  if (x.type() != DataType::kInt32) {
    Fail(fmt::format("elements of type {} are not supported here; 8-bit integers are", graph::Name(x.type())));
  }
  if (scale.type() != DataType::kFloat32) Fail("the scale must be of floats");
  if (zero_point != nullptr && (zero_point->type() != x.type() || zero_point->count() != scale.count())) {
    Fail("the zero point must have the type of the elements and the shape of the scale");
  }
  Tensor result = Tensor::Unset(DataType::kFloat32, x.shape());
  if (x.count() == 0) return result;
  const Layout layout = LayoutOf(x, scale, axis, block_size);
  const auto from = x.values<std::int32_t>();
  const auto scales = scale.values<float>();
  const auto to = result.values<float>();
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto element = static_cast<std::int64_t>(i);
    const std::int64_t block = element / layout.inner % layout.length / layout.block;
    std::int64_t of_scale = block;
    if (layout.per_place) {
      const std::int64_t outer = element / (layout.inner * layout.length);
      of_scale = (outer * layout.scales + block) * layout.inner + element % layout.inner;
    }
    const auto s = static_cast<std::size_t>(of_scale);
    const std::int64_t zero = zero_point == nullptr ? 0 : zero_point->values<std::int32_t>()[s];
    // The difference of 8- and 16-bit integers is exact in a float; that of others is rounded once.
    to[i] = static_cast<float>(from[i] - zero) * scales[s];
  }
  return result;
}

}  // namespace prefiqs::model
