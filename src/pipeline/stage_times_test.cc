#include "pipeline/stage_times.h"

#include <gtest/gtest.h>

#include <cmath>

namespace prefiqs::pipeline {
namespace {

TEST(StageTimes, KnowsNothingBeforeAnythingIsDone) {
  const StageTimes times({10, 10});
  EXPECT_TRUE(std::isnan(times.SecondsLeft(3)));
}

// Pictures that need all stages come after those that need one.
TEST(StageTimes, WeighsWhatIsLeftByStage) {
  StageTimes times({100, 100, 50});
  StageSums sums(3);
  sums.seconds = {10, 5, 0};  // 0.2 and 0.1 a picture
  sums.pictures = {50, 50, 0};
  times.Add(sums);
  // The third stage is as slow as the others' mean, 0.15; two threads made 15 seconds of work in 7.5.
  EXPECT_NEAR(times.SecondsLeft(7.5), (50 * 0.2 + 50 * 0.1 + 50 * 0.15) / 2, 1e-9);
  sums.seconds = {0, 0, 20};
  sums.pictures = {0, 0, 25};
  times.Add(sums);
  EXPECT_NEAR(times.SecondsLeft(35), 50 * 0.2 + 50 * 0.1 + 25 * 0.8, 1e-9);
  sums.seconds = {10, 5, 20};
  sums.pictures = {50, 50, 25};
  times.Add(sums);
  EXPECT_EQ(times.SecondsLeft(50), 0);
  EXPECT_EQ(times.seconds(), (std::vector<double>{20, 10, 40}));
}

TEST(StageSums, CountsTheThreadsOwnTime) {
  StageSums sums(2);
  const double before = ThreadSeconds();
  volatile double sink = 1;
  while (ThreadSeconds() - before < 0.02) sink = std::sqrt(sink + 1);
  sums.Note(1, 3);
  sums.Note(0, 1);
  EXPECT_GE(sums.seconds[1], 0.02);
  EXPECT_LT(sums.seconds[0], sums.seconds[1]);
  EXPECT_EQ(sums.pictures, (std::vector<std::int64_t>{1, 3}));
}

}  // namespace
}  // namespace prefiqs::pipeline
