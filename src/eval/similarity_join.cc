#include "eval/similarity_join.h"

#include <algorithm>
#include <cmath>
#include <functional>
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

struct SampledPair {
  std::uint32_t first, second;
  float similarity;
};

// Non-mated, the same ones for as many images.
std::vector<SampledPair> Sample(const Matrix& unit, std::span<const std::uint32_t> identity) {
  std::mt19937_64 random(unit.rows);
  std::vector<SampledPair> sample;
  for (std::size_t tries = 0; tries < kSample; ++tries) {
    const std::size_t a = (random() >> 32) * unit.rows >> 32, b = (random() >> 32) * unit.rows >> 32;
    if (identity[a] == identity[b]) continue;
    sample.push_back({static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(b), Product(unit.Row(a), unit.Row(b))});
  }
  return sample;
}

// The similarity that `share` of them exceed.
float Quantile(std::vector<float> similarities, double share) {
  if (similarities.empty()) return kNotCompared;
  const double wanted = share * static_cast<double>(similarities.size());
  if (wanted >= static_cast<double>(similarities.size())) return kNotCompared;
  const auto place = similarities.begin() + static_cast<std::ptrdiff_t>(wanted);
  std::ranges::nth_element(similarities, place, std::greater{});
  return *place;
}

float Floor(const Matrix& unit, std::span<const std::uint32_t> identity, double share) {
  if (share >= 1 || unit.rows < 2) return kNotCompared;
  std::vector<float> similarities;
  for (const SampledPair& pair : Sample(unit, identity)) similarities.push_back(pair.similarity);
  return Quantile(std::move(similarities), share);
}

struct Found {
  std::uint32_t second;
  float similarity;
};

// The pairs of the images from `first` on, kBlock of them, with all later ones.
std::vector<std::vector<Found>> JoinBlock(const Matrix& unit, const std::vector<float>& panels,
                                          const std::vector<bool>& zero, std::span<const std::uint32_t> identity,
                                          const Floors& floors, std::size_t first) {
  const auto of_pair = [&](std::size_t a, std::size_t b) {
    float lowest = std::numeric_limits<float>::infinity();
    for (const std::vector<float>& of : floors) lowest = std::min(lowest, std::max(of[a], of[b]));
    return lowest;
  };

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
        const std::size_t i = first + group + r;
        const float floor = of_pair(i, i);  // of no pair of it a lower one
        if (!(most >= floor)) continue;
        for (std::size_t j = 0; j < kPanel; ++j) {
          const std::size_t other = panel * kPanel + j;
          if (!(line[j] >= floor) || other <= i || other >= unit.rows || identity[other] == identity[i]) continue;
          const float similarity = zero[i] || zero[other] ? kNotCompared : line[j];
          if (similarity >= of_pair(i, other))
            found[group + r].push_back({static_cast<std::uint32_t>(other), similarity});
        }
      }
    }
  }
  return found;
}

}  // namespace

void ForEachProduct(const Matrix& unit, int threads, const std::function<float(std::size_t)>& lowest,
                    const std::function<void(std::size_t, std::size_t, float)>& see) {
  const std::vector<float> panels = Panels(unit);
  const std::vector<float> nothing(unit.columns);
  ParallelFor((unit.rows + kBlock - 1) / kBlock, threads, [&](std::size_t block) {
    const std::size_t end = std::min((block + 1) * kBlock, unit.rows);
    float out[kRows * kPanel];
    for (std::size_t panel = 0; panel * kPanel < unit.rows; ++panel) {
      const std::size_t width = std::min(kPanel, unit.rows - panel * kPanel);
      for (std::size_t first = block * kBlock; first < end; first += kRows) {
        const std::size_t count = std::min(kRows, end - first);
        const float* rows[kRows];
        for (std::size_t r = 0; r < kRows; ++r) {
          rows[r] = r < count ? unit.values.data() + (first + r) * unit.columns : nothing.data();
        }
        Tile(rows, panels.data() + panel * kPanel * unit.columns, unit.columns, out);
        for (std::size_t r = 0; r < count; ++r) {
          const float* const line = out + r * kPanel;
          if (!(*std::max_element(line, line + width) > lowest(first + r))) continue;
          for (std::size_t k = 0; k < width; ++k) {
            if (line[k] > lowest(first + r)) see(first + r, panel * kPanel + k, line[k]);
          }
        }
      }
    }
  });
}

Floors FloorsOf(const Matrix& unit, std::span<const std::uint32_t> identity,
                std::span<const std::vector<float>> qualities, double share) {
  constexpr std::size_t kLevels = 40;  // of images that are gone, a fortieth each
  Floors floors(qualities.size(), std::vector<float>(unit.rows, kNotCompared));
  if (share >= 1 || unit.rows < 2) return floors;
  const std::vector<SampledPair> sample = Sample(unit, identity);
  for (std::size_t method = 0; method < qualities.size(); ++method) {
    const std::span<const float> quality = qualities[method];
    const std::vector<std::uint32_t> order = WorstFirst(quality);
    std::vector<std::size_t> level(order.size());  // of each image; of equally good ones the first one's
    for (std::size_t k = 0; k < order.size(); ++k) {
      const bool equal = k > 0 && Known(quality[order[k]]) == Known(quality[order[k - 1]]);
      level[order[k]] = equal ? level[order[k - 1]] : k * kLevels / order.size();
    }
    std::vector<float> of_level;  // of what is left when all of lower levels is gone, or of more
    for (std::size_t l = 0; l < kLevels; ++l) {
      std::vector<float> left;
      for (const SampledPair& pair : sample) {
        if (std::min(level[pair.first], level[pair.second]) >= l) left.push_back(pair.similarity);
      }
      // Of few samples a quantile is unsure, and the pairs are few as well.
      const auto n = static_cast<double>(std::max<std::size_t>(left.size(), 1));
      const float floor = Quantile(std::move(left), share + 3 * std::sqrt((share * n + 1)) / n);
      of_level.push_back(l == 0 ? floor : std::min(floor, of_level.back()));
    }
    for (std::size_t i = 0; i < unit.rows; ++i) floors[method][i] = of_level[level[i]];
  }
  return floors;
}

AllPairs JoinAllPairs(const Matrix& unit, std::span<const std::uint32_t> identity, double share, int threads) {
  return JoinAllPairs(unit, identity, Floors{std::vector<float>(unit.rows, Floor(unit, identity, share))}, threads);
}

AllPairs JoinAllPairs(const Matrix& unit, std::span<const std::uint32_t> identity, const Floors& floors, int threads) {
  AllPairs result;
  result.floor = std::numeric_limits<float>::infinity();
  for (const std::vector<float>& of : floors) {
    for (const float floor : of) result.floor = std::min(result.floor, floor);
  }
  std::vector<bool> zero(unit.rows);
  for (std::size_t i = 0; i < unit.rows; ++i) zero[i] = IsZero(unit.Row(i));
  const std::vector<float> panels = Panels(unit);
  const std::size_t blocks = (unit.rows + kBlock - 1) / kBlock;
  std::vector<std::vector<std::vector<Found>>> found(blocks);
  ParallelFor(blocks, threads,
              [&](std::size_t b) { found[b] = JoinBlock(unit, panels, zero, identity, floors, b * kBlock); });

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
