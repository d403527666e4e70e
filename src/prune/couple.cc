#include "prune/couple.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "ops/operator.h"
#include "ops/rule.h"

namespace prefiqs::prune {
namespace {

using graph::Graph;
using graph::Node;
using graph::Shape;
using graph::Tensor;
using graph::ValueId;

bool IsOneOf(std::string_view op, std::initializer_list<std::string_view> ops) {
  return std::find(ops.begin(), ops.end(), op) != ops.end();
}

struct Axis {
  std::size_t axis;
  std::int64_t size;
};

std::int64_t Product(std::span<const Axis> axes) {
  std::int64_t product = 1;
  for (const Axis& axis : axes) product *= axis.size;
  return product;
}

using AxisOf = std::pair<ValueId, std::size_t>;

class Coupler {
 public:
  // `heads`: axes of Reshapes' results that may lose places; null while they are looked for.
  Coupler(const Graph& graph, const Graph& inferred, Positions& positions, const std::set<AxisOf>* heads)
      : graph_(graph), inferred_(inferred), positions_(positions), heads_(heads) {}

  // After Run(): of the axes that an axis was split into those that products of activations have one at a time.
  std::set<AxisOf> TakeHeads() {
    std::set<std::int32_t> at_a_time;
    for (const auto& [value, axis] : batches_) at_a_time.insert(positions_.ClassOf(value, axis, 0));
    std::set<AxisOf> heads;
    for (const auto& [value, axis] : parts_) {
      if (at_a_time.contains(positions_.ClassOf(value, axis, 0))) heads.emplace(value, axis);
    }
    return heads;
  }

  void Run() {
    for (const ValueId id : inferred_.inputs) positions_.Pin(id);
    for (const ValueId id : inferred_.outputs) positions_.Pin(id);
    PinFolded();
    for (const Node& node : inferred_.nodes) CoupleNode(node);
  }

 private:
  // Results of folding are no constants of the file, and what they were computed from would have to shrink with care.
  void PinFolded() {
    std::set<std::string_view> left;
    for (const Node& node : inferred_.nodes) left.insert(node.name);
    for (const Node& node : graph_.nodes) {
      if (left.contains(node.name)) continue;
      for (const ValueId id : node.inputs) {
        if (graph_.constant(id) != nullptr) positions_.Pin(id);
      }
    }
    for (std::size_t i = 0; i < inferred_.values.size(); ++i) {
      const auto id = static_cast<ValueId>(i);
      if (inferred_.constant(id) != nullptr && graph_.constant(id) == nullptr) positions_.Pin(id);
    }
  }

  void CoupleNode(const Node& node) {
    const std::string_view op = node.op;
    if (node.inputs.empty() || node.outputs.empty() || node.outputs[0] == graph::kNone) {
      PinAll(node);
    } else if (op == "Conv") {
      CoupleConv(node);
    } else if (op == "Gemm") {
      CoupleGemm(node);
    } else if (op == "MatMul") {
      CoupleMatMul(node);
    } else if (const ops::Operator* row = ops::Find(op); row != nullptr && row->elementwise) {
      StaysFinite(node) ? CoupleElementwise(node) : PinAll(node);
    } else if (op == "BatchNormalization") {
      CoupleBatchNormalization(node);
    } else if (IsOneOf(op, {"MaxPool", "AveragePool", "GlobalAveragePool", "InstanceNormalization"})) {
      CoupleWithinChannels(node);
    } else if (IsOneOf(op, {"Reshape", "Flatten", "Unsqueeze"}) || (op == "Squeeze" && Given(node, 1))) {
      CoupleReshape(node);
    } else if (op == "Transpose") {
      CoupleTranspose(node);
    } else if (op == "Concat") {
      CoupleConcat(node);
    } else {
      CoupleAxesApart(node);
    }
  }

  static bool Given(const Node& node, std::size_t i) {
    return i < node.inputs.size() && node.inputs[i] != graph::kNone;
  }
  const Shape& ShapeOf(ValueId id) const { return inferred_.value(id).shape; }
  // Of the file, so it can be made smaller.
  bool IsConstant(ValueId id) const { return graph_.constant(id) != nullptr; }

  // False: what is zero without a channel could be divided by, or have a power below zero.
  bool StaysFinite(const Node& node) const {
    if (node.op == "Reciprocal") return false;
    if (node.op == "Div") return graph_.constant(node.inputs[1]) != nullptr;
    if (node.op == "Pow") return graph_.constant(node.inputs[1]) != nullptr && NeverNegative(node.inputs[1]);
    return true;
  }

  bool NeverNegative(ValueId id) const {
    const Tensor& tensor = *graph_.constant(id);
    if (tensor.type() != graph::DataType::kFloat32) return false;
    return std::ranges::all_of(tensor.values<float>(), [](float v) { return v >= 0; });
  }

  void PinAll(const Node& node) {
    for (const ValueId id : node.inputs) {
      if (id != graph::kNone) positions_.Pin(id);
    }
    for (const ValueId id : node.outputs) {
      if (id != graph::kNone) positions_.Pin(id);
    }
  }

  // Axes aligned from the last, as broadcasting has it. What is repeated along an axis stands for none of its places.
  void TieBroadcast(ValueId from, ValueId to) {
    const std::size_t shift = ShapeOf(to).size() - ShapeOf(from).size();
    for (std::size_t a = 0; a < ShapeOf(from).size(); ++a) {
      if (ShapeOf(from)[a] == ShapeOf(to)[a + shift]) positions_.TieAxes(from, a, to, a + shift);
    }
  }

  void CoupleElementwise(const Node& node) {
    for (const ValueId output : node.outputs) {
      if (output == graph::kNone) continue;
      for (const ValueId input : node.inputs) {
        if (input != graph::kNone && ShapeOf(input).size() <= ShapeOf(output).size()) TieBroadcast(input, output);
      }
    }
  }

  void CoupleConv(const Node& node) {
    const ValueId x = node.inputs[0], w = node.inputs[1], y = node.outputs[0];
    if (!IsConstant(w)) return PinAll(node);
    for (std::size_t a = 2; a < ShapeOf(x).size(); ++a) {
      for (const ValueId id : {x, w, y}) positions_.PinAxis(id, a);
    }
    positions_.TieAxes(x, 0, y, 0);
    positions_.TieAxes(w, 0, y, 1);
    if (Given(node, 2)) positions_.TieAxes(node.inputs[2], 0, y, 1);
    const std::int64_t groups = node.Int("group", 1);
    const std::int64_t inputs = ShapeOf(w)[1], outputs = ShapeOf(w)[0] / groups;  // of one group
    if (groups == 1) return positions_.TieAxes(w, 1, x, 1);
    if (inputs == 1) {  // depthwise: a whole group goes
      for (std::int64_t o = 0; o < ShapeOf(w)[0]; ++o) positions_.Tie(y, 1, o, x, 1, o / outputs);
      return positions_.PinAxis(w, 1);
    }
    // Groups stay alike: each loses the same of its inputs and outputs.
    for (std::int64_t i = 0; i < ShapeOf(x)[1]; ++i) positions_.Tie(x, 1, i, w, 1, i % inputs);
    for (std::int64_t o = 0; o < ShapeOf(w)[0]; ++o) positions_.Tie(y, 1, o, y, 1, o % outputs);
  }

  void CoupleGemm(const Node& node) {
    const ValueId a = node.inputs[0], b = node.inputs[1], y = node.outputs[0];
    if (!IsConstant(a) && !IsConstant(b)) return PinAll(node);
    const std::size_t flip_a = node.Int("transA", 0) != 0 ? 1 : 0, flip_b = node.Int("transB", 0) != 0 ? 1 : 0;
    positions_.TieAxes(a, 1 - flip_a, b, flip_b);
    positions_.TieAxes(a, flip_a, y, 0);
    positions_.TieAxes(b, 1 - flip_b, y, 1);
    if (Given(node, 2)) TieBroadcast(node.inputs[2], y);
  }

  void CoupleMatMul(const Node& node) {
    const ValueId a = node.inputs[0], b = node.inputs[1], y = node.outputs[0];
    const std::size_t rank_a = ShapeOf(a).size(), rank_b = ShapeOf(b).size();
    if (!IsConstant(a) && !IsConstant(b)) return CoupleProduct(node);
    if (rank_b != 2 || !(IsConstant(b) || rank_a == 2)) return PinAll(node);
    positions_.TieAxes(a, rank_a - 1, b, 0);
    positions_.TieAxes(b, 1, y, rank_a - 1);
    for (std::size_t axis = 0; axis + 1 < rank_a; ++axis) positions_.TieAxes(a, axis, y, axis);
  }

  // Of activations, as attention has them. What is summed over stays: neither factor need be zero there. The axes
  // before the matrices' stand for so many products, each by itself.
  void CoupleProduct(const Node& node) {
    const ValueId y = node.outputs[0];
    const std::size_t rank = ShapeOf(y).size();
    for (const ValueId x : {node.inputs[0], node.inputs[1]}) {
      if (ShapeOf(x).size() < 2) return PinAll(node);
    }
    for (const std::size_t i : {0, 1}) {
      const ValueId x = node.inputs[i];
      const std::size_t rank_x = ShapeOf(x).size(), shift = rank - rank_x;
      positions_.PinAxis(x, rank_x - 1 - i);
      positions_.TieAxes(x, rank_x - 2 + i, y, rank - 2 + i);
      for (std::size_t a = 0; a + 2 < rank_x; ++a) {
        if (ShapeOf(x)[a] == ShapeOf(y)[a + shift]) positions_.TieAxes(x, a, y, a + shift);
      }
    }
    for (std::size_t a = 0; a + 2 < rank; ++a) batches_.emplace_back(y, a);
  }

  void CoupleBatchNormalization(const Node& node) {
    const ValueId x = node.inputs[0], y = node.outputs[0];
    if (ShapeOf(x).size() < 2) return PinAll(node);
    for (std::size_t a = 0; a < ShapeOf(x).size(); ++a) positions_.TieAxes(x, a, y, a);
    for (std::size_t i = 1; i < node.inputs.size(); ++i) positions_.TieAxes(node.inputs[i], 0, y, 1);
  }

  // Each channel of each picture by itself, over all there is in it.
  void CoupleWithinChannels(const Node& node) {
    const ValueId x = node.inputs[0], y = node.outputs[0];
    if (node.outputs.size() != 1) return PinAll(node);
    for (const std::size_t a : {0, 1}) positions_.TieAxes(x, a, y, a);
    for (std::size_t a = 2; a < ShapeOf(x).size(); ++a) {
      positions_.PinAxis(x, a);
      positions_.PinAxis(y, a);
    }
    for (std::size_t i = 1; i < node.inputs.size(); ++i) positions_.TieAxes(node.inputs[i], 0, y, 1);
  }

  // Splits both shapes into the shortest runs of axes that hold the same elements. Axes of size 1 take no part: the
  // only place along an axis never goes.
  void CoupleReshape(const Node& node) {
    const ValueId x = node.inputs[0], y = node.outputs[0];
    const auto axes_of = [&](ValueId id) {
      std::vector<Axis> axes;
      for (std::size_t a = 0; a < ShapeOf(id).size(); ++a) {
        if (ShapeOf(id)[a] != 1) axes.push_back({a, ShapeOf(id)[a]});
      }
      return axes;
    };
    const std::vector<Axis> from = axes_of(x), to = axes_of(y);
    if (Product(from) == 0) return PinAll(node);
    for (std::size_t i = 0, j = 0; i < from.size();) {
      std::size_t end_i = i + 1, end_j = j + 1;
      std::int64_t size_i = from[i].size, size_j = to[j].size;
      while (size_i != size_j) {
        size_i < size_j ? size_i *= from[end_i++].size : size_j *= to[end_j++].size;
      }
      CoupleRun(x, std::span(from).subspan(i, end_i - i), y, std::span(to).subspan(j, end_j - j));
      i = end_i;
      j = end_j;
    }
  }

  // The axis among `to` that may lose places where an axis is split: heads go whole, each with the places it is made
  // of. Others are pinned: which of them means a channel is not known.
  void CoupleSplit(ValueId x, const Axis& from, ValueId y, std::span<const Axis> to) {
    if (heads_ == nullptr) {
      for (const Axis& axis : to) parts_.emplace_back(y, axis.axis);
      return;
    }
    const auto head = std::ranges::find_if(to, [&](const Axis& axis) { return heads_->contains({y, axis.axis}); });
    for (auto axis = to.begin(); axis != to.end(); ++axis) {
      if (axis != head) positions_.PinAxis(y, axis->axis);
    }
    if (head == to.end()) return positions_.PinAxis(x, from.axis);
    const std::int64_t inner = Product({head + 1, to.end()});
    for (std::int64_t k = 0; k < from.size; ++k) {
      positions_.Tie(x, from.axis, k, y, head->axis, k / inner % head->size);
    }
  }

  // Axes that become one: the first that may lose places keeps that, each of its places being many of the result's.
  void CoupleRun(ValueId x, std::span<const Axis> from, ValueId y, std::span<const Axis> to) {
    if (from.size() == 1 && to.size() > 1) return CoupleSplit(x, from[0], y, to);
    const auto free = std::ranges::find_if(from, [&](const Axis& axis) { return !positions_.AllPinned(x, axis.axis); });
    for (auto axis = from.begin(); axis != from.end(); ++axis) {
      if (axis != free || to.size() > 1) positions_.PinAxis(x, axis->axis);
    }
    if (free == from.end() || to.size() > 1) {
      for (const Axis& axis : to) positions_.PinAxis(y, axis.axis);
      return;
    }
    const std::int64_t inner = Product({free + 1, from.end()});
    for (std::int64_t k = 0; k < to[0].size; ++k) {
      positions_.Tie(x, free->axis, k / inner % free->size, y, to[0].axis, k);
    }
  }

  void CoupleTranspose(const Node& node) {
    const ValueId x = node.inputs[0], y = node.outputs[0];
    const std::size_t rank = ShapeOf(x).size();
    std::vector<std::int64_t> reversed;
    for (std::size_t a = 0; a < rank; ++a) reversed.push_back(static_cast<std::int64_t>(rank - 1 - a));
    const std::vector<std::int64_t> perm = node.Ints("perm", reversed);
    for (std::size_t a = 0; a < rank; ++a) positions_.TieAxes(x, static_cast<std::size_t>(perm[a]), y, a);
  }

  void CoupleConcat(const Node& node) {
    const ValueId y = node.outputs[0];
    const std::size_t rank = ShapeOf(y).size();
    const auto axis = static_cast<std::size_t>(ops::NormalAxis(node, node.Int("axis", 0), rank));
    std::int64_t first = 0;
    for (const ValueId x : node.inputs) {
      for (std::size_t a = 0; a < rank; ++a) {
        if (a != axis) positions_.TieAxes(x, a, y, a);
      }
      for (std::int64_t i = 0; i < ShapeOf(x)[axis]; ++i) positions_.Tie(x, axis, i, y, axis, first + i);
      first += ShapeOf(x)[axis];
    }
  }

  // Operators that do something along some axes and leave the others alone.
  void CoupleAxesApart(const Node& node) {
    const ops::Operator* const row = ops::Find(node.op);
    if (row == nullptr || row->touched_axes == nullptr) return PinAll(node);
    const std::vector<ops::AxisUse> uses = row->touched_axes(inferred_, node);
    if (uses.empty()) return PinAll(node);
    const ValueId x = node.inputs[0];
    for (const ValueId y : node.outputs) {
      if (y == graph::kNone) continue;
      for (std::size_t a = 0, b = 0; a < uses.size(); ++a) {
        if (uses[a] == ops::AxisUse::kApart) {
          positions_.TieAxes(x, a, y, b++);
          continue;
        }
        positions_.PinAxis(x, a);
        if (uses[a] == ops::AxisUse::kTouched) positions_.PinAxis(y, b++);
      }
    }
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != graph::kNone) positions_.Pin(node.inputs[i]);
    }
  }

  const Graph& graph_;
  const Graph& inferred_;
  Positions& positions_;
  const std::set<AxisOf>* heads_;
  std::vector<AxisOf> parts_, batches_;  // of axes that are split; of products of activations
};

}  // namespace

void Couple(const Graph& graph, const Graph& inferred, Positions& positions) {
  Positions looked_at(inferred);
  Coupler looking(graph, inferred, looked_at, nullptr);
  looking.Run();
  const std::set<AxisOf> heads = looking.TakeHeads();
  Coupler(graph, inferred, positions, &heads).Run();
}

bool MayBeZero(const Node& node, std::size_t input) {
  if (IsOneOf(node.op, {"Conv", "Gemm", "MatMul", "Add", "Sub", "Mul"})) return true;
  if (node.op == "BatchNormalization" || node.op == "InstanceNormalization") return input == 1 || input == 2;
  return node.op == "PRelu" && input == 1;
}

}  // namespace prefiqs::prune
