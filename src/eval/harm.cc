#include "eval/harm.h"

#include <algorithm>
#include <cmath>

#include "score/rank_correlation.h"

namespace prefiqs::eval {

std::vector<Harm> HarmOfImages(const Comparisons& c, std::size_t images, double threshold) {
  struct Sides {
    bool seen = false;
    std::uint32_t errors = 0;
    float most_alike_other = -1, least_alike_mated = 1;
  };
  std::vector<Sides> sides(images);
  for (std::size_t i = 0; i < c.size(); ++i) {
    const bool error = (c.similarity[i] >= threshold) != (c.mated[i] != 0);
    for (const std::uint32_t image : {c.first[i], c.second[i]}) {
      Sides& s = sides[image];
      s.seen = true;
      s.errors += error ? 1 : 0;
      if (c.mated[i]) {
        s.least_alike_mated = std::min(s.least_alike_mated, c.similarity[i]);
      } else {
        s.most_alike_other = std::max(s.most_alike_other, c.similarity[i]);
      }
    }
  }
  std::vector<Harm> harm;
  for (std::size_t i = 0; i < images; ++i) {
    if (!sides[i].seen) continue;
    harm.push_back(
        {static_cast<std::uint32_t>(i), sides[i].errors, sides[i].most_alike_other - sides[i].least_alike_mated});
  }
  return harm;
}

std::optional<double> RankOfHarm(std::span<const Harm> harm, std::span<const float> quality, double alpha) {
  if (harm.size() < 2) return std::nullopt;
  std::vector<std::size_t> order(harm.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto worse = [&](std::size_t a, std::size_t b) {
    return harm[a].errors != harm[b].errors ? harm[a].errors > harm[b].errors : harm[a].margin > harm[b].margin;
  };
  std::ranges::sort(order, worse);
  // One number a group of equals, for the ranks.
  std::vector<double> place(harm.size()), known(harm.size());
  for (std::size_t i = 1; i < order.size(); ++i) {
    place[order[i]] = place[order[i - 1]] + (worse(order[i - 1], order[i]) ? 1 : 0);
  }
  for (std::size_t i = 0; i < harm.size(); ++i) {
    known[i] = Known(quality[harm[i].image]);
  }
  const std::vector<double> by_harm = score::MidRanks(place), by_quality = score::MidRanks(known);
  const auto count = static_cast<double>(harm.size());
  double squares = 0, weights = 0;
  for (std::size_t i = 0; i < harm.size(); ++i) {
    const double weight = std::pow(by_harm[i] / count, alpha), apart = by_harm[i] - by_quality[i];
    squares += weight * apart * apart;
    weights += weight;
  }
  return 1 - 6 * squares / ((count * count - 1) * weights);
}

}  // namespace prefiqs::eval
