#include "pipeline/ordered.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <set>
#include <stdexcept>

namespace prefiqs::pipeline {
namespace {

std::vector<int> UpTo(int count) {
  std::vector<int> numbers(static_cast<std::size_t>(count));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

class Ordered : public ::testing::TestWithParam<int> {
 protected:
  OrderedRun<int> Run(int count) {
    OrderedRun<int> run;
    run.threads = GetParam();
    run.count = count;
    run.window = 2 * GetParam();
    run.work = [](std::int64_t index, int) { return static_cast<int>(index); };
    run.deliver = [this](int&& result) { delivered_.push_back(result); };
    return run;
  }
  std::vector<int> delivered_;
};

TEST_P(Ordered, DeliversInOrder) {
  RunOrdered(Run(200));
  EXPECT_EQ(delivered_, UpTo(200));
}

TEST_P(Ordered, DeliversInOrderWhateverTheOrderOfFinishing) {
  OrderedRun<int> run = Run(60);
  run.work = [](std::int64_t index, int) {
    std::this_thread::sleep_for(std::chrono::microseconds(index * 7919 % 13 * 200));  // shuffles
    return static_cast<int>(index);
  };
  RunOrdered(run);
  EXPECT_EQ(delivered_, UpTo(60));
}

TEST_P(Ordered, StartsNoMoreThreadsThanAsked) {
  std::mutex mutex;
  std::set<std::thread::id> ids;
  std::set<int> workers;
  OrderedRun<int> run = Run(64);
  run.work = [&](std::int64_t index, int worker) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
    workers.insert(worker);
    return static_cast<int>(index);
  };
  RunOrdered(run);
  EXPECT_LE(static_cast<int>(ids.size()), GetParam());
  EXPECT_LT(*workers.rbegin(), GetParam());
  if (GetParam() == 1) {
    EXPECT_EQ(ids, std::set{std::this_thread::get_id()});
  }
}

TEST_P(Ordered, KeepsWithinTheWindow) {
  std::atomic<int> delivered{0};
  std::atomic<int> widest{0};
  OrderedRun<int> run = Run(100);
  run.work = [&](std::int64_t index, int) {
    const int ahead = static_cast<int>(index) - delivered;
    if (ahead > widest) widest = ahead;
    if (index % 10 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(3));
    return static_cast<int>(index);
  };
  run.deliver = [&](int&&) { ++delivered; };
  RunOrdered(run);
  EXPECT_LT(widest, run.window);
}

TEST_P(Ordered, StopsButFinishesWhatWasBegun) {
  std::atomic<bool> stop{false};
  std::atomic<int> begun{0};
  OrderedRun<int> run = Run(1000);
  run.stop = &stop;
  run.work = [&](std::int64_t index, int) {
    ++begun;
    if (index == 20) stop = true;
    return static_cast<int>(index);
  };
  RunOrdered(run);
  EXPECT_GE(begun, 21);
  EXPECT_LT(begun, 1000);
  EXPECT_EQ(delivered_, UpTo(begun));
}

TEST_P(Ordered, ThrowsWhatWorkThrows) {
  OrderedRun<int> run = Run(1000);
  run.work = [](std::int64_t index, int) -> int {
    if (index == 30) throw std::runtime_error("thirty");
    return static_cast<int>(index);
  };
  EXPECT_THROW(RunOrdered(run), std::runtime_error);
  EXPECT_EQ(delivered_, UpTo(static_cast<int>(delivered_.size())));
  EXPECT_LE(delivered_.size(), 30u);
}

TEST_P(Ordered, ThrowsWhatDeliverThrows) {
  OrderedRun<int> run = Run(1000);
  run.deliver = [](int&& result) {
    if (result == 30) throw std::runtime_error("full");
  };
  EXPECT_THROW(RunOrdered(run), std::runtime_error);
}

TEST_P(Ordered, DoesNothingWithNothing) {
  RunOrdered(Run(0));
  EXPECT_TRUE(delivered_.empty());
}

TEST_P(Ordered, PollsWhileItWaits) {
  const auto caller = std::this_thread::get_id();
  std::atomic<int> polls{0};
  OrderedRun<int> run = Run(2);
  run.work = [](std::int64_t index, int worker) {
    // Worker 0 leaves time for another one to take the second.
    std::this_thread::sleep_for(worker != 0 ? 4 * kPollInterval : std::chrono::milliseconds(20));
    return static_cast<int>(index);
  };
  run.poll = [&] {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    ++polls;
  };
  RunOrdered(run);
  if (GetParam() > 1) {
    EXPECT_GE(polls, 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Threads, Ordered, ::testing::Values(1, 2, 5));

}  // namespace
}  // namespace prefiqs::pipeline
