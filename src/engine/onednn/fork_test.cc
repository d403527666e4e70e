#include "engine/onednn/fork.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

namespace prefiqs::engine::onednn {
namespace {

class Moves : public Step {
 public:
  Moves(std::vector<int> read, std::vector<int> written) : traffic_{std::move(read), std::move(written)} {}
  Bound Bind(const Arena&, const dnnl::engine&) const override { return {}; }
  Traffic Buffers() const override { return traffic_; }

 private:
  Traffic traffic_;
};

// Steps that read and write buffers; each begins with the first step that writes it, 0 is the input.
class Program {
 public:
  Program() : buffers_{{64, -1, 0, 0}} {}
  void Add(std::vector<int> read, int written) {
    while (std::ssize(buffers_) <= written) buffers_.push_back({64, static_cast<int>(steps_.size()), 0, 0});
    steps_.push_back(std::make_unique<Moves>(std::move(read), std::vector<int>{written}));
  }
  Buffer& buffer(int index) { return buffers_[static_cast<std::size_t>(index)]; }
  std::optional<Fork> Find(const std::vector<int>& outputs) const { return FindFork(steps_, buffers_, outputs); }

 private:
  std::vector<std::unique_ptr<const Step>> steps_;
  std::vector<Buffer> buffers_;
};

// Two shared steps, two of the one, two of the other.
Program Shared() {
  Program program;
  program.Add({0}, 1);
  program.Add({1}, 2);
  program.Add({2}, 3);
  program.Add({3}, 4);
  program.Add({2}, 5);
  program.Add({5}, 6);
  return program;
}

TEST(FindFork, SharesWhatComesFirst) {
  const auto fork = Shared().Find({4, 6});
  ASSERT_TRUE(fork);
  EXPECT_EQ(fork->at, 2u);
  EXPECT_EQ(fork->tail, 4u);
  EXPECT_EQ(fork->handed, std::vector<int>{2});
  EXPECT_EQ(fork->from_tail, (std::vector<bool>{false, true}));
}

TEST(FindFork, BeginsAtOnceWhereOnlyTheInputIsShared) {
  Program program;
  program.Add({0}, 1);
  program.Add({1}, 2);
  program.Add({0}, 3);
  const auto fork = program.Find({2, 3});
  ASSERT_TRUE(fork);
  EXPECT_EQ(fork->at, 0u);
  EXPECT_EQ(fork->tail, 2u);
  EXPECT_EQ(fork->handed, std::vector<int>{0});
}

// The second network adds to what the first one has left: it has to be handed over although it is only written.
TEST(FindFork, HandsOverWhatIsAddedTo) {
  Program program;
  program.Add({0}, 1);
  program.Add({1}, 2);
  program.Add({0}, 1);
  const auto fork = program.Find({2, 1});
  ASSERT_TRUE(fork);
  EXPECT_EQ(fork->at, 1u);
  EXPECT_EQ(fork->handed, (std::vector<int>{0, 1}));
  EXPECT_EQ(fork->from_tail, (std::vector<bool>{false, true}));
}

TEST(FindFork, WaitsForTheLastWriteOfWhatItHandsOver) {
  Program program = Shared();
  program.Add({6, 3}, 7);  // 3 is written by the first network's first step
  const auto fork = program.Find({4, 7});
  ASSERT_TRUE(fork);
  EXPECT_EQ(fork->at, 3u);
  EXPECT_EQ(fork->handed, (std::vector<int>{2, 3}));
}

TEST(FindFork, FindsNoneWhereThereIsNone) {
  EXPECT_FALSE(Shared().Find({4})) << "one output";
  EXPECT_FALSE(Shared().Find({6, 4})) << "the first output comes last";
  EXPECT_FALSE(Shared().Find({-1, 6})) << "a constant";
  Program chain;
  chain.Add({0}, 1);
  chain.Add({1}, 2);
  EXPECT_FALSE(chain.Find({1, 2})) << "nothing beside the tail";
  Program large = Shared();
  large.buffer(2).bytes = std::size_t{1} << 30;
  EXPECT_FALSE(large.Find({4, 6})) << "too much to copy";
}

}  // namespace
}  // namespace prefiqs::engine::onednn
