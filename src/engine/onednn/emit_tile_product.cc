#include <array>
#include <memory>
#include <utility>

#include "engine/onednn/emit.h"
#include "engine/onednn/tile_operands.h"
#include "engine/tile_product.h"

namespace prefiqs::engine::onednn {
namespace {

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;

// The thread's and not the context's, as for Winograd's.
std::span<std::uint16_t> Scratch(std::size_t numbers) {
  thread_local Block block;
  thread_local std::size_t size = 0;
  if (numbers > size) {
    block = AllocateBlock(numbers * sizeof(std::uint16_t));
    size = numbers;
  }
  return {reinterpret_cast<std::uint16_t*>(block.get()), numbers};
}

class TileProductStep : public Step {
 public:
  struct Operands {
    Operand x, weights, bias, y;  // bias: null where there is none
  };
  TileProductStep(const TileMatrix& matrix, Operands operands) : matrix_(matrix), operands_(std::move(operands)) {}

  Bound Bind(const Arena& arena, const dnnl::engine&) const override {
    return [this, arena](dnnl::stream&) {
      const Arena* const alone = &arena;
      RunTogether({&alone, 1});
    };
  }

  bool PrefersCompany() const override { return true; }

  void RunTogether(std::span<const Arena* const> arenas) const override {
    std::vector<TileRow> rows;
    const std::int64_t faces = DimsOf(operands_.y.desc)[0];
    for (const Arena* arena : arenas) {
      const auto* x = static_cast<const std::uint16_t*>(arena->At(operands_.x));
      auto* y = static_cast<float*>(arena->At(operands_.y));
      for (std::int64_t n = 0; n < faces; ++n) {
        rows.push_back({x + n * matrix_.depth, y + n * matrix_.results});
      }
    }
    const auto* bias = operands_.bias.constant == nullptr
                           ? nullptr
                           : static_cast<const float*>(operands_.bias.constant->get_data_handle());
    RunTileProduct(matrix_, rows, static_cast<const std::uint16_t*>(operands_.weights.constant->get_data_handle()),
                   bias, Scratch(TileProductScratch(matrix_, rows.size())));
  }

  std::size_t ConstantBytes() const override { return operands_.weights.desc.get_size(); }
  Traffic Buffers() const override { return {{operands_.x.buffer}, {operands_.y.buffer}}; }

 private:
  TileMatrix matrix_;
  Operands operands_;
};

}  // namespace

bool EmitTileProduct(Builder& builder, const graph::Node& node, graph::ValueId bias, bool transposed) {
  if (builder.FactorForm(node) != ChannelForm::kBf16 || !UsesTiles()) return false;
  if (bias != graph::kNone && builder.graph().constant(bias) == nullptr) return false;
  const Dims x = DimsOf(builder.Plain(node.inputs[0])), y = DimsOf(builder.Plain(node.outputs[0]));
  const TileMatrix matrix{x[1], y[1]};
  // By a matrix that stays in a cache oneDNN multiplies as fast.
  constexpr std::int64_t kFewest = 1 << 18;
  if (matrix.depth % 32 != 0 || matrix.results % 16 != 0 || matrix.depth * matrix.results < kFewest) return false;
  const Desc stored({matrix.results, matrix.depth}, Type::f32,
                    transposed ? Dims{matrix.depth, 1} : Dims{1, matrix.results});
  TileProductStep::Operands operands;
  operands.x = builder.ReadFactor(node.inputs[0], Desc(x, Type::bf16, Tag::ab));
  operands.weights =
      builder.Arrange(node.inputs[1], stored, Desc({matrix.results, matrix.depth}, Type::bf16, Tag::AB16b16a2b));
  if (bias != graph::kNone) operands.bias = builder.ReadPlain(bias);
  operands.y = builder.NewOperand(builder.Plain(node.outputs[0]));
  const std::array used = {operands.x, operands.weights, operands.bias, operands.y};
  const Operand output = operands.y;
  builder.AddStep(std::make_unique<TileProductStep>(matrix, std::move(operands)), used);
  builder.Report(node, "tiles bf16");
  builder.Define(node.outputs[0], output);
  return true;
}

}  // namespace prefiqs::engine::onednn
