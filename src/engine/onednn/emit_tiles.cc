#include <array>
#include <memory>
#include <utility>

#include "engine/onednn/channelwise_chain.h"
#include "engine/onednn/emit.h"
#include "engine/onednn/fusion.h"
#include "engine/onednn/tile_operands.h"

namespace prefiqs::engine::onednn {
namespace {

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

class TileStep : public Step {
 public:
  struct Operands {
    Operand x, weights, y;
    bool adds = false;  // to what is in y
  };
  TileStep(const TileShape& shape, std::int64_t batch, ChannelFunction function, TileResult result, Operands operands)
      : shape_(shape), batch_(batch), function_(std::move(function)), result_(result), operands_(std::move(operands)) {}

  Bound Bind(const Arena& arena, const dnnl::engine&) const override {
    return [this, arena](dnnl::stream&) {
      const Arena* const alone = &arena;
      RunTogether({&alone, 1});
    };
  }

  bool PrefersCompany() const override { return ConstantBytes() > kCache; }

  void RunTogether(std::span<const Arena* const> arenas) const override {
    const std::size_t step = operands_.y.desc.get_size() / static_cast<std::size_t>(batch_);
    std::vector<TileImage> images;
    for (const Arena* arena : arenas) {
      const auto* x = static_cast<const std::uint16_t*>(arena->At(operands_.x));
      auto* y = static_cast<std::byte*>(arena->At(operands_.y));
      for (std::int64_t n = 0; n < batch_; ++n, x += shape_.x.size(), y += step) {
        images.push_back({x, operands_.adds ? reinterpret_cast<const float*>(y) : nullptr, y});
      }
    }
    RunTiles(shape_, images, static_cast<const std::uint16_t*>(operands_.weights.constant->get_data_handle()),
             function_, result_);
  }

  std::size_t ConstantBytes() const override { return operands_.weights.desc.get_size(); }
  Traffic Buffers() const override { return {{operands_.x.buffer}, {operands_.y.buffer}}; }

 private:
  // Weights that do not stay in it beside faces.
  static constexpr std::size_t kCache = std::size_t{1} << 20;

  TileShape shape_;
  std::int64_t batch_;
  ChannelFunction function_;
  TileResult result_;
  Operands operands_;
};

// What happens to the sums, and where it ends.
struct Ending {
  ChannelFunction function;
  std::vector<const graph::Node*> nodes;
  graph::ValueId output = graph::kNone, added = graph::kNone;
};

Ending FindEnding(const Builder& builder, const graph::Node& node) {
  const graph::Graph& graph = builder.graph();
  const auto filters = static_cast<std::size_t>(graph.value(node.outputs[0]).shape[1]);
  const graph::ValueId id = node.inputs.size() > 2 ? node.inputs[2] : graph::kNone;
  const std::vector<float> none(filters, 0.0f);
  const auto bias = id != graph::kNone ? graph.constant(id)->values<float>() : std::span<const float>(none);
  Ending ending{ChannelFunction::Identity(filters), {}, node.outputs[0]};
  ending.function.shift.assign(bias.begin(), bias.end());
  const graph::Node* const reader = builder.SoleReader(node.outputs[0]);
  if (reader == nullptr) return ending;
  if (auto chain = FindChannelwise(builder, *reader, node.outputs[0]); chain && chain->function.OfSum(bias)) {
    return {std::move(chain->function), std::move(chain->nodes), chain->output};
  }
  const Fusion fusion = FindFusion(builder, node, 1);
  if (fusion.added != graph::kNone) return {std::move(ending.function), fusion.nodes, fusion.output, fusion.added};
  return ending;
}

}  // namespace

bool EmitTiles(Builder& builder, const graph::Node& node) {
  const auto plan = TilesOf(builder, node);
  if (!plan) return false;
  Ending ending = FindEnding(builder, node);
  const Dims dims = DimsOf(builder.Plain(node.outputs[0]));
  const auto next = TilesFrom(builder, ending.output);
  const bool is_factor = ending.added == graph::kNone && builder.FormFor(ending.output) == ChannelForm::kBf16;
  const TileResult result = !is_factor                    ? TileResult::kFloat
                            : next && next->sampling == 1 ? TileResult::kPicture
                                                          : TileResult::kBf16;

  TileStep::Operands operands;
  operands.x = ReadPicture(builder, node.inputs[0], *plan);
  operands.weights = builder.Arrange(node.inputs[1], builder.Plain(node.inputs[1]),
                                     Desc(DimsOf(builder.Plain(node.inputs[1])), Type::bf16, Tag::ABcd16b16a2b));
  operands.adds = ending.added != graph::kNone;
  if (operands.adds) {
    operands.y = builder.Overwritable(ending.added, builder.ReadAs(ending.added, ChannelsLast(dims, Type::f32)));
  } else {
    operands.y =
        builder.NewOperand(result == TileResult::kPicture ? PictureDesc(plan->shape.y(), dims[0])
                                                          : ChannelsLast(dims, is_factor ? Type::bf16 : Type::f32));
  }
  const std::array used = {operands.x, operands.weights, operands.y};
  const Operand output = operands.y;
  builder.AddStep(
      std::make_unique<TileStep>(plan->shape, dims[0], std::move(ending.function), result, std::move(operands)), used);
  builder.Report(node, "tiles bf16");
  for (const graph::Node* fused : ending.nodes) builder.MarkFused(*fused, node);
  builder.Define(ending.output, output);
  return true;
}

}  // namespace prefiqs::engine::onednn
