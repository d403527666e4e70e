#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "engine/onednn/emit.h"
#include "engine/onednn/fusion.h"
#include "engine/winograd.h"
#include "ops/window.h"

namespace prefiqs::engine::onednn {
namespace {

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

// The thread's and not the context's: faces that take turns would each drag megabytes of their own through the cache.
std::span<float> Scratch(std::size_t floats) {
  thread_local Block block;
  thread_local std::size_t size = 0;
  if (floats > size) {
    block = AllocateBlock(floats * sizeof(float));
    size = floats;
  }
  return {reinterpret_cast<float*>(block.get()), floats};
}

class WinogradStep : public Step {
 public:
  struct Operands {
    Operand x, weights, bias, y;  // bias: null where there is none
    bool adds = false;            // to what is in y
  };
  WinogradStep(const WinogradShape& shape, std::int64_t batch, Operands operands)
      : shape_(shape), batch_(batch), operands_(std::move(operands)) {}

  Bound Bind(const Arena& arena, const dnnl::engine&) const override {
    return [this, arena](dnnl::stream&) {
      const Arena* const alone = &arena;
      RunTogether({&alone, 1});
    };
  }

  bool PrefersCompany() const override { return batch_ * WinogradTiles(shape_) < kEnoughTiles; }

  void RunTogether(std::span<const Arena* const> arenas) const override {
    const std::int64_t plane = shape_.height * shape_.width;
    std::vector<WinogradImage> images;
    for (const Arena* arena : arenas) {
      const auto* x = static_cast<const float*>(arena->At(operands_.x));
      auto* y = static_cast<float*>(arena->At(operands_.y));
      for (std::int64_t n = 0; n < batch_; ++n, x += plane * shape_.channels, y += plane * shape_.filters) {
        images.push_back({x, operands_.adds ? y : nullptr, y});
      }
    }
    const auto constant = [](const Operand& operand) {
      return operand.constant == nullptr ? nullptr : static_cast<const float*>(operand.constant->get_data_handle());
    };
    RunWinograd(shape_, images, constant(operands_.weights), constant(operands_.bias),
                Scratch(WinogradScratch(shape_, images.size())), NewestVectors());
  }

  std::size_t ConstantBytes() const override { return operands_.weights.desc.get_size(); }
  Traffic Buffers() const override { return {{operands_.x.buffer}, {operands_.y.buffer}}; }

 private:
  // Transforming weights for so many is nothing beside multiplying by them.
  static constexpr std::int64_t kEnoughTiles = 32;

  WinogradShape shape_;
  std::int64_t batch_;
  Operands operands_;
};

// 3×3 windows one step apart, and worth it.
bool IsWorthIt(const ops::Window& window, const graph::Shape& weights, const WinogradShape& shape) {
  const auto all = [](const auto& values, std::int64_t wanted) {
    return std::all_of(values.begin(), values.end(), [&](std::int64_t v) { return v == wanted; });
  };
  // Of fewer channels the transforms are too much. Of more channels or fewer tiles those of the weights are: at 7×7
  // pixels and 512 channels eight faces take 0.6 of a direct convolution's time, one alone 1.4.
  constexpr std::int64_t kFewestChannels = 32, kMostChannels = 512, kFewestTiles = 4;
  return weights.size() == 4 && weights[2] == 3 && weights[3] == 3 && all(window.strides, 1) &&
         all(window.dilations, 1) && all(window.pads_begin, 1) && all(window.pads_end, 1) &&
         std::min(shape.channels, shape.filters) >= kFewestChannels &&
         std::max(shape.channels, shape.filters) <= kMostChannels && shape.channels % 16 == 0 &&
         shape.filters % 16 == 0 && WinogradTiles(shape) >= kFewestTiles;
}

}  // namespace

bool EmitWinograd(Builder& builder, const graph::Node& node) {
  const graph::Graph& graph = builder.graph();
  const graph::ValueId input = node.inputs[0], weights = node.inputs[1];
  const graph::ValueId bias = node.inputs.size() > 2 ? node.inputs[2] : graph::kNone;
  if (!HasWinograd(NewestVectors()) || builder.FactorForm(node) != ChannelForm::kFloat || node.Int("group", 1) != 1 ||
      graph.constant(weights) == nullptr || (bias != graph::kNone && graph.constant(bias) == nullptr)) {
    return false;
  }
  const graph::Shape &from = graph.value(input).shape, &filter = graph.value(weights).shape;
  if (from.size() != 4) return false;
  const WinogradShape shape{from[2], from[3], filter[1], filter[0]};
  if (!IsWorthIt(ops::ResolveWindow(node, from, {filter.begin() + 2, filter.end()}), filter, shape)) return false;

  // A sum, and nothing else, happens on the way.
  Fusion fusion = FindFusion(builder, node, 1);
  if (fusion.added == graph::kNone) fusion = FindFusion(builder, node, 0);
  WinogradStep::Operands operands;
  operands.x = builder.ReadAs(input, Desc(from, Type::f32, Tag::aBcd16b));
  operands.weights = builder.Arrange(weights, builder.Plain(weights), Desc(filter, Type::f32, Tag::Abcd16a));
  if (bias != graph::kNone) operands.bias = builder.ReadPlain(bias);
  operands.y = PrepareOutput(builder, fusion, Desc(DimsOf(builder.Plain(node.outputs[0])), Type::f32, Tag::aBcd16b));
  operands.adds = fusion.added != graph::kNone;
  const std::array used = {operands.x, operands.weights, operands.bias, operands.y};
  const Operand output = operands.y;
  builder.AddStep(std::make_unique<WinogradStep>(shape, from[0], std::move(operands)), used);
  builder.Report(node, "winograd 4x4");
  Finish(builder, node, fusion, output);
  return true;
}

}  // namespace prefiqs::engine::onednn
