#include "cli/progress.h"

#include <gtest/gtest.h>

namespace prefiqs::cli {
namespace {

TEST(FormatProgress, ShowsRateAndTimeLeft) {
  EXPECT_EQ(FormatProgress({.done = 50, .total = 200, .skipped = 0, .seconds = 10}),
            "50/200 pictures  25.0 %  5.0/s  0:30 left");
  EXPECT_EQ(FormatProgress({.done = 150, .total = 10150, .skipped = 100, .seconds = 50}),
            "150/10150 pictures  1.5 %  1.0/s  2:46:40 left");
}

TEST(FormatProgress, HasNoRateBeforeTheFirstPicture) {
  EXPECT_EQ(FormatProgress({.done = 0, .total = 7, .skipped = 0, .seconds = 1}), "0/7 pictures  0.0 %");
  EXPECT_EQ(FormatProgress({.done = 7, .total = 7, .skipped = 7, .seconds = 1}), "7/7 pictures  100.0 %");
  EXPECT_EQ(FormatProgress({}), "0/0 pictures");
}

}  // namespace
}  // namespace prefiqs::cli
