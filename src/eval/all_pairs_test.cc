// All pairs without holding them all, against the list of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "eval/all_pairs_cuts.h"
#include "eval/bootstrap.h"
#include "eval/similarity_join.h"

namespace prefiqs::eval {
namespace {

struct People {
  Matrix unit;
  std::vector<std::uint32_t> identity;
  std::vector<float> quality;
};

People MakePeople(std::uint32_t seed, std::size_t images, std::size_t columns, int levels) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> uniform;
  People people{.unit = {images, columns, {}}, .identity = {}, .quality = {}};
  for (std::size_t i = 0; i < images; ++i) {
    people.identity.push_back(static_cast<std::uint32_t>(random() % (images / 3)));
    people.quality.push_back(std::round(uniform(random) * static_cast<float>(levels)));
    if (i % 11 == 4) people.quality.back() = std::numeric_limits<float>::quiet_NaN();
    std::vector<float> row;
    float squares = 0;
    for (std::size_t k = 0; k < columns; ++k) {
      row.push_back(normal(random));
      squares += row.back() * row.back();
    }
    for (const float v : row) people.unit.values.push_back(i % 13 == 7 ? 0 : v / std::sqrt(squares));
  }
  return people;
}

// The list of all pairs, in its order.
Comparisons List(const People& p) {
  Comparisons c;
  for (std::uint32_t a = 0; a < p.unit.rows; ++a) {
    for (std::uint32_t b = a + 1; b < p.unit.rows; ++b) {
      float sum = 0, either = 0;
      for (std::size_t k = 0; k < p.unit.columns; ++k) sum += p.unit.Row(a)[k] * p.unit.Row(b)[k];
      for (const std::uint32_t image : {a, b}) {
        float squares = 0;
        for (const float v : p.unit.Row(image)) squares += v * v;
        either += squares > 0.5f ? 1 : 0;
      }
      c.first.push_back(a);
      c.second.push_back(b);
      c.mated.push_back(p.identity[a] == p.identity[b]);
      c.similarity.push_back(either == 2 ? sum : -std::numeric_limits<float>::infinity());
    }
  }
  return c;
}

TEST(AllPairs, AreTheListsAboveTheFloor) {
  for (const std::size_t images : {1, 2, 31, 48, 100, 131}) {
    for (const double share : {1.0, 0.2, 0.01}) {
      const People p = MakePeople(5, std::max<std::size_t>(images, 3), 19, 5);
      const AllPairs join = JoinAllPairs(p.unit, p.identity, share, 3);
      const Comparisons list = List(p);
      Comparisons wanted;
      std::uint64_t mated = 0;
      for (std::size_t i = 0; i < list.size(); ++i) {
        mated += list.mated[i];
        const bool comparable = list.similarity[i] > -1.5f;
        const bool kept = share == 1.0 || (comparable && list.similarity[i] >= join.floor);
        if (!list.mated[i] && !kept) continue;
        wanted.first.push_back(list.first[i]);
        wanted.second.push_back(list.second[i]);
        wanted.mated.push_back(list.mated[i]);
        wanted.similarity.push_back(list.similarity[i]);
      }
      EXPECT_EQ(join.comparisons.first, wanted.first);
      EXPECT_EQ(join.comparisons.second, wanted.second);
      EXPECT_EQ(join.comparisons.mated, wanted.mated);
      EXPECT_EQ(join.comparisons.similarity, wanted.similarity);  // the same bits
      EXPECT_EQ(join.mated, mated);
      EXPECT_EQ(join.mated + join.non_mated, list.size());
      const AllPairs alone = JoinAllPairs(p.unit, p.identity, share, 1);
      EXPECT_EQ(alone.comparisons.similarity, join.comparisons.similarity);
    }
  }
}

// A quality that calls good what is least alike: the better half's most alike pairs are below most of the worse half's.
TEST(AllPairs, AreThoseAboveTheFloorsOfTheirImages) {
  People p = MakePeople(11, 400, 16, 1000);
  std::vector<float> adverse;
  for (std::size_t i = 0; i < p.unit.rows; ++i) {
    const bool bad = i % 2 == 0;
    if (bad) {  // alike: most of them is one direction
      float squares = 0;
      float* const row = p.unit.values.data() + i * p.unit.columns;
      row[0] += 2;
      for (std::size_t k = 0; k < p.unit.columns; ++k) squares += row[k] * row[k];
      for (std::size_t k = 0; k < p.unit.columns; ++k) row[k] /= std::sqrt(squares);
    }
    adverse.push_back(bad ? static_cast<float>(i / 8) / 100 : static_cast<float>(i));  // fours are equal
  }
  const std::vector<std::vector<float>> qualities{adverse, p.quality};
  const Floors floors = FloorsOf(p.unit, p.identity, qualities, 0.05);
  for (std::size_t method = 0; method < 2; ++method) {
    for (std::size_t a = 0; a < p.unit.rows; ++a) {
      for (std::size_t b = 0; b < p.unit.rows; ++b) {
        const float worse = Known(qualities[method][a]), better = Known(qualities[method][b]);
        if (worse == better) {
          ASSERT_EQ(floors[method][a], floors[method][b]);
        } else if (worse < better) {
          ASSERT_GE(floors[method][a], floors[method][b]);
        }
      }
    }
  }
  EXPECT_LT(floors[0][399], floors[0][0] - 0.1f);
  const AllPairs join = JoinAllPairs(p.unit, p.identity, floors, 3);
  const Comparisons list = List(p);
  std::size_t at = 0, non_mated = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const auto floor = [&](std::size_t m) { return std::max(floors[m][list.first[i]], floors[m][list.second[i]]); };
    if (!list.mated[i] && list.similarity[i] < std::min(floor(0), floor(1))) continue;
    ASSERT_LT(at, join.comparisons.size());
    ASSERT_EQ(join.comparisons.first[at], list.first[i]);
    ASSERT_EQ(join.comparisons.second[at], list.second[i]);
    ASSERT_EQ(join.comparisons.similarity[at], list.similarity[i]);
    non_mated += list.mated[i] ? 0 : 1;
    ++at;
  }
  EXPECT_EQ(at, join.comparisons.size());
  // By one floor for all, as low as the best ones need, most of what the worse ones have would be held.
  const auto above =
      static_cast<std::size_t>(std::ranges::count_if(list.similarity, [&](float s) { return s >= join.floor; }));
  EXPECT_LT(non_mated, above / 2);
  EXPECT_GT(non_mated, list.size() / 20);
  // A cut that leaves worse ones is not looked at below their floor.
  PairCuts cuts = CutsOfAllPairs(join.comparisons, p.identity, adverse, TieOrder::kAsListed);
  const Ranking ranking = Rank(join.comparisons, adverse);
  const Ranking of_list = Rank(list, adverse);
  for (std::size_t step = 0; step < kEdcSteps; ++step) cuts.lowest[step] = floors[0][cuts.worst[step]];
  const auto found = EdcOfPairs(join.comparisons, ranking, cuts, 0.01);
  ASSERT_TRUE(found);
  const Curve wanted = EdcOfPairs(list, of_list, 0.01);
  ASSERT_EQ(found->size(), wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ((*found)[i].error, wanted[i].error) << i;
    EXPECT_EQ((*found)[i].threshold, wanted[i].threshold) << i;
  }
  EXPECT_FALSE(EdcOfPairs(join.comparisons, ranking, cuts, 0.3));
}

// NaN says that nothing is kept: on both sides.
bool SameQuality(float a, float b) { return std::isnan(a) ? std::isnan(b) : a == b; }

class AllPairsCuts : public testing::TestWithParam<std::tuple<int, bool>> {};

TEST_P(AllPairsCuts, AreThoseOfTheList) {
  const int levels = std::get<0>(GetParam());
  const bool resampled = std::get<1>(GetParam());
  const People p = MakePeople(static_cast<std::uint32_t>(levels), 60, 8, levels);
  std::vector<std::uint32_t> drawn;
  if (resampled) drawn = DrawIdentities(20, 9, 1);
  const Comparisons list = List(p);
  const std::vector<std::uint32_t> weights =
      resampled ? ComparisonWeights(list, p.identity, drawn) : std::vector<std::uint32_t>();
  for (const TieOrder ties : {TieOrder::kAsListed, TieOrder::kReversed}) {
    const PairCuts wanted = CutsOf(list, Rank(list, p.quality, ties), weights);
    const PairCuts found = CutsOfAllPairs(list, p.identity, p.quality, ties, drawn);
    EXPECT_EQ(found.cut, wanted.cut);
    for (std::size_t step = 0; step < kEdcSteps; ++step) {
      EXPECT_EQ(found.kept[step].mated, wanted.kept[step].mated) << step;
      EXPECT_EQ(found.kept[step].non_mated, wanted.kept[step].non_mated) << step;
      EXPECT_TRUE(SameQuality(found.quality[step], wanted.quality[step])) << step;
      for (std::size_t i = 0; i < list.size(); ++i) {
        // Where no cut falls, places within a group do not matter.
        const std::uint64_t weight = WeightOf(weights, i), cut = wanted.cut[step];
        const auto left = [&](std::uint64_t start) {
          return start >= cut ? weight : weight - std::min(weight, cut - start);
        };
        ASSERT_EQ(left(found.start[i]), left(wanted.start[i])) << step << " " << i;
      }
    }
  }
}

// Few values, so that many pairs are tied and cuts fall among them; to the same places as in a list.
TEST(AllPairs, AreCountedAsTheListIs) {
  std::mt19937 random(3);
  const auto below = [&](std::uint32_t end) { return static_cast<std::uint32_t>(random() % end); };
  for (int round = 0; round < 1500; ++round) {
    SCOPED_TRACE(round);
    const std::uint32_t images = 1 + below(24), identities = 1 + below(images), values = 1 + below(6);
    const std::uint32_t missing = below(3) == 0 ? 1 + below(4) : images + 1, most_drawn = below(4);
    std::vector<std::uint32_t> identity, drawn;
    std::vector<float> quality;
    for (std::uint32_t i = 0; i < images; ++i) {
      identity.push_back(below(identities));
      quality.push_back(i % missing == missing - 1 ? std::numeric_limits<float>::quiet_NaN()
                                                   : static_cast<float>(below(values)) - 2);
    }
    for (std::uint32_t id = 0; id < identities && most_drawn > 0; ++id) drawn.push_back(below(most_drawn + 1));
    Comparisons list;
    std::vector<std::uint32_t> some;  // of the list
    Comparisons kept;
    for (std::uint32_t a = 0; a < images; ++a) {
      for (std::uint32_t b = a + 1; b < images; ++b) {
        const auto add = [&](Comparisons& c) {
          c.first.push_back(a);
          c.second.push_back(b);
          c.mated.push_back(identity[a] == identity[b]);
          c.similarity.push_back(0);
        };
        add(list);
        if (below(3) == 0) continue;
        some.push_back(static_cast<std::uint32_t>(list.size() - 1));
        add(kept);
      }
    }
    const auto weights = drawn.empty() ? std::vector<std::uint32_t>() : ComparisonWeights(list, identity, drawn);
    for (const TieOrder ties : {TieOrder::kAsListed, TieOrder::kReversed}) {
      const Ranking ranking = Rank(list, quality, ties);
      const PairCuts wanted = CutsOf(list, ranking, weights);
      const PairCuts found = CutsOfAllPairs(kept, identity, quality, ties, drawn);
      ASSERT_EQ(found.cut, wanted.cut);
      for (std::size_t step = 0; step < kEdcSteps; ++step) {
        ASSERT_EQ(found.kept[step].mated, wanted.kept[step].mated) << step;
        ASSERT_EQ(found.kept[step].non_mated, wanted.kept[step].non_mated) << step;
        ASSERT_TRUE(SameQuality(found.quality[step], wanted.quality[step])) << step;
      }
      struct Group {
        std::uint64_t start, end;
      };
      std::map<float, Group> groups;
      for (const std::uint32_t i : ranking.by_quality) {
        Group& group = groups.try_emplace(ranking.pair_quality[i], Group{wanted.start[i], 0}).first->second;
        group.end = wanted.start[i] + WeightOf(weights, i);
      }
      for (std::size_t k = 0; k < some.size(); ++k) {
        const Group group = groups.at(ranking.pair_quality[some[k]]);
        const bool cut = std::ranges::any_of(
            wanted.cut, [&](std::uint64_t place) { return group.start <= place && place < group.end; });
        ASSERT_EQ(found.start[k], cut ? wanted.start[some[k]] : group.start) << k;
      }
    }
  }
}

TEST_P(AllPairsCuts, GiveTheSameCurves) {
  const int levels = std::get<0>(GetParam());
  const bool resampled = std::get<1>(GetParam());
  const People p = MakePeople(static_cast<std::uint32_t>(levels) + 100, 90, 6, levels);
  std::vector<std::uint32_t> drawn;
  if (resampled) drawn = DrawIdentities(30, 9, 1);
  const Comparisons list = List(p);
  const AllPairs join = JoinAllPairs(p.unit, p.identity, 0.5, 2);
  EXPECT_LT(join.comparisons.size(), list.size() * 2 / 3);
  const auto weights_of = [&](const Comparisons& c) {
    return resampled ? ComparisonWeights(c, p.identity, drawn) : std::vector<std::uint32_t>();
  };
  const auto list_weights = weights_of(list), join_weights = weights_of(join.comparisons);
  const auto image_weights = resampled ? ImageWeights(p.identity, drawn) : std::vector<std::uint32_t>();
  const Ranking of_list = Rank(list, p.quality), of_join = Rank(join.comparisons, p.quality);
  const auto expect_same = [](const Curve& wanted, const std::optional<Curve>& found) {
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), wanted.size());
    ASSERT_GT(wanted.size(), 2u);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      EXPECT_EQ((*found)[i].error, wanted[i].error);
      EXPECT_EQ((*found)[i].threshold, wanted[i].threshold);
      EXPECT_EQ((*found)[i].mated, wanted[i].mated);
      EXPECT_EQ((*found)[i].non_mated, wanted[i].non_mated);
      EXPECT_TRUE(SameQuality((*found)[i].quality, wanted[i].quality));
    }
  };
  for (const double fmr : {0.05, 0.01}) {
    expect_same(EdcOfPairs(list, of_list, fmr, list_weights),
                EdcOfPairs(join.comparisons, of_join,
                           CutsOfAllPairs(join.comparisons, p.identity, p.quality, TieOrder::kAsListed, drawn), fmr,
                           join_weights));
    expect_same(
        EdcOfImages(list, of_list, p.quality, fmr, list_weights, image_weights),
        EdcOfImages(join.comparisons, of_join, ImageCutsOfAllPairs(p.identity, p.quality, drawn), fmr, join_weights));
  }
  const std::uint64_t non_mated =
      CutsOfAllPairs(join.comparisons, p.identity, p.quality, TieOrder::kAsListed, drawn).kept[0].non_mated;
  for (const double error : {0.2, 0.05, 0.011}) {
    const double t = ThresholdAtError(list, of_list, error, ErrorKind::kFalseMatch, list_weights);
    EXPECT_EQ(ThresholdAtFalseMatches(join.comparisons, of_join, error, non_mated, join_weights), t);
    expect_same(
        EdcAtThreshold(list, of_list, t, ErrorKind::kFalseMatch, list_weights),
        EdcOfFalseMatches(join.comparisons, of_join, NonMatedByQuality(p.identity, p.quality, drawn), t, join_weights));
  }
  // Below the floor nothing can be told, and that is said.
  EXPECT_FALSE(EdcOfPairs(join.comparisons, of_join,
                          CutsOfAllPairs(join.comparisons, p.identity, p.quality, TieOrder::kAsListed), 0.9));
}

INSTANTIATE_TEST_SUITE_P(Random, AllPairsCuts, testing::Combine(testing::Values(1, 4, 1000), testing::Bool()));

}  // namespace
}  // namespace prefiqs::eval
