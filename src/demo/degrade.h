// A good face made worse, step by step: what the demonstration asks the score about.
#ifndef PREFIQS_DEMO_DEGRADE_H_
#define PREFIQS_DEMO_DEGRADE_H_

#include <array>
#include <string_view>

#include <prefiqs/image.h>

namespace prefiqs::demo {

// Everything is measured in pixels of the 112×112 crop. A tile holds the aligned face with as much room around it as
// blurring, turning and shifting need: the crop is its centre.
inline constexpr int kCropSide = 112;
inline constexpr int kTileMargin = 56;
inline constexpr int kTileSide = kCropSide + 2 * kTileMargin;

enum class Degradation { kBlur, kDownscale, kNoise, kJpeg, kDark, kOverexposed, kOcclusion, kRoll, kShift };

struct DegradationSeries {
  Degradation kind;
  std::string_view name;
  std::string_view strength;        // what the number means, for people
  std::array<double, 5> strengths;  // rising; 0, the untouched face, comes before them
};

// Chosen for spanning "hardly seen" to "hardly a face", before any of it was scored.
inline constexpr std::array<DegradationSeries, 9> kSeries{{
    {Degradation::kBlur, "blur", "Gaussian, sigma in pixels of the crop", {1, 2, 3, 4.5, 7}},
    {Degradation::kDownscale, "low resolution", "times smaller", {1.5, 2.5, 4, 6, 9}},
    {Degradation::kNoise, "noise", "standard deviation in grey levels", {10, 20, 35, 55, 80}},
    {Degradation::kJpeg, "JPEG", "100 less the quality", {60, 80, 90, 95, 98}},
    {Degradation::kDark, "dark", "stops too little", {1, 2, 3, 4, 5}},
    {Degradation::kOverexposed, "over-exposed", "stops too much", {0.5, 1, 1.5, 2, 3}},
    {Degradation::kOcclusion, "occlusion", "share of the crop covered from below", {0.15, 0.3, 0.45, 0.6, 0.75}},
    {Degradation::kRoll, "roll after alignment", "degrees", {8, 16, 28, 45, 70}},
    {Degradation::kShift, "shift after alignment", "pixels of the crop", {6, 12, 20, 30, 42}},
}};

// The crop of a kTileSide×kTileSide tile, made worse. Strength 0 is the tile's centre as it is. The same bits on every
// run and machine, but for what libjpeg and the resizing library leave open.
Image Degrade(const Image& tile, Degradation kind, double strength);

}  // namespace prefiqs::demo

#endif  // PREFIQS_DEMO_DEGRADE_H_
