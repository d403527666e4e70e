#include "prune/structured.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "prune/channel_groups.h"

namespace prefiqs::prune {
namespace {

using graph::Graph;
using graph::Shape;
using graph::Tensor;
using graph::ValueId;
using ::testing::ElementsAre;

// x -> Conv of 6 -> BN -> PRelu -> Conv of 4 -> Flatten of 2×2 -> Gemm of 3, with biases.
struct Net {
  Graph graph;
  ValueId conv1, bias1, scale, shift, mean, variance, slope, conv2, bias2, gemm, offset;

  Net() {
    const auto constant = [&](const char* name, const Shape& shape) {
      std::mt19937 random(static_cast<unsigned>(graph.values.size()));
      std::normal_distribution<float> normal;
      auto tensor = std::make_shared<Tensor>(graph::DataType::kFloat32, shape);
      for (float& v : tensor->values<float>()) v = normal(random);
      return graph.AddConstant(name, std::move(tensor));
    };
    ValueId last = graph.AddValue({"x", graph::DataType::kFloat32, {graph::kUnknown, 3, 4, 4}, true, nullptr});
    const auto node = [&](const char* op, std::vector<ValueId> inputs,
                          std::map<std::string, graph::Attribute, std::less<>> attributes = {}) {
      inputs.insert(inputs.begin(), last);
      last = graph.AddValue({std::string(op) + ".y", graph::DataType::kFloat32, {}, false, nullptr});
      graph.nodes.push_back({op + std::to_string(graph.nodes.size()), op, std::move(inputs), {last}, attributes});
    };
    graph.inputs = {last};
    conv1 = constant("conv1", {6, 3, 3, 3}), bias1 = constant("bias1", {6});
    scale = constant("scale", {6}), shift = constant("shift", {6});
    mean = constant("mean", {6}), variance = constant("variance", {6});
    slope = constant("slope", {6, 1, 1});
    conv2 = constant("conv2", {4, 6, 1, 1}), bias2 = constant("bias2", {4});
    gemm = constant("gemm", {16, 3}), offset = constant("offset", {3});
    node("Conv", {conv1, bias1});
    node("BatchNormalization", {scale, shift, mean, variance});
    node("PRelu", {slope});
    node("Conv", {conv2, bias2});
    node("Flatten", {});
    node("Gemm", {gemm, offset});
    graph.outputs = {last};
  }

  std::vector<float> Values(ValueId id) const {
    const auto v = graph.constant(id)->values<float>();
    return {v.begin(), v.end()};
  }
  // The definition of the importances, by group: mean magnitude of the weights of a channel over that of the group.
  std::vector<std::vector<double>> Importances() const {
    const auto w1 = Values(conv1), w2 = Values(conv2), w3 = Values(gemm);
    std::vector<std::vector<double>> all(2);
    for (std::size_t c = 0; c < 6; ++c) {
      double sum = 0;
      for (std::size_t i = 0; i < 27; ++i) sum += std::fabs(double{w1[c * 27 + i]});
      for (std::size_t o = 0; o < 4; ++o) sum += std::fabs(double{w2[o * 6 + c]});
      all[0].push_back(sum / 31);
    }
    for (std::size_t c = 0; c < 4; ++c) {
      double sum = 0;
      for (std::size_t i = 0; i < 6; ++i) sum += std::fabs(double{w2[c * 6 + i]});
      for (std::size_t i = 0; i < 12; ++i) sum += std::fabs(double{w3[c * 12 + i]});
      all[1].push_back(sum / 18);
    }
    for (auto& group : all) {
      double typical = 0;
      for (const double v : group) typical += v / static_cast<double>(group.size());
      for (double& v : group) v /= typical;
    }
    return all;
  }
};

const InputShapes kInput = {{"x", {1, 3, 4, 4}}};

Recipe Structured(double sparsity, Scope scope = Scope::kGlobal) {
  Recipe recipe;
  recipe.granularity = Granularity::kStructured;
  recipe.scope = scope;
  recipe.sparsity = sparsity;
  return recipe;
}

// A 3×3 convolution over 4×4 leaves 2×2, which the Gemm sees as four columns a channel.
TEST(ChannelGroups, HoldAllThatGoesTogether) {
  const Net net;
  const std::vector<ChannelGroup> groups = ChannelGroups(net.graph, kInput);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].size(), 6u);
  ASSERT_EQ(groups[1].size(), 4u);
  std::vector<Slice> constants;
  for (const Slice& slice : groups[0][5]) {
    if (net.graph.constant(slice.value) != nullptr) constants.push_back(slice);
  }
  EXPECT_THAT(constants, ElementsAre(Slice{net.conv1, 0, 5}, Slice{net.bias1, 0, 5}, Slice{net.scale, 0, 5},
                                     Slice{net.shift, 0, 5}, Slice{net.mean, 0, 5}, Slice{net.variance, 0, 5},
                                     Slice{net.slope, 0, 5}, Slice{net.conv2, 1, 5}));
  constants.clear();
  for (const Slice& slice : groups[1][1]) {
    if (net.graph.constant(slice.value) != nullptr) constants.push_back(slice);
  }
  EXPECT_THAT(constants, ElementsAre(Slice{net.conv2, 0, 1}, Slice{net.bias2, 0, 1}, Slice{net.gemm, 0, 4},
                                     Slice{net.gemm, 0, 5}, Slice{net.gemm, 0, 6}, Slice{net.gemm, 0, 7}));
}

TEST(ChannelGroups, OfLaterWeightsAlone) {
  EXPECT_EQ(ChannelGroups(Net().graph, kInput, 1).size(), 1u);
  EXPECT_EQ(ChannelGroups(Net().graph, kInput, 2).size(), 0u);
}

class StructuredScopes : public testing::TestWithParam<double> {};

TEST_P(StructuredScopes, AgreeWithSorting) {
  const Net net;
  const std::vector<std::vector<double>> importances = net.Importances();
  const auto gone_by_sorting = [&](const std::vector<double>& among, const std::vector<double>& group) {
    const auto k = static_cast<std::size_t>(std::floor(GetParam() * static_cast<double>(among.size()) + 0.5));
    std::vector<double> sorted = among;
    std::ranges::sort(sorted);
    std::vector<std::int64_t> gone;
    for (std::size_t c = 0; c < group.size(); ++c) {
      if (k > 0 && group[c] <= sorted[k - 1] && group[c] != std::ranges::max(group)) {
        gone.push_back(static_cast<std::int64_t>(c));
      }
    }
    return gone;
  };
  std::vector<double> all = importances[0];
  all.insert(all.end(), importances[1].begin(), importances[1].end());
  for (const Scope scope : {Scope::kGlobal, Scope::kLayer}) {
    Masks masks = ComputeMasks(net.graph, Structured(GetParam(), scope), kInput);
    for (const std::size_t g : {0, 1}) {
      const auto expected = gone_by_sorting(scope == Scope::kGlobal ? all : importances[g], importances[g]);
      EXPECT_EQ((masks.removed[{g == 0 ? net.conv1 : net.conv2, 0}]), expected);
    }
    // All of the weights in the slices and no others.
    std::int64_t zeros = 0;
    const auto removed1 = masks.removed[{net.conv1, 0}], removed2 = masks.removed[{net.conv2, 0}];
    for (std::int64_t o = 0; o < 4; ++o) {
      for (std::int64_t i = 0; i < 6; ++i) {
        const bool goes = std::ranges::count(removed2, o) + std::ranges::count(removed1, i) > 0;
        EXPECT_EQ(masks.keep[1][static_cast<std::size_t>(o * 6 + i)], goes ? 0 : 1);
        zeros += goes;
      }
    }
    EXPECT_EQ(masks.pruned, zeros + 27 * std::ssize(removed1) + 12 * std::ssize(removed2));
    EXPECT_EQ(masks.considered, 162 + 24 + 48);
  }
}

INSTANTIATE_TEST_SUITE_P(Sparsities, StructuredScopes, testing::Values(0.0, 0.04, 0.1, 0.3, 0.5, 0.8, 0.99));

TEST(Structured, AChannelLosesAllItHas) {
  const Net net;
  Masks masks = ComputeMasks(net.graph, Structured(0.5, Scope::kLayer), kInput);
  const Graph pruned = ApplyMasks(net.graph, masks);
  const auto gone = masks.removed[{net.conv1, 0}];
  ASSERT_EQ(gone.size(), 3u);
  for (std::int64_t c = 0; c < 6; ++c) {
    for (const ValueId id : {net.bias1, net.scale, net.shift, net.slope}) {
      const bool is_zero = pruned.constant(id)->values<float>()[static_cast<std::size_t>(c)] == 0;
      EXPECT_EQ(is_zero, std::ranges::count(gone, c) > 0);
    }
  }
  // Zero statistics would divide by zero; they harm nobody.
  EXPECT_EQ(pruned.constant(net.mean), net.graph.constant(net.mean));
  EXPECT_EQ(pruned.constant(net.variance), net.graph.constant(net.variance));
  EXPECT_EQ(pruned.constant(net.offset), net.graph.constant(net.offset));
}

TEST(Structured, OneChannelOfEachGroupStays) {
  const Net net;
  Masks masks = ComputeMasks(net.graph, Structured(0.99), kInput);
  EXPECT_EQ((masks.removed[{net.conv1, 0}].size()), 5u);
  EXPECT_EQ((masks.removed[{net.conv2, 0}].size()), 3u);
}

TEST(Structured, ScaleOfALayerDoesNotMatter) {
  Net net;
  const auto before = ComputeMasks(net.graph, Structured(0.4), kInput).removed;
  for (const ValueId id : {net.conv1, net.conv2, net.gemm}) {
    auto scaled = std::make_shared<Tensor>(*net.graph.constant(id));
    for (float& v : scaled->values<float>()) v *= 64;
    net.graph.value(id).constant = std::move(scaled);
  }
  EXPECT_EQ(ComputeMasks(net.graph, Structured(0.4), kInput).removed, before);
}

TEST(Structured, WhatIsNotANumberStays) {
  Net net;
  auto odd = std::make_shared<Tensor>(*net.graph.constant(net.conv1));
  odd->values<float>()[27 * 2] = std::numeric_limits<float>::quiet_NaN();
  net.graph.value(net.conv1).constant = std::move(odd);
  Masks masks = ComputeMasks(net.graph, Structured(0.9), kInput);
  EXPECT_THAT((masks.removed[{net.conv1, 0}]), ElementsAre(0, 1, 3, 4, 5));
}

TEST(Structured, FromLeavesEarlierWeightsAlone) {
  const Net net;
  Recipe recipe = Structured(0.5);
  recipe.from = 0.34;  // floor(0.34 * 3) = 1: conv2 and gemm
  const Masks masks = ComputeMasks(net.graph, recipe, kInput);
  EXPECT_EQ(masks.considered, 24 + 48);
  EXPECT_EQ(masks.pruned, 2 * (6 + 12));
  EXPECT_EQ(ApplyMasks(net.graph, masks).constant(net.conv1), net.graph.constant(net.conv1));
}

TEST(Structured, RandomDependsOnTheSeedAlone) {
  const Net net;
  Recipe recipe = Structured(0.5, Scope::kLayer);
  recipe.criterion = Criterion::kRandom;
  recipe.seed = 5;
  Masks masks = ComputeMasks(net.graph, recipe, kInput);
  // Computed independently: the same on every platform for ever.
  EXPECT_THAT((masks.removed[{net.conv1, 0}]), ElementsAre(0, 3, 4));
  EXPECT_THAT((masks.removed[{net.conv2, 0}]), ElementsAre(1, 3));
  Net other;
  other.graph.value(other.conv1).constant = net.graph.value(net.conv1).constant;
  EXPECT_EQ(ComputeMasks(other.graph, recipe, kInput).removed, masks.removed);
  recipe.seed = 6;
  EXPECT_NE(ComputeMasks(net.graph, recipe, kInput).removed, masks.removed);
}

TEST(Structured, ErrorsAreClear) {
  const Net net;
  const auto message = [&](const Recipe& recipe, const Graph& graph) -> std::string {
    try {
      ComputeMasks(graph, recipe, kInput);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kRecipe);
      return e.what();
    }
    return "none";
  };
  EXPECT_THAT(message(Structured(0.3, Scope::kChannel), net.graph), testing::HasSubstr("channel scope"));
  Recipe late = Structured(0.3);
  late.from = 0.9;
  EXPECT_THAT(message(late, net.graph), testing::HasSubstr("no channels"));
}

TEST(RemoveChannels, LeavesAValidSmallerGraph) {
  const Net net;
  const Masks masks = ComputeMasks(net.graph, Structured(0.5, Scope::kLayer), kInput);
  const Graph smaller = RemoveChannels(net.graph, masks, kInput);
  graph::Validate(smaller);
  const auto shape_of = [&](const std::string& name) {
    return std::ranges::find(smaller.values, name, &graph::Value::name)->shape;
  };
  EXPECT_EQ(shape_of("conv1"), (Shape{3, 3, 3, 3}));
  EXPECT_EQ(shape_of("variance"), (Shape{3}));
  EXPECT_EQ(shape_of("slope"), (Shape{3, 1, 1}));
  EXPECT_EQ(shape_of("conv2"), (Shape{2, 3, 1, 1}));
  EXPECT_EQ(shape_of("gemm"), (Shape{8, 3}));
  EXPECT_EQ(shape_of("offset"), (Shape{3}));
}

}  // namespace
}  // namespace prefiqs::prune
