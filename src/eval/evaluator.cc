#include "eval/evaluator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "eval/bootstrap.h"

namespace prefiqs::eval {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double AreaTo(EdcProtocol protocol, const Curve& curve, double limit) {
  constexpr double kStep = 1.0 / kEdcSteps, kRounding = 1e-9;
  const auto reaches = [&](double width) {
    return !curve.empty() && curve.back().discarded + width + kRounding >= limit;
  };
  switch (protocol) {
    case EdcProtocol::kPairs:
      return reaches(0) ? TrapezoidArea(curve, limit) : kNaN;
    case EdcProtocol::kFixedThreshold:
    case EdcProtocol::kFalseNonMatches:
    case EdcProtocol::kFalseMatches:
      return reaches(0) ? AreaAboveBest(curve, limit) : kNaN;
    case EdcProtocol::kImages:
      break;
  }
  return reaches(kStep) ? StepArea(curve, limit) : kNaN;
}

template <typename T>
T Certain(std::optional<T> result) {
  if (!result) throw FloorTooHigh();
  return *std::move(result);
}

// The comparisons, the most alike first, equal ones as they were. Their order is then that in which thresholds are
// looked for, twenty times a curve: memory is read from start to end.
Comparisons BySimilarityOf(Comparisons c) {
  const std::vector<std::uint32_t> order = BySimilarity(c);
  const auto reorder = [&](auto& values) {
    std::remove_reference_t<decltype(values)> ordered;
    ordered.reserve(values.size());
    for (const std::uint32_t i : order) ordered.push_back(values[i]);
    values = std::move(ordered);
  };
  reorder(c.first);
  reorder(c.second);
  reorder(c.similarity);
  reorder(c.mated);
  return c;
}

// Of all pairs the order by quality is asked for the mated ones alone, which are few; cuts are counted.
void KeepMated(const Comparisons& c, Ranking& ranking) {
  std::erase_if(ranking.by_quality, [&](std::uint32_t i) { return c.mated[i] == 0; });
  ranking.by_quality.shrink_to_fit();
}

}  // namespace

Areas AreasOf(EdcProtocol protocol, const Curve& curve) {
  const double whole = HasOneThreshold(protocol) ? 1 : 0.95;
  Areas areas{AreaTo(protocol, curve, 0.2), AreaTo(protocol, curve, 0.3), AreaTo(protocol, curve, whole), kNaN};
  if (protocol == EdcProtocol::kImages && !std::isnan(areas.to_30)) areas.normalised = NormalisedArea(curve, 0.3);
  return areas;
}

const std::vector<double>& RatesOf(const EvaluationOptions& options, EdcProtocol protocol) {
  if (protocol == EdcProtocol::kFalseNonMatches) return options.false_non_match_starts;
  return protocol == EdcProtocol::kFalseMatches ? options.false_match_starts : options.fmrs;
}

Evaluator::Evaluator(const EvaluationSet& set, double share, int threads) : set_(set), plain_(&set.comparisons) {
  if (set.all_pairs) {
    floors_ = FloorsOf(set.unit, set.identity, set.qualities, share);
    AllPairs all = JoinAllPairs(set.unit, set.identity, floors_, threads);
    mated_ = all.mated;
    non_mated_ = all.non_mated;
    if (FalseMatchesAllowed(kHarmFmr, non_mated_) > 0) strangers_.emplace(set.unit, set.identity, threads);
    joined_ = BySimilarityOf(std::move(all.comparisons));
    plain_ = &joined_;
    if (set.unit_mirrored.rows > 0) {
      mirrored_floors_ = FloorsOf(set.unit_mirrored, set.identity, set.qualities, share);
      mirrored_ = BySimilarityOf(JoinAllPairs(set.unit_mirrored, set.identity, mirrored_floors_, threads).comparisons);
    }
  } else {
    for (const std::uint8_t mated : plain_->mated) ++(mated ? mated_ : non_mated_);
    if (!set.mirrored.empty()) {
      mirrored_ = set.comparisons;
      mirrored_.similarity = set.mirrored;
    }
  }
  with_mirror_ = mirrored_.size() > 0;
  const auto order = [](const Comparisons& c) {
    return std::make_shared<const std::vector<std::uint32_t>>(BySimilarity(c));
  };
  const auto plain_order = order(*plain_), mirrored_order = order(mirrored_);
  for (const auto& quality : set.qualities) {
    plain_ranking_.push_back(Rank(*plain_, quality, TieOrder::kAsListed, plain_order));
    if (set.all_pairs) KeepMated(*plain_, plain_ranking_.back());
    if (!with_mirror_) continue;
    mirrored_ranking_.push_back(Rank(mirrored_, quality, TieOrder::kAsListed, mirrored_order));
    if (set.all_pairs) KeepMated(mirrored_, mirrored_ranking_.back());
  }
}

Draw Evaluator::DrawAgain(std::uint64_t seed, std::uint64_t resample) const {
  Draw draw;
  draw.identities = DrawIdentities(set_.identities, seed, resample);
  draw.comparisons = ComparisonWeights(*plain_, set_.identity, draw.identities);
  if (with_mirror_) draw.mirrored_comparisons = ComparisonWeights(mirrored_, set_.identity, draw.identities);
  draw.images = ImageWeights(set_.identity, draw.identities);
  return draw;
}

std::vector<Harm> Evaluator::HarmAt(double threshold, const Draw& draw) const {
  return HarmOfImages(*plain_, set_.images.size(), threshold,
                      {.comparisons = draw.comparisons, .images = draw.images, .identities = draw.identities},
                      strangers_ ? &*strangers_ : nullptr);
}

Evaluator::Run::Run(const Evaluator& e, std::size_t method, TieOrder ties, const Draw& draw)
    : e_(e), draw_(draw), ties_(ties) {
  const EvaluationSet& set = e.set_;
  quality_ = set.qualities[method];
  plain_ranking_ = &e.plain_ranking_[method];
  ranking_ = e.with_mirror_ ? &e.mirrored_ranking_[method] : plain_ranking_;
  if (ties == TieOrder::kReversed) {  // asked for once: not worth holding for all methods
    reversed_ = Rank(WithMirror(), quality_, ties, ranking_->by_similarity);
    ranking_ = &reversed_;
  }
  if (set.all_pairs) {
    pairs_ = CutsOfAllPairs(WithMirror(), set.identity, quality_, ties, draw.identities);
    images_ = ImageCutsOfAllPairs(set.identity, quality_, draw.identities, ties);
    const std::vector<float>& floors = e.floors_[method];
    const std::vector<float>& with_mirror = e.with_mirror_ ? e.mirrored_floors_[method] : floors;
    for (std::size_t step = 0; step < kEdcSteps; ++step) {
      pairs_.lowest[step] = with_mirror[pairs_.worst[step]];
      images_.lowest[step] = floors[images_.worst[step]];
    }
    lowest_ = *std::ranges::max_element(floors);
  } else {
    pairs_ = CutsOf(WithMirror(), *ranking_, MirrorWeights());
  }
}

Curve Evaluator::Run::Edc(EdcProtocol protocol, double rate) const {
  if (StartsAtError(protocol)) return EdcOfStart(protocol, rate);
  if (!HasNonMated()) return {};
  if (protocol == EdcProtocol::kPairs) {
    return Certain(EdcOfPairs(WithMirror(), *ranking_, pairs_, rate, MirrorWeights()));
  }
  if (protocol == EdcProtocol::kFixedThreshold) {
    return EdcAtThreshold(*e_.plain_, *plain_ranking_, Threshold(rate), ErrorKind::kFalseNonMatch, draw_.comparisons);
  }
  if (e_.set_.all_pairs) {
    return Certain(EdcOfImages(*e_.plain_, *plain_ranking_, images_, rate, draw_.comparisons));
  }
  return EdcOfImages(*e_.plain_, *plain_ranking_, quality_, rate, draw_.comparisons, draw_.images, ties_);
}

Curve Evaluator::Run::EdcOfStart(EdcProtocol protocol, double error) const {
  const Comparisons& c = *e_.plain_;
  const Ranking& ranking = *plain_ranking_;
  const Kept& all = pairs_.kept[0];
  const ErrorKind kind = protocol == EdcProtocol::kFalseMatches ? ErrorKind::kFalseMatch : ErrorKind::kFalseNonMatch;
  if ((kind == ErrorKind::kFalseMatch ? all.non_mated : all.mated) == 0) return {};
  if (kind == ErrorKind::kFalseMatch && e_.set_.all_pairs) {
    const double threshold =
        Certain(ThresholdAtFalseMatches(c, ranking, error, all.non_mated, draw_.comparisons, lowest_));
    const auto groups = NonMatedByQuality(e_.set_.identity, quality_, draw_.identities);
    return EdcOfFalseMatches(c, ranking, groups, threshold, draw_.comparisons);
  }
  const double threshold = ThresholdAtError(c, ranking, error, kind, draw_.comparisons);
  return EdcAtThreshold(c, ranking, threshold, kind, draw_.comparisons);
}

double Evaluator::Run::Threshold(double fmr) const {
  if (!HasNonMated()) return kNaN;
  if (!e_.set_.all_pairs) return ThresholdAtFmr(*e_.plain_, *plain_ranking_, fmr, draw_.comparisons);
  return Certain(
      ThresholdAtFmr(*e_.plain_, *plain_ranking_, fmr, pairs_.kept[0].non_mated, draw_.comparisons, lowest_));
}

}  // namespace prefiqs::eval
