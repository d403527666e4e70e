#include "engine/onednn/winograd_weights.h"

#include <cstdint>

namespace prefiqs::engine::onednn {
namespace {

// As in channelwise.cc: inlined into functions that may use newer instructions.
#define PREFIQS_INLINE __attribute__((always_inline)) inline

constexpr int kTaps = 3;
// Filters that are transformed side by side; oneDNN's blocks of filters are as wide.
constexpr int kLanes = 16;

// G of F(2×2, 3×3), and of F(4×4, 3×3) for the interpolation points that oneDNN takes.
constexpr float kSmallTile[4][kTaps] = {
    {1.0f, 0.0f, 0.0f}, {0.5f, 0.5f, 0.5f}, {0.5f, -0.5f, 0.5f}, {0.0f, 0.0f, 1.0f}};
constexpr float kLargeTile[6][kTaps] = {{1.13777777777778f, 0.f, 0.f},
                                        {-0.688403361344538f, -0.430252100840336f, -0.26890756302521f},
                                        {-0.688403361344538f, 0.430252100840336f, -0.26890756302521f},
                                        {0.119514472455649f, 0.179271708683473f, 0.26890756302521f},
                                        {0.119514472455649f, -0.179271708683473f, 0.26890756302521f},
                                        {0.f, 0.f, 1.f}};

// Where a block of filters goes for an input channel and an element of the tile: all strides in blocks.
struct Places {
  std::int64_t filters, channels;                         // of the weights; more in the layout are zeros
  std::int64_t filter_blocks, laid_out_channels;          // of the layout
  std::int64_t blocks_a_chunk;                            // of filters
  std::int64_t chunk, block_in_chunk;                     // strides
  std::int64_t channels_a_group, channel_group, channel;  // channel c is at c / a_group · group + c % a_group · channel
  std::int64_t element;
};

// G·w·Gᵀ, sums in oneDNN's order: rows first, from zero.
template <int kTile>
PREFIQS_INLINE void Transform(const Places& places, const float (&g)[kTile][kTaps], const float* weights, float* out) {
  float w[kTaps * kTaps][kLanes];
  float rows[kTaps][kTile][kLanes];
  for (std::int64_t block = 0; block < places.filter_blocks; ++block) {
    float* const block_out =
        out +
        (block / places.blocks_a_chunk * places.chunk + block % places.blocks_a_chunk * places.block_in_chunk) * kLanes;
    for (std::int64_t channel = 0; channel < places.laid_out_channels; ++channel) {
      for (std::int64_t lane = 0; lane < kLanes; ++lane) {
        const std::int64_t filter = block * kLanes + lane;
        const bool is_there = filter < places.filters && channel < places.channels;
        const float* const from = weights + (filter * places.channels + channel) * kTaps * kTaps;
        for (int i = 0; i < kTaps * kTaps; ++i) w[i][lane] = is_there ? from[i] : 0.0f;
      }
      for (int row = 0; row < kTaps; ++row) {
        for (int j = 0; j < kTile; ++j) {
#pragma omp simd
          for (int lane = 0; lane < kLanes; ++lane) {
            float sum = 0.0f;
            for (int k = 0; k < kTaps; ++k) sum += w[row * kTaps + k][lane] * g[j][k];
            rows[row][j][lane] = sum;
          }
        }
      }
      float* const channel_out = block_out + (channel / places.channels_a_group * places.channel_group +
                                              channel % places.channels_a_group * places.channel) *
                                                 kLanes;
      for (int i = 0; i < kTile; ++i) {
        for (int j = 0; j < kTile; ++j) {
          float* const to = channel_out + (i * kTile + j) * places.element * kLanes;
#pragma omp simd
          for (int lane = 0; lane < kLanes; ++lane) {
            float sum = 0.0f;
            for (int k = 0; k < kTaps; ++k) sum += g[i][k] * rows[k][j][lane];
            to[lane] = sum;
          }
        }
      }
    }
  }
}

PREFIQS_INLINE void Run(const Places& places, int tile, const float* weights, float* out) {
  if (tile == 4) {
    Transform(places, kSmallTile, weights, out);
  } else {
    Transform(places, kLargeTile, weights, out);
  }
}

void RunBaseline(const Places& places, int tile, const float* weights, float* out) { Run(places, tile, weights, out); }

#if defined(__x86_64__)
#if defined(__clang__)  // has no word for the width
#define PREFIQS_AVX512 "avx512f,avx512bw,avx512dq,avx512vl"
#else
#define PREFIQS_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,prefer-vector-width=512"
#endif
__attribute__((target(PREFIQS_AVX512))) void RunAvx512(const Places& places, int tile, const float* weights,
                                                       float* out) {
  Run(places, tile, weights, out);
}
#endif

bool IsPlain(const Desc& desc, const dnnl::memory::dims& dims) {
  return desc == Desc(dims, dnnl::memory::data_type::f32, dnnl::memory::format_tag::abcd);
}

}  // namespace

bool TransformForWinograd(const Desc& from, const Desc& to, const float* weights, float* transformed, Vectors vectors) {
  if (to.data.format_kind != dnnl_format_kind_wino) return false;
  const dnnl_version_t* const version = dnnl_version();
  if (version->major != DNNL_VERSION_MAJOR || version->minor != DNNL_VERSION_MINOR) return false;
  const dnnl::memory::dims dims = to.dims();
  if (dims.size() != 4 || dims[2] != kTaps || dims[3] != kTaps || !IsPlain(from, dims)) return false;

  const dnnl_wino_desc_t& wino = to.data.format_desc.wino_desc;
  if (wino.oc_block != kLanes || wino.oc % wino.oc_block != 0 || wino.r != kTaps) return false;
  const std::int64_t alpha = wino.alpha;
  Places places{};
  places.filters = dims[0];
  places.channels = dims[1];
  places.filter_blocks = wino.oc / kLanes;
  places.laid_out_channels = wino.ic;
  places.blocks_a_chunk = wino.oc2_block;
  // Names of layouts: a is a row or column of the tile, O filters and I channels, B a block of blocks.
  if (wino.wino_format == dnnl_wino_wei_aaOio && alpha == 4) {
    places.blocks_a_chunk = 1;
    places.channel = 1;
    places.channels_a_group = places.laid_out_channels;
    places.chunk = places.laid_out_channels;
    places.element = places.laid_out_channels * places.filter_blocks;
  } else if (wino.wino_format == dnnl_wino_wei_aaOBiOo && alpha == 4) {
    places.block_in_chunk = 1;
    places.channel = places.blocks_a_chunk;
    places.channels_a_group = places.laid_out_channels;
    places.chunk = places.laid_out_channels * places.channel;
    places.element = places.laid_out_channels * places.filter_blocks;
  } else if (wino.wino_format == dnnl_wino_wei_OBaaIBOIio && alpha == 6) {
    places.channels_a_group = std::int64_t{wino.ic2_block} * wino.ic_block;
    places.channel = 1;
    places.block_in_chunk = places.channels_a_group;
    places.channel_group = places.block_in_chunk * places.blocks_a_chunk;
    places.element = places.laid_out_channels * places.blocks_a_chunk;
    places.chunk = places.element * alpha * alpha;
  } else {
    return false;
  }
  if (places.blocks_a_chunk < 1 || places.channels_a_group < 1 || places.filter_blocks % places.blocks_a_chunk != 0 ||
      places.laid_out_channels % places.channels_a_group != 0) {
    return false;
  }
#if defined(__x86_64__)
  if (vectors == Vectors::kAvx512) {
    RunAvx512(places, wino.alpha, weights, transformed);
    return true;
  }
#endif
  (void)vectors;
  RunBaseline(places, wino.alpha, weights, transformed);
  return true;
}

}  // namespace prefiqs::engine::onednn
