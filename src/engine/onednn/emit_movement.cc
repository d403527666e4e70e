#include <algorithm>
#include <numeric>

#include "engine/onednn/emit.h"

namespace prefiqs::engine::onednn {
namespace {

// The part of `input` that begins at `offsets`, as `output`.
void EmitPart(Builder& builder, graph::ValueId input, graph::ValueId output, const Dims& offsets) {
  Operand source = builder.ReadPlain(input);
  source.desc = source.desc.submemory_desc(builder.graph().value(output).shape, offsets);
  if (source.constant != nullptr) {
    const auto keep = source.constant;
    source.constant = {new dnnl::memory(source.desc, builder.engine(), keep->get_data_handle()),
                       [keep](dnnl::memory* memory) { delete memory; }};
  }
  builder.Define(output, builder.Rearranged(source, builder.Plain(output)));
}

}  // namespace

bool EmitReshape(Builder& builder, const graph::Node& node) {
  const graph::ValueId input = node.inputs[0];
  if (node.outputs.size() != 1 || builder.graph().constant(input) != nullptr) return false;
  if (!builder.Describable(input) || !builder.Describable(node.outputs[0])) return false;
  builder.DefineAlias(node.outputs[0], builder.ReadPlain(input), builder.Plain(node.outputs[0]));
  builder.Report(node, "none: the same memory");
  return true;
}

bool EmitTranspose(Builder& builder, const graph::Node& node) {
  const graph::ValueId input = node.inputs[0];
  if (!builder.Describable(input) || builder.graph().constant(input) != nullptr) return false;
  const std::size_t rank = builder.graph().value(input).shape.size();
  if (rank == 0) return false;
  std::vector<std::int64_t> order = node.Ints("perm");
  if (order.empty()) {
    order.resize(rank);
    std::iota(order.rbegin(), order.rend(), 0);
  }
  std::vector<int> places(rank);  // oneDNN asks where a dimension goes, ONNX says where it comes from
  for (std::size_t i = 0; i < rank; ++i) places[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  const Desc view = builder.Layout(input).permute_axes(places);
  const Desc plain = builder.Plain(node.outputs[0]);
  Operand source = builder.Read(input);
  source.desc = view;
  const bool same = view == plain;
  builder.Define(node.outputs[0], same ? source : builder.Rearranged(source, plain));
  builder.Report(node, same ? "none: the same memory" : "reorder");
  return true;
}

bool EmitConcat(Builder& builder, const graph::Node& node) {
  std::vector<Desc> layouts;
  for (const graph::ValueId id : node.inputs) {
    if (!builder.Describable(id)) return false;
    layouts.push_back(builder.Layout(id));
  }
  const auto rank = static_cast<std::int64_t>(builder.graph().value(node.outputs[0]).shape.size());
  const std::int64_t axis = node.Int("axis", 0);
  const auto primitive =
      DescribeConcat(builder.engine(), builder.Any(node.outputs[0]), static_cast<int>(axis < 0 ? axis + rank : axis),
                     layouts, Builder::Attributes());
  PrimitiveStep::Arguments arguments;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) {
    arguments.emplace_back(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i),
                           builder.ReadAs(node.inputs[i], primitive.src_desc(static_cast<int>(i))));
  }
  const Operand output = builder.NewOperand(primitive.dst_desc());
  arguments.emplace_back(DNNL_ARG_DST, output);
  builder.Add(node, primitive, dnnl::concat(primitive), std::move(arguments));
  builder.Define(node.outputs[0], output);
  return true;
}

bool EmitSplit(Builder& builder, const graph::Node& node) {
  const graph::ValueId input = node.inputs[0];
  if (!builder.Describable(input)) return false;
  for (const graph::ValueId id : node.outputs) {
    if (id == graph::kNone || !builder.Describable(id)) return false;
  }
  const auto rank = static_cast<std::int64_t>(builder.graph().value(input).shape.size());
  const std::int64_t axis = node.Int("axis", 0);
  const auto at = static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
  Dims offsets(static_cast<std::size_t>(rank), 0);
  for (const graph::ValueId id : node.outputs) {
    EmitPart(builder, input, id, offsets);
    offsets[at] += builder.graph().value(id).shape[at];
  }
  builder.Report(node, "reorder");
  return true;
}

bool EmitSlice(Builder& builder, const graph::Node& node) {
  const graph::Graph& graph = builder.graph();
  if (!builder.Describable(node.inputs[0]) || !builder.Describable(node.outputs[0])) return false;
  const graph::Shape& shape = graph.value(node.inputs[0]).shape;
  const auto rank = static_cast<std::int64_t>(shape.size());
  const auto ints = [&](std::size_t i) -> std::optional<std::vector<std::int64_t>> {
    if (i >= node.inputs.size() || node.inputs[i] == graph::kNone) return std::vector<std::int64_t>{};
    const graph::Tensor* constant = graph.constant(node.inputs[i]);
    if (constant == nullptr) return std::nullopt;
    return constant->ToInt64s();
  };
  const auto starts = ints(1), steps = ints(4);
  auto axes = ints(3);
  if (!starts || !axes || !steps || rank == 0) return false;
  if (std::any_of(steps->begin(), steps->end(), [](std::int64_t step) { return step != 1; })) return false;
  if (axes->empty()) {
    axes->resize(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  Dims offsets(shape.size(), 0);
  for (std::size_t i = 0; i < axes->size(); ++i) {
    const auto axis = static_cast<std::size_t>((*axes)[i] < 0 ? (*axes)[i] + rank : (*axes)[i]);
    const std::int64_t start = (*starts)[i] < 0 ? (*starts)[i] + shape[axis] : (*starts)[i];
    offsets[axis] = std::clamp<std::int64_t>(start, 0, shape[axis]);
  }
  EmitPart(builder, node.inputs[0], node.outputs[0], offsets);
  builder.Report(node, "reorder");
  return true;
}

}  // namespace prefiqs::engine::onednn
