#include "eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace prefiqs::eval {

std::vector<std::uint32_t> DrawIdentities(std::size_t identities, std::uint64_t seed, std::uint64_t resample) {
  std::seed_seq words{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32),
                      static_cast<std::uint32_t>(resample), static_cast<std::uint32_t>(resample >> 32)};
  std::mt19937_64 random(words);
  std::vector<std::uint32_t> drawn(identities);
  for (std::size_t i = 0; i < identities; ++i) {
    // Not uniform_int_distribution, which is another on every standard library. 32 bits: a bias under n / 2^32.
    ++drawn[static_cast<std::size_t>((random() >> 32) * identities >> 32)];
  }
  return drawn;
}

std::vector<std::uint32_t> ComparisonWeights(const Comparisons& c, std::span<const std::uint32_t> identity,
                                             std::span<const std::uint32_t> drawn) {
  std::vector<std::uint32_t> weights(c.size());
  for (std::size_t i = 0; i < c.size(); ++i) {
    const std::uint32_t a = drawn[identity[c.first[i]]], b = drawn[identity[c.second[i]]];
    weights[i] = c.mated[i] ? a : a * b;
  }
  return weights;
}

std::vector<std::uint32_t> ImageWeights(std::span<const std::uint32_t> identity, std::span<const std::uint32_t> drawn) {
  std::vector<std::uint32_t> weights;
  weights.reserve(identity.size());
  for (const std::uint32_t id : identity) weights.push_back(drawn[id]);
  return weights;
}

Interval PercentileInterval(std::vector<double> values, double level) {
  std::erase_if(values, [](double v) { return std::isnan(v); });
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (values.empty()) return {kNone, kNone};
  std::ranges::sort(values);
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(values.size() - 1);
    const auto low = static_cast<std::size_t>(place);
    const std::size_t high = std::min(low + 1, values.size() - 1);
    return std::lerp(values[low], values[high], place - static_cast<double>(low));
  };
  return {at((1 - level) / 2), at((1 + level) / 2)};
}

double ShareLower(std::span<const double> a, std::span<const double> b) {
  double lower = 0, count = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    if (std::isnan(a[i]) || std::isnan(b[i])) continue;
    ++count;
    lower += a[i] < b[i] ? 1 : a[i] == b[i] ? 0.5 : 0;
  }
  return count == 0 ? std::numeric_limits<double>::quiet_NaN() : lower / count;
}

}  // namespace prefiqs::eval
