// Derivatives where there is more than one to choose from, on both executors.
#include <gtest/gtest.h>
#include <prefiqs/network.h>

#include <limits>

#include "engine/tangent_for_test.h"

namespace prefiqs::engine {
namespace {

using graph::Graph;
using graph::Tensor;
using graph::ValueId;
using Ints = std::vector<std::int64_t>;

// d/dt of op(x + t dx), x and dx in one row.
std::vector<float> SlopesAlong(const std::vector<float>& dx, const std::vector<float>& x, const Operation& make,
                               ExecutorKind kind) {
  GraphForTest g;
  const graph::Shape shape{1, 1, static_cast<std::int64_t>(x.size())};
  // The difference of the constants is dx to its last bit, which that of x + dx and x would not be.
  const ValueId constant = Floats(g, shape, std::vector<float>(x.size(), 0));
  const Graph graph = g.Done({make(g, g.Add("Add", {g.Input(shape), constant}))});
  Graph changed = graph;
  SetConstant(changed, constant, Tensor::From<float>(shape, dx));
  const Graph tangent = Tangent(graph, changed);
  const auto executor = kind == ExecutorKind::kReference ? CompileReference(tangent) : CompileOneDnn(tangent);
  const Tensor result = RunOnce(*executor, tangent, {Tensor::From<float>(shape, x)})[1];
  return {result.values<float>().begin(), result.values<float>().end()};
}

// d/dx of op(x) at the places x.
std::vector<float> SlopesAt(const std::vector<float>& places, const Operation& make, ExecutorKind kind) {
  return SlopesAlong(std::vector<float>(places.size(), 1), places, make, kind);
}

TEST(Tangent, TakesPyTorchsSideOfAKink) {
  const std::vector<float> places{-1, -1e-30f, -0.0f, 0, 2e-38f, 1e-30f, 1, 3, 4, 4e6f};
  for (const auto kind : {ExecutorKind::kReference, ExecutorKind::kOneDnn}) {
    EXPECT_EQ(SlopesAt(places, Plain("Relu"), kind), (std::vector<float>{0, 0, 0, 0, 1, 1, 1, 1, 1, 1}));
    const float s = 0.25f;
    EXPECT_EQ(SlopesAt(places, Plain("LeakyRelu", {{"alpha", s}}), kind),
              (std::vector<float>{s, s, s, s, 1, 1, 1, 1, 1, 1}));
    for (const float slope : {s, -s}) {
      const auto prelu = [&](GraphForTest& g, ValueId v) { return g.Add("PRelu", {v, g.Scalar(slope)}); };
      EXPECT_EQ(SlopesAt(places, prelu, kind), (std::vector<float>{slope, slope, slope, slope, 1, 1, 1, 1, 1, 1}));
    }
    const auto clip = [](GraphForTest& g, ValueId v) { return g.Add("Clip", {v, g.Scalar(0), g.Scalar(3)}); };
    EXPECT_EQ(SlopesAt(places, clip, kind), (std::vector<float>{0, 0, 0, 0, 1, 1, 1, 0, 0, 0}));
    const auto with = [](const char* op, const std::vector<float>& others) {
      return [=](GraphForTest& g, ValueId v) {
        std::vector<ValueId> operands{v};
        for (const float other : others) operands.push_back(g.Scalar(other));
        return g.Add(op, operands);
      };
    };
    EXPECT_EQ(SlopesAt(places, with("Max", {0}), kind), (std::vector<float>{0, 0, 0.5f, 0.5f, 1, 1, 1, 1, 1, 1}));
    EXPECT_EQ(SlopesAt(places, with("Max", {0, 0}), kind), (std::vector<float>{0, 0, 0.25f, 0.25f, 1, 1, 1, 1, 1, 1}));
    EXPECT_EQ(SlopesAt(places, with("Min", {3}), kind), (std::vector<float>{1, 1, 1, 1, 1, 1, 1, 0.5f, 0, 0}));
    const auto itself = [](GraphForTest& g, ValueId v) { return g.Add("Max", {v, v}); };
    EXPECT_EQ(SlopesAt(places, itself, kind), std::vector<float>(places.size(), 1));
  }
}

// The first of equals, and of what is not a number the last: that is what the largest is.
TEST(Tangent, OfMaxPoolIsOfTheElementThatWon) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> speeds{10, 20, 30, 40, 50};
  const auto pool = [](std::int64_t width) { return Plain("MaxPool", {{"kernel_shape", Ints{width}}}); };
  for (const auto kind : {ExecutorKind::kReference, ExecutorKind::kOneDnn}) {
    EXPECT_EQ(SlopesAlong(speeds, {1, 2, 2, 0, 2}, pool(4), kind), (std::vector<float>{20, 20}));
    EXPECT_EQ(SlopesAlong(speeds, {0, -0.0f, 0, -1, 1}, pool(2), kind), (std::vector<float>{10, 20, 30, 50}));
    EXPECT_EQ(SlopesAlong(speeds, std::vector<float>(5, -kInfinity), pool(5), kind), (std::vector<float>{10}));
    EXPECT_EQ(SlopesAlong(speeds, {kNan, 5, kNan, 7, kInfinity}, pool(5), kind), (std::vector<float>{30}));
  }
}

}  // namespace
}  // namespace prefiqs::engine
