#include "eval/bootstrap.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

namespace prefiqs::eval {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

TEST(Bootstrap, DrawsAsManyAsThereAreAndTheSameAgain) {
  const std::vector<std::uint32_t> drawn = DrawIdentities(1000, 1, 2);
  EXPECT_EQ(std::accumulate(drawn.begin(), drawn.end(), 0u), 1000u);
  EXPECT_EQ(DrawIdentities(1000, 1, 2), drawn);
  EXPECT_NE(DrawIdentities(1000, 1, 3), drawn);
  EXPECT_NE(DrawIdentities(1000, 2, 2), drawn);
  EXPECT_TRUE(DrawIdentities(0, 1, 2).empty());
}

TEST(Bootstrap, DrawsEachEquallyOften) {
  std::vector<double> counts(10);
  for (std::uint64_t resample = 0; resample < 5000; ++resample) {
    const std::vector<std::uint32_t> drawn = DrawIdentities(10, 7, resample);
    for (std::size_t i = 0; i < 10; ++i) counts[i] += drawn[i];
  }
  for (const double count : counts) EXPECT_NEAR(count, 5000, 5 * std::sqrt(5000 * 0.9));  // five deviations
}

// Set against std::mt19937_64's definition: other machines must draw the same.
TEST(Bootstrap, DrawsTheSameOnEveryMachine) {
  EXPECT_EQ(DrawIdentities(8, 20261125, 0), (std::vector<std::uint32_t>{0, 0, 1, 2, 2, 1, 2, 0}));
}

TEST(Bootstrap, WeighsMatedByTheirIdentityAndOthersByBoth) {
  const Comparisons c{{0, 0, 1, 2}, {1, 2, 3, 3}, {0, 0, 0, 0}, {1, 0, 0, 1}};
  const std::vector<std::uint32_t> identity{0, 0, 1, 1}, drawn{3, 2};
  EXPECT_EQ(ComparisonWeights(c, identity, drawn), (std::vector<std::uint32_t>{3, 6, 6, 2}));
  EXPECT_EQ(ImageWeights(identity, drawn), (std::vector<std::uint32_t>{3, 3, 2, 2}));
}

TEST(Bootstrap, Intervals) {
  std::vector<double> values(101);
  std::iota(values.begin(), values.end(), 0.0);
  values.insert(values.begin() + 40, kNone);
  const Interval interval = PercentileInterval(values, 0.9);
  EXPECT_DOUBLE_EQ(interval.low, 5);
  EXPECT_DOUBLE_EQ(interval.high, 95);
  EXPECT_DOUBLE_EQ(PercentileInterval({4}, 0.95).high, 4);
  EXPECT_TRUE(std::isnan(PercentileInterval({kNone}, 0.95).low));
}

TEST(Bootstrap, SharesOfResamples) {
  EXPECT_DOUBLE_EQ(ShareLower(std::vector{1.0, 2.0, 3.0, kNone}, std::vector{2.0, 2.0, 1.0, 9.0}), 0.5);
  EXPECT_TRUE(std::isnan(ShareLower(std::vector{kNone}, std::vector{1.0})));
}

}  // namespace
}  // namespace prefiqs::eval
