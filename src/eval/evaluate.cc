#include <fmt/format.h>
#include <prefiqs/evaluation.h>

#include <array>
#include <cmath>

#include "base/file.h"
#include "eval/bootstrap.h"
#include "eval/edc.h"
#include "eval/evaluation_set.h"
#include "eval/harm.h"
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

Areas AreasOf(EdcProtocol protocol, const Curve& curve) {
  if (curve.empty()) return {};
  switch (protocol) {
    case EdcProtocol::kPairs:
      return {eval::TrapezoidArea(curve, 0.2), eval::TrapezoidArea(curve, 0.3), eval::TrapezoidArea(curve, 0.95)};
    case EdcProtocol::kFixedThreshold:
      return {eval::AreaAboveBest(curve, 0.2), eval::AreaAboveBest(curve, 0.3), eval::AreaAboveBest(curve, 1)};
    case EdcProtocol::kImages:
      break;
  }
  return {eval::StepArea(curve, 0.2), eval::StepArea(curve, 0.3), eval::StepArea(curve, 0.95)};
}

// What one evaluation of a set is made with; orders are made once for all resamples.
class Evaluator {
 public:
  Evaluator(const eval::EvaluationSet& set, eval::TieOrder ties) : set_(set), with_mirror_(set.comparisons) {
    if (!set.mirrored.empty()) with_mirror_.similarity = set.mirrored;
    for (const auto& quality : set.qualities) {
      plain_.push_back(Rank(set.comparisons, quality, ties));
      mirrored_.push_back(Rank(with_mirror_, quality, ties));
    }
  }

  Curve Run(std::size_t method, EdcProtocol protocol, double fmr, Weights weights, Weights image_weights) const {
    const eval::Comparisons& c = set_.comparisons;
    switch (protocol) {
      case EdcProtocol::kPairs:
        return eval::EdcOfPairs(with_mirror_, mirrored_[method], fmr, weights);
      case EdcProtocol::kFixedThreshold: {
        const double threshold = eval::ThresholdAtFmr(c, plain_[method], fmr, weights);
        return eval::EdcAtThreshold(c, plain_[method], threshold, eval::ErrorKind::kFalseNonMatch, weights);
      }
      case EdcProtocol::kImages:
        break;
    }
    return eval::EdcOfImages(c, plain_[method], set_.qualities[method], fmr, weights, image_weights);
  }

  double Threshold(double fmr, Weights weights) const {
    return eval::ThresholdAtFmr(set_.comparisons, plain_[0], fmr, weights);
  }

 private:
  const eval::EvaluationSet& set_;
  eval::Comparisons with_mirror_;
  std::vector<eval::Ranking> plain_, mirrored_;
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
};

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
  if (set.folds >= 2) {
    const eval::FoldAccuracy accuracy = eval::AccuracyByFolds(set.comparisons, set.fold, set.folds);
    report.accuracy = accuracy.mean;
    report.accuracy_standard_error = accuracy.standard_error;
  }
  for (const double fmr : options.fmrs) {
    const eval::ErrorRates rates = eval::RatesAt(set.comparisons, evaluator.Threshold(fmr, {}));
    report.error_rates.push_back({.wanted_fmr = fmr,
                                  .threshold = rates.threshold,
                                  .fmr = rates.fmr,
                                  .fnmr = rates.fnmr,
                                  .enough = eval::FalseMatchesAllowed(fmr, rates.non_mated) > 0,
                                  .interval = {}});
    report.mated = rates.mated;
    report.non_mated = rates.non_mated;
  }
  const std::vector<eval::Harm> harm =
      eval::HarmOfImages(set.comparisons, set.images.size(), evaluator.Threshold(kHarmFmr, {}));
  for (const auto& quality : set.qualities) {
    std::vector<double>& ranks = report.rank_of_harm.emplace_back();
    for (const double alpha : kHarmAlphas) ranks.push_back(eval::RankOfHarm(harm, quality, alpha).value_or(kNaN));
  }
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

}  // namespace

EvaluationReport evaluate(const EvaluationOptions& options) {
  Check(options);
  const eval::EvaluationSet set = eval::ReadEvaluationSet(options);
  const Evaluator evaluator(set, eval::TieOrder::kAsListed), reversed(set, eval::TieOrder::kReversed);

  EvaluationReport report;
  report.methods = set.methods;
  report.images = set.images.size();
  report.identities = set.identities;
  report.not_compared = set.not_compared;
  report.folds = static_cast<int>(set.folds);
  Verify(set, evaluator, options, report);

  for (std::size_t method = 0; method < set.methods.size(); ++method) {
    for (const EdcProtocol protocol : kProtocols) {
      for (const double fmr : options.fmrs) {
        EvaluationCurve& curve = report.curves.emplace_back();
        curve.method = method;
        curve.protocol = protocol;
        curve.fmr = fmr;
        // Below one false match in all of them an FMR is a guess.
        if (eval::FalseMatchesAllowed(fmr, report.non_mated) == 0) continue;
        const Curve edc = evaluator.Run(method, protocol, fmr, {}, {});
        const Areas areas = AreasOf(protocol, edc);
        const Areas other = AreasOf(protocol, reversed.Run(method, protocol, fmr, {}, {}));
        curve.points = Points(edc);
        curve.to_20 = {.value = areas.to_20, .interval = {}, .reversed = other.to_20};
        curve.to_30 = {.value = areas.to_30, .interval = {}, .reversed = other.to_30};
        curve.whole = {.value = areas.whole, .interval = {}, .reversed = other.whole};
      }
    }
  }

  std::vector<AreaSamples> samples(report.curves.size());
  std::vector<Samples> fnmr(options.fmrs.size());
  for (int i = 0; i < options.resamples; ++i) {
    const auto drawn = eval::DrawIdentities(set.identities, options.seed, static_cast<std::uint64_t>(i));
    const auto weights = eval::ComparisonWeights(set.comparisons, set.identity, drawn);
    const auto image_weights = eval::ImageWeights(set.identity, drawn);
    for (std::size_t k = 0; k < fnmr.size(); ++k) {
      const double threshold = evaluator.Threshold(options.fmrs[k], weights);
      fnmr[k].push_back(eval::RatesAt(set.comparisons, threshold, weights).fnmr);
    }
    for (std::size_t k = 0; k < samples.size(); ++k) {
      const EvaluationCurve& curve = report.curves[k];
      if (curve.points.empty()) continue;
      const Areas areas =
          AreasOf(curve.protocol, evaluator.Run(curve.method, curve.protocol, curve.fmr, weights, image_weights));
      samples[k].to_20.push_back(areas.to_20);
      samples[k].to_30.push_back(areas.to_30);
      samples[k].whole.push_back(areas.whole);
    }
    if (options.on_progress) options.on_progress(i + 1);
  }
  for (std::size_t k = 0; k < fnmr.size(); ++k) {
    const eval::Interval interval = eval::PercentileInterval(std::move(fnmr[k]), kLevel);
    report.error_rates[k].interval = {interval.low, interval.high};
  }
  const std::size_t of_a_method = kProtocols.size() * options.fmrs.size();
  for (std::size_t k = 0; k < samples.size(); ++k) {
    const AreaSamples& first = samples[k % of_a_method];
    const bool is_first = k < of_a_method;
    EvaluationCurve& curve = report.curves[k];
    Complete(curve.to_20, samples[k].to_20, first.to_20, is_first);
    Complete(curve.to_30, samples[k].to_30, first.to_30, is_first);
    Complete(curve.whole, samples[k].whole, first.whole, is_first);
  }
  if (!options.curves.empty()) WriteCurves(report, options.curves);
  return report;
}

}  // namespace prefiqs
