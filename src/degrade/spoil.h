// A picture made worse in one way.
#ifndef PREFIQS_DEGRADE_SPOIL_H_
#define PREFIQS_DEGRADE_SPOIL_H_

#include <cstdint>

#include <prefiqs/image.h>

namespace prefiqs::degrade {

enum class Way { kBlur, kDownscale, kNoise, kJpeg, kDark, kOverexposed, kOcclusion };

inline constexpr std::uint64_t kNoiseSeed = 20261125;

// The same bits on every run and machine, but for what libjpeg and the resizing library leave open. Strengths:
//   kBlur         sigma of a Gaussian in pixels, above 0
//   kDownscale    times smaller and back, 1 or more
//   kNoise        standard deviation in grey levels, of the seed
//   kJpeg         100 less the quality, 0 to 99
//   kDark         stops too little
//   kOverexposed  stops too much
//   kOcclusion    share of the picture under grey, from below, 0 to 1
Image Spoil(const Image& picture, Way way, double strength, std::uint64_t seed = kNoiseSeed);

// Gaussian, cut off at four sigma (pixels, above 0); what lies beyond the border is as the border.
Image Blur(Image picture, double sigma);

Image Mirrored(Image picture);

}  // namespace prefiqs::degrade

#endif  // PREFIQS_DEGRADE_SPOIL_H_
