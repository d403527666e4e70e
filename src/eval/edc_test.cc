#include "eval/edc.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <numeric>
#include <set>

#include "eval/bootstrap.h"
#include "eval/comparisons_for_test.h"

namespace prefiqs::eval {
namespace {

constexpr float kNone = -std::numeric_limits<float>::infinity();
constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// The protocols word by word, by loops over everything. No weights: copies are written out.

float NaiveKnown(float quality) { return std::isnan(quality) ? kNone : quality; }

struct NaivePoint {
  double discarded, error, threshold;
  float quality;
};

struct NaiveThreshold {
  double threshold = 0, distance = 2;
};

NaiveThreshold NaiveNearest(const Comparisons& c, const std::vector<std::size_t>& kept, double fmr) {
  std::set<float> candidates;
  double non_mated = 0;
  for (const std::size_t i : kept) {
    candidates.insert(c.similarity[i]);
    non_mated += c.mated[i] ? 0 : 1;
  }
  NaiveThreshold best;
  for (const float t : candidates) {  // rising, so that the lowest of equals is kept
    double matches = 0;
    for (const std::size_t i : kept) matches += !c.mated[i] && c.similarity[i] >= t ? 1 : 0;
    const double distance = std::abs(matches / non_mated - fmr);
    if (distance < best.distance) best = {t, distance};
  }
  return best;
}

bool HasBoth(const Comparisons& c, const std::vector<std::size_t>& kept) {
  const auto mated = std::ranges::count_if(kept, [&](std::size_t i) { return c.mated[i] != 0; });
  return mated > 0 && mated < std::ssize(kept);
}

std::vector<NaivePoint> NaivePairs(const Comparisons& c, const std::vector<float>& quality, double fmr, bool reversed) {
  std::vector<std::size_t> order(c.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (reversed) std::ranges::reverse(order);
  std::ranges::stable_sort(order, {}, [&](std::size_t i) {
    return std::min(NaiveKnown(quality[c.first[i]]), NaiveKnown(quality[c.second[i]]));
  });
  std::vector<NaivePoint> points;
  for (std::size_t k = 0; k < 20; ++k) {
    const std::vector<std::size_t> kept(order.begin() + static_cast<std::ptrdiff_t>(order.size() * k / 20),
                                        order.end());
    if (!HasBoth(c, kept)) continue;
    const double t = NaiveNearest(c, kept, fmr).threshold;
    double errors = 0, mated = 0;
    for (const std::size_t i : kept) {
      mated += c.mated[i] ? 1 : 0;
      errors += c.mated[i] && c.similarity[i] <= t ? 1 : 0;
    }
    const std::size_t worst = kept.front();
    points.push_back({static_cast<double>(k) / 20, errors / mated, t,
                      std::min(NaiveKnown(quality[c.first[worst]]), NaiveKnown(quality[c.second[worst]]))});
  }
  return points;
}

std::vector<NaivePoint> NaiveImages(const Comparisons& c, const std::vector<float>& quality, double fmr) {
  std::vector<std::uint32_t> order(quality.size());
  std::iota(order.begin(), order.end(), 0u);
  std::ranges::stable_sort(order, {}, [&](std::uint32_t i) { return NaiveKnown(quality[i]); });
  std::vector<NaivePoint> points;
  for (std::size_t k = 0; k < 20; ++k) {
    const std::set<std::uint32_t> gone(order.begin(),
                                       order.begin() + static_cast<std::ptrdiff_t>(order.size() * k / 20));
    std::vector<std::size_t> kept;
    double non_mated = 0;
    for (std::size_t i = 0; i < c.size(); ++i) {
      if (gone.contains(c.first[i]) || gone.contains(c.second[i])) continue;
      kept.push_back(i);
      non_mated += c.mated[i] ? 0 : 1;
    }
    if (!HasBoth(c, kept) || non_mated < 1 / fmr) break;
    const double t = NaiveNearest(c, kept, fmr).threshold;
    double errors = 0, mated = 0;
    for (const std::size_t i : kept) {
      mated += c.mated[i] ? 1 : 0;
      errors += c.mated[i] && c.similarity[i] < t ? 1 : 0;
    }
    points.push_back(
        {static_cast<double>(k) / 20, errors / mated, t, NaiveKnown(quality[order[order.size() * k / 20]])});
  }
  return points;
}

std::vector<NaivePoint> NaiveFixed(const Comparisons& c, const std::vector<float>& quality, double t, bool of_mated) {
  std::vector<std::pair<float, bool>> rows;  // quality, error
  for (std::size_t i = 0; i < c.size(); ++i) {
    if ((c.mated[i] != 0) != of_mated) continue;
    const bool below = c.similarity[i] < t;
    rows.emplace_back(std::min(NaiveKnown(quality[c.first[i]]), NaiveKnown(quality[c.second[i]])), below == of_mated);
  }
  std::ranges::stable_sort(rows, {}, &std::pair<float, bool>::first);
  std::vector<NaivePoint> points;
  for (std::size_t j = 0; j < rows.size(); ++j) {
    if (j > 0 && rows[j].first == rows[j - 1].first) continue;
    const auto errors = std::count_if(rows.begin() + static_cast<std::ptrdiff_t>(j), rows.end(),
                                      [](const auto& row) { return row.second; });
    points.push_back({static_cast<double>(j) / static_cast<double>(rows.size()),
                      static_cast<double>(errors) / static_cast<double>(rows.size() - j), t, rows[j].first});
  }
  if (!rows.empty()) points.push_back({1, 0, t, kMissing});
  return points;
}

void ExpectSame(const Curve& curve, const std::vector<NaivePoint>& naive) {
  ASSERT_EQ(curve.size(), naive.size());
  for (std::size_t i = 0; i < curve.size(); ++i) {
    EXPECT_DOUBLE_EQ(curve[i].discarded, naive[i].discarded) << i;
    EXPECT_DOUBLE_EQ(curve[i].error, naive[i].error) << i;
    EXPECT_DOUBLE_EQ(curve[i].threshold, naive[i].threshold) << i;
    EXPECT_TRUE(std::isnan(naive[i].quality) ? std::isnan(curve[i].quality) : curve[i].quality == naive[i].quality)
        << i << ": " << curve[i].quality << ", " << naive[i].quality;
  }
}

class AgainstNaive : public testing::TestWithParam<std::tuple<int, int, double>> {
 protected:
  RandomEvaluation e = MakeEvaluation(static_cast<std::uint32_t>(std::get<0>(GetParam())), 28, std::get<1>(GetParam()));
  double fmr = std::get<2>(GetParam());
};

TEST_P(AgainstNaive, Pairs) {
  for (const TieOrder ties : {TieOrder::kAsListed, TieOrder::kReversed}) {
    ExpectSame(EdcOfPairs(e.comparisons, Rank(e.comparisons, e.quality, ties), fmr),
               NaivePairs(e.comparisons, e.quality, fmr, ties == TieOrder::kReversed));
  }
}

TEST_P(AgainstNaive, Images) {
  ExpectSame(EdcOfImages(e.comparisons, Rank(e.comparisons, e.quality), e.quality, fmr),
             NaiveImages(e.comparisons, e.quality, fmr));
}

TEST_P(AgainstNaive, FixedThreshold) {
  const Ranking ranking = Rank(e.comparisons, e.quality);
  const double t = ThresholdAtFmr(e.comparisons, ranking, fmr);
  ExpectSame(EdcAtThreshold(e.comparisons, ranking, t, ErrorKind::kFalseNonMatch),
             NaiveFixed(e.comparisons, e.quality, t, true));
  ExpectSame(EdcAtThreshold(e.comparisons, ranking, t, ErrorKind::kFalseMatch),
             NaiveFixed(e.comparisons, e.quality, t, false));
}

TEST_P(AgainstNaive, WeightsAreCopies) {
  const std::vector<std::uint32_t> weights = ComparisonWeights(e.comparisons, e.identity, DrawIdentities(7, 5, 3));
  const Comparisons copies = WrittenOut(e.comparisons, weights);
  const Ranking ranking = Rank(e.comparisons, e.quality);
  ExpectSame(EdcOfPairs(e.comparisons, ranking, fmr, weights), NaivePairs(copies, e.quality, fmr, false));
  const double t = ThresholdAtFmr(e.comparisons, ranking, fmr, weights);
  EXPECT_EQ(t, ThresholdAtFmr(copies, Rank(copies, e.quality), fmr));
  ExpectSame(EdcAtThreshold(e.comparisons, ranking, t, ErrorKind::kFalseNonMatch, weights),
             NaiveFixed(copies, e.quality, t, true));
  for (const double error : {0.0, 0.1, 0.37, 1.0}) {
    EXPECT_EQ(ThresholdAtError(e.comparisons, ranking, error, ErrorKind::kFalseNonMatch, weights),
              ThresholdAtError(copies, Rank(copies, e.quality), error, ErrorKind::kFalseNonMatch));
  }
}

// Sorted, each copy for itself, and linear between the two at either side.
double NaiveQuantile(const Comparisons& c, double error, bool of_mated) {
  std::vector<double> values;
  for (std::size_t i = 0; i < c.size(); ++i) {
    if ((c.mated[i] != 0) == of_mated) values.push_back(c.similarity[i]);
  }
  std::ranges::sort(values);
  const double place = (of_mated ? error : 1 - error) * static_cast<double>(values.size() - 1);
  const double low = values[static_cast<std::size_t>(std::floor(place))],
               high = values[static_cast<std::size_t>(std::ceil(place))], part = place - std::floor(place);
  if (part == 0) return std::isinf(low) ? std::numeric_limits<float>::lowest() : low;
  if (std::isinf(low)) return std::isinf(high) ? std::numeric_limits<float>::lowest() : high;
  return low + (high - low) * part;
}

TEST_P(AgainstNaive, StartingErrors) {
  const std::vector<std::uint32_t> once(e.comparisons.size(), 1),
      drawn = ComparisonWeights(e.comparisons, e.identity, DrawIdentities(7, 5, 3));
  const Ranking ranking = Rank(e.comparisons, e.quality);
  for (const auto& weights : {once, drawn}) {
    const Comparisons copies = WrittenOut(e.comparisons, weights);
    for (const ErrorKind kind : {ErrorKind::kFalseNonMatch, ErrorKind::kFalseMatch}) {
      const bool of_mated = kind == ErrorKind::kFalseNonMatch;
      for (const double error : {0.001, 0.02, fmr, 0.5, 0.99}) {
        const double t = ThresholdAtError(e.comparisons, ranking, error, kind, weights);
        ASSERT_TRUE(std::isfinite(t)) << error;
        EXPECT_DOUBLE_EQ(t, NaiveQuantile(copies, error, of_mated)) << error;
        ExpectSame(EdcAtThreshold(e.comparisons, ranking, t, kind, weights),
                   NaiveFixed(copies, e.quality, t, of_mated));
      }
    }
  }
}

// The most alike ones alone, and how many there are of each quality.
TEST_P(AgainstNaive, FalseMatchesOfSome) {
  const std::vector<std::uint32_t> weights = ComparisonWeights(e.comparisons, e.identity, DrawIdentities(7, 5, 4));
  const Ranking ranking = Rank(e.comparisons, e.quality);
  std::uint64_t non_mated = 0;
  std::vector<QualityGroup> groups;
  for (const std::uint32_t i : ranking.by_quality) {
    const std::uint64_t weight = e.comparisons.mated[i] ? 0 : weights[i];
    if (groups.empty() || groups.back().quality != ranking.pair_quality[i]) {
      groups.push_back({ranking.pair_quality[i], 0});
    }
    groups.back().non_mated += weight;
    non_mated += weight;
  }
  Comparisons some;
  std::vector<std::uint32_t> some_weights;
  for (std::size_t i = 0; i < e.comparisons.size(); ++i) {
    if (!e.comparisons.mated[i] && e.comparisons.similarity[i] < -0.01f) continue;
    some.first.push_back(e.comparisons.first[i]);
    some.second.push_back(e.comparisons.second[i]);
    some.similarity.push_back(e.comparisons.similarity[i]);
    some.mated.push_back(e.comparisons.mated[i]);
    some_weights.push_back(weights[i]);
  }
  const Ranking of_some = Rank(some, e.quality);
  for (const double error : {0.004, 0.01, 0.1, 0.25}) {
    const double t = ThresholdAtError(e.comparisons, ranking, error, ErrorKind::kFalseMatch, weights);
    const auto found = ThresholdAtFalseMatches(some, of_some, error, non_mated, some_weights);
    ASSERT_TRUE(found) << error;
    EXPECT_EQ(*found, t) << error;
    const Curve wanted = EdcAtThreshold(e.comparisons, ranking, t, ErrorKind::kFalseMatch, weights),
                curve = EdcOfFalseMatches(some, of_some, groups, t, some_weights);
    ASSERT_EQ(curve.size(), wanted.size());
    for (std::size_t i = 0; i < curve.size(); ++i) {
      EXPECT_EQ(curve[i].discarded, wanted[i].discarded) << i;
      EXPECT_EQ(curve[i].error, wanted[i].error) << i;
      EXPECT_EQ(curve[i].non_mated, wanted[i].non_mated) << i;
      EXPECT_TRUE(curve[i].quality == wanted[i].quality || i + 1 == curve.size()) << i;
    }
  }
  EXPECT_FALSE(ThresholdAtFalseMatches(some, of_some, 0.9, non_mated, some_weights));
}

INSTANTIATE_TEST_SUITE_P(Random, AgainstNaive,
                         testing::Combine(testing::Values(1, 2, 3, 4), testing::Values(4, 20, 100000),
                                          testing::Values(0.3, 0.1, 0.01)));

// By hand: four mated, four non-mated.
struct ByHand : testing::Test {
  Comparisons c{{0, 1, 2, 3, 0, 1, 2, 3},
                {4, 5, 6, 7, 5, 6, 7, 4},
                {0.9f, 0.8f, 0.3f, 0.7f, 0.1f, 0.2f, 0.4f, 0.0f},
                {1, 1, 1, 1, 0, 0, 0, 0}};
  std::vector<float> quality{0.9f, 0.8f, 0.1f, 0.5f, 1, 1, 1, 1};
};

TEST_F(ByHand, ThresholdAtFmr) {
  const Ranking ranking = Rank(c, quality);
  // A quarter of four may pass: 0.4 may, 0.2 may not.
  EXPECT_EQ(ThresholdAtFmr(c, ranking, 0.25), std::nextafter(static_cast<double>(0.2f), 1.0));
  EXPECT_EQ(ThresholdAtFmr(c, ranking, 0.2), std::nextafter(static_cast<double>(0.4f), 1.0));
  EXPECT_EQ(ThresholdAtFmr(c, ranking, 1), -std::numeric_limits<double>::infinity());
}

TEST_F(ByHand, FixedThreshold) {
  const Curve curve = EdcAtThreshold(c, Rank(c, quality), 0.75, ErrorKind::kFalseNonMatch);
  // Mated by quality: 0.1 (0.3, error), 0.5 (0.7, error), 0.8, 0.9.
  ASSERT_EQ(curve.size(), 5u);
  EXPECT_DOUBLE_EQ(curve[0].error, 0.5);
  EXPECT_DOUBLE_EQ(curve[1].discarded, 0.25);
  EXPECT_DOUBLE_EQ(curve[1].error, 1.0 / 3);
  EXPECT_DOUBLE_EQ(curve[2].error, 0);
  EXPECT_EQ(curve[2].quality, 0.8f);  // the gate without false non-matches
  EXPECT_EQ(curve[2].mated, 2u);
  EXPECT_DOUBLE_EQ(curve[4].discarded, 1);
  // Steps: 0.25 * 0.5 + 0.05 * 1/3; the best curve is 0.5^2 / 2 - (0.5 - 0.3)^2 / 2 there.
  EXPECT_DOUBLE_EQ(StepArea(curve, 0.3), 0.125 + 0.05 / 3);
  EXPECT_DOUBLE_EQ(AreaAboveBest(curve, 0.3), 0.125 + 0.05 / 3 - (0.125 - 0.02));
  EXPECT_DOUBLE_EQ(AreaAboveBest(curve, 0.7), 0.125 + 0.25 / 3 - 0.125);
  EXPECT_DOUBLE_EQ(NormalisedArea(curve, 0.3), (0.125 + 0.05 / 3) / 0.15);
}

TEST_F(ByHand, Quantiles) {
  const Ranking ranking = Rank(c, quality);
  const auto at = [&](double error, ErrorKind kind) { return ThresholdAtError(c, ranking, error, kind); };
  EXPECT_DOUBLE_EQ(at(0, ErrorKind::kFalseNonMatch), 0.3f);
  EXPECT_DOUBLE_EQ(at(1, ErrorKind::kFalseNonMatch), 0.9f);
  EXPECT_DOUBLE_EQ(at(0.5, ErrorKind::kFalseNonMatch), (0.7f + static_cast<double>(0.8f)) / 2);
  EXPECT_DOUBLE_EQ(at(0, ErrorKind::kFalseMatch), 0.4f);
  EXPECT_DOUBLE_EQ(at(1, ErrorKind::kFalseMatch), 0.0);
}

// What cannot be compared is an error at every threshold, and no quantile is one that would accept it.
TEST(Edc, StartsAboveWhatCannotBeCompared) {
  const Comparisons c{{0, 1, 2, 3}, {4, 5, 6, 7}, {kNone, kNone, 0.3f, 0.7f}, {1, 1, 1, 1}};
  const Ranking ranking = Rank(c, std::vector<float>(8, 0.5f));
  const auto at = [&](double error) { return ThresholdAtError(c, ranking, error, ErrorKind::kFalseNonMatch); };
  for (const double error : {0.01, 1.0 / 3, 0.5, 0.9}) {
    const Curve curve = EdcAtThreshold(c, ranking, at(error), ErrorKind::kFalseNonMatch);
    EXPECT_GE(curve[0].error, 0.5) << error;
  }
  EXPECT_EQ(at(0.01), std::numeric_limits<float>::lowest());
  EXPECT_EQ(at(0.5), 0.3f);  // half of the way from nowhere to 0.3
}

TEST(Areas, AreCutAtTheLimit) {
  const Curve curve{
      {.discarded = 0, .error = 0.4}, {.discarded = 0.5, .error = 0.2}, {.discarded = 0.95, .error = 0.2}};
  EXPECT_DOUBLE_EQ(TrapezoidArea(curve, 0.25), (0.4 + 0.3) / 2 * 0.25);
  EXPECT_DOUBLE_EQ(TrapezoidArea(curve, 0.95), 0.15 + 0.45 * 0.2);
  EXPECT_DOUBLE_EQ(StepArea(curve, 0.25), 0.1);
  EXPECT_DOUBLE_EQ(StepArea(curve, 1), 0.2 + 0.1);
  EXPECT_TRUE(std::isnan(AreaAboveBest({}, 0.3)));
  EXPECT_TRUE(std::isnan(NormalisedArea({{.discarded = 0, .error = 0}}, 0.3)));
}

TEST(Edc, HasAnErrorAtEachShare) {
  const Curve curve{{.discarded = 0.05, .error = 0.4}, {.discarded = 0.5, .error = 0.2}};
  EXPECT_TRUE(std::isnan(ErrorAt(curve, 0)));
  EXPECT_EQ(ErrorAt(curve, 0.05), 0.4);
  EXPECT_EQ(ErrorAt(curve, 0.49), 0.4);
  EXPECT_EQ(ErrorAt(curve, 0.52), 0.2);
  EXPECT_TRUE(std::isnan(ErrorAt(curve, 0.55)));
  EXPECT_TRUE(std::isnan(ErrorAt({}, 0.5)));
}

TEST(Edc, StandsOddEvaluations) {
  // Nothing; one kind only; all equal; no errors; nothing can be compared; no image has a score.
  EXPECT_TRUE(EdcOfPairs({}, Rank({}, {}), 0.1).empty());
  EXPECT_TRUE(EdcAtThreshold({}, Rank({}, {}), 0.1, ErrorKind::kFalseNonMatch).empty());
  const Comparisons mated{{0, 0}, {1, 2}, {0.5f, 0.6f}, {1, 1}};
  const std::vector<float> same(3, 0.5f), missing(3, kMissing);
  EXPECT_TRUE(EdcOfPairs(mated, Rank(mated, same), 0.1).empty());
  EXPECT_TRUE(EdcOfImages(mated, Rank(mated, same), same, 0.1).empty());
  EXPECT_EQ(EdcAtThreshold(mated, Rank(mated, same), 0.55, ErrorKind::kFalseNonMatch).size(), 2u);
  EXPECT_EQ(EdcAtThreshold(mated, Rank(mated, same), 0.55, ErrorKind::kFalseNonMatch)[0].error, 0.5);

  const Comparisons equal{{0, 0, 1}, {1, 2, 2}, {0.5f, 0.5f, 0.5f}, {1, 0, 0}};
  for (const EdcPoint& p : EdcOfPairs(equal, Rank(equal, missing), 0.5)) EXPECT_EQ(p.error, 1);  // none exceeds 0.5
  for (const EdcPoint& p : EdcOfImages(equal, Rank(equal, missing), missing, 0.5)) EXPECT_EQ(p.error, 0);

  const Comparisons lost{{0, 0, 1}, {1, 2, 2}, {kNone, kNone, kNone}, {1, 0, 0}};
  const Curve curve = EdcOfPairs(lost, Rank(lost, same), 0.5);
  ASSERT_FALSE(curve.empty());
  EXPECT_EQ(curve[0].error, 1);
}

TEST(Edc, KnowsWhenThereAreTooFew) {
  EXPECT_EQ(FalseMatchesAllowed(1e-3, 999), 0u);
  EXPECT_EQ(FalseMatchesAllowed(1e-3, 1000), 1u);
  EXPECT_EQ(FalseMatchesAllowed(0.29, 100), 29u);
  EXPECT_EQ(FalseMatchesAllowed(1e-4, 10000), 1u);
}

TEST(Comparisons, AreChecked) {
  const Comparisons good{{0}, {1}, {0.5f}, {1}};
  EXPECT_NO_THROW(Check(good, 2));
  EXPECT_THROW(Check(good, 1), Error);
  EXPECT_THROW(Check({{0}, {1}, {0.5f}, {}}, 2), Error);
  EXPECT_THROW(Check({{1}, {1}, {0.5f}, {1}}, 2), Error);
  EXPECT_THROW(Check({{0}, {1}, {kMissing}, {1}}, 2), Error);
  EXPECT_THROW(Check({{0}, {1}, {-kNone}, {1}}, 2), Error);
  EXPECT_NO_THROW(Check({{0}, {1}, {kNone}, {1}}, 2));
}

}  // namespace
}  // namespace prefiqs::eval
