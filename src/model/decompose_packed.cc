// Weights that ONNX Runtime packs to few bits, as constants.
// https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits
#include <fmt/format.h>

#include <algorithm>

#include "model/decompose_parts.h"

namespace prefiqs::model {
namespace {

using graph::DataType;
using graph::kNone;
using graph::Shape;
using graph::Tensor;
using graph::ValueId;

constexpr std::string_view kWayOut = "export it in float32, or quantise its weights with DequantizeLinear";

// N rows of K numbers, each row in blocks, each block with a scale and a zero point.
struct Packing {
  std::int64_t rows, columns, bits, block;
  std::int64_t blocks() const { return (columns - 1) / block + 1; }
  std::int64_t block_bytes() const { return block * bits / 8; }
  std::int64_t zero_bytes() const { return (blocks() * bits + 7) / 8; }  // of a row
};

Packing PackingOf(const Parts& p) {
  const Packing packing{p.node.Int("N", 0), p.node.Int("K", 0), p.node.Int("bits", 4), p.node.Int("block_size", 0)};
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  const auto fits = [](std::int64_t size) { return size >= 1 && size < kMost; };
  if (!fits(packing.rows) || !fits(packing.columns) || !fits(packing.block) || packing.block % 8 != 0) {
    p.Fail(fmt::format("N is {}, K {}, block_size {}; the file is damaged, export the network again", packing.rows,
                       packing.columns, packing.block));
  }
  if (packing.bits != 2 && packing.bits != 4 && packing.bits != 8) {
    p.Fail(fmt::format("weights of {} bits are not supported; {}", packing.bits, kWayOut));
  }
  return packing;
}

const Tensor& Constant(const Parts& p, std::size_t i, std::string_view what) {
  if (const Tensor* tensor = p.sink.Constant(p.Required(i))) return *tensor;
  p.Fail(fmt::format("{} are computed in the network, which is not supported; {}", what, kWayOut));
}

void CheckCount(const Parts& p, const Tensor& tensor, DataType type, std::int64_t wanted, std::string_view what) {
  if (tensor.type() == type && tensor.count() == wanted) return;
  p.Fail(
      fmt::format("{} have the shape {} of {}, {} elements of {} are needed; the file is damaged, export the network "
                  "again",
                  what, graph::ToString(tensor.shape()), graph::Name(tensor.type()), wanted, graph::Name(type)));
}

// Element `i` of bytes; the lowest bits of a byte come first.
std::int32_t Unpacked(std::span<const std::int32_t> bytes, std::int64_t bits, std::int64_t i) {
  const std::int64_t in_byte = 8 / bits;
  const std::int32_t byte = bytes[static_cast<std::size_t>(i / in_byte)];
  return (byte >> (i % in_byte * bits)) & ((1 << bits) - 1);
}

// The zero point of each block.
std::vector<float> ZeroPoints(const Parts& p, const Packing& packing) {
  const std::int64_t count = packing.rows * packing.blocks();
  std::vector<float> zeros(static_cast<std::size_t>(count), static_cast<float>(1 << (packing.bits - 1)));
  if (p.In(3) == kNone) return zeros;
  const Tensor& given = Constant(p, 3, "its zero points");
  if (given.type() == DataType::kFloat32) {
    CheckCount(p, given, DataType::kFloat32, count, "its zero points");
    std::ranges::copy(given.values<float>(), zeros.begin());
    return zeros;
  }
  CheckCount(p, given, DataType::kInt32, packing.rows * packing.zero_bytes(), "its zero points");
  const std::int64_t per_row = packing.zero_bytes() * (8 / packing.bits);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t at = i / packing.blocks() * per_row + i % packing.blocks();
    zeros[static_cast<std::size_t>(i)] = static_cast<float>(Unpacked(given.values<std::int32_t>(), packing.bits, at));
  }
  return zeros;
}

// K×N, as MatMul wants it.
Tensor Weights(const Parts& p) {
  const Packing packing = PackingOf(p);
  const std::int64_t blocks = packing.blocks();
  const Tensor& bytes = Constant(p, 1, "its weights");
  const Tensor& scale = Constant(p, 2, "its scales");
  CheckCount(p, bytes, DataType::kInt32, packing.rows * blocks * packing.block_bytes(), "its weights");
  CheckCount(p, scale, DataType::kFloat32, packing.rows * blocks, "its scales");
  const std::vector<float> zeros = ZeroPoints(p, packing);
  const auto packed = bytes.values<std::int32_t>();
  const auto scales = scale.values<float>();
  Tensor weights = Tensor::Unset(DataType::kFloat32, {packing.columns, packing.rows});
  const auto to = weights.values<float>();
  for (std::int64_t row = 0; row < packing.rows; ++row) {
    for (std::int64_t column = 0; column < packing.columns; ++column) {
      const auto block = static_cast<std::size_t>(row * blocks + column / packing.block);
      const std::int64_t place = row * blocks * packing.block + column;
      const auto number = static_cast<float>(Unpacked(packed, packing.bits, place));
      to[static_cast<std::size_t>(column * packing.rows + row)] = (number - zeros[block]) * scales[block];
    }
  }
  return weights;
}

void MatMulNBits(Parts& p) {
  if (p.In(4) != kNone) p.Fail(fmt::format("g_idx, columns in another order, is not supported; {}", kWayOut));
  const ValueId weights = p.sink.NewValue(fmt::format("{}/weights", p.node.name));
  p.sink.SetConstant(weights, Weights(p));
  if (p.In(5) == kNone) return p.Result("MatMul", {p.Required(0), weights});
  p.Result("Add", {p.Emit("MatMul", {p.Required(0), weights}), p.In(5)});
}

constexpr std::string_view kPacked[] = {"K", "N", "bits", "block_size", "accuracy_level"};
constexpr Decomposition kRows[] = {{"com.microsoft", "MatMulNBits", 1, 3, 6, 1, kPacked, MatMulNBits}};

}  // namespace

std::span<const Decomposition> PackedDecompositions() { return kRows; }

}  // namespace prefiqs::model
