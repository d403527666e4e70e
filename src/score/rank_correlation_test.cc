#include "score/rank_correlation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace prefiqs::score {
namespace {

using V = std::vector<double>;

TEST(MidRanks, ShareTies) { EXPECT_EQ(MidRanks(V{5, 1, 5, 3}), (V{3.5, 1, 3.5, 2})); }

TEST(RankCorrelation, KnownValues) {
  EXPECT_DOUBLE_EQ(RankCorrelation(V{1, 2, 3, 4}, V{1, 8, 27, 64}).value(), 1);
  EXPECT_DOUBLE_EQ(RankCorrelation(V{1, 2, 3, 4}, V{4, 3, 2, 1}).value(), -1);
  // 1 - 6 * (1 + 1 + 0 + 0) / (4 * 15)
  EXPECT_DOUBLE_EQ(RankCorrelation(V{1, 2, 3, 4}, V{2, 1, 3, 4}).value(), 0.8);
  // Ranks 1, 2.5, 2.5, 4 against 1 to 4.
  EXPECT_NEAR(RankCorrelation(V{0, 1, 1, 2}, V{1, 2, 3, 4}).value(), 4.5 / std::sqrt(4.5 * 5), 1e-12);
}

TEST(RankCorrelation, NoneWithoutSpreadOrNumbers) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(RankCorrelation(V{1}, V{1}));
  EXPECT_FALSE(RankCorrelation(V{1, 2}, V{3, 3}));
  EXPECT_FALSE(RankCorrelation(V{1, nan}, V{1, 2}));
  EXPECT_FALSE(RankCorrelation(V{1, 2}, V{1, 2, 3}));
}

TEST(Correlation, OfValues) {
  const std::vector<double> a{1, 2, 4}, b{1, 3, 2};
  EXPECT_NEAR(*Correlation(a, b), 1.0 / std::sqrt(14.0 / 3 * 2), 1e-12);
  const std::vector<double> line{5, 3, -1};
  EXPECT_NEAR(*Correlation(a, line), -1, 1e-12);
  EXPECT_FALSE(Correlation(a, std::vector<double>{2, 2, 2}));
  EXPECT_FALSE(Correlation(a, std::vector<double>{1, 2, std::nan("")}));
  EXPECT_FALSE(Correlation(std::vector<double>{1}, std::vector<double>{1}));
}

}  // namespace
}  // namespace prefiqs::score
