#include "demo/degrade.h"

#include <prefiqs/error.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <random>
#include <vector>

#include "align/align.h"
#include "image/encode.h"

namespace prefiqs::demo {
namespace {

constexpr std::uint64_t kNoiseSeed = 20261125;

std::uint8_t ToLevel(double value) { return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

Image EachLevel(Image tile, const std::function<double(double)>& change) {
  for (std::uint8_t& level : tile.rgb) level = ToLevel(change(level));
  return tile;
}

// Along x or y, borders repeated.
std::vector<double> BlurLines(const std::vector<double>& in, int width, int height, const std::vector<double>& kernel,
                              bool along_x) {
  const int reach = static_cast<int>(kernel.size()) / 2;
  std::vector<double> out(in.size());
  const auto at = [&](int x, int y) { return static_cast<std::size_t>(y * width + x) * 3; };
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int k = -reach; k <= reach; ++k) {
        const int from = std::clamp((along_x ? x : y) + k, 0, (along_x ? width : height) - 1);
        const std::size_t source = along_x ? at(from, y) : at(x, from);
        for (std::size_t c = 0; c < 3; ++c)
          out[at(x, y) + c] += kernel[static_cast<std::size_t>(k + reach)] * in[source + c];
      }
    }
  }
  return out;
}

Image ThroughSmall(const Image& tile, double times) {
  const int small = std::max(1, static_cast<int>(std::lround(tile.width / times)));
  return *align::FitCrop(*align::FitCrop(tile, small, small), tile.width, tile.height);
}

// Normal by the sum of twelve even numbers: integers until the end, so alike everywhere.
Image AddNoise(Image tile, double deviation) {
  std::mt19937_64 random(kNoiseSeed);
  for (std::uint8_t& level : tile.rgb) {
    std::int64_t sum = 0;
    for (int i = 0; i < 3; ++i) {
      std::uint64_t bits = random();
      for (int j = 0; j < 4; ++j, bits >>= 16) sum += static_cast<std::int64_t>(bits & 0xffff);
    }
    const double normal = static_cast<double>(sum) / 65536 - 6;
    level = ToLevel(level + deviation * normal);
  }
  return tile;
}

Image ThroughJpeg(const Image& tile, double loss) {
  const DecodedImage decoded = Image::decode(image::ToJpeg(tile, static_cast<int>(std::lround(100 - loss))));
  if (decoded.status != Status::kOk) throw Error(ErrorCode::kInternal, "a JPEG of our own: " + decoded.detail);
  return decoded.image;
}

Image Cover(Image tile, double share) {
  constexpr std::uint8_t kGrey = 128;
  const int first = kTileMargin + kCropSide - static_cast<int>(std::lround(share * kCropSide));
  const auto begin = tile.rgb.begin() + static_cast<std::ptrdiff_t>(first) * tile.width * 3;
  std::fill(begin, tile.rgb.end(), kGrey);
  return tile;
}

// The crop of the tile turned around its centre and moved to the right.
Image Centre(const Image& tile, double degrees, double shift) {
  const double turn = degrees * std::numbers::pi / 180;
  const double cosine = std::cos(turn), sine = std::sin(turn);
  const double from = (kTileSide - 1) / 2.0, to = (kCropSide - 1) / 2.0;
  const align::Transform transform{
      {{cosine, -sine, to + shift - cosine * from + sine * from}, {sine, cosine, to - sine * from - cosine * from}}};
  return align::Warp(tile, transform, kCropSide, kCropSide);
}

}  // namespace

Image Blur(Image picture, double sigma) {
  const int reach = static_cast<int>(std::ceil(4 * sigma));
  std::vector<double> kernel;
  double sum = 0;
  for (int k = -reach; k <= reach; ++k) sum += kernel.emplace_back(std::exp(-k * k / (2 * sigma * sigma)));
  for (double& weight : kernel) weight /= sum;
  std::vector<double> levels(picture.rgb.begin(), picture.rgb.end());
  levels = BlurLines(BlurLines(levels, picture.width, picture.height, kernel, true), picture.width, picture.height,
                     kernel, false);
  std::transform(levels.begin(), levels.end(), picture.rgb.begin(), ToLevel);
  return picture;
}

Image Degrade(const Image& tile, Degradation kind, double strength) {
  if (strength == 0) return Centre(tile, 0, 0);
  switch (kind) {
    case Degradation::kBlur:
      return Centre(Blur(tile, strength), 0, 0);
    case Degradation::kDownscale:
      return Centre(ThroughSmall(tile, strength), 0, 0);
    case Degradation::kNoise:
      return Centre(AddNoise(tile, strength), 0, 0);
    case Degradation::kJpeg:
      return Centre(ThroughJpeg(tile, strength), 0, 0);
    case Degradation::kDark:
      return Centre(EachLevel(tile, [&](double v) { return v * std::exp2(-strength); }), 0, 0);
    case Degradation::kOverexposed:
      return Centre(EachLevel(tile, [&](double v) { return v * std::exp2(strength); }), 0, 0);
    case Degradation::kOcclusion:
      return Centre(Cover(tile, strength), 0, 0);
    case Degradation::kRoll:
      return Centre(tile, strength, 0);
    case Degradation::kShift:
      return Centre(tile, 0, strength);
  }
  throw Error(ErrorCode::kInternal, "an unknown degradation");
}

}  // namespace prefiqs::demo
