#include "base/denormals.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <future>
#include <limits>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

namespace prefiqs {
namespace {

constexpr float kSmallest = std::numeric_limits<float>::min();     // normal
constexpr float kTiny = std::numeric_limits<float>::denorm_min();  // denormal

// The compiler may compute none of these itself.
float Product(float a, float b) {
  const volatile float left = a, right = b;
  return left * right;
}

TEST(Denormals, BecomeZeroAndNothingElseDoes) {
  const float below = std::nextafter(kSmallest, 0.0f), infinite = std::numeric_limits<float>::infinity();
  std::vector<float> values{1e-40f,     -1e-40f, kTiny, -kTiny, below,    -below,    kSmallest,
                            -kSmallest, 0.0f,    -0.0f, 1.0f,   infinite, -infinite, std::nanf("")};
  std::vector<float> wanted{0.0f,       0.0f, 0.0f,  0.0f, 0.0f,     0.0f,      kSmallest,
                            -kSmallest, 0.0f, -0.0f, 1.0f, infinite, -infinite, std::nanf("")};
  EXPECT_EQ(ZeroDenormals(values), 6);
  for (std::size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(std::bit_cast<std::uint32_t>(values[i]), std::bit_cast<std::uint32_t>(wanted[i])) << i;
  }
  EXPECT_EQ(ZeroDenormals(values), 0);
  EXPECT_EQ(ZeroDenormals({}), 0);
}

TEST(Denormals, AreFoundAmongAnyBits) {
  std::mt19937 random(18);
  for (const std::size_t count : {1, 3, 17, 1000, (1 << 20) + 5}) {
    std::vector<std::uint32_t> bits(count);
    std::vector<float> values(count);
    std::int64_t denormal = 0;
    for (std::size_t i = 0; i < count; ++i) {
      bits[i] = random();
      if (i % 3 == 0) bits[i] &= 0x80ffffffu;  // small exponents
      values[i] = std::bit_cast<float>(bits[i]);
      denormal += std::fpclassify(values[i]) == FP_SUBNORMAL ? 1 : 0;
    }
    const std::vector<float> before = values;
    EXPECT_EQ(ZeroDenormals(values), denormal);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t wanted = std::fpclassify(before[i]) == FP_SUBNORMAL ? 0 : bits[i];
      ASSERT_EQ(std::bit_cast<std::uint32_t>(values[i]), wanted) << i;
    }
  }
}

TEST(DenormalsAreZero, ReadsAndWritesZeroWhileItLives) {
  if (!DenormalsAreZero::Available()) GTEST_SKIP() << "this processor's mode is not known";
  ASSERT_FALSE(DenormalsAreZero::Active());
  EXPECT_NE(Product(1e-20f, 1e-20f), 0.0f);
  {
    const DenormalsAreZero outer;
    EXPECT_TRUE(DenormalsAreZero::Active());
    EXPECT_EQ(Product(1e-20f, 1e-20f), 0.0f);  // a result
    EXPECT_EQ(Product(1e-40f, 1e30f), 0.0f);   // an operand
    EXPECT_EQ(Product(kSmallest, 1.0f), kSmallest);
    {
      const DenormalsAreZero inner;
      EXPECT_TRUE(DenormalsAreZero::Active());
    }
    EXPECT_TRUE(DenormalsAreZero::Active());
  }
  EXPECT_FALSE(DenormalsAreZero::Active());
  EXPECT_NE(Product(1e-20f, 1e-20f), 0.0f);
  EXPECT_NE(Product(1e-40f, 1e30f), 0.0f);
}

TEST(DenormalsAreZero, EndsWhereSomethingThrows) {
  try {
    const DenormalsAreZero mode;
    throw std::runtime_error("out of here");
  } catch (const std::runtime_error&) {
    EXPECT_FALSE(DenormalsAreZero::Active());
  }
}

TEST(DenormalsAreZero, IsOfItsThread) {
  // The other thread starts first: on Linux a new thread has its creator's mode.
  std::promise<void> set;
  bool elsewhere = true;
  std::thread other([&, is_set = set.get_future()]() mutable {
    is_set.wait();
    elsewhere = DenormalsAreZero::Active();
  });
  const DenormalsAreZero mode;
  set.set_value();
  other.join();
  EXPECT_FALSE(elsewhere);
  EXPECT_EQ(DenormalsAreZero::Active(), DenormalsAreZero::Available());
}

}  // namespace
}  // namespace prefiqs
