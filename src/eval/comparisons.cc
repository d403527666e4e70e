#include "eval/comparisons.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

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

std::vector<std::uint32_t> WorstFirst(std::span<const float> quality, TieOrder ties) {
  std::vector<std::uint32_t> order(quality.size());
  std::iota(order.begin(), order.end(), 0u);
  if (ties == TieOrder::kReversed) std::ranges::reverse(order);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return Known(quality[i]); });
  return order;
}

std::vector<std::uint32_t> BySimilarity(const Comparisons& c) {
  std::vector<std::uint32_t> order(c.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, std::greater{}, [&](std::uint32_t i) { return c.similarity[i]; });
  return order;
}

Ranking Rank(const Comparisons& c, std::span<const float> quality, TieOrder ties,
             std::shared_ptr<const std::vector<std::uint32_t>> by_similarity) {
  Ranking ranking;
  ranking.by_similarity = std::move(by_similarity);
  // A comparison's place is the lower of its images', of which there are far fewer: counting them orders many millions
  // in no time.
  const std::vector<std::uint32_t> images = WorstFirst(quality);
  std::vector<std::uint32_t> place(images.size());  // equally good images share one
  for (std::size_t k = 1; k < images.size(); ++k) {
    const bool better = Known(quality[images[k]]) > Known(quality[images[k - 1]]);
    place[images[k]] = place[images[k - 1]] + (better ? 1 : 0);
  }
  std::vector<std::uint32_t> next(images.size() + 1);  // of each place: where its next comparison goes
  const auto place_of = [&](std::size_t i) { return std::min(place[c.first[i]], place[c.second[i]]); };
  ranking.pair_quality.reserve(c.size());
  for (std::size_t i = 0; i < c.size(); ++i) {
    ranking.pair_quality.push_back(std::min(Known(quality[c.first[i]]), Known(quality[c.second[i]])));
    ++next[place_of(i) + 1];
  }
  std::partial_sum(next.begin(), next.end(), next.begin());
  ranking.by_quality.resize(c.size());
  for (std::size_t k = 0; k < c.size(); ++k) {
    const std::size_t i = ties == TieOrder::kAsListed ? k : c.size() - 1 - k;
    ranking.by_quality[next[place_of(i)]++] = static_cast<std::uint32_t>(i);
  }
  return ranking;
}

Ranking Rank(const Comparisons& c, std::span<const float> quality, TieOrder ties) {
  return Rank(c, quality, ties, std::make_shared<const std::vector<std::uint32_t>>(BySimilarity(c)));
}

}  // namespace prefiqs::eval
