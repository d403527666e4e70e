#include "eval/kept_errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "eval/comparisons_for_test.h"

namespace prefiqs::eval {
namespace {

using Set = std::set<std::uint32_t>;

// Word by word: a list sorted by quality, its head cut off, and a look at each that is left.
struct Naive {
  Set false_non_matches, false_matches;
};
Naive ErrorsWordByWord(const Comparisons& c, const std::vector<float>& quality, std::uint64_t step, double threshold) {
  std::vector<std::uint32_t> list(c.size());
  std::iota(list.begin(), list.end(), 0u);
  const auto of_pair = [&](std::uint32_t i) {
    return std::min(Known(quality[c.first[i]]), Known(quality[c.second[i]]));
  };
  std::ranges::stable_sort(list, {}, of_pair);
  list.erase(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(list.size() * step / 20));
  Naive errors;
  for (const std::uint32_t i : list) {
    if (c.mated[i] && !(c.similarity[i] > threshold)) errors.false_non_matches.insert(i);
    if (!c.mated[i] && !(c.similarity[i] < threshold)) errors.false_matches.insert(i);
  }
  return errors;
}

TEST(KeptErrors, AreAsManyAsTheCurveCounts) {
  int errors_seen = 0;
  for (std::uint32_t seed = 0; seed < 20; ++seed) {
    const RandomEvaluation e = MakeEvaluation(seed, 40, seed % 2 == 0 ? 12 : 100000);
    const Comparisons& c = e.comparisons;
    const Ranking ranking = Rank(c, e.quality);
    const PairCuts cuts = CutsOf(c, ranking);
    for (const EdcPoint& point : EdcOfPairs(c, ranking, 0.02)) {
      const auto step = static_cast<std::uint64_t>(std::lround(point.discarded * 20));
      const KeptErrors errors = ErrorsOfPairs(c, ranking, cuts, step, point.threshold);
      EXPECT_EQ(static_cast<double>(errors.false_non_matches.size()),
                std::round(point.error * static_cast<double>(point.mated)));
      EXPECT_EQ(static_cast<double>(errors.false_matches.size()),
                std::round(point.fmr * static_cast<double>(point.non_mated)));
      const Naive naive = ErrorsWordByWord(c, e.quality, step, point.threshold);
      EXPECT_EQ(Set(errors.false_non_matches.begin(), errors.false_non_matches.end()), naive.false_non_matches);
      EXPECT_EQ(Set(errors.false_matches.begin(), errors.false_matches.end()), naive.false_matches);
      const auto similarity = [&](std::uint32_t i) { return c.similarity[i]; };
      EXPECT_TRUE(std::ranges::is_sorted(errors.false_non_matches, {}, similarity));
      EXPECT_TRUE(std::ranges::is_sorted(errors.false_matches, std::greater{}, similarity));
      errors_seen += static_cast<int>(errors.false_non_matches.size() + errors.false_matches.size());
    }
  }
  EXPECT_GT(errors_seen, 1000);
}

TEST(KeptErrors, AreGoneWhereTheyAreSaidToGo) {
  const RandomEvaluation e = MakeEvaluation(3, 40, 100);
  const Ranking ranking = Rank(e.comparisons, e.quality);
  const PairCuts cuts = CutsOf(e.comparisons, ranking);
  const double everything = std::numeric_limits<double>::max();  // as threshold: each mated one is an error
  const ErrorStep first = StepOfErrors(e.comparisons, ranking, cuts, {.discarded = 0, .threshold = everything});
  EXPECT_EQ(first.worst_false_non_matches.size(), kMostErrors);
  EXPECT_EQ(first.false_non_matches, 40u / 4 * 6);
  EXPECT_EQ(first.false_matches, 0u);
  for (const ErrorPair& pair : first.worst_false_non_matches) {
    for (std::uint64_t step = 0; step < kEdcSteps; ++step) {
      const KeptErrors kept = ErrorsOfPairs(e.comparisons, ranking, cuts, step, everything);
      const bool there = std::ranges::any_of(kept.false_non_matches, [&](std::uint32_t i) {
        return e.comparisons.first[i] == pair.first && e.comparisons.second[i] == pair.second;
      });
      EXPECT_EQ(there, step < pair.gone) << step;
    }
  }
}

TEST(FmrOfErrors, IsTheUsualOneWhereItCanBeTold) {
  EXPECT_EQ(FmrOfErrors({1e-2, 1e-3, 1e-4}, 1000000), 1e-3);
  EXPECT_EQ(FmrOfErrors({1e-2, 1e-3, 1e-4}, 500), 1e-2);
  EXPECT_EQ(FmrOfErrors({1e-2, 1e-5}, 1000000), 1e-2);
  EXPECT_EQ(FmrOfErrors({1e-4}, 50), 0);
}

}  // namespace
}  // namespace prefiqs::eval
