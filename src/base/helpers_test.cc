#include "base/helpers.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <latch>
#include <set>
#include <stdexcept>
#include <string>

namespace prefiqs {
namespace {

TEST(Helpers, ComeWhereThreadsAreLeftOver) {
  Helpers one(1), two(2), four(4);
  EXPECT_EQ(Helpers::Worker(one).FindHelper(0), nullptr);
  EXPECT_NE(Helpers::Worker(two).FindHelper(0), nullptr);
  EXPECT_EQ(Helpers::Worker(two).FindHelper(1), nullptr);
  {
    Helpers::Worker a(two);
    const Helpers::Worker b(two);
    EXPECT_EQ(a.FindHelper(0), nullptr);
  }
  Helpers::Worker a(four), b(four), c(four);
  EXPECT_NE(a.FindHelper(0), nullptr);
  EXPECT_NE(a.FindHelper(0), nullptr);  // the one it has
  EXPECT_EQ(b.FindHelper(0), nullptr);  // three at work, one helps
}

TEST(Helpers, GoBackWithTheirWorker) {
  Helpers two(2);
  for (int i = 0; i < 3; ++i) {
    Helpers::Worker worker(two);
    EXPECT_NE(worker.FindHelper(0), nullptr);
  }
}

// Each waits for the other: only two threads get through.
TEST(Helpers, WorkBeside) {
  Helpers helpers(2);
  std::set<std::thread::id> seen;
  for (int i = 0; i < 100; ++i) {
    Helpers::Worker worker(helpers);
    std::latch both(2);
    std::thread::id other;
    worker.FindHelper(0)->Both([&] { both.arrive_and_wait(); },
                               [&] {
                                 both.arrive_and_wait();
                                 other = std::this_thread::get_id();
                               });
    EXPECT_NE(other, std::this_thread::get_id());
    seen.insert(other);
  }
  EXPECT_EQ(seen.size(), 1u) << "threads are kept";
}

TEST(Helpers, AreManyWhereManyAreAllowed) {
  Helpers helpers(6);
  std::latch all(6);
  std::vector<std::jthread> workers;
  for (int i = 0; i < 3; ++i) {
    workers.emplace_back([&] {
      Helpers::Worker worker(helpers);
      worker.FindHelper(0)->Both([&] { all.arrive_and_wait(); }, [&] { all.arrive_and_wait(); });
    });
  }
  workers.clear();
  EXPECT_TRUE(all.try_wait());
}

std::string Thrown(Helpers& helpers, bool first, bool second) {
  Helpers::Worker worker(helpers);
  try {
    worker.FindHelper(0)->Both(
        [&] {
          if (first) throw std::runtime_error("first");
        },
        [&] {
          if (second) throw std::runtime_error("second");
        });
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "nothing";
}

TEST(Helpers, ThrowWhatTheFirstThrewElseTheSecond) {
  Helpers helpers(2);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Thrown(helpers, true, true), "first");
    EXPECT_EQ(Thrown(helpers, true, false), "first");
    EXPECT_EQ(Thrown(helpers, false, true), "second");
    EXPECT_EQ(Thrown(helpers, false, false), "nothing");
  }
}

TEST(Helpers, AreNotMissedInAChildOfFork) {
  Helpers helpers(2);
  EXPECT_EQ(Thrown(helpers, false, false), "nothing");  // one is started
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(10);
    auto* const mine = new Helpers(2);
    const bool none = Helpers::Worker(helpers).FindHelper(0) == nullptr;
    helpers.~Helpers();
    delete mine;
    ::_exit(none ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace prefiqs
