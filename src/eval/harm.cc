#include "eval/harm.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace prefiqs::eval {
namespace {

// Each value's rank from 1 for the lowest, equal ones the mean of theirs; a value stands as often as `copies` say.
std::vector<double> MidRanks(std::span<const double> values, std::span<const Harm> copies) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  std::uint64_t before = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    std::uint64_t equal = 0;
    for (; end < order.size() && values[order[end]] == values[order[begin]]; ++end) equal += copies[order[end]].copies;
    const double middle = static_cast<double>(before) + (static_cast<double>(equal) + 1) / 2;
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = middle;
    before += equal;
  }
  return ranks;
}

}  // namespace

std::vector<Harm> HarmOfImages(const Comparisons& c, std::size_t images, double threshold, const HarmWeights& weights,
                               const NearestStrangers* strangers) {
  struct Sides {
    bool seen = false;
    std::uint64_t errors = 0;
    float most_alike_other = -1, least_alike_mated = 1;
  };
  std::vector<Sides> sides(images);
  for (std::size_t i = 0; i < c.size(); ++i) {
    const std::uint64_t weight = WeightOf(weights.comparisons, i);
    if (weight == 0) continue;
    const bool error = (c.similarity[i] >= threshold) != (c.mated[i] != 0);
    for (const std::uint32_t image : {c.first[i], c.second[i]}) {
      Sides& s = sides[image];
      s.seen = true;
      s.errors += error ? weight : 0;
      if (c.mated[i]) {
        s.least_alike_mated = std::min(s.least_alike_mated, c.similarity[i]);
      } else {
        s.most_alike_other = std::max(s.most_alike_other, c.similarity[i]);
      }
    }
  }
  std::vector<Harm> harm;
  for (std::size_t i = 0; i < images; ++i) {
    const auto copies = static_cast<std::uint32_t>(WeightOf(weights.images, static_cast<std::uint32_t>(i)));
    if (copies == 0 || (strangers == nullptr && !sides[i].seen)) continue;
    const float other = strangers != nullptr ? strangers->Similarity(i, weights.identities) : sides[i].most_alike_other;
    // A comparison counts as often as both of its images' people together: of one copy that is the other's number.
    harm.push_back(
        {static_cast<std::uint32_t>(i), sides[i].errors / copies, other - sides[i].least_alike_mated, copies});
  }
  return harm;
}

std::optional<double> RankOfHarm(std::span<const Harm> harm, std::span<const float> quality, double alpha) {
  double count = 0;
  for (const Harm& one : harm) count += one.copies;
  if (count < 2) return std::nullopt;
  std::vector<std::size_t> order(harm.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto worse = [&](std::size_t a, std::size_t b) {
    return harm[a].errors != harm[b].errors ? harm[a].errors > harm[b].errors : harm[a].margin > harm[b].margin;
  };
  std::ranges::sort(order, worse);
  // One number a group of equals, for the ranks.
  std::vector<double> place(harm.size()), known(harm.size());
  for (std::size_t i = 1; i < order.size(); ++i) {
    place[order[i]] = place[order[i - 1]] + (worse(order[i - 1], order[i]) ? 1 : 0);
  }
  for (std::size_t i = 0; i < harm.size(); ++i) known[i] = Known(quality[harm[i].image]);
  const std::vector<double> by_harm = MidRanks(place, harm), by_quality = MidRanks(known, harm);
  double squares = 0, weights = 0;
  for (std::size_t i = 0; i < harm.size(); ++i) {
    const double weight = harm[i].copies * std::pow(by_harm[i] / count, alpha), apart = by_harm[i] - by_quality[i];
    squares += weight * apart * apart;
    weights += weight;
  }
  return 1 - 6 * squares / ((count * count - 1) * weights);
}

}  // namespace prefiqs::eval
