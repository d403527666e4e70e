#include "demo/degrade.h"

#include <prefiqs/error.h>

#include <cmath>
#include <numbers>

#include "align/align.h"
#include "degrade/spoil.h"

namespace prefiqs::demo {
namespace {

// The crop of the tile turned around its centre and moved to the right.
Image Centre(const Image& tile, double degrees, double shift) {
  const double turn = degrees * std::numbers::pi / 180;
  const double cosine = std::cos(turn), sine = std::sin(turn);
  const double from = (kTileSide - 1) / 2.0, to = (kCropSide - 1) / 2.0;
  const align::Transform transform{
      {{cosine, -sine, to + shift - cosine * from + sine * from}, {sine, cosine, to - sine * from - cosine * from}}};
  return align::Warp(tile, transform, kCropSide, kCropSide);
}

Image Spoilt(const Image& tile, degrade::Way way, double strength) {
  return Centre(degrade::Spoil(tile, way, strength), 0, 0);
}

}  // namespace

Image Degrade(const Image& tile, Degradation kind, double strength) {
  if (strength == 0) return Centre(tile, 0, 0);
  switch (kind) {
    case Degradation::kBlur:
      return Spoilt(tile, degrade::Way::kBlur, strength);
    case Degradation::kDownscale:
      return Spoilt(tile, degrade::Way::kDownscale, strength);
    case Degradation::kNoise:
      return Spoilt(tile, degrade::Way::kNoise, strength);
    case Degradation::kJpeg:
      return Spoilt(tile, degrade::Way::kJpeg, strength);
    case Degradation::kDark:
      return Spoilt(tile, degrade::Way::kDark, strength);
    case Degradation::kOverexposed:
      return Spoilt(tile, degrade::Way::kOverexposed, strength);
    case Degradation::kOcclusion:  // a share of the crop, and all of the margin below it
      return Spoilt(tile, degrade::Way::kOcclusion, (kTileMargin + strength * kCropSide) / kTileSide);
    case Degradation::kRoll:
      return Centre(tile, strength, 0);
    case Degradation::kShift:
      return Centre(tile, 0, strength);
  }
  throw Error(ErrorCode::kInternal, "an unknown degradation");
}

}  // namespace prefiqs::demo
