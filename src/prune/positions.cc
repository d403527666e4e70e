#include "prune/positions.h"

#include <prefiqs/error.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace prefiqs::prune {
namespace {

using graph::ValueId;

// A hundred times what a ResNet-100 has; half a gigabyte here.
constexpr std::int64_t kMostPlaces = std::int64_t{1} << 26;

}  // namespace

Positions::Positions(const graph::Graph& graph) : graph_(graph) {
  std::int64_t count = 0;
  for (const graph::Value& value : graph.values) {
    first_.push_back(static_cast<std::int32_t>(count));
    if (!value.shape_known) continue;
    for (const std::int64_t size : value.shape) count += std::max<std::int64_t>(size, 0);
    if (count > kMostPlaces) {
      throw Error(ErrorCode::kRecipe, "recipe: the network is too large for structured pruning; use unstructured");
    }
  }
  parent_.resize(static_cast<std::size_t>(count));
  std::iota(parent_.begin(), parent_.end(), 0);
  pinned_.assign(parent_.size(), 0);
}

std::int64_t Positions::Size(ValueId value, std::size_t axis) const { return graph_.value(value).shape[axis]; }

std::size_t Positions::Rank(ValueId value) const {
  return graph_.value(value).shape_known ? graph_.value(value).shape.size() : 0;
}

std::int32_t Positions::At(ValueId value, std::size_t axis, std::int64_t index) const {
  std::int64_t place = first_[static_cast<std::size_t>(value)] + index;
  for (std::size_t a = 0; a < axis; ++a) place += Size(value, a);
  return static_cast<std::int32_t>(place);
}

std::int32_t Positions::Find(std::int32_t place) {
  const auto parent = [&](std::int32_t p) -> std::int32_t& { return parent_[static_cast<std::size_t>(p)]; };
  while (parent(place) != place) place = parent(place) = parent(parent(place));
  return place;
}

void Positions::Tie(ValueId a, std::size_t axis_a, std::int64_t index_a, ValueId b, std::size_t axis_b,
                    std::int64_t index_b) {
  std::int32_t root = Find(At(a, axis_a, index_a));
  std::int32_t other = Find(At(b, axis_b, index_b));
  if (root == other) return;
  if (other < root) std::swap(root, other);
  parent_[static_cast<std::size_t>(other)] = root;
  pinned_[static_cast<std::size_t>(root)] |= pinned_[static_cast<std::size_t>(other)];
}

void Positions::TieAxes(ValueId a, std::size_t axis_a, ValueId b, std::size_t axis_b) {
  for (std::int64_t i = 0; i < Size(a, axis_a); ++i) Tie(a, axis_a, i, b, axis_b, i);
}

void Positions::PinAxis(ValueId value, std::size_t axis) {
  for (std::int64_t i = 0; i < Size(value, axis); ++i) {
    pinned_[static_cast<std::size_t>(Find(At(value, axis, i)))] = 1;
  }
}

void Positions::Pin(ValueId value) {
  for (std::size_t axis = 0; axis < Rank(value); ++axis) PinAxis(value, axis);
}

bool Positions::AllPinned(ValueId value, std::size_t axis) {
  for (std::int64_t i = 0; i < Size(value, axis); ++i) {
    if (!Pinned(ClassOf(value, axis, i))) return false;
  }
  return true;
}

std::int32_t Positions::ClassOf(ValueId value, std::size_t axis, std::int64_t index) {
  return Find(At(value, axis, index));
}

}  // namespace prefiqs::prune
