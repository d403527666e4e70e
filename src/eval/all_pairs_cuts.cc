#include "eval/all_pairs_cuts.h"

#include <algorithm>
#include <vector>

#include "eval/bootstrap.h"

namespace prefiqs::eval {
namespace {

// Pairs of each image with those behind it in the order, by weight.
std::vector<Kept> PairsWithLater(const std::vector<std::uint32_t>& order, std::span<const std::uint32_t> identity,
                                 Weights drawn) {
  std::uint32_t identities = 0;
  for (const std::uint32_t id : identity) identities = std::max(identities, id + 1);
  std::vector<std::uint64_t> later(identities);  // images
  std::uint64_t weight = 0;
  std::vector<Kept> pairs(order.size());
  for (std::size_t k = order.size(); k-- > 0;) {
    const std::uint32_t id = identity[order[k]];
    const std::uint64_t own = WeightOf(drawn, id);
    pairs[k] = {own * later[id], own * (weight - own * later[id])};
    ++later[id];
    weight += own;
  }
  return pairs;
}

struct Place {
  std::uint32_t first, second;
  friend auto operator<=>(const Place&, const Place&) = default;
};

// The pairs whose worse image has the quality of images[begin, end) of the order; by first, then second.
std::vector<Place> PairsOfGroup(const std::vector<std::uint32_t>& order, std::size_t begin, std::size_t end) {
  std::vector<Place> pairs;
  for (std::size_t k = begin; k < end; ++k) {
    for (std::size_t other = k + 1; other < order.size(); ++other) {
      pairs.push_back({std::min(order[k], order[other]), std::max(order[k], order[other])});
    }
  }
  std::ranges::sort(pairs);
  return pairs;
}

}  // namespace

PairCuts CutsOfAllPairs(const Comparisons& c, std::span<const std::uint32_t> identity, std::span<const float> quality,
                        TieOrder ties, Weights drawn) {
  const std::vector<std::uint32_t> order = WorstFirst(quality);
  const std::vector<Kept> later = PairsWithLater(order, identity, drawn);
  Kept all;
  for (const Kept& pairs : later) {
    all.mated += pairs.mated;
    all.non_mated += pairs.non_mated;
  }
  PairCuts cuts;
  const std::uint64_t total = all.mated + all.non_mated;
  for (std::uint64_t step = 0; step < kEdcSteps; ++step) cuts.cut[step] = total * step / kEdcSteps;

  // Images of one quality at a time, from the worst. Cuts fall into few of these groups; elsewhere all pairs of a group
  // may have one place.
  std::vector<std::uint64_t> group_start(order.size());  // by image
  struct Inside {
    std::vector<Place> pairs;
    std::vector<std::uint64_t> start;
  };
  std::vector<Inside> inside;
  std::vector<std::int32_t> which(order.size(), -1);  // of `inside`, by image
  std::uint64_t done = 0;
  Kept left = all;
  std::uint64_t step = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    Kept group;
    for (; end < order.size() && Known(quality[order[end]]) == Known(quality[order[begin]]); ++end) {
      group_start[order[end]] = done;
      group.mated += later[end].mated;
      group.non_mated += later[end].non_mated;
    }
    const std::uint64_t weight = group.mated + group.non_mated;
    const auto falls_here = [&] { return step < kEdcSteps && cuts.cut[step] < done + weight; };
    if (falls_here()) {
      Inside& here = inside.emplace_back();
      here.pairs = PairsOfGroup(order, begin, end);
      if (ties == TieOrder::kReversed) std::ranges::reverse(here.pairs);
      for (std::size_t k = begin; k < end; ++k) which[order[k]] = static_cast<std::int32_t>(inside.size()) - 1;
      Kept rest = left;
      std::uint64_t place = done;
      for (const auto& [first, second] : here.pairs) {
        here.start.push_back(place);
        const std::uint64_t a = WeightOf(drawn, identity[first]), b = WeightOf(drawn, identity[second]);
        const bool mated = identity[first] == identity[second];
        const std::uint64_t own = mated ? a : a * b;
        for (; falls_here() && cuts.cut[step] < place + own; ++step) {
          Kept kept = rest;
          (mated ? kept.mated : kept.non_mated) -= cuts.cut[step] - place;
          cuts.kept[step] = kept;
        }
        (mated ? rest.mated : rest.non_mated) -= own;
        place += own;
      }
    }
    done += weight;
    left.mated -= group.mated;
    left.non_mated -= group.non_mated;
    begin = end;
  }

  cuts.start.resize(c.size());
  for (std::size_t i = 0; i < c.size(); ++i) {
    const std::uint32_t worse = Known(quality[c.second[i]]) < Known(quality[c.first[i]]) ? c.second[i] : c.first[i];
    cuts.start[i] = group_start[worse];
    if (which[worse] < 0) continue;
    const Inside& here = inside[static_cast<std::size_t>(which[worse])];
    const Place place{c.first[i], c.second[i]};
    const auto found = ties == TieOrder::kReversed ? std::ranges::lower_bound(here.pairs, place, std::greater{})
                                                   : std::ranges::lower_bound(here.pairs, place);
    cuts.start[i] = here.start[static_cast<std::size_t>(found - here.pairs.begin())];
  }
  return cuts;
}

ImageCuts ImageCutsOfAllPairs(std::span<const std::uint32_t> identity, std::span<const float> quality, Weights drawn,
                              TieOrder ties) {
  const std::vector<std::uint32_t> weights =
      drawn.empty() ? std::vector<std::uint32_t>() : ImageWeights(identity, drawn);
  ImageCuts cuts = GoneImages(quality, weights, ties);
  const std::vector<std::uint32_t> order = WorstFirst(quality, ties);
  const std::vector<Kept> later = PairsWithLater(order, identity, drawn);
  for (std::size_t k = 0; k < order.size(); ++k) {
    for (std::uint64_t step = 0; step < std::min(cuts.gone[order[k]], kEdcSteps); ++step) {
      cuts.kept[step].mated += later[k].mated;
      cuts.kept[step].non_mated += later[k].non_mated;
    }
  }
  return cuts;
}

}  // namespace prefiqs::eval
