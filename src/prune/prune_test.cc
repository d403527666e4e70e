#include "prune/prune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <span>

#include "prune/select.h"

namespace prefiqs::prune {
namespace {

using graph::Graph;
using graph::Node;
using graph::Shape;
using graph::Tensor;
using graph::ValueId;

std::vector<float> RandomValues(std::size_t n, unsigned seed, bool with_ties) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& v : values) v = with_ties ? std::round(normal(random) * 4) / 4 : normal(random);
  return values;
}

// x -> Conv -> Flatten -> Gemm -> MatMul, with biases and a PRelu slope that must never be touched.
struct Net {
  Graph graph;
  ValueId conv, bias, slope, gemm, matmul;

  explicit Net(bool with_ties = false) {
    const auto constant = [&](const char* name, const Shape& shape, unsigned seed) {
      const auto values = RandomValues(static_cast<std::size_t>(graph::ElementCount(shape)), seed, with_ties);
      return graph.AddConstant(name, std::make_shared<Tensor>(Tensor::From<float>(shape, values)));
    };
    const auto value = [&](const char* name) {
      graph::Value v;
      v.name = name;
      return graph.AddValue(v);
    };
    const auto node = [&](const char* op, std::vector<ValueId> inputs, ValueId output) -> Node& {
      Node n;
      n.name = std::string(op) + std::to_string(graph.nodes.size());
      n.op = op;
      n.inputs = std::move(inputs);
      n.outputs = {output};
      graph.nodes.push_back(n);
      return graph.nodes.back();
    };
    const ValueId x = value("x"), a = value("a"), b = value("b"), c = value("c"), d = value("d"), y = value("y");
    conv = constant("conv.w", {8, 3, 3, 3}, 1);
    bias = constant("conv.b", {8}, 2);
    slope = constant("slope", {8, 1, 1}, 3);
    gemm = constant("gemm.w", {5, 8}, 4);
    matmul = constant("matmul.w", {5, 7}, 5);
    graph.inputs = {x};
    graph.outputs = {y};
    node("Conv", {x, conv, bias}, a);
    node("PRelu", {a, slope}, b);
    node("Flatten", {b}, c);
    node("Gemm", {c, gemm}, d).attributes["transB"] = std::int64_t{1};
    node("MatMul", {d, matmul}, y);
  }
};

std::vector<float> Values(const Graph& g, ValueId id) {
  const auto v = g.constant(id)->values<float>();
  return {v.begin(), v.end()};
}

// The definition of METHOD §2, by sorting.
std::vector<std::uint8_t> KeepBySorting(const std::vector<double>& scores, double sparsity) {
  const auto k = static_cast<std::size_t>(std::floor(sparsity * static_cast<double>(scores.size()) + 0.5));
  std::vector<std::uint8_t> keep(scores.size(), 1);
  if (k == 0) return keep;
  std::vector<double> sorted = scores;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < keep.size(); ++i) keep[i] = scores[i] > sorted[k - 1] ? 1 : 0;
  return keep;
}

std::vector<std::uint8_t> Joined(const Masks& masks) {
  std::vector<std::uint8_t> all;
  for (const auto& mask : masks.keep) all.insert(all.end(), mask.begin(), mask.end());
  return all;
}

TEST(Select, AgreesWithSortingOnBothKeyWidths) {
  std::mt19937_64 random(7);
  for (const std::uint64_t range : {3ULL, 1000ULL, ~0ULL}) {
    std::vector<std::uint64_t> keys(777);
    for (auto& key : keys) key = range == ~0ULL ? random() : random() % range;
    std::vector<std::uint64_t> sorted = keys;
    std::sort(sorted.begin(), sorted.end());
    for (const std::size_t k : {1u, 2u, 300u, 776u, 777u}) {
      EXPECT_EQ(SelectSmallest<std::uint64_t>(static_cast<std::int64_t>(k),
                                              [&](auto&& visit) {
                                                for (auto key : keys) visit(key);
                                              }),
                sorted[k - 1]);
    }
    std::vector<std::uint32_t> narrow;
    for (auto key : keys) narrow.push_back(static_cast<std::uint32_t>(key));
    std::vector<std::uint32_t> narrow_sorted = narrow;
    std::sort(narrow_sorted.begin(), narrow_sorted.end());
    EXPECT_EQ(SelectSmallest<std::uint32_t>(99,
                                            [&](auto&& visit) {
                                              for (auto key : narrow) visit(key);
                                            }),
              narrow_sorted[98]);
  }
}

TEST(Select, AgreesWithSortingWhateverThePartsAndThreads) {
  std::mt19937_64 random(8);
  std::vector<std::uint64_t> keys(1000);
  for (auto& key : keys) key = random() % 5000 << 40;
  std::vector<std::uint64_t> sorted = keys;
  std::sort(sorted.begin(), sorted.end());
  for (const std::size_t size : {1u, 7u, 400u, 1000u, 2000u}) {
    for (const int threads : {1, 2, 5}) {
      const auto visit_part = [&](std::size_t part, std::size_t, Look, auto&& visit) {
        for (std::size_t i = part * size; i < std::min((part + 1) * size, keys.size()); ++i)
          visit(std::span(&keys[i], 1));
      };
      for (const std::int64_t k : {1, 500, 1000}) {
        EXPECT_EQ(RadixSelect<std::uint64_t>(k, (keys.size() + size - 1) / size, threads, visit_part),
                  sorted[static_cast<std::size_t>(k - 1)])
            << size << " a part, " << threads << " threads";
      }
    }
  }
}

// Of so many that a sample is taken: usual ones, ones that are nearly all equal, and ones that a sample misjudges.
TEST(Select, AgreesWithSortingOfMany) {
  std::mt19937_64 random(9);
  constexpr std::size_t kCount = (std::size_t{1} << 20) + 12345, kParts = 7;
  for (const char* kind : {"normal", "few values", "equal", "periodic"}) {
    std::vector<std::uint32_t> keys(kCount);
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::string_view name = kind;
      keys[i] = name == "normal"       ? std::bit_cast<std::uint32_t>(std::fabs(normal(random)))
                : name == "few values" ? static_cast<std::uint32_t>(random() % 100)
                : name == "equal"      ? 5u
                                       : static_cast<std::uint32_t>(i % 251 == 0 ? 1u << 30 : random() % 1000000);
    }
    std::vector<std::uint32_t> sorted = keys;
    std::sort(sorted.begin(), sorted.end());
    const std::size_t size = (kCount + kParts - 1) / kParts / 251 * 251;  // a part begins with a sampled key
    const auto visit_part = [&](std::size_t part, std::size_t, Look which, auto&& visit) {
      const std::size_t stride = which == Look::kSample ? 251 : 1;
      const std::size_t end = part + 1 == kParts ? kCount : (part + 1) * size;
      for (std::size_t i = part * size; i < end; i += stride) visit(std::span(&keys[i], 1));
    };
    for (const std::size_t k : {std::size_t{1}, std::size_t{2}, kCount / 10, kCount / 2, kCount - 1, kCount}) {
      for (const int threads : {1, 3}) {
        std::int64_t at_or_below = 0;
        const auto key = SelectSmallest<std::uint32_t>(static_cast<std::int64_t>(k), static_cast<std::int64_t>(kCount),
                                                       kParts, threads, visit_part, &at_or_below);
        EXPECT_EQ(key, sorted[k - 1]) << kind << ' ' << k;
        EXPECT_EQ(at_or_below, std::upper_bound(sorted.begin(), sorted.end(), key) - sorted.begin())
            << kind << ' ' << k;
      }
    }
  }
}

TEST(PrunableWeights, OnlyWeightsAndEachOnce) {
  Net net;
  Node again = net.graph.nodes[4];  // a second user of the same initialiser
  again.name = "again";
  graph::Value out;
  out.name = "z";
  again.inputs = {net.graph.nodes[3].outputs[0], net.matmul};
  again.outputs = {net.graph.AddValue(out)};
  net.graph.nodes.push_back(again);
  const auto weights = PrunableWeights(net.graph);
  ASSERT_EQ(weights.size(), 3u);
  EXPECT_EQ(weights[0].value, net.conv);
  EXPECT_EQ(weights[1].value, net.gemm);
  EXPECT_EQ(weights[2].value, net.matmul);
  EXPECT_EQ(weights[0].outer, 8);
  EXPECT_EQ(weights[0].reduced, 27);
  EXPECT_EQ(weights[1].outer, 5);  // transB: a neuron is a row
  EXPECT_EQ(weights[1].reduced, 8);
  EXPECT_EQ(weights[2].outer, 1);  // a neuron is a column
  EXPECT_EQ(weights[2].reduced, 5);
  EXPECT_EQ(weights[2].inner, 7);
}

class Scopes : public testing::TestWithParam<std::tuple<double, bool>> {};

TEST_P(Scopes, AgreeWithSorting) {
  const auto [sparsity, with_ties] = GetParam();
  const Net net(with_ties);
  std::vector<double> global;
  std::vector<std::uint8_t> by_layer;
  for (ValueId id : {net.conv, net.gemm, net.matmul}) {
    std::vector<double> scores;
    for (float v : Values(net.graph, id)) scores.push_back(std::fabs(v));
    global.insert(global.end(), scores.begin(), scores.end());
    const auto keep = KeepBySorting(scores, sparsity);
    by_layer.insert(by_layer.end(), keep.begin(), keep.end());
  }
  Recipe recipe;
  recipe.sparsity = sparsity;
  const Masks masks = ComputeMasks(net.graph, recipe);
  EXPECT_EQ(Joined(masks), KeepBySorting(global, sparsity));
  EXPECT_EQ(masks.considered, static_cast<std::int64_t>(global.size()));
  if (!with_ties) {
    EXPECT_EQ(masks.pruned, std::llround(std::floor(sparsity * static_cast<double>(global.size()) + 0.5)));
  }
  recipe.scope = Scope::kLayer;
  EXPECT_EQ(Joined(ComputeMasks(net.graph, recipe)), by_layer);
}

INSTANTIATE_TEST_SUITE_P(Sparsities, Scopes,
                         testing::Combine(testing::Values(0.0, 0.001, 0.1, 0.4, 0.5, 0.9, 0.999), testing::Bool()));

TEST(ChannelScope, AgreesWithItsDefinition) {
  const Net net;
  std::vector<double> scores;
  const auto add = [&](ValueId id, auto filter_of) {
    const auto values = Values(net.graph, id);
    for (std::size_t i = 0; i < values.size(); ++i) {
      double sum = 0, n = 0;
      for (std::size_t j = 0; j < values.size(); ++j) {
        if (filter_of(j) == filter_of(i)) sum += double{values[j]} * values[j], ++n;
      }
      scores.push_back(std::fabs(double{values[i]}) / (std::sqrt(sum / n) + 1e-12));
    }
  };
  add(net.conv, [](std::size_t i) { return i / 27; });
  add(net.gemm, [](std::size_t i) { return i / 8; });
  add(net.matmul, [](std::size_t i) { return i % 7; });
  Recipe recipe;
  recipe.scope = Scope::kChannel;
  recipe.sparsity = 0.3;
  EXPECT_EQ(Joined(ComputeMasks(net.graph, recipe)), KeepBySorting(scores, 0.3));
}

TEST(ChannelScope, IgnoresTheScaleOfAFilter) {
  Net net;
  Recipe recipe;
  recipe.scope = Scope::kChannel;
  recipe.sparsity = 0.37;
  const auto before = Joined(ComputeMasks(net.graph, recipe));
  auto scaled = std::make_shared<Tensor>(*net.graph.constant(net.conv));
  for (std::size_t i = 27; i < 54; ++i) scaled->values<float>()[i] *= 1024.0f;
  net.graph.value(net.conv).constant = scaled;
  EXPECT_EQ(Joined(ComputeMasks(net.graph, recipe)), before);
}

TEST(From, PrunesOnlyLaterLayersAndCountsOnlyThem) {
  const Net net;
  Recipe recipe;
  recipe.from = 0.5;  // floor(0.5 * 3) = 1: gemm and matmul
  recipe.sparsity = 0.5;
  const Masks masks = ComputeMasks(net.graph, recipe);
  ASSERT_EQ(masks.weights.size(), 2u);
  EXPECT_EQ(masks.weights[0].value, net.gemm);
  EXPECT_EQ(masks.considered, 75);
  EXPECT_EQ(masks.pruned, 38);
}

TEST(Random, DependsOnTheSeedAloneAndHitsItsSparsity) {
  const Net a, b(true);
  Recipe recipe;
  recipe.criterion = Criterion::kRandom;
  recipe.sparsity = 0.25;
  recipe.seed = 5;
  const Masks masks = ComputeMasks(a.graph, recipe);
  EXPECT_EQ(masks.pruned, 73);  // floor(0.25 * 291 + 0.5)
  EXPECT_EQ(Joined(masks), Joined(ComputeMasks(b.graph, recipe)));
  // The first weights that go under seed 5, computed independently: a mask must be the same on every platform for ever.
  std::vector<std::size_t> gone;
  for (std::size_t i = 0; i < 32; ++i) {
    if (masks.keep[0][i] == 0) gone.push_back(i);
  }
  EXPECT_THAT(gone, testing::ElementsAre(3, 4, 6, 7, 8, 15, 19, 26));
  recipe.seed = 6;
  EXPECT_NE(Joined(masks), Joined(ComputeMasks(a.graph, recipe)));
}

TEST(ComputeMasks, DoNotDependOnThreads) {
  Net net;
  // More than a thread takes at a time.
  const auto values = RandomValues(600 * 1000, 6, true);
  net.graph.value(net.gemm).constant =
      std::make_shared<const Tensor>(Tensor::From<float>({600, 1000}, std::span<const float>(values)));
  for (const Scope scope : {Scope::kGlobal, Scope::kLayer, Scope::kChannel}) {
    for (const Criterion criterion : {Criterion::kL1, Criterion::kRandom}) {
      const Recipe recipe{.criterion = criterion, .scope = scope};
      const Masks one = ComputeMasks(net.graph, recipe);
      for (const int threads : {2, 3, 0}) {
        const Masks many = ComputeMasks(net.graph, recipe, {}, threads);
        EXPECT_EQ(many.keep, one.keep);
        EXPECT_EQ(many.pruned, one.pruned);
        EXPECT_EQ(many.considered, one.considered);
      }
    }
  }
}

// Both ways to a pruned network: the same bits, and the same constants shared.
void ExpectAsByMasks(const Graph& graph, const Recipe& recipe, int threads) {
  const Masks masks = ComputeMasks(graph, recipe);
  const Graph expected = ApplyMasks(graph, masks);
  const Pruned pruned = Prune(graph, recipe, {}, threads);
  EXPECT_EQ(pruned.achieved_sparsity, masks.achieved_sparsity());
  ASSERT_EQ(pruned.graph.values.size(), expected.values.size());
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const graph::TensorPtr &whole = graph.values[i].constant, &found = pruned.graph.values[i].constant,
                           &wanted = expected.values[i].constant;
    if (wanted == nullptr) continue;
    EXPECT_EQ(found == whole, wanted == whole) << i;
    EXPECT_TRUE(Identical(*found, *wanted)) << recipe.name() << " " << i;
  }
}

TEST(Prune, GivesWhatMasksGive) {
  Net net, with_ties(true);
  auto odd = RandomValues(40, 9, true);
  odd[3] = std::nanf("");
  odd[4] = -0.0f;
  odd[5] = INFINITY;
  odd[6] = 1e-41f;
  net.graph.value(net.gemm).constant =
      std::make_shared<const Tensor>(Tensor::From<float>({5, 8}, std::span<const float>(odd)));
  std::vector<float> sparse(35, 0.0f);  // loses nothing but zeros at low sparsity
  for (std::size_t i = 20; i < sparse.size(); ++i) sparse[i] = 5;
  with_ties.graph.value(with_ties.matmul).constant =
      std::make_shared<const Tensor>(Tensor::From<float>({5, 7}, std::span<const float>(sparse)));
  for (const Scope scope : {Scope::kGlobal, Scope::kLayer, Scope::kChannel}) {
    for (const Criterion criterion : {Criterion::kL1, Criterion::kRandom}) {
      for (const double sparsity : {0.0, 0.003, 0.3, 0.4, 0.99}) {
        for (const double from : {0.0, 0.5}) {
          const Recipe recipe{.criterion = criterion, .scope = scope, .sparsity = sparsity, .from = from};
          for (const int threads : {1, 3}) {
            ExpectAsByMasks(net.graph, recipe, threads);
            ExpectAsByMasks(with_ties.graph, recipe, threads);
          }
        }
      }
    }
  }
}

TEST(ApplyMasks, KeepsEveryBitOfWhatStaysAndSharesWhatLosesOnlyZeros) {
  Net net;
  const float nan = std::nanf("7");
  const std::vector<float> values{0.0f, -1e-40f, nan, -2.0f, 0.0f, 3.0f, -0.0f};
  net.graph.value(net.gemm).constant =
      std::make_shared<const Tensor>(Tensor::From<float>({1, 7}, std::span<const float>(values)));
  Masks masks;
  masks.weights.resize(1);
  masks.weights[0].value = net.gemm;
  masks.keep = {{0, 1, 1, 1, 0, 1, 1}};
  EXPECT_EQ(ApplyMasks(net.graph, masks).constant(net.gemm), net.graph.constant(net.gemm));
  masks.keep = {{0, 1, 1, 0, 0, 1, 0}};
  const std::vector<float> pruned = Values(ApplyMasks(net.graph, masks), net.gemm);
  const std::vector<float> expected{0.0f, -1e-40f, nan, 0.0f, 0.0f, 3.0f, 0.0f};
  EXPECT_EQ(std::memcmp(pruned.data(), expected.data(), expected.size() * sizeof(float)), 0);
}

TEST(ApplyMasks, ZeroesThePrunedAndSharesTheRest) {
  const Net net;
  Recipe recipe;
  recipe.from = 0.5;
  const Masks masks = ComputeMasks(net.graph, recipe);
  const Graph pruned = ApplyMasks(net.graph, masks);
  EXPECT_EQ(pruned.constant(net.conv), net.graph.constant(net.conv));
  EXPECT_EQ(pruned.constant(net.bias), net.graph.constant(net.bias));
  EXPECT_EQ(pruned.constant(net.slope), net.graph.constant(net.slope));
  const auto before = Values(net.graph, net.gemm);
  const auto after = Values(pruned, net.gemm);
  std::int64_t zeros = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i], masks.keep[0][i] != 0 ? before[i] : 0.0f);
    zeros += after[i] == 0.0f;
  }
  EXPECT_GT(zeros, 0);
}

TEST(Errors, AreClear) {
  const Net net;
  Recipe recipe;
  recipe.sparsity = 1.0;
  EXPECT_THROW(ComputeMasks(net.graph, recipe), Error);
  recipe.sparsity = std::nan("");
  EXPECT_THROW(ComputeMasks(net.graph, recipe), Error);
  Graph empty;
  EXPECT_THROW(ComputeMasks(empty, {}), Error);
}

}  // namespace
}  // namespace prefiqs::prune
