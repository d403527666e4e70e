#include "engine/channelwise.h"

#include <cmath>
#include <utility>

namespace prefiqs::engine {
namespace {

PREFIQS_INLINE std::uint16_t RoundToBf16(float value) {
  const std::uint32_t bits = __builtin_bit_cast(std::uint32_t, value);
  const std::uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  const std::uint32_t quiet = (bits >> 16) | 0x40u;  // what is no number stays none
  return static_cast<std::uint16_t>(value != value ? quiet : rounded);
}

PREFIQS_INLINE float FromBf16(std::uint16_t value) {
  return __builtin_bit_cast(float, static_cast<std::uint32_t>(value) << 16);
}

struct Channels {
  const float *scale, *shift, *slope, *post_scale, *post_shift;
};

PREFIQS_INLINE float Apply(const Channels& f, std::int64_t c, float x) {
  const float t = x * f.scale[c] + f.shift[c];
  // Whatever the sign: where loads have no masks, an element that reads on a condition is computed alone.
  const float leaning = t * f.slope[c];
  const float activated = t > 0 ? t : leaning;
  return activated * f.post_scale[c] + f.post_shift[c];
}

template <typename Source>
PREFIQS_INLINE float Load(const Source* x, std::int64_t i) {
  if constexpr (sizeof(Source) == sizeof(float)) {
    return x[i];
  } else {
    return FromBf16(x[i]);
  }
}

template <typename Source, ChannelForm kForm>
PREFIQS_INLINE void Row(const Channels& f, std::int64_t width, const Source* x, void* y) {
  if constexpr (kForm == ChannelForm::kFloat) {
    auto* const out = static_cast<float*>(y);
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c) out[c] = Apply(f, c, Load(x, c));
  } else {
    auto* const out = static_cast<std::uint16_t*>(y);
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c) out[c] = RoundToBf16(Apply(f, c, Load(x, c)));
  }
}

constexpr std::int64_t BytesOf(ChannelForm form) { return form == ChannelForm::kFloat ? 4 : 2; }

template <typename Source, ChannelForm kForm>
PREFIQS_INLINE void Rows(const Channels& all, const ChannelRows& rows, const void* source, void* y) {
  const auto* x = static_cast<const Source*>(source);
  auto* out = static_cast<unsigned char*>(y);
  for (std::int64_t o = 0; o < rows.outer; ++o) {
    for (std::int64_t b = 0; b < rows.blocks; ++b) {
      const std::int64_t first = b * rows.width;
      const Channels f{all.scale + first, all.shift + first, all.slope + first, all.post_scale + first,
                       all.post_shift + first};
      for (std::int64_t r = 0; r < rows.rows; ++r) {
        // A width that is known lets the compiler keep a block's parameters in registers.
        if (rows.width == 16) {
          Row<Source, kForm>(f, 16, x, out);
        } else {
          Row<Source, kForm>(f, rows.width, x, out);
        }
        x += rows.width;
        out += rows.width * BytesOf(kForm);
      }
    }
  }
}

struct Pass {
  Channels function;
  ChannelRows rows;
  ChannelForm from, to;
};

template <typename Source>
PREFIQS_INLINE void To(const Pass& pass, const void* x, void* y) {
  switch (pass.to) {
    case ChannelForm::kFloat:
      return Rows<Source, ChannelForm::kFloat>(pass.function, pass.rows, x, y);
    case ChannelForm::kBf16:
      return Rows<Source, ChannelForm::kBf16>(pass.function, pass.rows, x, y);
  }
}

PREFIQS_INLINE void Run(const Pass& pass, const void* x, void* y) {
  if (pass.from == ChannelForm::kFloat) {
    To<float>(pass, x, y);
  } else {
    To<std::uint16_t>(pass, x, y);
  }
}

void RunBaseline(const Pass& pass, const void* x, void* y) { Run(pass, x, y); }

PREFIQS_WITH_AVX2 void RunAvx2(const Pass& pass, const void* x, void* y) { Run(pass, x, y); }
PREFIQS_WITH_AVX512 void RunAvx512(const Pass& pass, const void* x, void* y) { Run(pass, x, y); }

}  // namespace

ChannelFunction ChannelFunction::Identity(std::size_t channels) {
  ChannelFunction f;
  f.scale.assign(channels, 1.0f);
  f.shift.assign(channels, 0.0f);
  f.slope.assign(channels, 1.0f);
  f.post_scale.assign(channels, 1.0f);
  f.post_shift.assign(channels, 0.0f);
  return f;
}

bool ChannelFunction::ThenAffine(std::span<const double> a, std::span<const double> b) {
  std::vector<float> new_scale = has_slope_ ? post_scale : scale, new_shift = has_slope_ ? post_shift : shift;
  for (std::size_t c = 0; c < new_scale.size(); ++c) {
    new_shift[c] = static_cast<float>(new_shift[c] * a[c] + b[c]);
    new_scale[c] = static_cast<float>(new_scale[c] * a[c]);
    if (!std::isfinite(new_scale[c]) || !std::isfinite(new_shift[c])) return false;
  }
  (has_slope_ ? post_scale : scale) = std::move(new_scale);
  (has_slope_ ? post_shift : shift) = std::move(new_shift);
  return true;
}

bool ChannelFunction::ThenPRelu(std::span<const float> s) {
  if (has_slope_) return false;
  for (const float value : s) {
    if (!std::isfinite(value)) return false;
  }
  slope.assign(s.begin(), s.end());
  has_slope_ = true;
  return true;
}

bool ChannelFunction::OfSum(std::span<const float> b) {
  std::vector<float> new_shift = shift;
  for (std::size_t c = 0; c < new_shift.size(); ++c) {
    new_shift[c] = std::fma(scale[c], b[c], shift[c]);
    if (!std::isfinite(new_shift[c])) return false;
  }
  shift = std::move(new_shift);
  return true;
}

void ChannelFunction::Widen(std::size_t channels) {
  for (auto* parameters : {&scale, &shift, &slope, &post_scale, &post_shift}) parameters->resize(channels, 0.0f);
}

void RunChannelwise(const ChannelFunction& function, const ChannelRows& rows, ChannelForm from, ChannelForm to,
                    const void* x, void* y, Vectors vectors) {
  const Pass pass{{function.scale.data(), function.shift.data(), function.slope.data(), function.post_scale.data(),
                   function.post_shift.data()},
                  rows,
                  from,
                  to};
  if (vectors == Vectors::kAvx512) return RunAvx512(pass, x, y);
  if (vectors == Vectors::kAvx2) return RunAvx2(pass, x, y);
  RunBaseline(pass, x, y);
}

}  // namespace prefiqs::engine
