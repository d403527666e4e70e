// 3×3 and 1×1 convolutions of bfloat16 numbers by the processor's tiles (Intel AMX): products of 16 pixels by 32
// channels by 16 filters in one instruction.
#ifndef PREFIQS_ENGINE_TILES_H_
#define PREFIQS_ENGINE_TILES_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/channelwise.h"

namespace prefiqs::engine {

// Whether the processor has them and the operating system lets this process use them. Asks it once; any thread.
bool HasTiles();

// A face as tiles are loaded from it: bfloat16, channels/32 × positions × 32. Pixel (row, column) is at position
// (row + 1) · (width + 1) + column + 1. What lies between and around is zero: one column serves as the right of a row
// and the left of the next. Channels are a multiple of 32.
struct TilePicture {
  std::int64_t height = 0, width = 0, channels = 0;

  std::int64_t stride() const { return width + 1; }  // from row to row
  // From 32 channels to the next 32, in numbers: with room for what a tile reads behind the last pixel.
  std::int64_t plane() const;
  std::size_t size() const { return static_cast<std::size_t>(channels / 32 * plane()); }
};

// Where a picture's pixels come from: rows of one face of this width, every `step`th pixel of every `step`th row.
// Blocks of channels have 16.
struct TileSource {
  ChannelRows rows;
  ChannelForm form = ChannelForm::kFloat;
  std::int64_t width = 0, step = 1;
};

// `function` of `x`, rounded. Needs AVX-512; starts no thread.
void RunToTiles(const ChannelFunction& function, const TileSource& source, const void* x, const TilePicture& picture,
                std::uint16_t* y);

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
