#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/onednn/emit.h"
#include "engine/onednn/fusion.h"

namespace prefiqs::engine::onednn {
namespace {

// One dimension more in front until there are as many as in `rank`.
Dims Widened(const graph::Shape& shape, std::size_t rank) {
  Dims dims = shape;
  dims.insert(dims.begin(), rank - dims.size(), 1);
  return dims;
}

std::optional<dnnl::algorithm> BinaryAlgorithm(std::string_view op) {
  if (op == "Add") return dnnl::algorithm::binary_add;
  if (op == "Sub") return dnnl::algorithm::binary_sub;
  if (op == "Mul") return dnnl::algorithm::binary_mul;
  if (op == "Div") return dnnl::algorithm::binary_div;
  if (op == "Min") return dnnl::algorithm::binary_min;
  if (op == "Max") return dnnl::algorithm::binary_max;
  return std::nullopt;
}

// The operands of a node of two, if what `first` is can be the left one: oneDNN broadcasts the right one only.
struct Operands {
  dnnl::algorithm algorithm;
  graph::ValueId left, right;
};

std::optional<Operands> OperandsOf(const Builder& builder, const graph::Node& node) {
  const auto algorithm = BinaryAlgorithm(node.op);
  if (!algorithm || node.inputs.size() != 2) return std::nullopt;
  Operands operands{*algorithm, node.inputs[0], node.inputs[1]};
  if (!builder.Describable(operands.left) || !builder.Describable(operands.right)) return std::nullopt;
  const graph::Shape& result = builder.graph().value(node.outputs[0]).shape;
  const bool commutes = node.op != "Sub" && node.op != "Div";
  if (builder.graph().value(operands.left).shape != result && commutes) std::swap(operands.left, operands.right);
  if (builder.graph().value(operands.left).shape != result || result.empty()) return std::nullopt;
  return operands;
}

// The right operand beside one of `layout`.
Desc RightDesc(const Builder& builder, graph::ValueId right, const graph::Shape& result, const Desc& layout) {
  const graph::Shape& shape = builder.graph().value(right).shape;
  return shape == result ? layout : builder.Plain(right).reshape(Widened(shape, result.size()));
}

Operand ReadRight(Builder& builder, graph::ValueId right, const graph::Shape& result, const Desc& desc) {
  return builder.graph().value(right).shape == result ? builder.ReadAs(right, desc)
                                                      : builder.Arrange(right, desc, desc);
}

// What oneDNN's fast kernels take behind a primitive: one number, one a channel, or one an element.
bool IsPostOperand(const graph::Shape& shape, const graph::Shape& result) {
  if (shape == result) return true;
  const Dims dims = Widened(shape, result.size());
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i] != 1 && (i != 1 || dims[i] != result[i])) return false;
  }
  return true;
}

// The sole readers behind `node` that work element by element, with operands that are there: one pass over memory.
struct PostOps {
  std::vector<const graph::Node*> nodes;
  dnnl::post_ops list;
  std::vector<std::pair<int, graph::ValueId>> operands;  // place in the list, and what is read there
  graph::ValueId output;
};

PostOps FindPostOps(const Builder& builder, const graph::Node& node, const Desc& layout, std::size_t limit) {
  PostOps post;
  post.output = node.outputs[0];
  const graph::Shape& result = builder.graph().value(post.output).shape;
  while (post.nodes.size() < limit) {
    const graph::Node* reader = builder.SoleReader(post.output);
    if (reader == nullptr || reader->outputs.size() != 1) break;
    if (builder.graph().value(reader->outputs[0]).shape != result) break;
    if (const auto eltwise = AsEltwise(builder.graph(), *reader); eltwise && reader->inputs[0] == post.output) {
      Append(post.list, *eltwise);
    } else {
      const auto operands = OperandsOf(builder, *reader);
      if (!operands) break;
      const bool commutes = reader->op != "Sub" && reader->op != "Div";
      const bool is_left = operands->left == post.output;
      if (!is_left && !commutes) break;
      const graph::ValueId other = is_left ? operands->right : operands->left;
      if (!builder.Available(other)) break;
      if (!IsPostOperand(builder.graph().value(other).shape, result)) break;
      post.operands.emplace_back(post.list.len(), other);
      post.list.append_binary(operands->algorithm, RightDesc(builder, other, result, layout));
    }
    post.nodes.push_back(reader);
    post.output = reader->outputs[0];
  }
  return post;
}

bool EmitWith(Builder& builder, const graph::Node& node, const Operands& operands, const PostOps& post) {
  const graph::ValueId left = operands.left, right = operands.right;
  const graph::Shape& result = builder.graph().value(node.outputs[0]).shape;
  const Desc layout = builder.Layout(left), other = RightDesc(builder, right, result, layout);
  dnnl::primitive_attr attributes = Builder::Attributes();
  attributes.set_post_ops(post.list);
  const auto primitive = DescribeBinary(builder.engine(), operands.algorithm, layout, other, attributes);
  // The loops that anything can be added to are no gain.
  if (!post.nodes.empty() && std::string_view(primitive.impl_info_str()).starts_with("ref")) return false;
  const Operand source = builder.Read(left);
  PrimitiveStep::Arguments arguments{{DNNL_ARG_SRC_0, source},
                                     {DNNL_ARG_SRC_1, ReadRight(builder, right, result, other)}};
  for (const auto& [place, id] : post.operands) {
    arguments.emplace_back(DNNL_ARG_ATTR_MULTIPLE_POST_OP(place) | DNNL_ARG_SRC_1,
                           ReadRight(builder, id, result, RightDesc(builder, id, result, layout)));
  }
  // In place only where nobody else reads it, the other operands included.
  const Operand output = builder.MayOverwrite(left, source) ? source : builder.NewOperand(layout);
  arguments.emplace_back(DNNL_ARG_DST, output);
  builder.Add(node, primitive, dnnl::binary(primitive), std::move(arguments));
  for (const graph::Node* fused : post.nodes) builder.MarkFused(*fused, node);
  builder.Define(post.output, output);
  return true;
}

}  // namespace

bool EmitBinary(Builder& builder, const graph::Node& node) {
  if (EmitChannelwise(builder, node)) return true;
  const auto operands = OperandsOf(builder, node);
  if (!operands) return false;
  constexpr std::size_t kMostPostOps = 16;  // oneDNN takes 32
  try {
    if (EmitWith(builder, node, *operands, FindPostOps(builder, node, builder.Layout(operands->left), kMostPostOps))) {
      return true;
    }
  } catch (const dnnl::error& e) {
    if (e.status != dnnl_unimplemented) throw;
  }
  return EmitWith(builder, node, *operands, FindPostOps(builder, node, builder.Layout(operands->left), 0));
}

}  // namespace prefiqs::engine::onednn
