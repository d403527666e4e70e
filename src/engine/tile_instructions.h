// What loops that use tile instructions share. They may use newer instructions than the rest of the program: nothing in
// them may be a function of another header. With PREFIQS_HAS_TILES only; use behind HasTiles().
#ifndef PREFIQS_ENGINE_TILE_INSTRUCTIONS_H_
#define PREFIQS_ENGINE_TILE_INSTRUCTIONS_H_

#if defined(__x86_64__) && defined(__linux__)
#define PREFIQS_HAS_TILES 1

#include <cstdint>

#include <immintrin.h>

#include "engine/channelwise.h"
#include "engine/tile_picture.h"

#define PREFIQS_TILES_TARGET target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,amx-tile,amx-bf16")
#define PREFIQS_TILES_INLINE __attribute__((always_inline, PREFIQS_TILES_TARGET)) inline
#define PREFIQS_TILES __attribute__((noinline, PREFIQS_TILES_TARGET))

namespace prefiqs::engine {

constexpr int kLanes = 16;                       // numbers in a register
constexpr int kChannels = 32;                    // of a tile of pixels
constexpr int kFloatsOfTile = 16 * kLanes;       // sums
constexpr int kWeightsOfTile = 16 * kLanes * 2;  // 16 pairs for 16 results

using Vector = float __attribute__((vector_size(sizeof(float) * kLanes)));
using Words = std::uint32_t __attribute__((vector_size(sizeof(float) * kLanes)));
using Halves = std::uint16_t __attribute__((vector_size(sizeof(std::uint16_t) * kLanes)));

template <typename Type>
PREFIQS_TILES_INLINE Type Load(const void* from) {
  Type value;
  __builtin_memcpy(&value, from, sizeof(value));
  return value;
}
template <typename Type>
PREFIQS_TILES_INLINE void Store(void* to, Type value) {
  __builtin_memcpy(to, &value, sizeof(value));
}

// To nearest, ties to even.
PREFIQS_TILES_INLINE Halves Round(Vector value) {
  return __builtin_bit_cast(Halves, _mm512_cvtneps_pbh(__builtin_bit_cast(__m512, value)));
}
PREFIQS_TILES_INLINE Vector Widen(Halves value) {
  return __builtin_bit_cast(Vector, __builtin_convertvector(value, Words) << 16);
}

// A ChannelFunction of 32 channels, in registers.
struct Function {
  Vector scale[2], shift[2], slope[2], post_scale[2], post_shift[2];
};

PREFIQS_TILES_INLINE Function At(const ChannelFunction& f, std::int64_t channel) {
  Function at;
  for (int i = 0; i < 2; ++i, channel += kLanes) {
    at.scale[i] = Load<Vector>(f.scale.data() + channel);
    at.shift[i] = Load<Vector>(f.shift.data() + channel);
    at.slope[i] = Load<Vector>(f.slope.data() + channel);
    at.post_scale[i] = Load<Vector>(f.post_scale.data() + channel);
    at.post_shift[i] = Load<Vector>(f.post_shift.data() + channel);
  }
  return at;
}

PREFIQS_TILES_INLINE Vector Apply(const Function& f, int i, Vector x) {
  const Vector t = x * f.scale[i] + f.shift[i];
  const Vector activated = t > 0 ? t : t * f.slope[i];
  return activated * f.post_scale[i] + f.post_shift[i];
}

// Everything but pixels.
PREFIQS_TILES_INLINE void ZeroFrame(const TilePicture& picture, std::uint16_t* plane) {
  const std::int64_t stride = picture.stride() * kChannels, last = (picture.height + 1) * stride;
  __builtin_memset(plane, 0, static_cast<std::size_t>(stride) * sizeof(*plane));
  for (std::int64_t at = stride; at < last; at += stride) __builtin_memset(plane + at, 0, kChannels * sizeof(*plane));
  __builtin_memset(plane + last, 0, static_cast<std::size_t>(picture.plane() - last) * sizeof(*plane));
}

// Tile registers 0 to 5 have so many rows, 6 and 7 have 16; all of them 64 bytes a row.
PREFIQS_TILES_INLINE void Configure(int rows) {
  struct alignas(64) {
    std::uint8_t palette = 1, start = 0, reserved[14] = {};
    std::uint16_t bytes_of_a_row[16] = {};
    std::uint8_t rows[16] = {};
  } configuration;
  for (int tile = 0; tile < 8; ++tile) {
    configuration.bytes_of_a_row[tile] = 64;
    configuration.rows[tile] = static_cast<std::uint8_t>(tile < 6 ? rows : 16);
  }
  asm volatile("" ::: "memory");  // compilers do not all know that the next one reads it
  _tile_loadconfig(&configuration);
}

}  // namespace prefiqs::engine

#endif  // __x86_64__

#endif  // PREFIQS_ENGINE_TILE_INSTRUCTIONS_H_
