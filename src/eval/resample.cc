#include "eval/resample.h"

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "eval/bootstrap.h"
#include "eval/verification.h"

namespace prefiqs::eval {
namespace {

constexpr double kLevel = 0.95;

// Of one area: its value in each resample.
using Samples = std::vector<double>;
struct AreaSamples {
  Samples to_20, to_30, whole;
  std::array<Samples, kEdcSteps> errors;  // at shares k / 20
};

void Complete(EvaluationArea& area, Samples samples, const Samples& first, bool is_first) {
  if (!is_first) area.better_than_first = ShareLower(samples, first);
  const Interval interval = PercentileInterval(std::move(samples), kLevel);
  area.interval = {interval.low, interval.high};
}

}  // namespace

void Resample(const EvaluationSet& set, const Evaluator& evaluator, const EvaluationOptions& options,
              EvaluationReport& report) {
  std::vector<AreaSamples> samples(report.curves.size());
  std::vector<Samples> fnmr(options.fmrs.size());
  const std::size_t of_a_method = kEdcProtocols.size() * options.fmrs.size();
  for (int i = 0; i < options.resamples; ++i) {
    const Draw draw = evaluator.DrawAgain(options.seed, static_cast<std::uint64_t>(i));
    for (std::size_t method = 0; method < set.methods.size(); ++method) {
      const Evaluator::Run run(evaluator, method, TieOrder::kAsListed, draw);
      for (std::size_t k = 0; method == 0 && k < fnmr.size(); ++k) {
        fnmr[k].push_back(RatesAt(evaluator.plain(), run.Threshold(options.fmrs[k]), draw.comparisons).fnmr);
      }
      for (std::size_t k = method * of_a_method; k < (method + 1) * of_a_method; ++k) {
        const EvaluationCurve& curve = report.curves[k];
        if (curve.points.empty()) continue;
        const Curve edc = run.Edc(curve.protocol, curve.fmr);
        for (std::size_t step = 0; step < kEdcSteps; ++step) {
          samples[k].errors[step].push_back(ErrorAt(edc, ShareAt(step)));
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
    const Interval interval = PercentileInterval(std::move(fnmr[k]), kLevel);
    report.error_rates[k].interval = {interval.low, interval.high};
  }
  for (std::size_t k = 0; k < samples.size(); ++k) {
    const AreaSamples& first = samples[k % of_a_method];
    const bool is_first = k < of_a_method;
    EvaluationCurve& curve = report.curves[k];
    for (std::size_t step = 0; step < kEdcSteps && !samples[k].to_20.empty(); ++step) {
      const Interval band = PercentileInterval(std::move(samples[k].errors[step]), kLevel);
      const bool in_curve = ShareAt(step) <= curve.points.back().discarded;
      if (in_curve && std::isfinite(band.low)) curve.bands.push_back({ShareAt(step), band.low, band.high});
    }
    Complete(curve.to_20, samples[k].to_20, first.to_20, is_first);
    Complete(curve.to_30, samples[k].to_30, first.to_30, is_first);
    Complete(curve.whole, samples[k].whole, first.whole, is_first);
  }
}

}  // namespace prefiqs::eval
