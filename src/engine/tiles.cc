#include "engine/tiles.h"

#include <algorithm>
#include <array>

#include "engine/tile_instructions.h"

namespace prefiqs::engine {

#ifdef PREFIQS_HAS_TILES
namespace {

constexpr int kMostTaps = 9;

// Which pixels of the result are rows of one tile: `rows` that follow each other, either in the picture's positions,
// with what is between its rows thrown away, or in a row of the picture.
struct Tiling {
  int rows = 0;               // of a tile
  std::int64_t in_a_row = 0;  // tiles; 0: of all positions
  std::int64_t tiles = 0;
};

Tiling TilingOf(const TileShape& shape) {
  constexpr std::int64_t kMostRows = 16;
  const TilePicture y = shape.y();
  const auto parts = [](std::int64_t whole) { return (whole + kMostRows - 1) / kMostRows; };
  const auto rows = [&](std::int64_t whole) { return (whole + parts(whole) - 1) / parts(whole); };
  Tiling in_rows{static_cast<int>(rows(y.width)), parts(y.width), y.height * parts(y.width)};
  if (shape.step > 1) return in_rows;
  const std::int64_t positions = y.height * y.stride() - 1;
  const Tiling across{static_cast<int>(rows(positions)), 0, parts(positions)};
  return across.tiles * across.rows < in_rows.tiles * in_rows.rows ? across : in_rows;
}

struct Work {
  TileShape shape;
  TilePicture y;
  Tiling tiling;
  std::span<const TileImage> images;
  const std::uint16_t* weights;
  const ChannelFunction* function;
  bool is_sum;                               // the function only adds
  std::int64_t blocks_of_an_image;           // two tiles of pixels each; the last may be one
  std::array<std::int64_t, kMostTaps> taps;  // from a pixel's position to those it reads
};

// Two tiles of pixels by two of filters.
constexpr int kBlockFloats = 4 * kFloatsOfTile;

// Adds 32 channels to the sums; `x` is where the first tiles' first tap is, `second` numbers before the second's.
template <int kTaps, bool kTwo>
PREFIQS_TILES_INLINE void MultiplyPlane(const Work& work, const std::uint16_t* x, std::int64_t second,
                                        const std::uint16_t* w, std::int64_t next_filters) {
  const std::int64_t row = 2 * kChannels * work.shape.step;
  for (int tap = 0; tap < kTaps; ++tap, w += kWeightsOfTile) {
    const std::uint16_t* const at = x + work.taps[static_cast<std::size_t>(tap)];
    _tile_loadd(4, at, row);
    _tile_loadd(6, w, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, w + next_filters, 64);
    _tile_dpbf16ps(1, 4, 7);
    if constexpr (kTwo) {
      _tile_loadd(5, at + second, row);
      _tile_dpbf16ps(2, 5, 6);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
}

// Where tile `t` begins: the position of its first pixel's first tap in x.
PREFIQS_TILES_INLINE std::int64_t Start(const Work& work, std::int64_t t) {
  if (work.tiling.in_a_row == 0) return t * work.tiling.rows;
  const std::int64_t row = t / work.tiling.in_a_row, part = t % work.tiling.in_a_row;
  return (row * work.shape.x.stride() + part * work.tiling.rows) * work.shape.step;
}

// Sums of one block over the planes from `first` to before `last`, continued from `sums` or begun.
template <int kTaps, bool kTwo>
PREFIQS_TILES_INLINE void Multiply(const Work& work, const std::uint16_t* x, std::int64_t tile, const std::uint16_t* w,
                                   std::int64_t first, std::int64_t last, float* sums) {
  const std::int64_t row = 4 * kLanes;
  if (first == 0) {
    _tile_zero(0);
    _tile_zero(1);
    if constexpr (kTwo) {
      _tile_zero(2);
      _tile_zero(3);
    }
  } else {
    _tile_loadd(0, sums, row);
    _tile_loadd(1, sums + kFloatsOfTile, row);
    if constexpr (kTwo) {
      _tile_loadd(2, sums + 2 * kFloatsOfTile, row);
      _tile_loadd(3, sums + 3 * kFloatsOfTile, row);
    }
  }
  const std::int64_t at = Start(work, tile), second = kTwo ? (Start(work, tile + 1) - at) * kChannels : 0;
  const std::int64_t weights_of_plane = kTaps * kWeightsOfTile;
  const std::int64_t next_filters = work.shape.x.channels / kChannels * weights_of_plane;
  for (std::int64_t plane = first; plane < last; ++plane) {
    MultiplyPlane<kTaps, kTwo>(work, x + plane * work.shape.x.plane() + at * kChannels, second,
                               w + plane * weights_of_plane, next_filters);
  }
  _tile_stored(0, sums, row);
  _tile_stored(1, sums + kFloatsOfTile, row);
  if constexpr (kTwo) {
    _tile_stored(2, sums + 2 * kFloatsOfTile, row);
    _tile_stored(3, sums + 3 * kFloatsOfTile, row);
  }
}

// 32 filters of `count` pixels that follow each other in a row; `offset`: of the first in y as floats lie, `position`:
// in numbers, as a picture's plane has it.
template <TileResult kResult, bool kIsSum>
PREFIQS_TILES_INLINE void WritePixels(const Function& f, const float* sums, std::int64_t count, const TileImage& image,
                                      std::int64_t offset, std::int64_t position, std::int64_t filters) {
  const bool adds = kResult == TileResult::kFloat && image.added != nullptr;
  for (std::int64_t pixel = 0; pixel < count; ++pixel, sums += kLanes) {
    for (int i = 0; i < 2; ++i) {
      const std::int64_t at = offset + pixel * filters + i * kLanes;
      const Vector sum = Load<Vector>(sums + i * kFloatsOfTile);
      Vector value = kIsSum ? sum + f.shift[i] : Apply(f, i, sum);
      if (adds) value += Load<Vector>(image.added + at);
      if constexpr (kResult == TileResult::kFloat) Store(static_cast<float*>(image.y) + at, value);
      if constexpr (kResult == TileResult::kBf16) Store(static_cast<std::uint16_t*>(image.y) + at, Round(value));
      if constexpr (kResult == TileResult::kPicture) {
        Store(static_cast<std::uint16_t*>(image.y) + position + pixel * kChannels + i * kLanes, Round(value));
      }
    }
  }
}

template <TileResult kResult, bool kIsSum>
PREFIQS_TILES_INLINE void WriteTile(const Work& work, const Function& f, const TileImage& image, std::int64_t filter,
                                    std::int64_t tile, const float* sums) {
  const TilePicture& y = work.y;
  const bool across = work.tiling.in_a_row == 0;
  const std::int64_t first = across ? tile * work.tiling.rows : tile % work.tiling.in_a_row * work.tiling.rows;
  std::int64_t row = across ? first / y.stride() : tile / work.tiling.in_a_row;
  std::int64_t column = across ? first % y.stride() : first;
  const std::int64_t plane = filter / kChannels * y.plane();
  for (std::int64_t left = work.tiling.rows; left > 0 && row < y.height; ++row, column = 0) {
    const std::int64_t until = y.width - column, count = until < left ? until : left;
    WritePixels<kResult, kIsSum>(f, sums, count, image, (row * y.width + column) * y.channels + filter,
                                 plane + ((row + 1) * y.stride() + column + 1) * kChannels, y.channels);
    if (!across) return;
    left -= count + 1;  // and what is between the rows
    sums += (count + 1) * kLanes;
  }
}

template <int kTaps, TileResult kResult, bool kIsSum>
PREFIQS_TILES_INLINE void RunFilters(const Work& work, std::int64_t filter) {
  // Weights of so many planes stay in the first-level cache while so many blocks of pixels are multiplied by them.
  constexpr std::int64_t kPlanes = kTaps == 1 ? 16 : 2, kBlocks = 8;
  alignas(64) float sums[kBlocks * kBlockFloats];
  const std::int64_t planes = work.shape.x.channels / kChannels, tiles = work.tiling.tiles;
  const std::uint16_t* const w = work.weights + filter * work.shape.x.channels * kTaps;
  const Function f = At(*work.function, filter);
  const std::int64_t all = static_cast<std::int64_t>(work.images.size()) * work.blocks_of_an_image;
  for (std::int64_t block = 0; block < all; block += kBlocks) {
    const std::int64_t count = block + kBlocks < all ? kBlocks : all - block;
    for (std::int64_t first = 0; first < planes; first += kPlanes) {
      const std::int64_t last = first + kPlanes < planes ? first + kPlanes : planes;
      for (std::int64_t b = 0; b < count; ++b) {
        const TileImage& image = work.images.data()[(block + b) / work.blocks_of_an_image];
        const std::int64_t tile = (block + b) % work.blocks_of_an_image * 2;
        float* const of_block = sums + b * kBlockFloats;
        const bool is_two = tile + 1 < tiles;
        is_two ? Multiply<kTaps, true>(work, image.x, tile, w, first, last, of_block)
               : Multiply<kTaps, false>(work, image.x, tile, w, first, last, of_block);
        if (last < planes) continue;
        asm volatile("" ::: "memory");
        WriteTile<kResult, kIsSum>(work, f, image, filter, tile, of_block);
        if (is_two) WriteTile<kResult, kIsSum>(work, f, image, filter, tile + 1, of_block + 2 * kFloatsOfTile);
      }
    }
  }
}

template <int kTaps, TileResult kResult, bool kIsSum>
PREFIQS_TILES void RunAll(const Work& work) {
  Configure(work.tiling.rows);  // 0 to 3 sums, 4 and 5 pixels, 6 and 7 weights
  for (std::int64_t filter = 0; filter < work.shape.filters; filter += kChannels) {
    if constexpr (kResult == TileResult::kPicture) {
      for (std::size_t i = 0; i < work.images.size(); ++i) {
        ZeroFrame(work.y, static_cast<std::uint16_t*>(work.images.data()[i].y) + filter / kChannels * work.y.plane());
      }
    }
    RunFilters<kTaps, kResult, kIsSum>(work, filter);
  }
  _tile_release();
}

template <TileResult kResult>
void RunAs(const Work& work) {
  if (work.shape.side == 1) return work.is_sum ? RunAll<1, kResult, true>(work) : RunAll<1, kResult, false>(work);
  work.is_sum ? RunAll<kMostTaps, kResult, true>(work) : RunAll<kMostTaps, kResult, false>(work);
}

bool OnlyAdds(const ChannelFunction& f) {
  const auto all = [](const std::vector<float>& values, float wanted) {
    return std::all_of(values.begin(), values.end(), [&](float value) { return value == wanted; });
  };
  return all(f.scale, 1) && all(f.slope, 1) && all(f.post_scale, 1) && all(f.post_shift, 0);
}

}  // namespace

void RunTiles(const TileShape& shape, std::span<const TileImage> images, const std::uint16_t* weights,
              const ChannelFunction& function, TileResult result) {
  Work work{shape, shape.y(), TilingOf(shape), images, weights, &function, OnlyAdds(function), 0, {}};
  work.blocks_of_an_image = (work.tiling.tiles + 1) / 2;
  const std::int64_t middle = shape.side == 1 ? 1 : 0;
  for (int tap = 0; tap < shape.side * shape.side; ++tap) {
    work.taps[static_cast<std::size_t>(tap)] = ((tap / 3 + middle) * shape.x.stride() + tap % 3 + middle) * kChannels;
  }
  switch (result) {
    case TileResult::kFloat:
      return RunAs<TileResult::kFloat>(work);
    case TileResult::kBf16:
      return RunAs<TileResult::kBf16>(work);
    case TileResult::kPicture:
      return RunAs<TileResult::kPicture>(work);
  }
}

#else  // no such processor

void RunTiles(const TileShape&, std::span<const TileImage>, const std::uint16_t*, const ChannelFunction&, TileResult) {}

#endif

}  // namespace prefiqs::engine
