#include "engine/winograd.h"

#include <cmath>
#include <limits>
#include <ostream>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/compare_for_test.h"
#include "engine/onednn/plan.h"

namespace prefiqs::engine {

void PrintTo(const WinogradShape& s, std::ostream* out) {
  *out << s.height << 'x' << s.width << ", " << s.channels << " to " << s.filters;
}

namespace {

constexpr std::int64_t kLanes = 16;

// Channel c of pixel p.
std::size_t At(std::int64_t c, std::int64_t p, std::int64_t pixels) {
  return static_cast<std::size_t>((c / kLanes * pixels + p) * kLanes + c % kLanes);
}

class Case {
 public:
  Case(const WinogradShape& shape, std::size_t images) : shape_(shape) {
    const std::int64_t pixels = shape.height * shape.width;
    weights = Draw(shape.filters * shape.channels * 9);
    bias = Draw(shape.filters);
    for (std::size_t i = 0; i < images; ++i) {
      x.push_back(Draw(pixels * shape.channels));
      added.push_back(Draw(pixels * shape.filters));
    }
  }

  // Of the images from `first` on; `sums` adds in place, else nothing is added.
  std::vector<std::vector<float>> Run(std::size_t first, std::size_t count, bool has_bias, bool sums,
                                      Vectors vectors) const {
    std::vector<std::vector<float>> y(added.begin() + static_cast<std::ptrdiff_t>(first),
                                      added.begin() + static_cast<std::ptrdiff_t>(first + count));
    std::vector<WinogradImage> images;
    for (std::size_t i = 0; i < count; ++i) {
      images.push_back({x[first + i].data(), sums ? y[i].data() : nullptr, y[i].data()});
    }
    // What memory holds before must not matter.
    std::vector<float> scratch(WinogradScratch(shape_, count), std::numeric_limits<float>::quiet_NaN());
    RunWinograd(shape_, images, weights.data(), has_bias ? bias.data() : nullptr, scratch, vectors);
    return y;
  }

  // As the definition has it, in double.
  std::vector<double> Expected(std::size_t image, bool has_bias, bool sums) const {
    const auto [height, width, channels, filters] = shape_;
    std::vector<double> y(added[image].size());
    for (std::int64_t f = 0; f < filters; ++f) {
      for (std::int64_t p = 0; p < height * width; ++p) {
        double sum = has_bias ? static_cast<double>(bias[static_cast<std::size_t>(f)]) : 0.0;
        if (sums) sum += static_cast<double>(added[image][At(f, p, height * width)]);
        for (std::int64_t tap = 0; tap < 9; ++tap) {
          const std::int64_t row = p / width + tap / 3 - 1, column = p % width + tap % 3 - 1;
          if (row < 0 || row >= height || column < 0 || column >= width) continue;
          for (std::int64_t c = 0; c < channels; ++c) {
            const std::int64_t w = ((f / kLanes * channels + c) * 9 + tap) * kLanes + f % kLanes;
            sum += static_cast<double>(weights[static_cast<std::size_t>(w)]) *
                   static_cast<double>(x[image][At(c, row * width + column, height * width)]);
          }
        }
        y[At(f, p, height * width)] = sum;
      }
    }
    return y;
  }

  std::vector<float> weights, bias;
  std::vector<std::vector<float>> x, added;

 private:
  std::vector<float> Draw(std::int64_t count) {
    std::vector<float> values(static_cast<std::size_t>(count));
    std::normal_distribution<float> normal;
    for (float& value : values) value = normal(random_);
    return values;
  }

  WinogradShape shape_;
  std::mt19937 random_{5};
};

std::vector<Vectors> Available() {
  std::vector<Vectors> all;
  for (const Vectors vectors : {Vectors::kBaseline, Vectors::kAvx2, Vectors::kAvx512}) {
    if (vectors <= onednn::NewestVectors() && HasWinograd(vectors)) all.push_back(vectors);
  }
  return all;
}

class Shapes : public testing::TestWithParam<WinogradShape> {};

TEST_P(Shapes, AreAsTheDefinitionSays) {
  if (Available().empty()) GTEST_SKIP() << "needs AVX2";
  constexpr std::size_t kImages = 3;
  const Case sample(GetParam(), kImages);
  for (const Vectors vectors : Available()) {
    for (const bool has_bias : {false, true}) {
      for (const bool sums : {false, true}) {
        const auto actual = sample.Run(0, kImages, has_bias, sums, vectors);
        for (std::size_t i = 0; i < kImages; ++i) {
          const std::vector<double> expected = sample.Expected(i, has_bias, sums);
          ASSERT_EQ(actual[i].size(), expected.size());
          double worst = 0, squares = 0;
          for (std::size_t k = 0; k < expected.size(); ++k) {
            const double difference = std::fabs(static_cast<double>(actual[i][k]) - expected[k]);
            ASSERT_TRUE(std::isfinite(difference)) << k;
            worst = std::max(worst, difference);
            squares += expected[k] * expected[k];
          }
          // Beside a usual result; a sum of products one after the other is off by a tenth of that.
          EXPECT_LE(worst, 2e-5 * std::sqrt(squares / static_cast<double>(expected.size())));
        }
      }
    }
  }
}

TEST_P(Shapes, DoNotDependOnCompany) {
  if (Available().empty()) GTEST_SKIP() << "needs AVX2";
  constexpr std::size_t kImages = 9;
  const Case sample(GetParam(), kImages);
  for (const Vectors vectors : Available()) {
    const auto together = sample.Run(0, kImages, true, true, vectors);
    for (std::size_t i = 0; i < kImages; ++i) {
      ExpectSameBits(sample.Run(i, 1, true, true, vectors).front(), together[i]);
    }
  }
}

// Whole tiles and parts of them, one tile, odd numbers of blocks, several chunks of tiles, faces that share a chunk.
INSTANTIATE_TEST_SUITE_P(All, Shapes,
                         testing::Values(WinogradShape{8, 8, 32, 32}, WinogradShape{7, 7, 64, 48},
                                         WinogradShape{1, 1, 16, 16}, WinogradShape{2, 9, 48, 16},
                                         WinogradShape{14, 12, 32, 80}, WinogradShape{34, 30, 16, 32},
                                         WinogradShape{14, 14, 256, 32}));

TEST(OneDnnWinograd, IsUsedAndIsTheSame) {
  if (!HasWinograd(onednn::NewestVectors())) GTEST_SKIP() << "needs AVX2";
  for (const auto& [batch, channels, side] : {std::tuple{1, 64, 56}, std::tuple{1, 128, 14}, std::tuple{3, 32, 7}}) {
    GraphForTest g;
    const auto x = g.Input({batch, channels, side, side});
    const auto first = g.Add("Relu", {g.Conv(x, channels)});
    const auto graph = g.Done({g.Add("Add", {g.Conv(first, 2 * channels), g.Conv(x, 2 * channels)})});
    ExpectSameOnBoth(graph);
    for (const char* conv : {"Conv0", "Conv2", "Conv3"}) {
      EXPECT_THAT(Implementation(graph, conv), testing::HasSubstr("winograd"));
    }
  }
}

TEST(OneDnnWinograd, LeavesOtherWindowsToOneDnn) {
  GraphForTest g;
  const auto x = g.Input({1, 64, 14, 14});
  const auto conv = [&](std::int64_t pad, std::int64_t stride, std::int64_t dilation) {
    return g.Add("Conv", {x, g.Random({64, 64, 3, 3}, -0.1f, 0.1f)},
                 {{"pads", std::vector<std::int64_t>{pad, pad, pad, pad}},
                  {"strides", std::vector<std::int64_t>{stride, stride}},
                  {"dilations", std::vector<std::int64_t>{dilation, dilation}}});
  };
  const auto graph =
      g.Done({conv(0, 1, 1), conv(1, 2, 1), conv(1, 1, 2), conv(2, 1, 2), g.Conv(x, 24), g.Conv(x, 64, 2)});
  ExpectSameOnBoth(graph);
  for (const LayerReport& layer : CompileOneDnn(graph)->Layers()) {
    EXPECT_THAT(layer.implementation, testing::Not(testing::HasSubstr("winograd"))) << layer.node;
  }
}

}  // namespace
}  // namespace prefiqs::engine
