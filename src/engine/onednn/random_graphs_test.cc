// Networks nobody would draw: every mixture of branches, shared values, layouts and outputs.
#include <gtest/gtest.h>

#include "engine/compare_for_test.h"

namespace prefiqs::engine {
namespace {

using graph::ValueId;

class RandomNetwork {
 public:
  explicit RandomNetwork(std::uint32_t seed) : g_(seed) {
    values_.push_back(g_.Input({1, 8, 6, 6}));
    for (int i = 0; i < 14; ++i) values_.push_back(Grow());
    std::vector<ValueId> outputs{values_.back()};
    for (const ValueId v : values_) {
      if (g_.Draw(5) == 0) outputs.push_back(v);
    }
    graph = g_.Done(outputs);
  }
  graph::Graph graph;

 private:
  ValueId Any() { return values_[g_.Draw(static_cast<std::uint32_t>(values_.size()))]; }
  // The newest more often than others: long chains are where fusion happens.
  ValueId Recent() { return g_.Draw(3) == 0 ? Any() : values_.back(); }

  ValueId Grow() {
    const ValueId x = Recent();
    switch (g_.Draw(12)) {
      case 0:
        return g_.Conv(x, 8);
      case 1:
        return g_.Add("Add", {g_.Conv(x, 8), Any()});
      case 2:
        return g_.Add("Relu", {g_.Add("Add", {Any(), g_.Conv(x, 8, 8)})});
      case 3:
        return g_.Add("Tanh", {x});
      case 4:
        return g_.Add("PRelu", {x, g_.Random({8, 1, 1})});
      case 5:
        return g_.Add("Mul", {x, g_.Random({8, 1, 1})});
      case 6:
        return g_.Add("Sub", {x, Any()});
      case 7: {
        const auto swapped = g_.Add("Transpose", {x}, {{"perm", std::vector<std::int64_t>{0, 1, 3, 2}}});
        return g_.Add("Max", {swapped, Any()});
      }
      case 8:
        return g_.Add("BatchNormalization", {g_.Conv(x, 8, 1, 1), g_.Random({8}), g_.Random({8}), g_.Random({8}),
                                             g_.Random({8}, 0.5f, 2.0f)});
      case 9: {
        const auto parts = g_.AddMany("Split", {x, g_.Ints({3, 5})}, 2, {{"axis", std::int64_t{1}}});
        return g_.Add("Concat", {parts[1], parts[0]}, {{"axis", std::int64_t{1}}});
      }
      case 10: {
        const auto flat = g_.Add("Reshape", {x, g_.Ints({8, 36})});
        return g_.Add("Reshape", {g_.Add("Sigmoid", {flat}), g_.Ints({1, 8, 6, 6})});
      }
      default:
        return g_.Add("Mul", {x, g_.Add("Sigmoid", {g_.Add("GlobalAveragePool", {Any()})})});
    }
  }

  GraphForTest g_;
  std::vector<ValueId> values_;
};

class RandomGraphs : public testing::TestWithParam<std::uint32_t> {};

TEST_P(RandomGraphs, AreTheSameOnBoth) {
  for (std::uint32_t i = 0; i < 20; ++i) {
    const std::uint32_t seed = GetParam() * 1000 + i;
    SCOPED_TRACE(seed);
    ExpectSameOnBoth(RandomNetwork(seed).graph, 2e-4);  // fifteen layers deep: rounding adds up
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraphs, testing::Range(0u, 10u));

}  // namespace
}  // namespace prefiqs::engine
