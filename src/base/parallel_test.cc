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
  for (const int threads : {1, 3}) {
    int polls = 0;
    const auto poll = [&] {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      ++polls;
    };
    ParallelFor(
        100, threads, [](std::size_t) {}, poll);
    EXPECT_GE(polls, threads == 1 ? 100 : 0);  // of several threads the others may take all
    EXPECT_LE(polls, 100);
  }
}

TEST(ParallelFor, ThrowsWhatWasThrownAndStops) {
  for (const int threads : {1, 4}) {
    std::atomic<int> calls{0};
    try {
      ParallelFor(1000000, threads, [&](std::size_t i) {
        ++calls;
        if (i >= 7) throw std::runtime_error("seven");
      });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_EQ(std::string(error.what()), "seven");
    }
    EXPECT_LE(calls, 7 + threads);  // each of them met one at most
  }
  const auto poll = [] { throw std::runtime_error("poll"); };
  EXPECT_THROW(ParallelFor(
                   3, 1, [](std::size_t) {}, poll),
               std::runtime_error);
}

}  // namespace
}  // namespace prefiqs
