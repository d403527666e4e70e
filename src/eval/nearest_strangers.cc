#include "eval/nearest_strangers.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/parallel.h"
#include "eval/similarity_join.h"

namespace prefiqs::eval {

NearestStrangers::NearestStrangers(const Matrix& unit, std::span<const std::uint32_t> identity, int threads)
    : strangers_(unit.rows * kKept), count_(unit.rows) {
  std::vector<bool> zero(unit.rows);
  for (std::size_t i = 0; i < unit.rows; ++i)
    zero[i] = std::ranges::all_of(unit.Row(i), [](float v) { return v == 0; });
  const auto see = [&](std::size_t image, std::size_t other, float similarity) {
    if (identity[other] == identity[image] || zero[image] || zero[other]) return;
    Stranger* const kept = strangers_.data() + image * kKept;
    std::size_t count = count_[image];
    // One of each person; of equals the first.
    std::size_t place = 0;
    while (place < count && kept[place].identity != identity[other]) ++place;
    if (place < count) {
      if (similarity <= kept[place].similarity) return;
    } else if (count < kKept) {
      place = count_[image]++;
    } else {
      place = count - 1;
      if (similarity <= kept[place].similarity) return;
    }
    kept[place] = {similarity, identity[other]};
    for (; place > 0 && kept[place - 1].similarity < kept[place].similarity; --place) {
      std::swap(kept[place - 1], kept[place]);
    }
  };
  const auto lowest = [&](std::size_t image) {
    return count_[image] < kKept ? -std::numeric_limits<float>::infinity()
                                 : strangers_[image * kKept + kKept - 1].similarity;
  };
  ForEachProduct(unit, threads, lowest, see);
}

float NearestStrangers::Similarity(std::size_t image, std::span<const std::uint32_t> drawn) const {
  const Stranger* const kept = strangers_.data() + image * kKept;
  for (std::size_t i = 0; i < count_[image]; ++i) {
    if (drawn.empty() || drawn[kept[i].identity] > 0) return kept[i].similarity;
  }
  return count_[image] == 0 ? -1 : kept[count_[image] - 1].similarity;
}

}  // namespace prefiqs::eval
