#include <fmt/format.h>
#include <prefiqs/evaluation.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>

#include "base/file.h"
#include "eval/all_pairs_cuts.h"
#include "eval/bootstrap.h"
#include "eval/edc.h"
#include "eval/evaluation_set.h"
#include "eval/harm.h"
#include "eval/kept_errors.h"
#include "eval/similarity_join.h"
#include "eval/verification.h"
#include "report/csv.h"

namespace prefiqs {
namespace {

using eval::Curve;
using eval::Weights;

constexpr std::array kProtocols{EdcProtocol::kPairs, EdcProtocol::kFixedThreshold, EdcProtocol::kImages};
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLevel = 0.95, kHarmFmr = 1e-3;
constexpr std::array kHarmAlphas{0.0, 3.0};

struct Areas {
  double to_20 = kNaN, to_30 = kNaN, whole = kNaN;
};

double AreaTo(EdcProtocol protocol, const Curve& curve, double limit) {
  constexpr double kStep = 1.0 / eval::kEdcSteps, kRounding = 1e-9;
  const auto reaches = [&](double width) {
    return !curve.empty() && curve.back().discarded + width + kRounding >= limit;
  };
  switch (protocol) {
    case EdcProtocol::kPairs:
      return reaches(0) ? eval::TrapezoidArea(curve, limit) : kNaN;
    case EdcProtocol::kFixedThreshold:
      return reaches(0) ? eval::AreaAboveBest(curve, limit) : kNaN;
    case EdcProtocol::kImages:
      break;
  }
  return reaches(kStep) ? eval::StepArea(curve, limit) : kNaN;
}

Areas AreasOf(EdcProtocol protocol, const Curve& curve) {
  const double whole = protocol == EdcProtocol::kFixedThreshold ? 1 : 0.95;
  return {AreaTo(protocol, curve, 0.2), AreaTo(protocol, curve, 0.3), AreaTo(protocol, curve, whole)};
}

// How often things count in one resample; empty: once.
struct Draw {
  std::vector<std::uint32_t> identities, comparisons, mirrored_comparisons, images;
};

// Asked for with all pairs, of which too few were held.
struct FloorTooHigh {};

// What all resamples share: comparisons and their orders.
class Evaluator {
 public:
  Evaluator(const eval::EvaluationSet& set, double share, int threads) : set_(set), plain_(&set.comparisons) {
    if (set.all_pairs) {
      eval::AllPairs all = eval::JoinAllPairs(set.unit, set.identity, share, threads);
      mated_ = all.mated;
      non_mated_ = all.non_mated;
      joined_ = std::move(all.comparisons);
      plain_ = &joined_;
      if (set.unit_mirrored.rows > 0) {
        mirrored_ = eval::JoinAllPairs(set.unit_mirrored, set.identity, share, threads).comparisons;
      }
    } else {
      for (const std::uint8_t mated : plain_->mated) ++(mated ? mated_ : non_mated_);
      if (!set.mirrored.empty()) {
        mirrored_ = set.comparisons;
        mirrored_.similarity = set.mirrored;
      }
    }
    with_mirror_ = mirrored_.size() > 0;
    const auto order = [](const eval::Comparisons& c) {
      return std::make_shared<const std::vector<std::uint32_t>>(eval::BySimilarity(c));
    };
    const auto plain_order = order(*plain_), mirrored_order = order(mirrored_);
    for (const auto& quality : set.qualities) {
      plain_ranking_.push_back(Rank(*plain_, quality, eval::TieOrder::kAsListed, plain_order));
      if (!with_mirror_) continue;
      mirrored_ranking_.push_back(Rank(mirrored_, quality, eval::TieOrder::kAsListed, mirrored_order));
    }
  }
  Evaluator(const Evaluator&) = delete;  // plain_ may point into it
  Evaluator& operator=(const Evaluator&) = delete;

  const eval::Comparisons& plain() const { return *plain_; }
  std::uint64_t mated() const { return mated_; }
  std::uint64_t non_mated() const { return non_mated_; }

  Draw DrawAgain(std::uint64_t seed, std::uint64_t resample) const {
    Draw draw;
    draw.identities = eval::DrawIdentities(set_.identities, seed, resample);
    draw.comparisons = eval::ComparisonWeights(*plain_, set_.identity, draw.identities);
    if (with_mirror_) draw.mirrored_comparisons = eval::ComparisonWeights(mirrored_, set_.identity, draw.identities);
    draw.images = eval::ImageWeights(set_.identity, draw.identities);
    return draw;
  }

  // One method in one draw.
  class Run {
   public:
    Run(const Evaluator& e, std::size_t method, eval::TieOrder ties, const Draw& draw) : e_(e), draw_(draw) {
      const eval::EvaluationSet& set = e.set_;
      quality_ = set.qualities[method];
      plain_ranking_ = &e.plain_ranking_[method];
      ranking_ = e.with_mirror_ ? &e.mirrored_ranking_[method] : plain_ranking_;
      if (ties == eval::TieOrder::kReversed) {  // asked for once: not worth holding for all methods
        reversed_ = Rank(WithMirror(), quality_, ties, ranking_->by_similarity);
        ranking_ = &reversed_;
      }
      if (set.all_pairs) {
        pairs_ = eval::CutsOfAllPairs(WithMirror(), set.identity, quality_, ties, draw.identities);
        images_ = eval::ImageCutsOfAllPairs(set.identity, quality_, draw.identities);
      } else {
        pairs_ = eval::CutsOf(WithMirror(), *ranking_, MirrorWeights());
      }
    }

    Run(const Run&) = delete;  // ranking_ may point into it
    Run& operator=(const Run&) = delete;

    Curve Edc(EdcProtocol protocol, double fmr) const {
      switch (protocol) {
        case EdcProtocol::kPairs:
          return Certain(eval::EdcOfPairs(WithMirror(), *ranking_, pairs_, fmr, MirrorWeights()));
        case EdcProtocol::kFixedThreshold:
          return eval::EdcAtThreshold(*e_.plain_, *plain_ranking_, Threshold(fmr), eval::ErrorKind::kFalseNonMatch,
                                      draw_.comparisons);
        case EdcProtocol::kImages:
          break;
      }
      if (e_.set_.all_pairs) {
        return Certain(eval::EdcOfImages(*e_.plain_, *plain_ranking_, images_, fmr, draw_.comparisons));
      }
      return eval::EdcOfImages(*e_.plain_, *plain_ranking_, quality_, fmr, draw_.comparisons, draw_.images);
    }

    // Those of a point of protocol A's curve.
    eval::ErrorStep Errors(const EvaluationPoint& point) const {
      return eval::StepOfErrors(WithMirror(), *ranking_, pairs_, point);
    }

    // Of all comparisons, the lowest with no more than `fmr`.
    double Threshold(double fmr) const {
      if (!e_.set_.all_pairs) return eval::ThresholdAtFmr(*e_.plain_, *plain_ranking_, fmr, draw_.comparisons);
      return Certain(
          eval::ThresholdAtFmr(*e_.plain_, *plain_ranking_, fmr, pairs_.kept[0].non_mated, draw_.comparisons));
    }

   private:
    const eval::Comparisons& WithMirror() const { return e_.with_mirror_ ? e_.mirrored_ : *e_.plain_; }
    Weights MirrorWeights() const { return e_.with_mirror_ ? draw_.mirrored_comparisons : draw_.comparisons; }
    template <typename T>
    static T Certain(std::optional<T> result) {
      if (!result) throw FloorTooHigh();
      return *std::move(result);
    }

    const Evaluator& e_;
    const Draw& draw_;
    const eval::Ranking* plain_ranking_;
    const eval::Ranking* ranking_;  // of WithMirror()
    eval::Ranking reversed_;
    std::span<const float> quality_;
    eval::PairCuts pairs_;
    eval::ImageCuts images_;
  };

 private:
  const eval::EvaluationSet& set_;
  const eval::Comparisons* plain_;
  eval::Comparisons joined_, mirrored_;
  bool with_mirror_ = false;
  std::uint64_t mated_ = 0, non_mated_ = 0;
  std::vector<eval::Ranking> plain_ranking_, mirrored_ranking_;  // by method
};

std::vector<EvaluationPoint> Points(const Curve& curve) {
  std::vector<EvaluationPoint> points;
  for (const eval::EdcPoint& p : curve)
    points.push_back({p.discarded, p.error, p.threshold, p.fmr, p.mated, p.non_mated});
  return points;
}

// Of one area: its value in each resample.
using Samples = std::vector<double>;
struct AreaSamples {
  Samples to_20, to_30, whole;
  std::array<Samples, eval::kEdcSteps> errors;  // at shares k / 20
};

double ShareAt(std::size_t step) { return static_cast<double>(step) / static_cast<double>(eval::kEdcSteps); }

void Complete(EvaluationArea& area, Samples samples, const Samples& first, bool is_first) {
  if (!is_first) area.better_than_first = eval::ShareLower(samples, first);
  const eval::Interval interval = eval::PercentileInterval(std::move(samples), kLevel);
  area.interval = {interval.low, interval.high};
}

void Check(const EvaluationOptions& options) {
  if (options.resamples < 0 || options.resamples > 1000000) {
    throw Error(ErrorCode::kUsage, fmt::format("{} resamples: 0 to 1000000", options.resamples));
  }
  if (options.fmrs.empty()) throw Error(ErrorCode::kUsage, "no FMR to evaluate at");
  for (const double fmr : options.fmrs) {
    if (!(fmr > 0 && fmr < 1)) throw Error(ErrorCode::kUsage, fmt::format("FMR {}: between 0 and 1", fmr));
  }
}

void Verify(const eval::EvaluationSet& set, const Evaluator& evaluator, const EvaluationOptions& options,
            EvaluationReport& report) {
  report.mated = evaluator.mated();
  report.non_mated = evaluator.non_mated();
  if (set.folds >= 2) {
    const eval::FoldAccuracy accuracy = eval::AccuracyByFolds(set.comparisons, set.fold, set.folds);
    report.accuracy = accuracy.mean;
    report.accuracy_standard_error = accuracy.standard_error;
  }
  const Draw once;
  const Evaluator::Run run(evaluator, 0, eval::TieOrder::kAsListed, once);
  for (const double fmr : options.fmrs) {
    EvaluationErrorRate& rate = report.error_rates.emplace_back();
    rate.wanted_fmr = fmr;
    rate.enough = eval::FalseMatchesAllowed(fmr, report.non_mated) > 0;
    const eval::ErrorRates rates = eval::RatesAt(evaluator.plain(), run.Threshold(fmr));
    rate.threshold = rates.threshold;
    rate.fnmr = rates.fnmr;
    rate.fmr = static_cast<double>(rates.false_matches) / static_cast<double>(report.non_mated);
  }
  std::vector<eval::Harm> harm;
  if (!set.all_pairs) harm = eval::HarmOfImages(set.comparisons, set.images.size(), run.Threshold(kHarmFmr));
  for (const auto& quality : set.qualities) {
    std::vector<double>& ranks = report.rank_of_harm.emplace_back();
    for (const double alpha : kHarmAlphas) ranks.push_back(eval::RankOfHarm(harm, quality, alpha).value_or(kNaN));
  }
}

// Curves and areas of everything once.
void DrawCurves(const eval::EvaluationSet& set, const Evaluator& evaluator, const EvaluationOptions& options,
                EvaluationReport& report) {
  const Draw once;
  for (std::size_t method = 0; method < set.methods.size(); ++method) {
    const Evaluator::Run listed(evaluator, method, eval::TieOrder::kAsListed, once);
    const Evaluator::Run reversed(evaluator, method, eval::TieOrder::kReversed, once);
    for (const EdcProtocol protocol : kProtocols) {
      for (const double fmr : options.fmrs) {
        EvaluationCurve& curve = report.curves.emplace_back();
        curve.method = method;
        curve.protocol = protocol;
        curve.fmr = fmr;
        // Below one false match in all of them an FMR is a guess.
        if (eval::FalseMatchesAllowed(fmr, report.non_mated) == 0) continue;
        const Curve edc = listed.Edc(protocol, fmr);
        const Areas areas = AreasOf(protocol, edc);
        // Only protocol A's cuts run through equals.
        const Areas other = protocol == EdcProtocol::kPairs ? AreasOf(protocol, reversed.Edc(protocol, fmr)) : areas;
        curve.points = Points(edc);
        curve.to_20 = {.value = areas.to_20, .interval = {}, .reversed = other.to_20};
        curve.to_30 = {.value = areas.to_30, .interval = {}, .reversed = other.to_30};
        curve.whole = {.value = areas.whole, .interval = {}, .reversed = other.whole};
      }
    }
  }
}

void Resample(const eval::EvaluationSet& set, const Evaluator& evaluator, const EvaluationOptions& options,
              EvaluationReport& report) {
  std::vector<AreaSamples> samples(report.curves.size());
  std::vector<Samples> fnmr(options.fmrs.size());
  const std::size_t of_a_method = kProtocols.size() * options.fmrs.size();
  for (int i = 0; i < options.resamples; ++i) {
    const Draw draw = evaluator.DrawAgain(options.seed, static_cast<std::uint64_t>(i));
    for (std::size_t method = 0; method < set.methods.size(); ++method) {
      const Evaluator::Run run(evaluator, method, eval::TieOrder::kAsListed, draw);
      for (std::size_t k = 0; method == 0 && k < fnmr.size(); ++k) {
        fnmr[k].push_back(eval::RatesAt(evaluator.plain(), run.Threshold(options.fmrs[k]), draw.comparisons).fnmr);
      }
      for (std::size_t k = method * of_a_method; k < (method + 1) * of_a_method; ++k) {
        const EvaluationCurve& curve = report.curves[k];
        if (curve.points.empty()) continue;
        const Curve edc = run.Edc(curve.protocol, curve.fmr);
        for (std::size_t step = 0; step < eval::kEdcSteps; ++step) {
          samples[k].errors[step].push_back(eval::ErrorAt(edc, ShareAt(step)));
        }
        const Areas areas = AreasOf(curve.protocol, edc);
        samples[k].to_20.push_back(areas.to_20);
        samples[k].to_30.push_back(areas.to_30);
        samples[k].whole.push_back(areas.whole);
      }
    }
    if (options.on_progress) options.on_progress(i + 1);
  }
  for (std::size_t k = 0; k < fnmr.size(); ++k) {
    const eval::Interval interval = eval::PercentileInterval(std::move(fnmr[k]), kLevel);
    report.error_rates[k].interval = {interval.low, interval.high};
  }
  for (std::size_t k = 0; k < samples.size(); ++k) {
    const AreaSamples& first = samples[k % of_a_method];
    const bool is_first = k < of_a_method;
    EvaluationCurve& curve = report.curves[k];
    for (std::size_t step = 0; step < eval::kEdcSteps && !samples[k].to_20.empty(); ++step) {
      const eval::Interval band = eval::PercentileInterval(std::move(samples[k].errors[step]), kLevel);
      const bool in_curve = ShareAt(step) <= curve.points.back().discarded;
      if (in_curve && std::isfinite(band.low)) curve.bands.push_back({ShareAt(step), band.low, band.high});
    }
    Complete(curve.to_20, samples[k].to_20, first.to_20, is_first);
    Complete(curve.to_30, samples[k].to_30, first.to_30, is_first);
    Complete(curve.whole, samples[k].whole, first.whole, is_first);
  }
}

// Of the curves that are there.
eval::Examples FindExamples(const eval::EvaluationSet& set, const Evaluator& evaluator, const EvaluationReport& report,
                            const EvaluationOptions& options) {
  eval::Examples examples{.images = set.images, .qualities = set.qualities, .fmr = 0, .errors = {}};
  examples.fmr = eval::FmrOfErrors(options.fmrs, report.non_mated);
  examples.errors.resize(set.methods.size());
  const Draw once;
  for (const EvaluationCurve& curve : report.curves) {
    if (curve.protocol != EdcProtocol::kPairs || curve.fmr != examples.fmr) continue;
    std::vector<eval::ErrorStep>& errors = examples.errors[curve.method];
    if (!errors.empty()) continue;  // the same FMR asked for again
    const Evaluator::Run run(evaluator, curve.method, eval::TieOrder::kAsListed, once);
    for (const EvaluationPoint& point : curve.points) {
      if (point.discarded > ShareAt(eval::kLastErrorStep)) break;
      errors.push_back(run.Errors(point));
    }
  }
  return examples;
}

// examples: null where nobody wants them.
EvaluationReport Evaluate(const eval::EvaluationSet& set, const EvaluationOptions& options, double share,
                          eval::Examples* examples) {
  const Evaluator evaluator(set, share, options.threads);
  EvaluationReport report;
  report.methods = set.methods;
  report.images = set.images.size();
  report.identities = set.identities;
  report.not_compared = set.not_compared;
  report.folds = static_cast<int>(set.folds);
  Verify(set, evaluator, options, report);
  DrawCurves(set, evaluator, options, report);
  if (examples != nullptr) *examples = FindExamples(set, evaluator, report, options);
  Resample(set, evaluator, options, report);
  return report;
}

void WriteCurves(const EvaluationReport& report, const std::string& path) {
  std::string text = "method,protocol,wanted_fmr,discarded,fnmr,threshold,fmr,mated,non_mated\n";
  for (const EvaluationCurve& curve : report.curves) {
    for (const EvaluationPoint& p : curve.points) {
      text += report::CsvLine(std::vector<std::string>{
          report.methods[curve.method], std::string(1, "ABC"[static_cast<int>(curve.protocol)]),
          fmt::format("{}", curve.fmr), fmt::format("{:.6f}", p.discarded), fmt::format("{:.8f}", p.fnmr),
          fmt::format("{:.8f}", p.threshold), std::isfinite(p.fmr) ? fmt::format("{:.8f}", p.fmr) : std::string(),
          fmt::format("{}", p.mated), fmt::format("{}", p.non_mated)});
    }
  }
  WriteFileAtomically(path, text);
}

EvaluationReport Evaluate(const EvaluationOptions& options, eval::Examples* examples) {
  Check(options);
  const eval::EvaluationSet set = eval::ReadEvaluationSet(options);
  // Of all pairs, some times the non-mated ones that the largest FMR lets pass: what is kept late may be more alike.
  double share = 3 * *std::ranges::max_element(options.fmrs);
  while (true) {
    try {
      EvaluationReport report = Evaluate(set, options, share, examples);
      if (!options.curves.empty()) WriteCurves(report, options.curves);
      return report;
    } catch (const FloorTooHigh&) {
      share *= 4;
    }
  }
}

}  // namespace

EvaluationReport evaluate(const EvaluationOptions& options) { return Evaluate(options, nullptr); }

EvaluationReport eval::EvaluateWithExamples(const EvaluationOptions& options, Examples& examples) {
  return Evaluate(options, &examples);
}

}  // namespace prefiqs
