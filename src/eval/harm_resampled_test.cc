// RCE in resamples, and of all pairs, of which not all are held.
#include "eval/harm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "eval/bootstrap.h"
#include "eval/evaluation_files_for_test.h"
#include "eval/nearest_strangers.h"

namespace prefiqs {
namespace {

using eval::Comparisons;
using eval::Harm;

struct Set {
  Comparisons comparisons;
  std::vector<std::uint32_t> identity;
  std::vector<float> quality;
};

// Two or three images each of eight people.
Set RandomSet(unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Set set;
  for (std::uint32_t person = 0; person < 8; ++person) {
    for (std::uint32_t k = 0; k < 2 + random() % 2; ++k) {
      set.identity.push_back(person);
      set.quality.push_back(std::round(8 * uniform(random)));  // some are equal
    }
  }
  set.quality[3] = std::numeric_limits<float>::quiet_NaN();
  for (std::uint32_t a = 0; a < set.identity.size(); ++a) {
    for (std::uint32_t b = a + 1; b < set.identity.size(); ++b) {
      set.comparisons.first.push_back(a);
      set.comparisons.second.push_back(b);
      set.comparisons.mated.push_back(set.identity[a] == set.identity[b]);
      set.comparisons.similarity.push_back(uniform(random));
    }
  }
  return set;
}

// What a draw means, written out: each copy of a person has images of its own; copies of one person are not compared.
double Copied(const Set& set, const std::vector<std::uint32_t>& drawn, double threshold, double alpha) {
  Set copied;
  std::vector<std::vector<std::uint32_t>> places(set.identity.size());  // of an image, by copy
  for (std::uint32_t i = 0; i < set.identity.size(); ++i) {
    for (std::uint32_t copy = 0; copy < drawn[set.identity[i]]; ++copy) {
      places[i].push_back(static_cast<std::uint32_t>(copied.quality.size()));
      copied.quality.push_back(set.quality[i]);
    }
  }
  const Comparisons& c = set.comparisons;
  for (std::size_t i = 0; i < c.size(); ++i) {
    for (std::size_t a = 0; a < places[c.first[i]].size(); ++a) {
      for (std::size_t b = 0; b < places[c.second[i]].size(); ++b) {
        if (c.mated[i] && a != b) continue;
        copied.comparisons.first.push_back(places[c.first[i]][a]);
        copied.comparisons.second.push_back(places[c.second[i]][b]);
        copied.comparisons.mated.push_back(c.mated[i]);
        copied.comparisons.similarity.push_back(c.similarity[i]);
      }
    }
  }
  return *eval::RankOfHarm(eval::HarmOfImages(copied.comparisons, copied.quality.size(), threshold), copied.quality,
                           alpha);
}

TEST(HarmOfADraw, IsThatOfAllCopiesWrittenOut) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    const Set set = RandomSet(seed);
    const std::vector<std::uint32_t> drawn = eval::DrawIdentities(8, 5, seed);
    const auto comparisons = eval::ComparisonWeights(set.comparisons, set.identity, drawn);
    const auto images = eval::ImageWeights(set.identity, drawn);
    for (const double alpha : eval::kHarmAlphas) {
      const std::vector<Harm> harm = eval::HarmOfImages(set.comparisons, set.identity.size(), 0.25,
                                                        {.comparisons = comparisons, .images = images});
      EXPECT_NEAR(*eval::RankOfHarm(harm, set.quality, alpha), Copied(set, drawn, 0.25, alpha), 1e-12) << seed;
    }
  }
}

TEST(NearestStrangers, AreThoseOfAllProducts) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  eval::Matrix unit{300, 8, {}};
  std::vector<std::uint32_t> identity;
  for (std::size_t i = 0; i < unit.rows; ++i) {
    identity.push_back(random() % 60);
    double squares = 0;
    std::vector<float> row(unit.columns);
    for (float& v : row) {
      v = normal(random);
      squares += v * v;
    }
    for (const float v : row) unit.values.push_back(i % 50 == 7 ? 0 : static_cast<float>(v / std::sqrt(squares)));
  }
  const eval::NearestStrangers one(unit, identity, 1), three(unit, identity, 3);
  for (unsigned resample = 0; resample < 20; ++resample) {
    std::vector<std::uint32_t> drawn;
    if (resample > 0) drawn = eval::DrawIdentities(60, 1, resample);
    for (std::size_t i = 0; i < unit.rows; ++i) {
      float most = -1;
      for (std::size_t k = 0; k < unit.rows; ++k) {
        if (identity[k] == identity[i] || i % 50 == 7 || k % 50 == 7) continue;
        if (!drawn.empty() && drawn[identity[k]] == 0) continue;
        float sum = 0;
        for (std::size_t c = 0; c < unit.columns; ++c) sum += unit.Row(i)[c] * unit.Row(k)[c];
        most = std::max(most, sum);
      }
      ASSERT_EQ(one.Similarity(i, drawn), most) << i;
      ASSERT_EQ(three.Similarity(i, drawn), most) << i;
    }
  }
}

TEST_F(Evaluate, HarmOfAllPairsIsThatOfTheirList) {
  options.qualities = {{.name = "q", .path = "", .column = "quality"},
                       {.name = "blur", .path = folder / "other.csv", .column = "", .lower_is_better = true}};
  const EvaluationReport listed = evaluate(options);
  options.pairs = "all";
  const EvaluationReport all = evaluate(options);
  ASSERT_EQ(listed.non_mated, all.non_mated);
  for (std::size_t m = 0; m < listed.methods.size(); ++m) {
    for (std::size_t a = 0; a < eval::kHarmAlphas.size(); ++a) {
      const EvaluationHarmRank &x = listed.harm_ranks[m][a], &y = all.harm_ranks[m][a];
      EXPECT_EQ(x.alpha, eval::kHarmAlphas[a]);
      EXPECT_NEAR(x.value, y.value, 1e-4);
      EXPECT_NEAR(x.reversed, y.reversed, 1e-4);
      EXPECT_NEAR(x.interval.low, y.interval.low, 1e-4);
      EXPECT_NEAR(x.interval.high, y.interval.high, 1e-4);
      EXPECT_LT(x.interval.low, x.value);
      EXPECT_GT(x.interval.high, x.value);
      if (m > 0) {
        EXPECT_NEAR(x.better_than_first, y.better_than_first, 0.03);
      } else {
        EXPECT_TRUE(std::isnan(x.better_than_first));
      }
    }
  }
  EXPECT_LT(listed.harm_ranks.back()[0].better_than_first, 0.05);  // random
  options.threads = 3;
  const EvaluationReport again = evaluate(options);
  EXPECT_EQ(again.harm_ranks[0][1].interval.low, all.harm_ranks[0][1].interval.low);
}

TEST_F(Evaluate, CurvesHaveNoErrorWhereNothingIsLeft) {
  options.resamples = 0;
  options.fmrs = {0.1};
  options.false_match_starts = {0.1};
  options.curves = folder / "curves.csv";
  evaluate(options);
  std::istringstream text(Contents(options.curves));
  std::string line, ends;
  while (std::getline(text, line)) {
    if (line.find(",1.000000,") != std::string::npos) ends += line.substr(line.find(',')) + "\n";
  }
  EXPECT_NE(ends.find(",B,0.1,1.000000,,"), std::string::npos) << ends;
  EXPECT_NE(ends.find(",B-FM,,1.000000,,"), std::string::npos) << ends;
  EXPECT_EQ(ends.find("0.00000000"), std::string::npos) << ends;
}

}  // namespace
}  // namespace prefiqs
