#include "align/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace prefiqs::align {
namespace {

// Weights are integers that sum to 2^14: exact arithmetic, and 255 times that fits well into 32 bits.
constexpr int kWeightBits = 14;
constexpr std::uint32_t kWeightOne = 1u << kWeightBits;

// For each target position the source positions first[i] ... first[i] + taps - 1 and their weights, the last ones
// possibly zero.
struct Filter {
  std::size_t taps = 0;
  std::vector<std::size_t> first;
  std::vector<std::uint32_t> weights;
};

Filter MakeFilter(int from, int to) {
  const double step = static_cast<double>(from) / to;
  const bool shrink = from > to;
  Filter filter;
  filter.taps = std::min<std::size_t>(static_cast<std::size_t>(from), shrink ? std::lround(std::ceil(step)) + 1 : 2);
  std::vector<double> weights(filter.taps);
  for (int i = 0; i < to; ++i) {
    // The interval of source pixels [begin, end), pixel k being [k, k + 1): what the target pixel covers, or one pixel
    // around its centre, which gives linear interpolation.
    const double middle = (i + 0.5) * step;
    const double begin = shrink ? i * step : middle - 0.5;
    const double end = shrink ? (i + 1) * step : middle + 0.5;
    const int last_first = from - static_cast<int>(filter.taps);
    const int first = std::clamp(static_cast<int>(std::floor(begin)), 0, last_first);
    double sum = 0;
    for (std::size_t k = 0; k < filter.taps; ++k) {
      const double pixel = first + static_cast<double>(k);
      // The outermost pixels reach on beyond the border.
      const double low = pixel == 0 ? std::min(begin, 0.0) : pixel;
      const double high = pixel == from - 1 ? std::max(end, static_cast<double>(from)) : pixel + 1;
      weights[k] = std::max(0.0, std::min(high, end) - std::max(low, begin));
      sum += weights[k];
    }
    // Rounded so that the rounded ones sum to one: each is the difference of rounded partial sums.
    double partial = 0;
    long before = 0;
    for (const double weight : weights) {
      partial += weight;
      const long now = std::lround(partial / sum * kWeightOne);
      filter.weights.push_back(static_cast<std::uint32_t>(now - before));
      before = now;
    }
    filter.first.push_back(static_cast<std::size_t>(first));
  }
  return filter;
}

// The horizontal pass keeps 8 fractional bits for the vertical one.
constexpr int kFractionBits = 8;

void FilterRow(const std::uint8_t* source, const Filter& filter, std::uint16_t* target) {
  constexpr std::uint32_t kHalf = 1u << (kWeightBits - kFractionBits - 1);
  const std::uint32_t* weight = filter.weights.data();
  for (const std::size_t first : filter.first) {
    const std::uint8_t* pixel = source + first * 3;
    std::uint32_t red = kHalf, green = kHalf, blue = kHalf;
    for (std::size_t k = 0; k < filter.taps; ++k, pixel += 3, ++weight) {
      red += *weight * pixel[0];
      green += *weight * pixel[1];
      blue += *weight * pixel[2];
    }
    *target++ = static_cast<std::uint16_t>(red >> (kWeightBits - kFractionBits));
    *target++ = static_cast<std::uint16_t>(green >> (kWeightBits - kFractionBits));
    *target++ = static_cast<std::uint16_t>(blue >> (kWeightBits - kFractionBits));
  }
}

}  // namespace

Image Resize(const Image& picture, int width, int height) {
  if (picture.width == width && picture.height == height) return picture;
  const Filter across = MakeFilter(picture.width, width);
  const Filter down = MakeFilter(picture.height, height);
  const std::size_t source_bytes = static_cast<std::size_t>(picture.width) * 3;
  const std::size_t row_size = static_cast<std::size_t>(width) * 3;

  Image resized{.width = width, .height = height, .rgb = {}};
  resized.rgb.resize(row_size * static_cast<std::size_t>(height));
  // A ring of the filtered source rows that a target row needs; rows come in order, so each is filtered once.
  std::vector<std::uint16_t> ring(down.taps * row_size);
  std::vector<std::uint32_t> sums(row_size);
  std::size_t filtered = 0;
  for (std::size_t y = 0; y < down.first.size(); ++y) {
    filtered = std::max(filtered, down.first[y]);
    for (; filtered < down.first[y] + down.taps; ++filtered)
      FilterRow(&picture.rgb[filtered * source_bytes], across, &ring[filtered % down.taps * row_size]);
    std::fill(sums.begin(), sums.end(), 1u << (kWeightBits + kFractionBits - 1));
    for (std::size_t k = 0; k < down.taps; ++k) {
      const std::uint32_t weight = down.weights[y * down.taps + k];
      const std::uint16_t* row = &ring[(down.first[y] + k) % down.taps * row_size];
      for (std::size_t i = 0; i < row_size; ++i) sums[i] += weight * row[i];
    }
    std::uint8_t* target = &resized.rgb[y * row_size];
    for (std::size_t i = 0; i < row_size; ++i)
      target[i] = static_cast<std::uint8_t>(sums[i] >> (kWeightBits + kFractionBits));
  }
  return resized;
}

}  // namespace prefiqs::align
