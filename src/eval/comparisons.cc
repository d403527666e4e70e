#include "eval/comparisons.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace prefiqs::eval {

void Check(const Comparisons& c, std::size_t images) {
  const std::size_t count = c.size();
  if (c.first.size() != count || c.second.size() != count || c.mated.size() != count) {
    throw Error(ErrorCode::kUsage, fmt::format("comparisons: {} similarities, {} and {} images, {} labels", count,
                                               c.first.size(), c.second.size(), c.mated.size()));
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (std::max(c.first[i], c.second[i]) >= images) {
      throw Error(ErrorCode::kUsage, fmt::format("comparison {}: image {} of {}", i + 1,
                                                 std::max(c.first[i], c.second[i]) + std::uint64_t{1}, images));
    }
    if (c.first[i] == c.second[i]) {
      throw Error(ErrorCode::kUsage, fmt::format("comparison {}: of image {} with itself", i + 1, c.first[i] + 1));
    }
    if (!(c.similarity[i] < std::numeric_limits<float>::infinity())) {
      throw Error(ErrorCode::kUsage, fmt::format("comparison {}: similarity {}", i + 1, c.similarity[i]));
    }
  }
}

Ranking Rank(const Comparisons& c, std::span<const float> quality, TieOrder ties) {
  constexpr float kWorst = -std::numeric_limits<float>::infinity();
  const auto known = [&](std::uint32_t image) { return std::isnan(quality[image]) ? kWorst : quality[image]; };
  Ranking ranking;
  ranking.pair_quality.resize(c.size());
  for (std::size_t i = 0; i < c.size(); ++i) ranking.pair_quality[i] = std::min(known(c.first[i]), known(c.second[i]));

  ranking.by_quality.resize(c.size());
  std::iota(ranking.by_quality.begin(), ranking.by_quality.end(), 0u);
  ranking.by_similarity = ranking.by_quality;
  if (ties == TieOrder::kReversed) std::ranges::reverse(ranking.by_quality);
  std::ranges::stable_sort(ranking.by_quality, {}, [&](std::uint32_t i) { return ranking.pair_quality[i]; });
  std::ranges::stable_sort(ranking.by_similarity, std::greater{}, [&](std::uint32_t i) { return c.similarity[i]; });
  return ranking;
}

}  // namespace prefiqs::eval
