#include "eval/all_pairs_cuts.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>
#include <vector>

#include "eval/bootstrap.h"

namespace prefiqs::eval {
namespace {

std::uint64_t Sum(const Kept& pairs) { return pairs.mated + pairs.non_mated; }
Kept Plus(const Kept& a, const Kept& b) { return {a.mated + b.mated, a.non_mated + b.non_mated}; }
Kept Minus(const Kept& a, const Kept& b) { return {a.mated - b.mated, a.non_mated - b.non_mated}; }

std::uint32_t Identities(std::span<const std::uint32_t> identity) {
  std::uint32_t identities = 0;
  for (const std::uint32_t id : identity) identities = std::max(identities, id + 1);
  return identities;
}

// Pairs of each image with those behind it in the order, by weight.
std::vector<Kept> PairsWithLater(const std::vector<std::uint32_t>& order, std::span<const std::uint32_t> identity,
                                 Weights drawn) {
  std::vector<std::uint64_t> later(Identities(identity));  // images
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
};

// Images one identity after the other, by number: those of one identity up to some number are found by halving.
struct ByIdentity {
  std::vector<std::uint32_t> images;
  std::vector<std::uint32_t> slot;   // of each image, in `images`
  std::vector<std::uint32_t> begin;  // of each identity, in `images`; then the end
};

ByIdentity GroupByIdentity(std::span<const std::uint32_t> identity) {
  const std::size_t n = identity.size();
  ByIdentity by;
  by.images.resize(n);
  by.slot.resize(n);
  by.begin.resize(Identities(identity) + 1);
  for (const std::uint32_t id : identity) ++by.begin[id];
  std::partial_sum(by.begin.begin(), by.begin.end(), by.begin.begin());
  for (std::size_t i = n; i-- > 0;) {
    by.slot[i] = --by.begin[identity[i]];
    by.images[by.slot[i]] = static_cast<std::uint32_t>(i);
  }
  return by;
}

struct Images {
  std::span<const std::uint32_t> identity;
  Weights drawn;
  ByIdentity by_identity;
  std::vector<std::uint32_t> rank;  // of each image, from the worst
};

// The pairs whose worse image has ranks [begin, end), all of one quality; by first, then second, or all reversed.
// There may be as many as the square of the images, so they are counted and never listed.
class GroupPairs {
 public:
  GroupPairs(const Images& images, std::size_t begin, std::size_t end, TieOrder ties)
      : images_(images), end_(end), reversed_(ties == TieOrder::kReversed) {
    const auto n = static_cast<std::uint32_t>(images.rank.size());
    group_ = CountSeconds(begin, end);
    not_worse_ = CountSeconds(begin, n);
    rows_.resize(n + 1);
    for (std::uint32_t i = 0; i < n; ++i) {
      rows_[i + 1] = images.rank[i] < begin ? rows_[i] : Plus(rows_[i], InRow(i, n));
    }
  }

  // The pair with a unit of weight that so much goes before.
  Place At(std::uint64_t weight) const {
    if (reversed_) weight = Sum(rows_.back()) - 1 - weight;
    const auto next_row = std::ranges::upper_bound(rows_, weight, {}, Sum);
    const auto first = static_cast<std::uint32_t>(next_row - rows_.begin() - 1);
    weight -= Sum(rows_[first]);
    std::uint32_t second = first + 1;
    while (Sum(InRow(first, second + 1)) <= weight) ++second;
    return {first, second};
  }

  // What goes before a pair.
  Kept Before(const Place& pair) const {
    if (reversed_) return Minus(rows_.back(), Plus(rows_[pair.first], InRow(pair.first, pair.second + 1)));
    return Plus(rows_[pair.first], InRow(pair.first, pair.second));
  }

 private:
  // Images that can be a pair's second.
  struct Seconds {
    std::vector<std::uint64_t> weight;  // of those of lower number, by image
    std::vector<std::uint32_t> count;   // of those in lower slots, by slot
  };

  Seconds CountSeconds(std::size_t begin, std::size_t end) const {
    const std::size_t n = images_.rank.size();
    const auto is_one = [&](std::size_t i) { return images_.rank[i] >= begin && images_.rank[i] < end; };
    Seconds seconds{std::vector<std::uint64_t>(n + 1), std::vector<std::uint32_t>(n + 1)};
    for (std::size_t i = 0; i < n; ++i) {
      seconds.weight[i + 1] = seconds.weight[i] + (is_one(i) ? WeightOf(images_.drawn, images_.identity[i]) : 0);
      seconds.count[i + 1] = seconds.count[i] + (is_one(images_.by_identity.images[i]) ? 1 : 0);
    }
    return seconds;
  }

  // Of a first image that is not worse than the group, its pairs with seconds of lower number than `second_end`.
  Kept InRow(std::uint32_t first, std::uint32_t second_end) const {
    const Seconds& seconds = images_.rank[first] < end_ ? not_worse_ : group_;
    const auto& [by_number, slot, begin] = images_.by_identity;
    const std::uint32_t id = images_.identity[first], next = slot[first] + 1;
    const auto mates_end = std::lower_bound(by_number.begin() + next, by_number.begin() + begin[id + 1], second_end);
    const std::uint64_t own = WeightOf(images_.drawn, id);
    const std::uint64_t mates =
        seconds.count[static_cast<std::size_t>(mates_end - by_number.begin())] - seconds.count[next];
    return {own * mates, own * (seconds.weight[second_end] - seconds.weight[first + 1] - own * mates)};
  }

  const Images& images_;
  std::size_t end_;
  bool reversed_;
  Seconds group_, not_worse_;  // of first images better than the group; of its own
  std::vector<Kept> rows_;     // pairs of first images of lower number, by image
};

}  // namespace

PairCuts CutsOfAllPairs(const Comparisons& c, std::span<const std::uint32_t> identity, std::span<const float> quality,
                        TieOrder ties, Weights drawn) {
  const std::vector<std::uint32_t> order = WorstFirst(quality);
  const std::vector<Kept> later = PairsWithLater(order, identity, drawn);
  Kept all;
  for (const Kept& pairs : later) all = Plus(all, pairs);
  PairCuts cuts;
  const std::uint64_t total = Sum(all);
  for (std::uint64_t step = 0; step < kEdcSteps; ++step) cuts.cut[step] = total * step / kEdcSteps;
  Images images{identity, drawn, GroupByIdentity(identity), std::vector<std::uint32_t>(order.size())};
  for (std::size_t k = 0; k < order.size(); ++k) images.rank[order[k]] = static_cast<std::uint32_t>(k);

  // Images of one quality at a time, from the worst. Cuts fall into few of these groups; elsewhere all pairs of a group
  // may have one place.
  std::vector<std::uint64_t> group_start(order.size());  // by image
  std::vector<GroupPairs> inside;
  std::vector<std::int32_t> which(order.size(), -1);  // of `inside`, by image
  std::uint64_t done = 0;
  Kept left = all;
  std::uint64_t step = 0;
  for (std::size_t begin = 0; begin < order.size();) {
    std::size_t end = begin;
    Kept group;
    for (; end < order.size() && Known(quality[order[end]]) == Known(quality[order[begin]]); ++end) {
      group_start[order[end]] = done;
      group = Plus(group, later[end]);
    }
    const std::uint64_t weight = Sum(group);
    const auto falls_here = [&] { return step < kEdcSteps && cuts.cut[step] < done + weight; };
    if (falls_here()) {
      const GroupPairs& here = inside.emplace_back(images, begin, end, ties);
      for (std::size_t k = begin; k < end; ++k) which[order[k]] = static_cast<std::int32_t>(inside.size()) - 1;
      for (; falls_here(); ++step) {
        const std::uint64_t gone = cuts.cut[step] - done;
        cuts.worst[step] = order[begin];
        cuts.quality[step] = Known(quality[order[begin]]);
        const Place pair = here.At(gone);
        const Kept before = here.Before(pair);
        Kept& kept = cuts.kept[step] = Minus(left, before);
        (identity[pair.first] == identity[pair.second] ? kept.mated : kept.non_mated) -= gone - Sum(before);
      }
    }
    done += weight;
    left = Minus(left, group);
    begin = end;
  }

  cuts.start.resize(c.size());
  for (std::size_t i = 0; i < c.size(); ++i) {
    const std::uint32_t worse = Known(quality[c.second[i]]) < Known(quality[c.first[i]]) ? c.second[i] : c.first[i];
    cuts.start[i] = group_start[worse];
    if (which[worse] < 0) continue;
    cuts.start[i] += Sum(inside[static_cast<std::size_t>(which[worse])].Before({c.first[i], c.second[i]}));
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
  std::array<bool, kEdcSteps> found{};
  for (std::size_t k = 0; k < order.size(); ++k) {
    for (std::uint64_t step = 0; step < std::min(cuts.gone[order[k]], kEdcSteps); ++step) {
      if (!std::exchange(found[step], true)) cuts.worst[step] = order[k];
      cuts.kept[step].mated += later[k].mated;
      cuts.kept[step].non_mated += later[k].non_mated;
    }
  }
  return cuts;
}

std::vector<QualityGroup> NonMatedByQuality(std::span<const std::uint32_t> identity, std::span<const float> quality,
                                            Weights drawn) {
  const std::vector<std::uint32_t> order = WorstFirst(quality);
  const std::vector<Kept> later = PairsWithLater(order, identity, drawn);
  std::vector<QualityGroup> groups;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const float known = Known(quality[order[k]]);
    if (groups.empty() || groups.back().quality != known) groups.push_back({known, 0});
    groups.back().non_mated += later[k].non_mated;
  }
  return groups;
}

}  // namespace prefiqs::eval
