#include "engine/tile_product.h"

#include <cmath>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/tiles.h"

namespace prefiqs::engine {
namespace {

using Halves = std::vector<std::uint16_t>;

float Widened(std::uint16_t half) { return __builtin_bit_cast(float, static_cast<std::uint32_t>(half) << 16); }

class Case {
 public:
  Case(const TileMatrix& matrix, std::size_t rows) : matrix_(matrix) {
    for (std::size_t i = 0; i < rows; ++i) x.push_back(Draw(matrix.depth));
    weights = Draw(matrix.depth * matrix.results);
    for (const std::uint16_t value : Draw(matrix.results)) bias.push_back(Widened(value));
  }

  std::vector<std::vector<float>> Run(std::size_t first, std::size_t count, bool has_bias) const {
    Halves packed(weights.size());
    for (std::int64_t k = 0; k < matrix_.depth; ++k) {
      for (std::int64_t n = 0; n < matrix_.results; ++n) {
        const std::int64_t tile = n / 16 * (matrix_.depth / 32) + k / 32;
        packed[static_cast<std::size_t>(((tile * 16 + k % 32 / 2) * 16 + n % 16) * 2 + k % 2)] =
            weights[static_cast<std::size_t>(k * matrix_.results + n)];
      }
    }
    std::vector<std::vector<float>> y(count, std::vector<float>(static_cast<std::size_t>(matrix_.results), NAN));
    std::vector<TileRow> rows;
    for (std::size_t i = 0; i < count; ++i) rows.push_back({x[first + i].data(), y[i].data()});
    Halves scratch(TileProductScratch(matrix_, count), 0x7FC0);
    RunTileProduct(matrix_, rows, packed.data(), has_bias ? bias.data() : nullptr, scratch);
    return y;
  }

  double Expected(std::size_t row, std::int64_t n, bool has_bias) const {
    double sum = has_bias ? static_cast<double>(bias[static_cast<std::size_t>(n)]) : 0.0;
    for (std::int64_t k = 0; k < matrix_.depth; ++k) {
      sum += static_cast<double>(Widened(x[row][static_cast<std::size_t>(k)])) *
             static_cast<double>(Widened(weights[static_cast<std::size_t>(k * matrix_.results + n)]));
    }
    return sum;
  }

  std::vector<Halves> x;
  Halves weights;  // depth × results
  std::vector<float> bias;

 private:
  Halves Draw(std::int64_t count) {
    std::normal_distribution<float> normal;
    Halves values;
    for (std::int64_t i = 0; i < count; ++i) {
      values.push_back(static_cast<std::uint16_t>(__builtin_bit_cast(std::uint32_t, normal(random_)) >> 16));
    }
    return values;
  }

  TileMatrix matrix_;
  std::mt19937 random_{3};
};

// Four tiles of results and what is left, one; fewer rows than a tile has, and more.
const TileMatrix kMatrices[] = {{32, 16}, {96, 64}, {64, 176}, {1600, 128}};

TEST(TileProduct, IsAsTheDefinitionSays) {
  if (!HasTiles()) GTEST_SKIP() << "needs AMX";
  for (const TileMatrix& matrix : kMatrices) {
    constexpr std::size_t kRows = 19;
    const Case sample(matrix, kRows);
    for (const bool has_bias : {false, true}) {
      const auto y = sample.Run(0, kRows, has_bias);
      const double bound = 1e-5 * std::sqrt(static_cast<double>(matrix.depth));
      for (std::size_t row = 0; row < kRows; ++row) {
        for (std::int64_t n = 0; n < matrix.results; ++n) {
          const double difference =
              std::fabs(static_cast<double>(y[row][static_cast<std::size_t>(n)]) - sample.Expected(row, n, has_bias));
          ASSERT_LE(difference, bound) << matrix.depth << ' ' << matrix.results << ' ' << row << ' ' << n;
        }
      }
    }
  }
}

TEST(TileProduct, DoesNotDependOnCompany) {
  if (!HasTiles()) GTEST_SKIP() << "needs AMX";
  for (const TileMatrix& matrix : kMatrices) {
    constexpr std::size_t kRows = 19;
    const Case sample(matrix, kRows);
    const auto together = sample.Run(0, kRows, true);
    for (std::size_t row = 0; row < kRows; ++row) EXPECT_EQ(sample.Run(row, 1, true).front(), together[row]) << row;
  }
}

}  // namespace
}  // namespace prefiqs::engine
