#include "pipeline/preprocess.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace prefiqs::pipeline {

namespace {

// 0 to 255, rounded: the weights of BT.601 as 16-bit fractions, which add up to one.
std::uint8_t Luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((19595u * rgb[0] + 38470u * rgb[1] + 7471u * rgb[2] + 32768u) >> 16);
}

}  // namespace

std::vector<float> Preprocess(const Image& crop, const Preprocessing& preprocessing, int channels) {
  const std::size_t pixels = static_cast<std::size_t>(crop.width) * static_cast<std::size_t>(crop.height);
  const auto count = static_cast<std::size_t>(channels);
  std::vector<float> planes(count * pixels);
  for (std::size_t c = 0; c < count; ++c) {
    std::array<float, 256> table{};
    for (std::size_t level = 0; level < table.size(); ++level) {
      table[level] = (static_cast<float>(level) - preprocessing.mean[c]) / preprocessing.scale[c];
    }
    float* plane = planes.data() + c * pixels;
    if (channels == 1) {
      for (std::size_t i = 0; i < pixels; ++i) plane[i] = table[Luma(crop.rgb.data() + 3 * i)];
      continue;
    }
    const std::size_t source = preprocessing.channels == ChannelOrder::kRgb ? c : 2 - c;
    for (std::size_t i = 0; i < pixels; ++i) plane[i] = table[crop.rgb[3 * i + source]];
  }
  return planes;
}

bool GiveTheSame(const Preprocessing& a, const Preprocessing& b, int width, int height, bool aligned) {
  const auto scale = [&](const Preprocessing& of) { return info(of.crop_template).scale(width, height); };
  Preprocessing like_a = b;
  like_a.crop_template = a.crop_template;
  return like_a == a && (aligned || scale(a) == scale(b));
}

}  // namespace prefiqs::pipeline
