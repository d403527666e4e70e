#include "engine/onednn/tile_operands.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "engine/onednn/fusion.h"
#include "ops/window.h"

namespace prefiqs::engine::onednn {
namespace {

using Type = dnnl::memory::data_type;

class PictureStep : public Step {
 public:
  PictureStep(ChannelFunction function, const TileSource& from, const TilePicture& picture, Operand source,
              Operand target)
      : function_(std::move(function)),
        from_(from),
        picture_(picture),
        source_(std::move(source)),
        target_(std::move(target)) {}

  Bound Bind(const Arena& arena, const dnnl::engine&) const override {
    return [this, source = static_cast<const std::byte*>(arena.At(source_)),
            target = static_cast<std::uint16_t*>(arena.At(target_))](dnnl::stream&) {
      const auto faces = static_cast<std::size_t>(DimsOf(source_.desc)[0]);
      const std::size_t face = source_.desc.get_size() / faces;
      for (std::size_t n = 0; n < faces; ++n) {
        RunToTiles(function_, from_, source + n * face, picture_, target + n * picture_.size());
      }
    };
  }
  Traffic Buffers() const override { return {{source_.buffer}, {target_.buffer}}; }

 private:
  ChannelFunction function_;
  TileSource from_;
  TilePicture picture_;
  Operand source_, target_;
};

}  // namespace

bool UsesTiles() { return HasIsa(dnnl::cpu_isa::avx512_core_amx) && HasTiles(); }

std::optional<TilePlan> TilesOf(const Builder& builder, const graph::Node& node) {
  const graph::Graph& graph = builder.graph();
  if (node.op != "Conv" || builder.FactorForm(node) != ChannelForm::kBf16 || !UsesTiles() ||
      node.Int("group", 1) != 1) {
    return std::nullopt;
  }
  const graph::ValueId bias = node.inputs.size() > 2 ? node.inputs[2] : graph::kNone;
  if (bias != graph::kNone && (graph.constant(bias) == nullptr || !builder.Describable(bias))) return std::nullopt;
  const graph::Shape &from = graph.value(node.inputs[0]).shape, &filter = graph.value(node.inputs[1]).shape;
  if (filter.size() != 4 || filter[2] != filter[3] || (filter[2] != 1 && filter[2] != 3)) return std::nullopt;
  if (filter[0] % 32 != 0 || filter[1] % 32 != 0) return std::nullopt;
  const std::int64_t side = filter[2];
  const ops::Window window = ops::ResolveWindow(node, from, {side, side});
  const auto all = [](const auto& values, std::int64_t wanted) {
    return std::all_of(values.begin(), values.end(), [&](std::int64_t v) { return v == wanted; });
  };
  const std::int64_t step = window.strides[0];
  if ((step != 1 && step != 2) || !all(window.strides, step) || !all(window.dilations, 1) ||
      !all(window.pads_begin, side / 2) || (side == 1 && !all(window.pads_end, 0))) {
    return std::nullopt;
  }
  TilePlan plan{{{from[2], from[3], filter[1]}, filter[0], step, side}};
  const TilePicture y = plan.shape.y();
  if (side == 1) plan = {{{y.height, y.width, filter[1]}, filter[0], 1, side}, step};
  const graph::Shape& to = graph.value(node.outputs[0]).shape;
  if (to[2] != y.height || to[3] != y.width) return std::nullopt;
  // Activations that are no function of a channel oneDNN computes on the way.
  const graph::Node* const reader = builder.SoleReader(node.outputs[0]);
  if (reader != nullptr && AsEltwise(graph, *reader)) return std::nullopt;
  return plan;
}

std::optional<TilePlan> TilesFrom(const Builder& builder, graph::ValueId id) {
  const graph::Node* const reader = builder.SoleReader(id);
  return reader != nullptr && reader->inputs[0] == id ? TilesOf(builder, *reader) : std::nullopt;
}

Desc PictureDesc(const TilePicture& picture, std::int64_t faces) {
  return Desc({faces, static_cast<std::int64_t>(picture.size())}, Type::bf16, dnnl::memory::format_tag::ab);
}

bool IsPictureSource(const Desc& desc) {
  const auto rows = RowsOf(desc);
  return rows && DimsOf(desc).size() == 4 && (rows->blocks == 1 || rows->width == 16);
}

Operand AddPicture(Builder& builder, const TilePlan& plan, const Operand& source, ChannelFunction function) {
  const Dims dims = DimsOf(source.desc);
  TileSource from{*RowsOf(source.desc), TypeOf(source.desc) == Type::f32 ? ChannelForm::kFloat : ChannelForm::kBf16,
                  dims[3], plan.sampling};
  from.rows.outer = 1;
  from.rows.rows = dims[2] * dims[3];
  const Operand target = builder.NewOperand(PictureDesc(plan.shape.x, dims[0]));
  builder.AddStep(std::make_unique<PictureStep>(std::move(function), from, plan.shape.x, source, target),
                  std::array{source, target});
  return target;
}

Operand ReadPicture(Builder& builder, graph::ValueId id, const TilePlan& plan) {
  const graph::Shape& shape = builder.graph().value(id).shape;
  Operand source = builder.Read(id);
  if (source.desc == PictureDesc(plan.shape.x, shape[0])) return source;
  if (!IsPictureSource(source.desc)) source = builder.ReadAs(id, ChannelsLast(DimsOf(builder.Plain(id)), Type::f32));
  return AddPicture(builder, plan, source, ChannelFunction::Identity(static_cast<std::size_t>(shape[1])));
}

}  // namespace prefiqs::engine::onednn
