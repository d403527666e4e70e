// Products of faces by a matrix, in bfloat16, by the processor's tiles: up to 16 faces share what it costs to
// read the matrix, which is most of what there is to do.
#ifndef PREFIQS_ENGINE_TILE_PRODUCT_H_
#define PREFIQS_ENGINE_TILE_PRODUCT_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace prefiqs::engine {

// A matrix of `depth` times `results`, multiples of 32 and of 16.
struct TileMatrix {
  std::int64_t depth = 0, results = 0;
};

struct TileRow {
  const std::uint16_t* x = nullptr;  // depth
  float* y = nullptr;                // results
};

// Numbers that so many rows need besides their own.
std::size_t TileProductScratch(const TileMatrix& matrix, std::size_t rows);

// y = x · matrix + bias. `weights`: results/16 × depth/32 × 16 pairs × 16 results × 2. Sums are float32, 32 of the
// depth after the other: the same bits for a row in any company. `bias` may be null. Only with HasTiles(); starts no
// thread.
void RunTileProduct(const TileMatrix& matrix, std::span<const TileRow> rows, const std::uint16_t* weights,
                    const float* bias, std::span<std::uint16_t> scratch);

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_TILE_PRODUCT_H_
