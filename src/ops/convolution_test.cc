#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/elements_for_test.h"

namespace prefiqs::ops {
namespace {

using graph::Shape;
using graph::Tensor;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto kFloat = graph::DataType::kFloat32;

TEST(Conv, SumsAWindow) {
  const Tensor x = Counting({1, 1, 3, 3});
  const Tensor w = F({1, 1, 2, 2}, {1, 10, 100, 1000});
  const Tensor b = F({1}, {0.5f});
  const Tensor y = Run1({"Conv"}, {x, w, b});
  EXPECT_EQ(y.shape(), (Shape{1, 1, 2, 2}));
  EXPECT_THAT(Values<float>(y), ElementsAre(5421.5f, 6532.5f, 8754.5f, 9865.5f));
  EXPECT_THAT(Values<float>(Run1({"Conv", {{"kernel_shape", Int64s{2, 2}}}}, {x, w})),
              ElementsAre(5421, 6532, 8754, 9865));
  EXPECT_THAT(Values<float>(Run1({"Conv"}, {x, w, std::nullopt})), ElementsAre(5421, 6532, 8754, 9865));
}

TEST(Conv, OneDimensionWithUnequalPads) {
  const Tensor x = F({1, 1, 3}, {1, 2, 3});
  const Tensor w = F({1, 1, 3}, {1, 10, 100});
  EXPECT_THAT(Values<float>(Run1({"Conv", {{"pads", Int64s{2, 0}}}}, {x, w})), ElementsAre(100, 210, 321));
  EXPECT_THAT(Values<float>(Run1({"Conv", {{"auto_pad", "SAME_UPPER"}}}, {x, w})), ElementsAre(210, 321, 32));
}

TEST(Conv, PadsOfMoreThanAWindowGiveTheBias) {
  const Tensor x = F({1, 1, 1}, {7});
  const Tensor w = F({1, 1, 1}, {2});
  const Tensor b = F({1}, {1});
  EXPECT_THAT(Values<float>(Run1({"Conv", {{"pads", Int64s{2, 1}}}}, {x, w, b})), ElementsAre(1, 1, 15, 1));
}

TEST(Conv, AddsInMoreThanFloatPrecision) {
  const Tensor x = F({1, 3, 1}, {1e8f, 1, -1e8f});
  const Tensor w = Filled({1, 3, 1}, 1);
  EXPECT_THAT(Values<float>(Run1({"Conv"}, {x, w})), ElementsAre(1));
}

struct Geometry {
  std::int64_t batch, groups, channels, filters;  // channels and filters of one group
  Int64s size, kernel, strides, dilations, pads;  // three spatial dimensions
};

// Every output element by itself, from the definition.
Tensor DirectConv(const Geometry& g, const Tensor& x, const Tensor& w, const Tensor& b) {
  Int64s out(3);
  for (std::size_t i = 0; i < 3; ++i) {
    out[i] = (g.size[i] + g.pads[i] + g.pads[i + 3] - (g.kernel[i] - 1) * g.dilations[i] - 1) / g.strides[i] + 1;
  }
  Tensor y(kFloat, {g.batch, g.groups * g.filters, out[0], out[1], out[2]});
  const auto at = [](const Tensor& t, Int64s i) {
    std::size_t offset = 0;
    for (std::size_t d = 0; d < i.size(); ++d)
      offset = offset * static_cast<std::size_t>(t.shape()[d]) + static_cast<std::size_t>(i[d]);
    return offset;
  };
  for (std::int64_t n = 0; n < g.batch; ++n)
    for (std::int64_t f = 0; f < g.groups * g.filters; ++f)
      for (std::int64_t d = 0; d < out[0]; ++d)
        for (std::int64_t h = 0; h < out[1]; ++h)
          for (std::int64_t v = 0; v < out[2]; ++v) {
            double sum = b.values<float>()[static_cast<std::size_t>(f)];
            for (std::int64_t c = 0; c < g.channels; ++c)
              for (std::int64_t i = 0; i < g.kernel[0]; ++i)
                for (std::int64_t j = 0; j < g.kernel[1]; ++j)
                  for (std::int64_t k = 0; k < g.kernel[2]; ++k) {
                    const std::int64_t z = d * g.strides[0] + i * g.dilations[0] - g.pads[0];
                    const std::int64_t yy = h * g.strides[1] + j * g.dilations[1] - g.pads[1];
                    const std::int64_t xx = v * g.strides[2] + k * g.dilations[2] - g.pads[2];
                    if (z < 0 || yy < 0 || xx < 0 || z >= g.size[0] || yy >= g.size[1] || xx >= g.size[2]) continue;
                    sum += double{x.values<float>()[at(x, {n, f / g.filters * g.channels + c, z, yy, xx})]} *
                           w.values<float>()[at(w, {f, c, i, j, k})];
                  }
            y.values<float>()[at(y, {n, f, d, h, v})] = static_cast<float>(sum);
          }
  return y;
}

// Both add the same products in double in the same order up to terms of zero: equal but for the last place of a float.
constexpr double kTolerance = 1e-7;

TEST(Conv, AgreesWithADirectSum) {
  std::mt19937 random(7);
  const auto pick = [&](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint32_t>(high - low + 1));
  };
  for (int trial = 0; trial < 300; ++trial) {
    Geometry g{pick(1, 2), pick(1, 3), pick(1, 4), pick(1, 4), {}, {}, {}, {}, Int64s(6)};
    for (std::size_t i = 0; i < 3; ++i) {
      g.kernel.push_back(pick(1, 3));
      g.strides.push_back(pick(1, 3));
      g.dilations.push_back(pick(1, 2));
      g.pads[i] = pick(0, 4);
      g.pads[i + 3] = pick(0, 4);
      g.size.push_back((g.kernel[i] - 1) * g.dilations[i] + pick(1, i == 2 ? 20 : 4));
    }
    const Tensor x = RandomTensor({g.batch, g.groups * g.channels, g.size[0], g.size[1], g.size[2]}, random);
    const Tensor w = RandomTensor({g.groups * g.filters, g.channels, g.kernel[0], g.kernel[1], g.kernel[2]}, random);
    const Tensor b = RandomTensor({g.groups * g.filters}, random);
    const Tensor y =
        Run1({"Conv", {{"strides", g.strides}, {"dilations", g.dilations}, {"pads", g.pads}, {"group", g.groups}}},
             {x, w, b});
    ASSERT_LE(Difference(y, DirectConv(g, x, w, b)), kTolerance) << "trial " << trial;
  }
}

// More weights and positions than one block of the unfolded input holds.
TEST(Conv, AgreesWithADirectSumAcrossBlocks) {
  std::mt19937 random(8);
  const Geometry g{1, 1, 70, 3, {1, 13, 17}, {1, 3, 3}, {1, 1, 1}, {1, 1, 1}, {0, 1, 1, 0, 1, 1}};
  const Tensor x = RandomTensor({1, 70, 13, 17}, random);
  const Tensor w = RandomTensor({3, 70, 3, 3}, random);
  const Tensor b = RandomTensor({3}, random);
  Tensor x3 = x;
  Tensor w3 = w;
  x3.Reshape({1, 70, 1, 13, 17});
  w3.Reshape({3, 70, 1, 3, 3});
  Tensor expected = DirectConv(g, x3, w3, b);
  expected.Reshape({1, 3, 13, 17});
  EXPECT_LE(Difference(Run1({"Conv", {{"pads", Int64s{1, 1, 1, 1}}}}, {x, w, b}), expected), kTolerance);
}

TEST(Conv, RefusesWhatDoesNotGoTogether) {
  const Tensor x = Counting({1, 4, 3, 3});
  const Tensor w = Counting({4, 2, 2, 2});
  EXPECT_EQ(ErrorOf({"Conv"}, {x, w}),
            "node 'n' (Conv): group 1, an input of 1x4x3x3 and weights of 4x2x2x2 do not go together");
  EXPECT_THAT(ErrorOf({"Conv", {{"group", std::int64_t{0}}}}, {x, w}), HasSubstr("group 0"));
  EXPECT_THAT(ErrorOf({"Conv", {{"group", std::int64_t{3}}}}, {x, w}), HasSubstr("group 3"));
  const Attributes two{{"group", std::int64_t{2}}};
  EXPECT_EQ(Run1({"Conv", two}, {x, w}).shape(), (Shape{1, 4, 2, 2}));
  Attributes kernel = two;
  kernel["kernel_shape"] = Int64s{3, 3};
  EXPECT_THAT(ErrorOf({"Conv", kernel}, {x, w}), HasSubstr("kernel_shape disagrees with the weights, 4x2x2x2"));
  const Tensor b = Counting({2});
  EXPECT_THAT(ErrorOf({"Conv", two}, {x, w, b}), HasSubstr("the bias is 2, it needs 4 values"));
  const Tensor flat = Counting({4, 2, 2});
  EXPECT_THAT(ErrorOf({"Conv", two}, {x, flat}), HasSubstr("weights of 4x2x2"));
  EXPECT_THAT(ErrorOf({"Conv", two}, {x, std::nullopt}), HasSubstr("the weights"));
  const Tensor integers = List({1, 2});
  EXPECT_THAT(ErrorOf({"Conv", two}, {integers, w}), HasSubstr("float32"));
}

TEST(Conv, RuleRefusesResultsOfAbsurdSize) {
  const TensorType x{kFloat, {1, 1, 1, 1}};
  const TensorType w{kFloat, {1, 1, 1, 1}};
  EXPECT_THAT(RuleErrorOf({"Conv", {{"pads", Int64s{1 << 30, 1 << 30, 1 << 30, 1 << 30}}}}, {x, w}),
              HasSubstr("node 'n'"));
}

TEST(Conv, NothingInNothingOut) {
  const Tensor x(kFloat, {0, 1, 3, 3});
  const Tensor w = Counting({1, 1, 2, 2});
  EXPECT_EQ(Run1({"Conv"}, {x, w}).shape(), (Shape{0, 1, 2, 2}));
  const Tensor no_channels(kFloat, {1, 0, 2, 2});
  const Tensor no_weights(kFloat, {1, 0, 2, 2});
  EXPECT_THAT(Values<float>(Run1({"Conv"}, {no_channels, no_weights})), ElementsAre(0));
}

}  // namespace
}  // namespace prefiqs::ops
