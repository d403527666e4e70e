#include "engine/tile_product.h"

#include <algorithm>
#include <cstring>

#include "engine/tile_instructions.h"

namespace prefiqs::engine {
namespace {

constexpr std::size_t kMostRows = 16;

}  // namespace

std::size_t TileProductScratch(const TileMatrix& matrix, std::size_t rows) {
  return std::min(rows, kMostRows) * static_cast<std::size_t>(matrix.depth);
}

#ifdef PREFIQS_HAS_TILES
namespace {

constexpr int kMostTiles = 4;  // of results, at a time: one waits for its own last product

struct Work {
  TileMatrix matrix;
  std::span<const TileRow> rows;
  const std::uint16_t *x, *weights;  // rows × depth
  const float* bias;
};

// kTiles times 16 results from `first` on, of all rows.
template <int kTiles>
PREFIQS_TILES_INLINE void RunResults(const Work& work, std::int64_t first) {
  const std::int64_t of_a_tile = work.matrix.depth * kLanes, stride = work.matrix.depth * 2;
  const std::uint16_t* w = work.weights + first * work.matrix.depth;
  _tile_zero(0);
  if constexpr (kTiles > 1) {
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (std::int64_t k = 0; k < work.matrix.depth; k += kChannels, w += kWeightsOfTile) {
    _tile_loadd(4, work.x + k, stride);
    _tile_loadd(6, w, 64);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (kTiles > 1) {
      _tile_loadd(7, w + of_a_tile, 64);
      _tile_dpbf16ps(1, 4, 7);
      _tile_loadd(6, w + 2 * of_a_tile, 64);
      _tile_dpbf16ps(2, 4, 6);
      _tile_loadd(7, w + 3 * of_a_tile, 64);
      _tile_dpbf16ps(3, 4, 7);
    }
  }
  alignas(64) float sums[kTiles * kFloatsOfTile];
  _tile_stored(0, sums, 64);
  if constexpr (kTiles > 1) {
    _tile_stored(1, sums + kFloatsOfTile, 64);
    _tile_stored(2, sums + 2 * kFloatsOfTile, 64);
    _tile_stored(3, sums + 3 * kFloatsOfTile, 64);
  }
  asm volatile("" ::: "memory");
  for (int tile = 0; tile < kTiles; ++tile, first += kLanes) {
    const Vector bias = work.bias != nullptr ? Load<Vector>(work.bias + first) : Vector{};
    for (std::size_t row = 0; row < work.rows.size(); ++row) {
      Store(work.rows.data()[row].y + first, Load<Vector>(sums + tile * kFloatsOfTile + row * kLanes) + bias);
    }
  }
}

PREFIQS_TILES void RunRows(const Work& work) {
  Configure(static_cast<int>(work.rows.size()));
  std::int64_t first = 0;
  for (; first + kMostTiles * kLanes <= work.matrix.results; first += kMostTiles * kLanes) {
    RunResults<kMostTiles>(work, first);
  }
  for (; first < work.matrix.results; first += kLanes) RunResults<1>(work, first);
  _tile_release();
}

}  // namespace

void RunTileProduct(const TileMatrix& matrix, std::span<const TileRow> rows, const std::uint16_t* weights,
                    const float* bias, std::span<std::uint16_t> scratch) {
  for (std::size_t first = 0; first < rows.size(); first += kMostRows) {
    const auto part = rows.subspan(first, std::min(kMostRows, rows.size() - first));
    std::uint16_t* to = scratch.data();
    for (const TileRow& row : part) {
      std::memcpy(to, row.x, static_cast<std::size_t>(matrix.depth) * sizeof(*to));
      to += matrix.depth;
    }
    RunRows({matrix, part, scratch.data(), weights, bias});
  }
}

#else

void RunTileProduct(const TileMatrix&, std::span<const TileRow>, const std::uint16_t*, const float*,
                    std::span<std::uint16_t>) {}

#endif

}  // namespace prefiqs::engine
