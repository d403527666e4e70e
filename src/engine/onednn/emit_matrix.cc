#include <algorithm>

#include "engine/onednn/emit.h"
#include "engine/onednn/fusion.h"

namespace prefiqs::engine::onednn {
namespace {

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

// A row-major matrix or its transpose, as the other.
Desc Matrix(std::int64_t rows, std::int64_t columns, bool transposed) {
  return Desc({rows, columns}, Type::f32, transposed ? Dims{1, rows} : Dims{columns, 1});
}

bool IsVector(const graph::Shape& shape, std::int64_t length) {
  return !shape.empty() && shape.back() == length && graph::ElementCount(shape) == length;
}

// Outputs of one primitive: so many that their weights fit in a cache, from which all faces of a run take them in turn
// (Plan::stretches). The product that makes an embedding often has more weights than the rest of the network.
std::int64_t OutputsAtOnce(const graph::Shape& result, std::int64_t depth, Type type, const Fusion& fusion) {
  constexpr std::int64_t kCache = 1 << 20, kRegister = 16;
  const std::int64_t bytes = depth * static_cast<std::int64_t>(type == Type::f32 ? 4 : 2);
  const std::int64_t at_once = std::max(kCache / bytes / kRegister, std::int64_t{1}) * kRegister;
  // Parts of more than one row do not lie together.
  const bool may = result[0] == 1 && result[1] % at_once == 0 && fusion.added == graph::kNone;
  return may && result[1] >= 4 * at_once ? at_once : result[1];
}

// Constant weights: they are packed once.
bool EmitInnerProduct(Builder& builder, const graph::Node& node, graph::ValueId bias, bool transposed,
                      const Fusion& fusion) {
  const graph::ValueId input = node.inputs[0], weights = node.inputs[1];
  const graph::Shape& result = builder.graph().value(node.outputs[0]).shape;
  const std::int64_t depth = builder.graph().value(input).shape[1], width = result[1];
  const ChannelForm form = builder.FactorForm(node);
  const Type type = form == ChannelForm::kFloat ? Type::f32 : Type::bf16;
  const std::int64_t part = OutputsAtOnce(result, depth, type, fusion);
  const Desc weights_any({part, depth}, type, Tag::any);
  const Desc source(DimsOf(builder.Plain(input)), type, Tag::ab), target({result[0], part}, Type::f32, Tag::ab);
  const Desc bias_desc({part}, Type::f32, Tag::a);
  const auto primitive = DescribeInnerProduct(builder.engine(), source, weights_any,
                                              bias == graph::kNone ? nullptr : &bias_desc, target, fusion.Attributes());

  const Operand factor = form == ChannelForm::kFloat ? builder.ReadAs(input, primitive.src_desc())
                                                     : builder.ReadFactor(input, primitive.src_desc());
  const Operand output = PrepareOutput(builder, fusion, builder.Plain(node.outputs[0]));
  const Desc all = Matrix(width, depth, !transposed), biases({width}, Type::f32, Tag::a);
  for (std::int64_t first = 0; first < width; first += part) {
    Operand place = output;
    place.desc = target;
    place.offset += static_cast<std::size_t>(first) * sizeof(float);
    PrimitiveStep::Arguments arguments{{DNNL_ARG_SRC, factor}, {DNNL_ARG_DST, place}};
    arguments.emplace_back(DNNL_ARG_WEIGHTS, builder.Arrange(weights, all.submemory_desc({part, depth}, {first, 0}),
                                                             primitive.weights_desc()));
    if (bias != graph::kNone) {
      arguments.emplace_back(DNNL_ARG_BIAS, builder.Arrange(bias, biases.submemory_desc({part}, {first}), bias_desc));
    }
    builder.AddStep(dnnl::inner_product_forward(primitive), std::move(arguments), primitive.scratchpad_desc());
  }
  builder.Report(node, primitive.impl_info_str());
  Finish(builder, node, fusion, output);
  return true;
}

// dst = alpha · a × b + c, where c broadcasts onto the result.
bool EmitProduct(Builder& builder, const graph::Node& node, const Desc& a, const Desc& b, const Desc& result,
                 float alpha, graph::ValueId addend) {
  Desc addend_desc;
  dnnl::post_ops post_ops;
  if (alpha != 1.0f) AppendEltwise(post_ops, dnnl::algorithm::eltwise_linear, alpha, 0.0f);
  const int addend_place = post_ops.len();
  if (addend != graph::kNone) {
    Dims dims = builder.graph().value(addend).shape;
    dims.insert(dims.begin(), DimsOf(result).size() - dims.size(), 1);
    addend_desc = builder.Plain(addend).reshape(dims);
    post_ops.append_binary(dnnl::algorithm::binary_add, addend_desc);
  }
  dnnl::primitive_attr attributes = Builder::Attributes();
  attributes.set_post_ops(post_ops);
  const auto primitive = DescribeProduct(builder.engine(), a, b, result, attributes);

  PrimitiveStep::Arguments arguments;
  arguments.emplace_back(DNNL_ARG_SRC, builder.Arrange(node.inputs[0], a, a));
  arguments.emplace_back(DNNL_ARG_WEIGHTS, builder.Arrange(node.inputs[1], b, b));
  if (addend != graph::kNone) {
    arguments.emplace_back(DNNL_ARG_ATTR_MULTIPLE_POST_OP(addend_place) | DNNL_ARG_SRC_1,
                           builder.Arrange(addend, addend_desc, addend_desc));
  }
  Operand output = builder.NewOperand(result);
  arguments.emplace_back(DNNL_ARG_DST, output);
  builder.Add(node, primitive, dnnl::matmul(primitive), std::move(arguments));
  builder.DefineAlias(node.outputs[0], output, builder.Plain(node.outputs[0]));
  return true;
}

bool AllDescribable(const Builder& builder, const graph::Node& node) {
  const auto describable = [&](graph::ValueId id) { return id == graph::kNone || builder.Describable(id); };
  return std::all_of(node.inputs.begin(), node.inputs.end(), describable) && describable(node.outputs[0]);
}

}  // namespace

bool IsInnerProduct(const graph::Graph& graph, const graph::Node& node) {
  if (node.op != "Gemm" || graph.constant(node.inputs[1]) == nullptr || graph.constant(node.inputs[0]) != nullptr) {
    return false;
  }
  if (node.Int("transA", 0) != 0 || node.Float("alpha", 1.0f) != 1.0f) return false;
  const float beta = node.Float("beta", 1.0f);
  if (node.inputs.size() < 3 || node.inputs[2] == graph::kNone || beta == 0.0f) return true;
  return beta == 1.0f && IsVector(graph.value(node.inputs[2]).shape, graph.value(node.outputs[0]).shape[1]);
}

bool EmitGemm(Builder& builder, const graph::Node& node) {
  if (!AllDescribable(builder, node)) return false;
  const graph::Graph& graph = builder.graph();
  const bool a_transposed = node.Int("transA", 0) != 0, b_transposed = node.Int("transB", 0) != 0;
  const float alpha = node.Float("alpha", 1.0f), beta = node.Float("beta", 1.0f);
  graph::ValueId addend = node.inputs.size() > 2 ? node.inputs[2] : graph::kNone;
  if (addend != graph::kNone && beta == 0.0f) addend = graph::kNone;
  if (addend != graph::kNone && beta != 1.0f) return false;
  const graph::Shape& result = graph.value(node.outputs[0]).shape;
  const std::int64_t rows = result[0], columns = result[1];
  const std::int64_t depth = graph.value(node.inputs[0]).shape[a_transposed ? 0 : 1];

  if (IsInnerProduct(graph, node)) {
    const Fusion fusion = FindFusion(builder, node);
    if (fusion.nodes.empty() && EmitTileProduct(builder, node, addend, b_transposed)) return true;
    try {
      return EmitInnerProduct(builder, node, addend, b_transposed, fusion);
    } catch (const dnnl::error& e) {
      if (e.status != dnnl_unimplemented) throw;
    }
    return EmitInnerProduct(builder, node, addend, b_transposed, FindFusion(builder, node, 0));
  }
  return EmitProduct(builder, node, Matrix(rows, depth, a_transposed), Matrix(depth, columns, b_transposed),
                     builder.Plain(node.outputs[0]), alpha, addend);
}

bool EmitMatMul(Builder& builder, const graph::Node& node) {
  if (!AllDescribable(builder, node)) return false;
  // As NumPy does: a vector on the left is a row, on the right a column; then leading dimensions are filled up.
  Dims a = builder.graph().value(node.inputs[0]).shape, b = builder.graph().value(node.inputs[1]).shape;
  if (a.empty() || b.empty()) return false;
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  const std::size_t rank = std::max(a.size(), b.size());
  a.insert(a.begin(), rank - a.size(), 1);
  b.insert(b.begin(), rank - b.size(), 1);
  Dims result(rank);
  for (std::size_t i = 0; i + 2 < rank; ++i) result[i] = std::max(a[i], b[i]);
  result[rank - 2] = a[rank - 2];
  result[rank - 1] = b[rank - 1];
  return EmitProduct(builder, node, RowMajor(a), RowMajor(b), RowMajor(result), 1.0f, graph::kNone);
}

}  // namespace prefiqs::engine::onednn
