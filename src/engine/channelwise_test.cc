#include "engine/channelwise.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

namespace prefiqs::engine {
namespace {

float FromBits(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

// The nearest of the two bfloat16 around it, by comparing distances.
float NearestBf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto low = static_cast<std::uint16_t>(bits >> 16);
  const float below = FromBits(low), above = FromBits(static_cast<std::uint16_t>(low + 1));
  const double to_below = std::fabs(static_cast<double>(value) - static_cast<double>(below));
  const double to_above = std::fabs(static_cast<double>(above) - static_cast<double>(value));
  if (to_below != to_above) return to_below < to_above ? below : above;
  return low % 2 == 0 ? below : above;
}

class Channelwise : public testing::TestWithParam<Vectors> {
 protected:
  std::vector<float> Draw(std::size_t count, float low, float high) {
    std::vector<float> values(count);
    std::uniform_real_distribution<float> any(low, high);
    for (float& value : values) value = any(random_);
    return values;
  }
  ChannelFunction DrawFunction(std::size_t channels) {
    ChannelFunction f = ChannelFunction::Identity(channels);
    f.scale = Draw(channels, -2, 2);
    f.shift = Draw(channels, -1, 1);
    f.slope = Draw(channels, -1, 2);
    f.post_scale = Draw(channels, -2, 2);
    f.post_shift = Draw(channels, -1, 1);
    return f;
  }
  // What stands at place `i` of memory laid out as `rows`.
  static float Expected(const ChannelFunction& f, const ChannelRows& rows, std::size_t i, float x) {
    const auto width = static_cast<std::size_t>(rows.width), count = static_cast<std::size_t>(rows.rows);
    const std::size_t c = i / (width * count) % static_cast<std::size_t>(rows.blocks) * width + i % width;
    const float t = x * f.scale[c] + f.shift[c];
    const float y = t > 0 ? t : t * f.slope[c];
    return y * f.post_scale[c] + f.post_shift[c];
  }
  std::mt19937 random_{5};
};

TEST_P(Channelwise, IsTheSameAsOneElementAtATime) {
  for (const ChannelRows& rows : {ChannelRows{1, 1, 7, 5}, {1, 1, 3, 16}, {1, 1, 9, 64}, {2, 3, 4, 16}, {1, 2, 5, 8}}) {
    const auto channels = static_cast<std::size_t>(rows.blocks * rows.width);
    const std::size_t size = channels * static_cast<std::size_t>(rows.outer * rows.rows);
    const ChannelFunction f = DrawFunction(channels);
    const std::vector<float> x = Draw(size, -3, 3);
    std::vector<float> y(size);
    std::vector<std::uint16_t> half(size), from_half(size);
    RunChannelwise(f, rows, ChannelForm::kFloat, ChannelForm::kFloat, x.data(), y.data(), GetParam());
    RunChannelwise(f, rows, ChannelForm::kFloat, ChannelForm::kBf16, x.data(), half.data(), GetParam());
    for (std::size_t i = 0; i < size; ++i) {
      const float expected = Expected(f, rows, i, x[i]);
      ASSERT_EQ(y[i], expected) << i;
      ASSERT_EQ(FromBits(half[i]), NearestBf16(expected)) << i;
    }
    RunChannelwise(f, rows, ChannelForm::kBf16, ChannelForm::kBf16, half.data(), from_half.data(), GetParam());
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(FromBits(from_half[i]), NearestBf16(Expected(f, rows, i, FromBits(half[i])))) << i;
    }
    // Over itself.
    std::vector<float> z = x;
    RunChannelwise(f, rows, ChannelForm::kFloat, ChannelForm::kFloat, z.data(), z.data(), GetParam());
    EXPECT_EQ(z, y);
    RunChannelwise(f, rows, ChannelForm::kBf16, ChannelForm::kBf16, half.data(), half.data(), GetParam());
    EXPECT_EQ(half, from_half);
  }
}

TEST_P(Channelwise, RoundsTiesToEvenAndKeepsWhatIsNoNumber) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x{FromBits(0x3F80) + std::ldexp(1.0f, -8),
                             FromBits(0x3F81) + std::ldexp(1.0f, -8),
                             std::bit_cast<float>(0x7FFFFFFFu),
                             inf,
                             -inf,
                             0.0f,
                             std::numeric_limits<float>::max()};
  std::vector<std::uint16_t> y(x.size());
  RunChannelwise(ChannelFunction::Identity(1), {1, 1, static_cast<std::int64_t>(x.size()), 1}, ChannelForm::kFloat,
                 ChannelForm::kBf16, x.data(), y.data(), GetParam());
  EXPECT_EQ(y[0], 0x3F80);
  EXPECT_EQ(y[1], 0x3F82);
  EXPECT_TRUE(std::isnan(FromBits(y[2])));
  EXPECT_EQ(FromBits(y[3]), inf);
  EXPECT_EQ(FromBits(y[4]), -inf);
  EXPECT_EQ(y[5], 0);
  EXPECT_EQ(FromBits(y[6]), inf);
}

TEST_P(Channelwise, TakesWhatIsNotFiniteAsTheFormulaDoes) {
  constexpr float kInf = std::numeric_limits<float>::infinity(), kLeast = std::numeric_limits<float>::denorm_min();
  constexpr float kMost = std::numeric_limits<float>::max();
  const std::vector<float> odd{NAN, kInf, -kInf, -0.0f, 0.0f, kLeast, -kLeast, kMost, -kMost};
  for (const std::size_t channels : {std::size_t{16}, std::size_t{37}}) {  // whole vectors, and what is left of them
    std::vector<float> x(channels), y(channels);
    for (std::size_t c = 0; c < channels; ++c) x[c] = odd[c % odd.size()];
    for (const float slope : {0.0f, 0.25f, -1.0f}) {
      ChannelFunction f = ChannelFunction::Identity(channels);
      ASSERT_TRUE(f.ThenPRelu(std::vector<float>(channels, slope)));
      const ChannelRows rows{1, 1, 1, static_cast<std::int64_t>(channels)};
      RunChannelwise(f, rows, ChannelForm::kFloat, ChannelForm::kFloat, x.data(), y.data(), GetParam());
      for (std::size_t c = 0; c < channels; ++c) {
        const float expected = Expected(f, rows, c, x[c]);
        if (std::isnan(expected)) {
          ASSERT_TRUE(std::isnan(y[c])) << x[c] << ' ' << slope;
        } else {
          ASSERT_EQ(std::bit_cast<std::uint32_t>(y[c]), std::bit_cast<std::uint32_t>(expected)) << x[c] << ' ' << slope;
        }
      }
    }
  }
}

// Vectors that the machine lacks are not tried.
std::vector<Vectors> Here() {
  std::vector<Vectors> all{Vectors::kBaseline};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(Vectors::kAvx2);
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
    all.push_back(Vectors::kAvx512);
  }
#endif
  return all;
}

INSTANTIATE_TEST_SUITE_P(Vectors, Channelwise, testing::ValuesIn(Here()));

TEST(ChannelFunction, IsWhatItsPartsAreOneAfterTheOther) {
  ChannelFunction f = ChannelFunction::Identity(1);
  const std::vector<double> two{2}, one{1}, three{3}, minus{-4};
  const std::vector<float> slope{0.25f};
  ASSERT_TRUE(f.ThenAffine(two, one));
  ASSERT_TRUE(f.ThenAffine(three, one));
  ASSERT_TRUE(f.ThenPRelu(slope));
  ASSERT_TRUE(f.ThenAffine(minus, one));
  for (const float x : {-2.0f, -0.5f, 0.0f, 1.5f}) {
    const float t = (x * 2 + 1) * 3 + 1, y = (t > 0 ? t : 0.25f * t) * -4 + 1;
    float actual = 0;
    RunChannelwise(f, {}, ChannelForm::kFloat, ChannelForm::kFloat, &x, &actual, Vectors::kBaseline);
    EXPECT_EQ(actual, y) << x;
  }
}

TEST(ChannelFunction, TakesInWhatIsAddedBeforeIt) {
  ChannelFunction f = ChannelFunction::Identity(2);
  ASSERT_TRUE(f.ThenAffine(std::vector<double>{2, -3}, std::vector<double>{1, 0.5}));
  ASSERT_TRUE(f.ThenPRelu(std::vector<float>{0.25f, 0.5f}));
  ASSERT_TRUE(f.OfSum(std::vector<float>{4, 8}));
  const std::vector<float> x{-5, 1};
  std::vector<float> y(2);
  RunChannelwise(f, {1, 1, 1, 2}, ChannelForm::kFloat, ChannelForm::kFloat, x.data(), y.data(), Vectors::kBaseline);
  EXPECT_EQ(y, (std::vector<float>{(2 * (-5 + 4) + 1) * 0.25f, (-3 * (1 + 8) + 0.5f) * 0.5f}));

  const std::vector<float> before = f.shift;
  EXPECT_FALSE(f.OfSum(std::vector<float>{1, std::numeric_limits<float>::infinity()}));
  EXPECT_EQ(f.shift, before);
}

TEST(ChannelFunction, RefusesWhatHasNoSuchForm) {
  ChannelFunction f = ChannelFunction::Identity(1);
  const std::vector<float> slope{0.25f}, none{std::numeric_limits<float>::quiet_NaN()};
  const std::vector<double> huge{1e300}, zero{0};
  EXPECT_FALSE(f.ThenPRelu(none));
  EXPECT_FALSE(f.ThenAffine(huge, zero));
  EXPECT_EQ(f.scale[0], 1.0f);
  EXPECT_TRUE(f.ThenPRelu(slope));
  EXPECT_FALSE(f.ThenPRelu(slope));
}

}  // namespace
}  // namespace prefiqs::engine
