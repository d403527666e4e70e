#include "eval/edc.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "eval/threshold.h"

namespace prefiqs::eval {
namespace {

EdcPoint PointAt(double discarded, const Operating& at, const Kept& kept, std::uint64_t passed, float quality) {
  return {.discarded = discarded,
          .error = static_cast<double>(kept.mated - passed) / static_cast<double>(kept.mated),
          .threshold = at.threshold,
          .fmr = at.fmr,
          .mated = kept.mated,
          .non_mated = kept.non_mated,
          .quality = quality};
}

// Of a weight that starts at `start`, what lies behind `cut`.
std::uint64_t WeightKept(std::uint64_t weight, std::uint64_t start, std::uint64_t cut) {
  return start >= cut ? weight : weight - std::min(weight, cut - start);
}

double Share(std::uint64_t step) { return static_cast<double>(step) / static_cast<double>(kEdcSteps); }

}  // namespace

std::uint64_t FalseMatchesAllowed(double fmr, std::uint64_t non_mated) {
  constexpr double kRounding = 1e-12;  // 0.29 of 100 shall be 29
  return static_cast<std::uint64_t>(fmr * static_cast<double>(non_mated) * (1 + kRounding));
}

PairCuts CutsOf(const Comparisons& c, const Ranking& ranking, Weights weights) {
  PairCuts cuts;
  cuts.start.resize(c.size());
  Kept all;
  for (const std::uint32_t i : ranking.by_quality) {
    cuts.start[i] = all.mated + all.non_mated;
    (c.mated[i] ? all.mated : all.non_mated) += WeightOf(weights, i);
  }
  const std::uint64_t total = all.mated + all.non_mated;
  for (std::uint64_t step = 0; step < kEdcSteps; ++step) cuts.cut[step] = total * step / kEdcSteps;
  std::uint64_t reached = 0;  // the first step of which the lowest is not known yet
  for (const std::uint32_t i : ranking.by_quality) {
    const std::uint64_t end = cuts.start[i] + WeightOf(weights, i);
    for (; reached < kEdcSteps && cuts.cut[reached] < end; ++reached) cuts.quality[reached] = ranking.pair_quality[i];
  }
  for (std::uint64_t step = 0; step < kEdcSteps; ++step) {
    for (std::size_t i = 0; i < c.size(); ++i) {
      (c.mated[i] ? cuts.kept[step].mated : cuts.kept[step].non_mated) +=
          WeightKept(WeightOf(weights, i), cuts.start[i], cuts.cut[step]);
    }
  }
  return cuts;
}

std::optional<Curve> EdcOfPairs(const Comparisons& c, const Ranking& ranking, const PairCuts& cuts, double fmr,
                                Weights weights) {
  Curve curve;
  for (std::uint64_t step = 0; step < kEdcSteps; ++step) {
    const Kept& kept = cuts.kept[step];
    if (kept.mated == 0 || kept.non_mated == 0) continue;
    const Operating at = NearestToFmr(
        c, ranking, fmr, kept.non_mated,
        [&](std::size_t i) { return WeightKept(WeightOf(weights, i), cuts.start[i], cuts.cut[step]); },
        cuts.lowest[step]);
    if (!at.certain) return std::nullopt;
    curve.push_back(PointAt(Share(step), at, kept, at.mated_above, cuts.quality[step]));
  }
  return curve;
}

Curve EdcOfPairs(const Comparisons& c, const Ranking& ranking, double fmr, Weights weights) {
  return *EdcOfPairs(c, ranking, CutsOf(c, ranking, weights), fmr, weights);
}

ImageCuts GoneImages(std::span<const float> quality, Weights image_weights, TieOrder ties) {
  const std::vector<std::uint32_t> images = WorstFirst(quality, ties);
  std::uint64_t total = 0;
  for (const std::uint32_t i : images) total += WeightOf(image_weights, i);
  ImageCuts cuts;
  cuts.gone.resize(quality.size());
  std::uint64_t end = 0, step = 0;
  for (const std::uint32_t i : images) {
    end += WeightOf(image_weights, i);
    for (; step < kEdcSteps && total * step / kEdcSteps < end; ++step) cuts.quality[step] = Known(quality[i]);
    cuts.gone[i] = step;
  }
  return cuts;
}

std::optional<Curve> EdcOfImages(const Comparisons& c, const Ranking& ranking, const ImageCuts& cuts, double fmr,
                                 Weights weights) {
  Curve curve;
  std::vector<std::uint8_t> gone(c.size());  // of each comparison, looked up once
  for (std::size_t i = 0; i < c.size(); ++i) {
    gone[i] = static_cast<std::uint8_t>(std::min(cuts.gone[c.first[i]], cuts.gone[c.second[i]]));
  }
  for (std::uint64_t step = 0; step < kEdcSteps; ++step) {
    const Kept& kept = cuts.kept[step];
    if (kept.mated == 0 || FalseMatchesAllowed(fmr, kept.non_mated) == 0) break;
    const Operating at = NearestToFmr(
        c, ranking, fmr, kept.non_mated,
        [&](std::size_t i) -> std::uint64_t { return gone[i] > step ? WeightOf(weights, i) : 0; }, cuts.lowest[step]);
    if (!at.certain) return std::nullopt;
    curve.push_back(PointAt(Share(step), at, kept, at.mated_above + at.mated_at, cuts.quality[step]));
  }
  return curve;
}

Curve EdcOfImages(const Comparisons& c, const Ranking& ranking, std::span<const float> quality, double fmr,
                  Weights weights, Weights image_weights, TieOrder ties) {
  ImageCuts cuts = GoneImages(quality, image_weights, ties);
  for (std::size_t i = 0; i < c.size(); ++i) {
    const std::uint64_t gone = std::min(cuts.gone[c.first[i]], cuts.gone[c.second[i]]);
    for (std::uint64_t step = 0; step < std::min(gone, kEdcSteps); ++step) {
      (c.mated[i] ? cuts.kept[step].mated : cuts.kept[step].non_mated) += WeightOf(weights, i);
    }
  }
  return *EdcOfImages(c, ranking, cuts, fmr, weights);
}

Curve EdcAtThreshold(const Comparisons& c, const Ranking& ranking, double threshold, ErrorKind kind, Weights weights) {
  const bool of_mated = kind == ErrorKind::kFalseNonMatch;
  const auto counts = [&](std::uint32_t i) { return (c.mated[i] != 0) == of_mated ? WeightOf(weights, i) : 0; };
  const auto is_error = [&](std::uint32_t i) { return (c.similarity[i] < threshold) == of_mated; };
  std::uint64_t total = 0, errors = 0;
  for (std::uint32_t i = 0; i < c.size(); ++i) {  // in memory's order, which is faster
    total += counts(i);
    if (is_error(i)) errors += counts(i);
  }
  Curve curve;
  if (total == 0) return curve;
  std::uint64_t gone = 0;
  float last = 0;
  for (const std::uint32_t i : ranking.by_quality) {
    if (counts(i) == 0) continue;
    if (curve.empty() || ranking.pair_quality[i] != last) {
      const std::uint64_t kept = total - gone;
      curve.push_back({.discarded = static_cast<double>(gone) / static_cast<double>(total),
                       .error = static_cast<double>(errors) / static_cast<double>(kept),
                       .threshold = threshold,
                       .fmr = std::numeric_limits<double>::quiet_NaN(),
                       .mated = of_mated ? kept : 0,
                       .non_mated = of_mated ? 0 : kept,
                       .quality = ranking.pair_quality[i]});
      last = ranking.pair_quality[i];
    }
    gone += counts(i);
    if (is_error(i)) errors -= counts(i);
  }
  curve.push_back(
      {.discarded = 1, .error = 0, .threshold = threshold, .fmr = std::numeric_limits<double>::quiet_NaN()});
  return curve;
}

std::optional<double> ThresholdAtFmr(const Comparisons& c, const Ranking& ranking, double fmr, std::uint64_t non_mated,
                                     Weights weights, float lowest) {
  const std::uint64_t allowed = FalseMatchesAllowed(fmr, non_mated);
  std::uint64_t passed = 0;
  for (const std::uint32_t i : *ranking.by_similarity) {
    if (c.similarity[i] < lowest) break;
    if (c.mated[i]) continue;
    passed += WeightOf(weights, i);
    if (passed > allowed) {
      return std::nextafter(static_cast<double>(c.similarity[i]), std::numeric_limits<double>::infinity());
    }
  }
  return std::nullopt;
}

double ThresholdAtFmr(const Comparisons& c, const Ranking& ranking, double fmr, Weights weights) {
  std::uint64_t non_mated = 0;
  for (std::size_t i = 0; i < c.size(); ++i) {
    if (!c.mated[i]) non_mated += WeightOf(weights, i);
  }
  return ThresholdAtFmr(c, ranking, fmr, non_mated, weights).value_or(-std::numeric_limits<double>::infinity());
}

namespace {

// Part of the way from one similarity to the next. -infinity is no place to go on from, nor a threshold: it would
// accept what could not be compared.
double Between(double low, double high, double part) {
  const double lowest = std::numeric_limits<float>::lowest();
  if (part == 0) return std::max(low, lowest);
  return std::max(std::isinf(low) ? high : low + (high - low) * part, lowest);
}

}  // namespace

double ThresholdAtError(const Comparisons& c, const Ranking& ranking, double error, ErrorKind kind, Weights weights) {
  const bool of_mated = kind == ErrorKind::kFalseNonMatch;
  std::vector<std::pair<float, std::uint64_t>> rising;  // similarity, weight up to and with it
  std::uint64_t total = 0;
  for (std::size_t k = ranking.by_similarity->size(); k-- > 0;) {
    const std::uint32_t i = (*ranking.by_similarity)[k];
    if ((c.mated[i] != 0) != of_mated || WeightOf(weights, i) == 0) continue;
    total += WeightOf(weights, i);
    rising.emplace_back(c.similarity[i], total);
  }
  const double place = (of_mated ? error : 1 - error) * static_cast<double>(total - 1);
  const auto at = [&](double index) {
    const auto found = std::ranges::upper_bound(rising, static_cast<std::uint64_t>(index), {},
                                                [](const auto& entry) { return entry.second; });
    return static_cast<double>(found->first);
  };
  return Between(at(std::floor(place)), at(std::ceil(place)), place - std::floor(place));
}

std::optional<double> ThresholdAtFalseMatches(const Comparisons& c, const Ranking& ranking, double error,
                                              std::uint64_t non_mated, Weights weights, float lowest) {
  const double place = (1 - error) * static_cast<double>(non_mated - 1);  // among all, rising
  // Of those that are more alike than the ones at these places, and the one there.
  const std::uint64_t above_low = non_mated - 1 - static_cast<std::uint64_t>(std::floor(place)),
                      above_high = non_mated - 1 - static_cast<std::uint64_t>(std::ceil(place));
  std::uint64_t passed = 0;
  std::optional<double> high;
  for (const std::uint32_t i : *ranking.by_similarity) {
    if (c.similarity[i] < lowest) break;
    if (c.mated[i]) continue;
    passed += WeightOf(weights, i);
    if (!high && passed > above_high) high = c.similarity[i];
    if (passed > above_low) return Between(c.similarity[i], *high, place - std::floor(place));
  }
  return std::nullopt;
}

Curve EdcOfFalseMatches(const Comparisons& c, const Ranking& ranking, std::span<const QualityGroup> groups,
                        double threshold, Weights weights) {
  std::uint64_t total = 0, errors = 0, gone = 0;
  for (const QualityGroup& group : groups) total += group.non_mated;
  Curve curve;
  if (total == 0) return curve;
  std::vector<QualityGroup> wrong;  // one comparison each: they are few
  for (const std::uint32_t i : *ranking.by_similarity) {
    if (c.similarity[i] < threshold) break;
    if (c.mated[i]) continue;
    wrong.push_back({ranking.pair_quality[i], WeightOf(weights, i)});
    errors += wrong.back().non_mated;
  }
  std::ranges::sort(wrong, {}, &QualityGroup::quality);
  constexpr double kNotLookedAt = std::numeric_limits<double>::quiet_NaN();
  auto next = wrong.begin();
  for (const QualityGroup& group : groups) {
    if (group.non_mated == 0) continue;
    for (; next != wrong.end() && next->quality < group.quality; ++next) errors -= next->non_mated;
    const std::uint64_t kept = total - gone;
    curve.push_back({.discarded = static_cast<double>(gone) / static_cast<double>(total),
                     .error = static_cast<double>(errors) / static_cast<double>(kept),
                     .threshold = threshold,
                     .fmr = kNotLookedAt,
                     .non_mated = kept,
                     .quality = group.quality});
    gone += group.non_mated;
  }
  curve.push_back({.discarded = 1, .error = 0, .threshold = threshold, .fmr = kNotLookedAt});
  return curve;
}

double TrapezoidArea(const Curve& curve, double limit) {
  double area = 0;
  for (std::size_t i = 0; i + 1 < curve.size() && curve[i].discarded < limit; ++i) {
    const double width = curve[i + 1].discarded - curve[i].discarded;
    const double part = std::min(1.0, (limit - curve[i].discarded) / width);
    const double end = curve[i].error + part * (curve[i + 1].error - curve[i].error);
    area += (curve[i].error + end) / 2 * part * width;
  }
  return area;
}

double StepArea(const Curve& curve, double limit) {
  double area = 0;
  for (std::size_t i = 0; i < curve.size() && curve[i].discarded < limit; ++i) {
    const double end = i + 1 < curve.size() ? curve[i + 1].discarded : limit;
    area += curve[i].error * (std::min(end, limit) - curve[i].discarded);
  }
  return area;
}

double ErrorAt(const Curve& curve, double discarded) {
  const auto next = std::ranges::upper_bound(curve, discarded, {}, &EdcPoint::discarded);
  if (next == curve.begin()) return std::numeric_limits<double>::quiet_NaN();
  const EdcPoint& point = *std::prev(next);
  const bool behind = next == curve.end() && discarded - point.discarded >= 1.0 / kEdcSteps;
  return behind ? std::numeric_limits<double>::quiet_NaN() : point.error;
}

double AreaAboveBest(const Curve& curve, double limit) {
  if (curve.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double start = curve.front().error;
  const double left = std::max(0.0, start - limit);
  return StepArea(curve, limit) - (start * start - left * left) / 2;
}

double NormalisedArea(const Curve& curve, double limit) {
  if (curve.empty() || curve.front().error == 0) return std::numeric_limits<double>::quiet_NaN();
  return StepArea(curve, limit) / (limit * curve.front().error);
}

}  // namespace prefiqs::eval
