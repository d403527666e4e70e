#include "score/crop_measures.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

namespace prefiqs::score {
namespace {

constexpr int kMargin = 5;  // a fifth on each side is left out

int Luma(const std::uint8_t* rgb) { return (77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2]) >> 8; }

}  // namespace

CropMeasures MeasureCrop(const Image& crop) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  if (crop.width < kMargin || crop.height < kMargin) return {kNaN, kNaN};
  const int left = crop.width / kMargin, right = crop.width - left;
  const int top = crop.height / kMargin, bottom = crop.height - top;
  const auto luma = [&](int x, int y) { return Luma(&crop.rgb[(static_cast<std::size_t>(y) * crop.width + x) * 3]); };

  // Whole numbers: the sums are exact, whatever the order.
  std::int64_t sum = 0, squares = 0;
  std::array<std::int64_t, 256> left_levels{}, right_levels{};
  const int half = (right - left) / 2;  // of an odd width the middle column is in neither
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) {
      const int here = luma(x, y);
      const std::int64_t laplacian = luma(x - 1, y) + luma(x + 1, y) + luma(x, y - 1) + luma(x, y + 1) - 4 * here;
      sum += laplacian;
      squares += laplacian * laplacian;
      if (x < left + half) ++left_levels[static_cast<std::size_t>(here)];
      if (x >= right - half) ++right_levels[static_cast<std::size_t>(here)];
    }
  }
  const auto count = static_cast<double>(right - left) * (bottom - top);
  const double mean = static_cast<double>(sum) / count;
  std::int64_t common = 0;
  for (std::size_t level = 0; level < left_levels.size(); ++level) {
    common += std::min(left_levels[level], right_levels[level]);
  }
  return {static_cast<float>(static_cast<double>(squares) / count - mean * mean),
          static_cast<float>(static_cast<double>(common) / (static_cast<double>(half) * (bottom - top)))};
}

}  // namespace prefiqs::score
