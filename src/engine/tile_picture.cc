#include "engine/tile_picture.h"

#include "engine/tile_instructions.h"

#ifdef PREFIQS_HAS_TILES
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace prefiqs::engine {

std::int64_t TilePicture::plane() const {
  constexpr std::int64_t kBehind = 2 * 16;  // a tile's rows, at most two positions apart
  return ((height + 2) * stride() + 1 + kBehind) * 32;
}

#ifdef PREFIQS_HAS_TILES
namespace {

template <typename Source>
PREFIQS_TILES_INLINE Vector LoadAs(const Source* from) {
  if constexpr (sizeof(Source) == sizeof(float)) {
    return Load<Vector>(from);
  } else {
    return Widen(Load<Halves>(from));
  }
}

// `low`, `high`: the first and second 16 channels of the first pixel, `next` before those of the next one.
template <typename Source>
PREFIQS_TILES_INLINE void FillPlane(const Function& f, const TilePicture& picture, const Source* low,
                                    const Source* high, std::int64_t next, std::int64_t next_row,
                                    std::uint16_t* plane) {
  for (std::int64_t row = 0; row < picture.height; ++row, low += next_row, high += next_row) {
    std::uint16_t* out = plane + ((row + 1) * picture.stride() + 1) * kChannels;
    for (std::int64_t column = 0; column < picture.width; ++column, out += kChannels) {
      Store(out, Round(Apply(f, 0, LoadAs(low + column * next))));
      Store(out + kLanes, Round(Apply(f, 1, LoadAs(high + column * next))));
    }
  }
}

template <typename Source>
PREFIQS_TILES void FillPicture(const ChannelFunction& function, const TileSource& source, const Source* x,
                               const TilePicture& picture, std::uint16_t* y) {
  const std::int64_t next = source.rows.width * source.step, next_row = next * source.width;
  const bool in_blocks = source.rows.blocks > 1;
  for (std::int64_t channel = 0; channel < picture.channels; channel += kChannels, y += picture.plane()) {
    ZeroFrame(picture, y);
    const Source* const low = x + (in_blocks ? channel * source.rows.rows : channel);
    const Source* const high = low + (in_blocks ? kLanes * source.rows.rows : kLanes);
    FillPlane(At(function, channel), picture, low, high, next, next_row, y);
  }
}

bool AskForTiles() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;  // leaf 7, edx
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kBf16) == 0 || (d & kTile) == 0) return false;
  constexpr unsigned kAvx512Bf16 = 1u << 5;  // leaf 7.1, eax
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) == 0 || (a & kAvx512Bf16) == 0) return false;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

bool HasTiles() {
  static const bool has = AskForTiles();
  return has;
}

void RunToTiles(const ChannelFunction& function, const TileSource& source, const void* x, const TilePicture& picture,
                std::uint16_t* y) {
  if (source.form == ChannelForm::kFloat) {
    FillPicture(function, source, static_cast<const float*>(x), picture, y);
  } else {
    FillPicture(function, source, static_cast<const std::uint16_t*>(x), picture, y);
  }
}

#else  // no such processor

bool HasTiles() { return false; }
void RunToTiles(const ChannelFunction&, const TileSource&, const void*, const TilePicture&, std::uint16_t*) {}

#endif

}  // namespace prefiqs::engine
