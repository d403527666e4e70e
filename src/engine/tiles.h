// 3×3 and 1×1 convolutions of bfloat16 numbers by the processor's tiles (Intel AMX): products of 16 pixels by 32
// channels by 16 filters in one instruction.
#ifndef PREFIQS_ENGINE_TILES_H_
#define PREFIQS_ENGINE_TILES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/channelwise.h"
#include "engine/tile_picture.h"

namespace prefiqs::engine {

// Windows of 3×3, with zeros one deep around the picture and 1 or 2 pixels from window to window; or of 1×1, one pixel
// from window to window. Filters are a multiple of 32.
struct TileShape {
  TilePicture x;
  std::int64_t filters = 0, step = 1, side = 3;

  TilePicture y() const { return {(x.height - 1) / step + 1, (x.width - 1) / step + 1, filters}; }
};

enum class TileResult {
  kFloat,    // pixels × filters
  kBf16,     // pixels × filters, rounded
  kPicture,  // TileShape::y
};

// Of one face.
struct TileImage {
  const std::uint16_t* x = nullptr;
  const float* added = nullptr;  // pixels × filters; null: nothing. May be y where that is float.
  void* y = nullptr;
};

// y = function(convolution of x) + added. `weights`: filters/16 × channels/32 × side × side × 16 pairs of channels
// × 16 filters × 2. Sums are
// float32, 32 channels of a window after the other: the same bits for a face in any company. Only with HasTiles();
// starts no thread.
void RunTiles(const TileShape& shape, std::span<const TileImage> images, const std::uint16_t* weights,
              const ChannelFunction& function, TileResult result);

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_TILES_H_
