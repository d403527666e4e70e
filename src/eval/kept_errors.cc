#include "eval/kept_errors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace prefiqs::eval {
namespace {

std::vector<ErrorPair> Worst(const Comparisons& c, const PairCuts& cuts, std::span<const std::uint32_t> errors) {
  std::vector<ErrorPair> pairs;
  for (const std::uint32_t i : errors.first(std::min(errors.size(), kMostErrors))) {
    const auto gone = std::ranges::find_if(cuts.cut, [&](std::uint64_t cut) { return cuts.start[i] < cut; });
    pairs.push_back({.first = c.first[i],
                     .second = c.second[i],
                     .similarity = c.similarity[i],
                     .gone = static_cast<std::uint64_t>(gone - cuts.cut.begin())});
  }
  return pairs;
}

}  // namespace

KeptErrors ErrorsOfPairs(const Comparisons& c, const Ranking& ranking, const PairCuts& cuts, std::uint64_t step,
                         double threshold) {
  KeptErrors errors;
  for (const std::uint32_t i : *ranking.by_similarity) {
    if (cuts.start[i] < cuts.cut[step]) continue;
    if (c.mated[i] && c.similarity[i] <= threshold) errors.false_non_matches.push_back(i);
    if (!c.mated[i] && c.similarity[i] >= threshold) errors.false_matches.push_back(i);
  }
  std::ranges::reverse(errors.false_non_matches);
  return errors;
}

ErrorStep StepOfErrors(const Comparisons& c, const Ranking& ranking, const PairCuts& cuts,
                       const EvaluationPoint& point) {
  const auto step = static_cast<std::uint64_t>(std::lround(point.discarded * kEdcSteps));
  const double threshold = std::isnan(point.threshold) ? -std::numeric_limits<double>::infinity() : point.threshold;
  const KeptErrors errors = ErrorsOfPairs(c, ranking, cuts, step, threshold);
  return {.point = point,
          .false_non_matches = errors.false_non_matches.size(),
          .false_matches = errors.false_matches.size(),
          .worst_false_non_matches = Worst(c, cuts, errors.false_non_matches),
          .worst_false_matches = Worst(c, cuts, errors.false_matches)};
}

double FmrOfErrors(const std::vector<double>& fmrs, std::uint64_t non_mated) {
  constexpr double kUsual = 1e-3;
  const auto distance = [](double fmr) { return std::abs(std::log(fmr / kUsual)); };
  double best = 0;
  for (const double fmr : fmrs) {
    if (FalseMatchesAllowed(fmr, non_mated) == 0) continue;
    if (best == 0 || distance(fmr) < distance(best)) best = fmr;
  }
  return best;
}

}  // namespace prefiqs::eval
