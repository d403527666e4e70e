#include "degrade/spoil.h"

#include <prefiqs/error.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "align/resize.h"
#include "image/encode.h"

namespace prefiqs::degrade {
namespace {

std::uint8_t ToLevel(double value) { return static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))); }

Image EachLevel(Image picture, const std::function<double(double)>& change) {
  for (std::uint8_t& level : picture.rgb) level = ToLevel(change(level));
  return picture;
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

Image ThroughSmall(const Image& picture, double times) {
  const auto smaller = [&](int side) { return std::max(1, static_cast<int>(std::lround(side / times))); };
  const Image small = align::Resize(picture, smaller(picture.width), smaller(picture.height));
  return align::Resize(small, picture.width, picture.height);
}

// Normal by the sum of twelve even numbers: integers until the end, so alike everywhere.
Image AddNoise(Image picture, double deviation, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::uint8_t& level : picture.rgb) {
    std::int64_t sum = 0;
    for (int i = 0; i < 3; ++i) {
      std::uint64_t bits = random();
      for (int j = 0; j < 4; ++j, bits >>= 16) sum += static_cast<std::int64_t>(bits & 0xffff);
    }
    const double normal = static_cast<double>(sum) / 65536 - 6;
    level = ToLevel(level + deviation * normal);
  }
  return picture;
}

Image ThroughJpeg(const Image& picture, double loss) {
  const DecodedImage decoded = Image::decode(image::ToJpeg(picture, static_cast<int>(std::lround(100 - loss))));
  if (decoded.status != Status::kOk) throw Error(ErrorCode::kInternal, "a JPEG of our own: " + decoded.detail);
  return decoded.image;
}

Image Cover(Image picture, double share) {
  constexpr std::uint8_t kGrey = 128;
  const int first = picture.height - static_cast<int>(std::lround(share * picture.height));
  const auto begin = picture.rgb.begin() + static_cast<std::ptrdiff_t>(first) * picture.width * 3;
  std::fill(begin, picture.rgb.end(), kGrey);
  return picture;
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

Image Mirrored(Image picture) {
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width / 2; ++x) {
      const auto at = [&](int column) {
        return picture.rgb.begin() + (static_cast<std::ptrdiff_t>(y) * picture.width + column) * 3;
      };
      std::swap_ranges(at(x), at(x) + 3, at(picture.width - 1 - x));
    }
  }
  return picture;
}

Image Spoil(const Image& picture, Way way, double strength, std::uint64_t seed) {
  switch (way) {
    case Way::kBlur:
      return Blur(picture, strength);
    case Way::kDownscale:
      return ThroughSmall(picture, strength);
    case Way::kNoise:
      return AddNoise(picture, strength, seed);
    case Way::kJpeg:
      return ThroughJpeg(picture, strength);
    case Way::kDark:
      return EachLevel(picture, [&](double v) { return v * std::exp2(-strength); });
    case Way::kOverexposed:
      return EachLevel(picture, [&](double v) { return v * std::exp2(strength); });
    case Way::kOcclusion:
      return Cover(picture, strength);
  }
  throw Error(ErrorCode::kInternal, "an unknown way to spoil a picture");
}

}  // namespace prefiqs::degrade
