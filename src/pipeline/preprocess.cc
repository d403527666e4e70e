#include "pipeline/preprocess.h"

#include <array>
#include <cstddef>

namespace prefiqs::pipeline {

std::vector<float> Preprocess(const Image& crop, const Preprocessing& preprocessing) {
  const std::size_t pixels = static_cast<std::size_t>(crop.width) * static_cast<std::size_t>(crop.height);
  std::vector<float> planes(3 * pixels);
  for (std::size_t c = 0; c < 3; ++c) {
    std::array<float, 256> table{};
    for (std::size_t level = 0; level < table.size(); ++level) {
      table[level] = (static_cast<float>(level) - preprocessing.mean[c]) / preprocessing.scale[c];
    }
    const std::size_t source = preprocessing.channels == ChannelOrder::kRgb ? c : 2 - c;
    for (std::size_t i = 0; i < pixels; ++i) planes[c * pixels + i] = table[crop.rgb[3 * i + source]];
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
