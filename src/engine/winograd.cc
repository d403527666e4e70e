#include "engine/winograd.h"

#include <algorithm>

namespace prefiqs::engine {
namespace {

constexpr int kLanes = 16;  // channels or filters side by side
constexpr int kTaps = 3;
constexpr int kRead = 6, kWritten = 4;  // sides of a tile
constexpr int kElements = kRead * kRead;

// What a register holds of them: wider ones would be taken apart in memory.
using Whole = float __attribute__((vector_size(sizeof(float) * kLanes)));
using Half = float __attribute__((vector_size(sizeof(float) * kLanes / 2)));
template <typename Vector>
constexpr int kFloats = static_cast<int>(sizeof(Vector) / sizeof(float));

template <typename Vector>
PREFIQS_INLINE Vector Load(const float* from) {
  Vector value;
  __builtin_memcpy(&value, from,
                   sizeof(value));  // from anywhere: an alignment would not survive as a template's argument
  return value;
}
template <typename Vector>
PREFIQS_INLINE void Store(float* to, Vector value) {
  __builtin_memcpy(to, &value, sizeof(value));
}

// The polynomials that are multiplied are evaluated at 0, ±a, ±b and ∞, elements 0 to 5 in this order. These points
// lose fewest digits (Barabasz et al., "Error Analysis and Improving the Accuracy of Winograd Convolution for Deep
// Neural Networks", ACM TOMS 2020); oneDNN's are the same.
constexpr float kA = 0.625f, kB = 1.5f;
constexpr float kA2 = kA * kA, kB2 = kB * kB;
// One over the products of a point's distances to the other finite ones.
constexpr float kNormZero = 1 / (kA2 * kB2), kNormA = 1 / (2 * kA2 * (kA2 - kB2)), kNormB = 1 / (2 * kB2 * (kB2 - kA2));

// Bᵀd of a column or row: value by value the coefficients of the product of x minus every other finite point.
template <typename Vector>
PREFIQS_INLINE void TransformInput(const Vector (&d)[kRead], Vector (&out)[kRead]) {
  const Vector even_a = d[4] - kB2 * d[2], odd_a = kA * (d[3] - kB2 * d[1]);
  const Vector even_b = d[4] - kA2 * d[2], odd_b = kB * (d[3] - kA2 * d[1]);
  out[0] = d[4] - (kA2 + kB2) * d[2] + kA2 * kB2 * d[0];
  out[1] = even_a + odd_a;
  out[2] = even_a - odd_a;
  out[3] = even_b + odd_b;
  out[4] = even_b - odd_b;
  out[5] = d[5] - (kA2 + kB2) * d[3] + kA2 * kB2 * d[1];
}

// Aᵀm: the powers of the points.
template <typename Vector>
PREFIQS_INLINE void TransformOutput(const Vector (&m)[kRead], Vector (&out)[kWritten]) {
  const Vector sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  out[0] = m[0] + sum_a + sum_b;
  out[1] = kA * difference_a + kB * difference_b;
  out[2] = kA2 * sum_a + kB2 * sum_b;
  out[3] = kA2 * kA * difference_a + kB2 * kB * difference_b + m[5];
}

// Two elements of Gw share what they have in common: those of 0 and ∞, of ±a, and of ±b.
constexpr int kPairs[][2] = {{0, 5}, {1, 2}, {3, 4}};

template <int kPair, typename Vector>
PREFIQS_INLINE void TransformFilter(const Vector (&w)[kTaps], Vector& first, Vector& second) {
  if constexpr (kPair == 0) {
    first = kNormZero * w[0];
    second = w[2];
  } else {
    constexpr float point = kPair == 1 ? kA : kB, norm = kPair == 1 ? kNormA : kNormB;
    const Vector even = norm * w[0] + norm * point * point * w[2], odd = norm * point * w[1];
    first = even + odd;
    second = even - odd;
  }
}

// What one run works on, and where. Strides are one vector longer than they need be: powers of two would send all
// elements of a tile to the same few places of the first-level cache.
struct Work {
  WinogradShape shape;
  std::span<const WinogradImage> images;
  const float *weights, *bias;
  std::int64_t columns, tiles_an_image, tiles;  // tiles of all images, one after the other
  std::int64_t chunk;                           // tiles at a time: what is read of them stays in the second-level cache
  int together;                                 // tiles whose sums are in registers at a time
  std::int64_t room;                            // chunk, or more: a multiple of `together`
  float *v, *u, *m;                             // transformed input, weights, and their products
  std::int64_t v_stride, u_stride, m_stride;    // from element to element
};

struct Sizes {
  std::int64_t v, u, m;
  std::int64_t all() const { return v + u + m; }
};

constexpr int kMostWidth = 2;  // vectors of filters at a time
constexpr int kPairElements = 2 * kRead;

Work Describe(const WinogradShape& shape, std::size_t images, int most_together) {
  Work work{};
  work.shape = shape;
  work.columns = (shape.width + kWritten - 1) / kWritten;
  work.tiles_an_image = WinogradTiles(shape);
  work.tiles = work.tiles_an_image * static_cast<std::int64_t>(images);
  constexpr std::int64_t kCache = 1280 * 1024, kFewest = 8, kMost = 56;
  const std::int64_t most =
      std::clamp(kCache / (kElements * shape.channels * std::int64_t{sizeof(float)}), kFewest, kMost);
  const std::int64_t chunks = (work.tiles + most - 1) / most;
  work.chunk = (work.tiles + chunks - 1) / chunks;
  for (int together = most_together; together > most_together / 3; --together) {
    const std::int64_t room = (work.chunk + together - 1) / together * together;
    if (work.together == 0 || room < work.room) {
      work.together = together;
      work.room = room;
    }
  }
  work.v_stride = (shape.channels / kLanes * work.room + 1) * kLanes;
  work.u_stride = (shape.channels * kMostWidth + 1) * kLanes;
  work.m_stride = (work.room * kMostWidth + 1) * kLanes;
  return work;
}

Sizes SizesOf(const Work& work) {
  return {kElements * work.v_stride, kPairElements * work.u_stride, kElements * work.m_stride};
}

// Of one tile and as many channels as a vector has: `x` at the first of them, whose pixel `left`, `top` may lie
// outside.
template <typename Vector>
PREFIQS_INLINE void TransformTile(const Work& work, const float* x, std::int64_t top, std::int64_t left, float* out) {
  const std::int64_t height = work.shape.height, width = work.shape.width;
  Vector half[kRead][kRead];
  for (int j = 0; j < kRead; ++j) {
    Vector in[kRead], transformed[kRead];
    const bool is_column = left + j >= 0 && left + j < width;
    for (int i = 0; i < kRead; ++i) {
      const bool is_inside = is_column && top + i >= 0 && top + i < height;
      in[i] = is_inside ? Load<Vector>(x + ((top + i) * width + left + j) * kLanes) : Vector{};
    }
    TransformInput(in, transformed);
    for (int i = 0; i < kRead; ++i) half[i][j] = transformed[i];
  }
  for (int i = 0; i < kRead; ++i) {
    Vector transformed[kRead];
    TransformInput(half[i], transformed);
    for (int j = 0; j < kRead; ++j) Store(out + (i * kRead + j) * work.v_stride, transformed[j]);
  }
}

// v: elements × channels/16 × tiles × 16.
template <typename Vector>
PREFIQS_INLINE void TransformInputs(const Work& work, std::int64_t first, std::int64_t count) {
  const std::int64_t plane = work.shape.height * work.shape.width * kLanes;
  for (std::int64_t block = 0; block < work.shape.channels / kLanes; ++block) {
    float* out = work.v + block * work.room * kLanes;
    for (std::int64_t tile = first; tile < first + count; ++tile, out += kLanes) {
      const float* const x = work.images[static_cast<std::size_t>(tile / work.tiles_an_image)].x + block * plane;
      const std::int64_t place = tile % work.tiles_an_image;
      const std::int64_t top = place / work.columns * kWritten - 1, left = place % work.columns * kWritten - 1;
      for (int c = 0; c < kLanes; c += kFloats<Vector>) TransformTile<Vector>(work, x + c, top, left, out + c);
    }
    // What only fills registers.
    for (std::int64_t tile = count; tile < work.room; ++tile, out += kLanes) {
      for (int e = 0; e < kElements; ++e) Store(out + e * work.v_stride, Whole{});
    }
  }
}

// u: the 2×6 elements of a pair of rows × channels × filters. Of as many blocks of filters as `kWidth` says.
template <typename Vector, int kPair, int kWidth>
PREFIQS_INLINE void TransformWeights(const Work& work, const float* weights) {
  const std::int64_t block = work.shape.channels * kTaps * kTaps * kLanes;
  float* u = work.u;
  for (std::int64_t c = 0; c < work.shape.channels; ++c, weights += kTaps * kTaps * kLanes) {
    for (int f = 0; f < kWidth * kLanes; f += kFloats<Vector>, u += kFloats<Vector>) {
      Vector rows[2][kTaps];
      for (int j = 0; j < kTaps; ++j) {
        const float* const w = weights + f / kLanes * block + j * kLanes + f % kLanes;
        const Vector column[kTaps] = {Load<Vector>(w), Load<Vector>(w + kTaps * kLanes),
                                      Load<Vector>(w + 2 * kTaps * kLanes)};
        TransformFilter<kPair>(column, rows[0][j], rows[1][j]);
      }
      for (int i = 0; i < 2; ++i) {
        Vector out[kRead];
        TransformFilter<0>(rows[i], out[kPairs[0][0]], out[kPairs[0][1]]);
        TransformFilter<1>(rows[i], out[kPairs[1][0]], out[kPairs[1][1]]);
        TransformFilter<2>(rows[i], out[kPairs[2][0]], out[kPairs[2][1]]);
        for (int j = 0; j < kRead; ++j) Store(u + (i * kRead + j) * work.u_stride, out[j]);
      }
    }
  }
}

// m = v · u for one element, of kTiles tiles and kWidth blocks of filters, summed over the channels in their order.
template <typename Vector, int kTiles, int kWidth>
PREFIQS_INLINE void Multiply(const Work& work, const float* v, const float* u, float* m) {
  constexpr int kVectors = kWidth * kLanes / kFloats<Vector>;
  Vector sums[kTiles][kVectors] = {};
  for (std::int64_t block = 0; block < work.shape.channels / kLanes; ++block, v += work.room * kLanes) {
#pragma GCC unroll 4
    for (int c = 0; c < kLanes; ++c, u += kWidth * kLanes) {
      Vector w[kVectors];
      for (int n = 0; n < kVectors; ++n) w[n] = Load<Vector>(u + n * kFloats<Vector>);
#pragma GCC unroll 14
      for (int t = 0; t < kTiles; ++t) {
        for (int n = 0; n < kVectors; ++n) sums[t][n] += v[t * kLanes + c] * w[n];
      }
    }
  }
#pragma GCC unroll 14
  for (int t = 0; t < kTiles; ++t) {
    for (int n = 0; n < kVectors; ++n) Store(m + t * kWidth * kLanes + n * kFloats<Vector>, sums[t][n]);
  }
}

// All tiles of a chunk, `work.together` at a time; counts down to it.
template <typename Vector, int kTiles, int kFewest, int kWidth>
PREFIQS_INLINE void MultiplyAll(const Work& work, const float* v, const float* u, float* m) {
  if (work.together == kTiles) {
    for (std::int64_t t = 0; t < work.room; t += kTiles) {
      Multiply<Vector, kTiles, kWidth>(work, v + t * kLanes, u, m + t * kWidth * kLanes);
    }
  } else if constexpr (kTiles > kFewest) {
    MultiplyAll<Vector, kTiles - 1, kFewest, kWidth>(work, v, u, m);
  }
}

// A block of filters, of which u holds a pair of rows at a time.
template <typename Vector, int kTogether, int kWidth>
PREFIQS_INLINE void MultiplyByAll(const Work& work, const float* weights) {
  for (int pair = 0; pair < 3; ++pair) {
    if (pair == 0) TransformWeights<Vector, 0, kWidth>(work, weights);
    if (pair == 1) TransformWeights<Vector, 1, kWidth>(work, weights);
    if (pair == 2) TransformWeights<Vector, 2, kWidth>(work, weights);
    for (int i = 0; i < kPairElements; ++i) {
      const int element = kPairs[pair][i / kRead] * kRead + i % kRead;
      MultiplyAll<Vector, kTogether, kTogether / 3 + 1, kWidth>(
          work, work.v + element * work.v_stride, work.u + i * work.u_stride, work.m + element * work.m_stride);
    }
  }
}

// Of one tile and as many filters as a vector has, all three pointers at the first of them; `rows` and `columns` are
// written.
template <typename Vector>
PREFIQS_INLINE void WriteTile(const Work& work, const float* m, Vector bias, const float* added, float* y,
                              std::int64_t rows, std::int64_t columns) {
  Vector half[kWritten][kRead];
  for (int j = 0; j < kRead; ++j) {
    Vector in[kRead], transformed[kWritten];
    for (int i = 0; i < kRead; ++i) in[i] = Load<Vector>(m + (i * kRead + j) * work.m_stride);
    TransformOutput(in, transformed);
    for (int i = 0; i < kWritten; ++i) half[i][j] = transformed[i];
  }
  for (int i = 0; i < kWritten && i < rows; ++i) {
    Vector out[kWritten];
    TransformOutput(half[i], out);
    for (int j = 0; j < kWritten && j < columns; ++j) {
      const std::int64_t at = (i * work.shape.width + j) * kLanes;
      Vector value = out[j] + bias;
      if (added != nullptr) value += Load<Vector>(added + at);
      Store(y + at, value);
    }
  }
}

template <typename Vector, int kWidth>
PREFIQS_INLINE void TransformOutputs(const Work& work, std::int64_t first, std::int64_t count, std::int64_t block) {
  const std::int64_t height = work.shape.height, width = work.shape.width;
  for (std::int64_t tile = 0; tile < count; ++tile) {
    const WinogradImage& image = work.images[static_cast<std::size_t>((first + tile) / work.tiles_an_image)];
    const std::int64_t place = (first + tile) % work.tiles_an_image;
    const std::int64_t top = place / work.columns * kWritten, left = place % work.columns * kWritten;
    for (int f = 0; f < kWidth * kLanes; f += kFloats<Vector>) {
      const std::int64_t at = (((block + f / kLanes) * height + top) * width + left) * kLanes + f % kLanes;
      const Vector bias = work.bias != nullptr ? Load<Vector>(work.bias + block * kLanes + f) : Vector{};
      WriteTile(work, work.m + tile * kWidth * kLanes + f, bias, image.added != nullptr ? image.added + at : nullptr,
                image.y + at, height - top, width - left);
    }
  }
}

template <typename Vector, int kTogether, int kWidth>
PREFIQS_INLINE void Filters(const Work& work, std::int64_t first, std::int64_t count, std::int64_t block) {
  const float* const weights = work.weights + block * work.shape.channels * kTaps * kTaps * kLanes;
  MultiplyByAll<Vector, kTogether, kWidth>(work, weights);
  TransformOutputs<Vector, kWidth>(work, first, count, block);
}

// Registers hold the sums of kTogether tiles and kWidth blocks of filters.
template <typename Vector, int kTogether, int kWidth>
PREFIQS_INLINE void Run(const Work& work) {
  const std::int64_t blocks = work.shape.filters / kLanes;
  for (std::int64_t first = 0; first < work.tiles; first += work.chunk) {
    const std::int64_t count = std::min(work.chunk, work.tiles - first);
    TransformInputs<Vector>(work, first, count);
    std::int64_t block = 0;
    for (; block + kWidth <= blocks; block += kWidth) Filters<Vector, kTogether, kWidth>(work, first, count, block);
    if constexpr (kWidth > 1) {
      if (block < blocks) Filters<Vector, kTogether, 1>(work, first, count, block);
    }
  }
}

// 16 registers of eight floats; 32 of sixteen.
constexpr int kTogetherAvx2 = 6, kTogetherAvx512 = 14;
PREFIQS_WITH_AVX2 void RunAvx2(const Work& work) { Run<Half, kTogetherAvx2, 1>(work); }
PREFIQS_WITH_AVX512 void RunAvx512(const Work& work) { Run<Whole, kTogetherAvx512, 2>(work); }

}  // namespace

std::int64_t WinogradTiles(const WinogradShape& shape) {
  return ((shape.height + kWritten - 1) / kWritten) * ((shape.width + kWritten - 1) / kWritten);
}

// The baseline of x86 has too few registers, and no product and sum in one; that of Arm has both.
bool HasWinograd(Vectors vectors) { return vectors != Vectors::kBaseline || !kIsX86; }

std::size_t WinogradScratch(const WinogradShape& shape, std::size_t images) {
  return static_cast<std::size_t>(std::max(SizesOf(Describe(shape, images, kTogetherAvx2)).all(),
                                           SizesOf(Describe(shape, images, kTogetherAvx512)).all()));
}

void RunWinograd(const WinogradShape& shape, std::span<const WinogradImage> images, const float* weights,
                 const float* bias, std::span<float> scratch, Vectors vectors) {
  const bool is_wide = vectors == Vectors::kAvx512;
  Work work = Describe(shape, images.size(), is_wide ? kTogetherAvx512 : kTogetherAvx2);
  const Sizes sizes = SizesOf(work);
  work.images = images;
  work.weights = weights;
  work.bias = bias;
  work.v = scratch.data();
  work.u = work.v + sizes.v;
  work.m = work.u + sizes.u;
  is_wide ? RunAvx512(work) : RunAvx2(work);
}

}  // namespace prefiqs::engine
