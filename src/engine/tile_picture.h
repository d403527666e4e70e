// Faces as the processor's tiles (Intel AMX) are loaded from them.
#ifndef PREFIQS_ENGINE_TILE_PICTURE_H_
#define PREFIQS_ENGINE_TILE_PICTURE_H_

#include <cstddef>
#include <cstdint>

#include "engine/channelwise.h"

namespace prefiqs::engine {

// Whether the processor has tiles and the operating system lets this process use them. Asks it once; any thread.
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

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_TILE_PICTURE_H_
