#include "eval/similarity_join.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "base/parallel.h"

namespace prefiqs::eval {
namespace {

constexpr std::size_t kRows = 6, kLanes = 16, kPanel = 2 * kLanes;  // a tile that fits AVX-512's registers
constexpr std::size_t kBlock = 8 * kRows;                           // rows that go over the panels together
constexpr std::size_t kSample = 200000;
constexpr float kNotCompared = -std::numeric_limits<float>::infinity();

using Lanes __attribute__((vector_size(kLanes * sizeof(float)))) = float;

// Products of kRows rows of `a` (by pointer) with the kPanel rows of a panel, which lies column by column.
// Compiled for several instruction sets, of which the machine's best is taken; none fuses multiplication and addition,
// so that all give the same bits.
// Not under the thread sanitizer: the choice is made before its runtime is there, which crashes it.
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
void Tile(const float* const* rows, const float* panel, std::size_t columns, float* out) {
  Lanes sum[kRows][2] = {};
  for (std::size_t k = 0; k < columns; ++k) {
    Lanes b[2];
    __builtin_memcpy(b, panel + k * kPanel, sizeof b);
#pragma GCC unroll 6
    for (std::size_t r = 0; r < kRows; ++r) {
      const float a = rows[r][k];
      sum[r][0] += a * b[0];
      sum[r][1] += a * b[1];
    }
  }
  __builtin_memcpy(out, sum, sizeof sum);
}

// Rows in groups of kPanel, each column by column; zeros behind the last.
std::vector<float> Panels(const Matrix& m) {
  const std::size_t panels = (m.rows + kPanel - 1) / kPanel;
  std::vector<float> packed(panels * kPanel * m.columns);
  for (std::size_t i = 0; i < m.rows; ++i) {
    float* const panel = packed.data() + i / kPanel * kPanel * m.columns + i % kPanel;
    for (std::size_t k = 0; k < m.columns; ++k) panel[k * kPanel] = m.values[i * m.columns + k];
  }
  return packed;
}

bool IsZero(std::span<const float> row) {
  return std::ranges::all_of(row, [](float v) { return v == 0; });
}

float Product(std::span<const float> a, std::span<const float> b) {
  float sum = 0;
  for (std::size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

float Floor(const Matrix& unit, std::span<const std::uint32_t> identity, double share) {
  if (share >= 1 || unit.rows < 2) return -std::numeric_limits<float>::infinity();
  std::mt19937_64 random(unit.rows);
  std::vector<float> sample;
  for (std::size_t tries = 0; tries < kSample; ++tries) {
    const std::size_t a = (random() >> 32) * unit.rows >> 32, b = (random() >> 32) * unit.rows >> 32;
    if (identity[a] != identity[b]) sample.push_back(Product(unit.Row(a), unit.Row(b)));
  }
  if (sample.empty()) return -std::numeric_limits<float>::infinity();
  const auto place = sample.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(sample.size()));
  std::ranges::nth_element(sample, place, std::greater{});
  return *place;
}

struct Found {
  std::uint32_t second;
  float similarity;
};

// The pairs of the images from `first` on, kBlock of them, with all later ones.
std::vector<std::vector<Found>> JoinBlock(const Matrix& unit, const std::vector<float>& panels,
                                          const std::vector<bool>& zero, std::span<const std::uint32_t> identity,
                                          float floor, std::size_t first) {
  std::vector<std::vector<Found>> found(std::min(kBlock, unit.rows - first));
  const std::vector<float> nothing(unit.columns);
  float out[kRows * kPanel];
  for (std::size_t panel = first / kPanel; panel * kPanel < unit.rows; ++panel) {
    for (std::size_t group = 0; group < found.size(); group += kRows) {
      const float* rows[kRows];
      for (std::size_t r = 0; r < kRows; ++r) {
        const std::size_t i = first + group + r;
        rows[r] = group + r < found.size() ? unit.values.data() + i * unit.columns : nothing.data();
      }
      Tile(rows, panels.data() + panel * kPanel * unit.columns, unit.columns, out);
      for (std::size_t r = 0; r < kRows && group + r < found.size(); ++r) {
        const float* const line = out + r * kPanel;
        float most = line[0];
        for (std::size_t j = 1; j < kPanel; ++j) most = std::max(most, line[j]);
        if (!(most >= floor)) continue;
        const std::size_t i = first + group + r;
        for (std::size_t j = 0; j < kPanel; ++j) {
          const std::size_t other = panel * kPanel + j;
          if (!(line[j] >= floor) || other <= i || other >= unit.rows || identity[other] == identity[i]) continue;
          const float similarity = zero[i] || zero[other] ? kNotCompared : line[j];
          if (similarity >= floor) found[group + r].push_back({static_cast<std::uint32_t>(other), similarity});
        }
      }
    }
  }
  return found;
}

}  // namespace

AllPairs JoinAllPairs(const Matrix& unit, std::span<const std::uint32_t> identity, double share, int threads) {
  AllPairs result;
  result.floor = Floor(unit, identity, share);
  std::vector<bool> zero(unit.rows);
  for (std::size_t i = 0; i < unit.rows; ++i) zero[i] = IsZero(unit.Row(i));
  const std::vector<float> panels = Panels(unit);
  const std::size_t blocks = (unit.rows + kBlock - 1) / kBlock;
  std::vector<std::vector<std::vector<Found>>> found(blocks);
  ParallelFor(blocks, threads,
              [&](std::size_t b) { found[b] = JoinBlock(unit, panels, zero, identity, result.floor, b * kBlock); });

  // Each identity's images, rising.
  std::uint32_t identities = 0;
  for (const std::uint32_t id : identity) identities = std::max(identities, id + 1);
  std::vector<std::vector<std::uint32_t>> images(identities);
  for (std::uint32_t i = 0; i < unit.rows; ++i) images[identity[i]].push_back(i);

  Comparisons& c = result.comparisons;
  std::size_t held = 0;
  for (const auto& mates : images) held += mates.size() * (mates.size() - std::min<std::size_t>(mates.size(), 1)) / 2;
  for (const auto& block : found) {
    for (const std::vector<Found>& others : block) held += others.size();
  }
  c.first.reserve(held);  // growing would take twice the room
  c.second.reserve(held);
  c.similarity.reserve(held);
  c.mated.reserve(held);
  const auto add = [&](std::size_t a, std::uint32_t b, float similarity, bool mated) {
    c.first.push_back(static_cast<std::uint32_t>(a));
    c.second.push_back(b);
    c.similarity.push_back(similarity);
    c.mated.push_back(mated);
  };
  for (std::size_t i = 0; i < unit.rows; ++i) {
    const std::vector<std::uint32_t>& mates = images[identity[i]];
    auto mate = std::ranges::upper_bound(mates, static_cast<std::uint32_t>(i));
    result.mated += static_cast<std::uint64_t>(mates.end() - mate);
    const auto add_mate = [&] {
      const bool comparable = !zero[i] && !zero[*mate];
      add(i, *mate, comparable ? Product(unit.Row(i), unit.Row(*mate)) : kNotCompared, true);
      ++mate;
    };
    std::vector<Found>& others = found[i / kBlock][i % kBlock];
    for (const Found& other : others) {
      while (mate != mates.end() && *mate < other.second) add_mate();
      add(i, other.second, other.similarity, false);
    }
    while (mate != mates.end()) add_mate();
    std::vector<Found>().swap(others);
  }
  const std::uint64_t n = unit.rows;
  result.non_mated = n * (n - std::min<std::uint64_t>(n, 1)) / 2 - result.mated;
  return result;
}

}  // namespace prefiqs::eval
