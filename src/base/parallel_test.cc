#include "base/parallel.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace prefiqs {
namespace {

TEST(ParallelFor, CallsEachOnce) {
  for (const int threads : {0, 1, 2, 5}) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
      std::vector<int> calls(count);
      ParallelFor(count, threads, [&](std::size_t i) { ++calls[i]; });
      EXPECT_EQ(calls, std::vector<int>(count, 1)) << threads;
    }
  }
}

TEST(ParallelFor, PollsFromTheCaller) {
  const std::thread::id caller = std::this_thread::get_id();
  int polls = 0;
  ParallelFor(
      100, 3, [](std::size_t) {},
      [&] {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        ++polls;
      });
  EXPECT_GT(polls, 0);
  EXPECT_LE(polls, 100);
}

TEST(ParallelFor, ThrowsWhatWasThrownAndStops) {
  for (const int threads : {1, 4}) {
    std::atomic<int> calls{0};
    try {
      ParallelFor(1000000, threads, [&](std::size_t i) {
        ++calls;
        if (i == 7) throw std::runtime_error("seven");
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::string(error.what()), "seven");
    }
    EXPECT_LT(calls, 1000000);
    EXPECT_THROW(ParallelFor(
                     3, threads, [](std::size_t) {}, [] { throw std::runtime_error("poll"); }),
                 std::runtime_error);
  }
}

}  // namespace
}  // namespace prefiqs
