#include "eval/verification.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "eval/comparisons_for_test.h"
#include "eval/harm.h"

namespace prefiqs::eval {
namespace {

// Every threshold tried on every comparison.
std::pair<double, double> NaiveFold(const Comparisons& c, const std::vector<std::uint32_t>& fold, std::uint32_t held) {
  std::set<float> candidates{std::numeric_limits<float>::infinity()};
  for (std::size_t i = 0; i < c.size(); ++i) {
    if (fold[i] != held) candidates.insert(c.similarity[i]);
  }
  int most = -1;
  double threshold = 0;
  for (const float t : candidates) {
    int right = 0;
    for (std::size_t i = 0; i < c.size(); ++i) {
      if (fold[i] != held && (c.similarity[i] >= t) == (c.mated[i] != 0)) ++right;
    }
    if (right > most) most = right, threshold = t;
  }
  int own = 0, right = 0;
  for (std::size_t i = 0; i < c.size(); ++i) {
    if (fold[i] != held) continue;
    ++own;
    right += (c.similarity[i] >= threshold) == (c.mated[i] != 0) ? 1 : 0;
  }
  return {static_cast<double>(right) / own, threshold};
}

TEST(Verification, FoldsAgainstEveryThreshold) {
  for (const int levels : {4, 30, 100000}) {
    for (std::uint32_t seed = 1; seed <= 5; ++seed) {
      const Comparisons c = MakeEvaluation(seed, 24, levels).comparisons;
      std::vector<std::uint32_t> fold(c.size());
      for (std::size_t i = 0; i < fold.size(); ++i) fold[i] = static_cast<std::uint32_t>(i * 7 % 5);
      const FoldAccuracy found = AccuracyByFolds(c, fold, 5);
      double mean = 0;
      for (std::uint32_t f = 0; f < 5; ++f) {
        const auto [accuracy, threshold] = NaiveFold(c, fold, f);
        EXPECT_EQ(found.accuracy[f], accuracy) << f;
        EXPECT_EQ(found.threshold[f], threshold) << f;
        mean += accuracy / 5;
      }
      EXPECT_DOUBLE_EQ(found.mean, mean);
    }
  }
}

TEST(Verification, FoldsByHand) {
  const Comparisons c{{0, 1, 2, 3}, {4, 5, 6, 7}, {0.9f, 0.4f, 0.5f, 0.1f}, {1, 0, 1, 0}};
  const std::vector<std::uint32_t> fold{0, 0, 1, 1};
  // On the second fold 0.5 is right; on the first it accepts 0.9 and refuses 0.4. On the first 0.9; it refuses 0.5.
  const FoldAccuracy found = AccuracyByFolds(c, fold, 2);
  EXPECT_EQ(found.accuracy, (std::vector<double>{1, 0.5}));
  EXPECT_DOUBLE_EQ(found.mean, 0.75);
  EXPECT_DOUBLE_EQ(found.standard_error, 0.25);
}

TEST(Verification, WhatCouldNotBeComparedIsAcceptedByNoThreshold) {
  // Nine of ten pairs are mated, and half of those without an embedding.
  Comparisons c;
  std::vector<std::uint32_t> fold;
  for (std::uint32_t i = 0; i < 20; ++i) {
    c.first.push_back(2 * i);
    c.second.push_back(2 * i + 1);
    c.mated.push_back(i % 10 != 0);
    c.similarity.push_back(i % 2 ? 0.5f : i % 10 == 0 ? 0.1f : -std::numeric_limits<float>::infinity());
    fold.push_back(i / 10);
  }
  EXPECT_DOUBLE_EQ(AccuracyByFolds(c, fold, 2).mean, 0.6);
}

TEST(Verification, RefusesFoldsThatAreNone) {
  const Comparisons c{{0, 1}, {2, 3}, {0.9f, 0.4f}, {1, 0}};
  EXPECT_THROW(AccuracyByFolds(c, std::vector<std::uint32_t>{0, 0}, 1), Error);
  EXPECT_THROW(AccuracyByFolds(c, std::vector<std::uint32_t>{0, 0}, 2), Error);
  EXPECT_THROW(AccuracyByFolds(c, std::vector<std::uint32_t>{0, 2}, 2), Error);
  EXPECT_THROW(AccuracyByFolds(c, std::vector<std::uint32_t>{0}, 2), Error);
}

TEST(Verification, Rates) {
  const Comparisons c{{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}, {0.9f, 0.3f, 0.5f, 0.1f, 0.2f}, {1, 1, 0, 0, 0}};
  const ErrorRates rates = RatesAt(c, 0.5f);
  EXPECT_EQ(rates.fnmr, 0.5);
  EXPECT_EQ(rates.fmr, 1.0 / 3);
  const std::vector<std::uint32_t> weights{1, 3, 2, 0, 1};
  const ErrorRates weighted = RatesAt(c, 0.5f, weights);
  EXPECT_EQ(weighted.fnmr, 0.75);
  EXPECT_EQ(weighted.fmr, 2.0 / 3);
  EXPECT_TRUE(std::isnan(RatesAt({}, 0).fnmr));
}

TEST(Harm, ByHand) {
  // Image 0 is in one false non-match, image 3 in one false match; image 4 is in nothing.
  const Comparisons c{{0, 1, 2}, {1, 2, 3}, {0.2f, 0.3f, 0.8f}, {1, 0, 0}};
  const std::vector<Harm> harm = HarmOfImages(c, 5, 0.5);
  ASSERT_EQ(harm.size(), 4u);
  EXPECT_EQ(harm[0].errors, 1u);
  EXPECT_FLOAT_EQ(harm[0].margin, -1 - 0.2f);
  EXPECT_EQ(harm[1].errors, 1u);
  EXPECT_FLOAT_EQ(harm[1].margin, 0.3f - 0.2f);
  EXPECT_EQ(harm[2].errors, 1u);
  EXPECT_FLOAT_EQ(harm[2].margin, 0.8f - 1);
  EXPECT_EQ(harm[3].errors, 1u);
  // By harm: 1, then 2 and 3 alike, then 0.
  EXPECT_DOUBLE_EQ(*RankOfHarm(harm, std::vector<float>{4, 1, 2, 2, 9}, 0), 1);
  EXPECT_DOUBLE_EQ(*RankOfHarm(harm, std::vector<float>{4, 1, 2, 2, 9}, 3), 1);
  // Missing is worst.
  EXPECT_DOUBLE_EQ(*RankOfHarm(harm, std::vector<float>{4, NAN, 2, 2, 9}, 0), 1);
  // Reversed ranks 1, 4, 2.5, 2.5 against 4, 1, 2.5, 2.5: 1 - 6 * 18 / (15 * 4), and by hand with weights.
  EXPECT_DOUBLE_EQ(*RankOfHarm(harm, std::vector<float>{1, 4, 2, 2, 9}, 0), 1 - 6 * 18.0 / 60);
  const double w4 = 1, w1 = 1.0 / 64, w2 = 0.625 * 0.625 * 0.625;
  EXPECT_DOUBLE_EQ(*RankOfHarm(harm, std::vector<float>{1, 4, 2, 2, 9}, 3),
                   1 - 6 * 9 * (w4 + w1) / (15 * (w4 + w1 + 2 * w2)));
  EXPECT_FALSE(RankOfHarm({}, {}, 0));
}

// As PROTOCOLS and paper have it, image by image and rank by rank: of each image the comparisons are gone through, its
// rank is how many are before it, equal ones by half.
double NaiveRankOfHarm(const Comparisons& c, const std::vector<float>& quality, double threshold, double alpha) {
  struct Known {
    double errors = 0, margin = 0, quality = 0;
  };
  std::vector<Known> images;
  for (std::uint32_t image = 0; image < quality.size(); ++image) {
    double errors = 0, others = -1, mated = 1;
    bool seen = false;
    for (std::size_t i = 0; i < c.size(); ++i) {
      if (c.first[i] != image && c.second[i] != image) continue;
      seen = true;
      const bool accepted = c.similarity[i] >= threshold;
      if (c.mated[i] && !accepted) ++errors;
      if (!c.mated[i] && accepted) ++errors;
      if (c.mated[i]) mated = std::min<double>(mated, c.similarity[i]);
      if (!c.mated[i]) others = std::max<double>(others, c.similarity[i]);
    }
    const double known = std::isnan(quality[image]) ? -1e30 : quality[image];
    if (seen) images.push_back({errors, others - mated, known});
  }
  const auto rank = [&](const Known& image, auto before) {
    double place = 0.5;  // itself is its equal
    for (const Known& other : images) place += before(other, image) ? 1 : before(image, other) ? 0 : 0.5;
    return place;
  };
  const auto more_harm = [](const Known& a, const Known& b) {
    return a.errors > b.errors || (a.errors == b.errors && static_cast<float>(a.margin) > static_cast<float>(b.margin));
  };
  const auto worse = [](const Known& a, const Known& b) { return a.quality < b.quality; };
  const auto count = static_cast<double>(images.size());
  double squares = 0, weights = 0;
  for (const Known& image : images) {
    const double harm = rank(image, more_harm), weight = std::pow(harm / count, alpha);
    squares += weight * std::pow(harm - rank(image, worse), 2);
    weights += weight;
  }
  return 1 - 6 * squares / ((count * count - 1) * weights);
}

TEST(Harm, IsWhatItsNaiveTwinSays) {
  double spread = 0;
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    const RandomEvaluation e = MakeEvaluation(seed, 8 + seed, seed % 2 == 0 ? 8 : 1000);
    const double threshold = 0.1 + 0.01 * seed;
    const std::vector<Harm> harm = HarmOfImages(e.comparisons, e.quality.size(), threshold);
    for (const double alpha : {0.0, 1.5, 3.0}) {
      const std::optional<double> rank = RankOfHarm(harm, e.quality, alpha);
      ASSERT_TRUE(rank.has_value());
      EXPECT_NEAR(*rank, NaiveRankOfHarm(e.comparisons, e.quality, threshold, alpha), 1e-12) << seed << " " << alpha;
      spread = std::max(spread, std::abs(*rank));
    }
  }
  EXPECT_GT(spread, 0.5);  // not all of them say nothing
}

}  // namespace
}  // namespace prefiqs::eval
