#include "bench/ceiling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace prefiqs::bench {
namespace {

// No machine that runs this does less, or more: 0.2 is a scalar multiply-add every tenth cycle at 1 GHz.
constexpr double kLeastGigaflops = 0.2, kMostGigaflops = 1e6;

TEST(Ceiling, IsOfThisWorld) {
  for (const Factors factors : {Factors::kFloat32, Factors::kBFloat16}) {
    if (!Multiplies(factors)) continue;
    const double gigaflops = MeasureGigaflops(factors, 1, 0.1);
    EXPECT_GT(gigaflops, kLeastGigaflops) << Name(factors);
    EXPECT_LT(gigaflops, kMostGigaflops) << Name(factors);
  }
  const double copied = MeasureCopiedGigabytes(2, 0.1);
  EXPECT_GT(copied, 0.05);
  EXPECT_LT(copied, 1e5);
}

TEST(Ceiling, OneRowForEachPrecisionAndNumberOfThreads) {
  const std::vector<BenchCeiling> ceilings = MeasureCeilings({1, 2}, 0.2);
  const std::size_t precisions = Multiplies(Factors::kBFloat16) ? 2 : 1;
  ASSERT_EQ(ceilings.size(), 2 * precisions);
  EXPECT_EQ(ceilings[0].precision, "fp32");
  EXPECT_EQ(ceilings[0].threads, 1);
  EXPECT_EQ(ceilings.back().threads, 2);
  for (const BenchCeiling& ceiling : ceilings) {
    EXPECT_GT(ceiling.gigaflops, kLeastGigaflops);
    EXPECT_GT(ceiling.copied_gigabytes, 0);
  }
}

}  // namespace
}  // namespace prefiqs::bench
