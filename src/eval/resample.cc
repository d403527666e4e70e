#include "eval/resample.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/parallel.h"
#include "eval/bootstrap.h"
#include "eval/harm.h"
#include "eval/verification.h"

namespace prefiqs::eval {
namespace {

constexpr double kLevel = 0.95;

// Of one area: its value in each resample.
using Samples = std::vector<double>;
struct AreaSamples {
  Samples to_20, to_30, whole, normalised;
  std::array<Samples, kEdcSteps> errors;  // at shares k / 20
};

// Every sample has its place before any is made: threads need no order.
void MakePlaces(const EvaluationReport& report, std::size_t resamples, std::vector<AreaSamples>& samples) {
  samples.resize(report.curves.size());
  for (std::size_t k = 0; k < samples.size(); ++k) {
    if (report.curves[k].points.empty()) continue;
    AreaSamples& areas = samples[k];
    for (Samples* const places : {&areas.to_20, &areas.to_30, &areas.whole, &areas.normalised}) {
      places->resize(resamples);
    }
    for (Samples& places : samples[k].errors) places.resize(resamples);
  }
}

}  // namespace

void CompleteArea(EvaluationArea& area, Samples samples, const Samples& first, bool is_first) {
  if (!is_first) area.better_than_first = ShareLower(samples, first);
  area.resampled = samples;
  const Interval interval = PercentileInterval(std::move(samples), kLevel);
  area.interval = {interval.low, interval.high};
}

std::string DrawsToken(const EvaluationSet& set, const EvaluationOptions& options) {
  std::string_view common = set.images.empty() ? std::string_view() : std::string_view(set.images[0]);
  for (const std::string& image : set.images) {
    common = common.substr(0, static_cast<std::size_t>(std::ranges::mismatch(common, image).in1 - common.begin()));
  }
  const std::size_t folders = common.rfind('/') + 1;  // 0: none
  std::string text = fmt::format("{} {}\n", options.seed, options.resamples);
  for (std::size_t i = 0; i < set.images.size(); ++i) {
    text += fmt::format("{} {}\n", set.identity[i], set.images[i].substr(folders));
  }
  ContentHash hash;
  hash.Add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return hash.Hex();
}

void Resample(const EvaluationSet& set, const Evaluator& evaluator, const EvaluationOptions& options,
              EvaluationReport& report) {
  const auto resamples = static_cast<std::size_t>(options.resamples);
  std::vector<AreaSamples> samples;
  MakePlaces(report, resamples, samples);
  // By method and alpha; empty where RCE cannot be told.
  const bool tells_harm = std::isfinite(report.harm_ranks[0][0].value);
  std::vector<std::array<Samples, kHarmAlphas.size()>> harm_ranks(tells_harm ? set.methods.size() : 0);
  for (auto& of_method : harm_ranks) of_method.fill(Samples(resamples));
  std::vector<Samples> fnmr(options.fmrs.size(), Samples(resamples));
  const std::size_t of_a_method = report.curves.size() / report.methods.size();
  std::atomic<int> done{0};
  const auto make = [&](std::size_t i) {
    const Draw draw = evaluator.DrawAgain(options.seed, i);
    std::vector<Harm> harm;
    for (std::size_t method = 0; method < set.methods.size(); ++method) {
      const Evaluator::Run run(evaluator, method, TieOrder::kAsListed, draw);
      for (std::size_t k = 0; method == 0 && k < fnmr.size(); ++k) {
        fnmr[k][i] = RatesAt(evaluator.plain(), run.Threshold(options.fmrs[k]), draw.comparisons).fnmr;
      }
      if (method == 0 && tells_harm) {
        const double threshold = run.Threshold(kHarmFmr);
        if (!std::isnan(threshold)) harm = evaluator.HarmAt(threshold, draw);
      }
      for (std::size_t a = 0; a < kHarmAlphas.size() && tells_harm; ++a) {
        constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
        harm_ranks[method][a][i] = RankOfHarm(harm, set.qualities[method], kHarmAlphas[a]).value_or(kNone);
      }
      for (std::size_t k = method * of_a_method; k < (method + 1) * of_a_method; ++k) {
        const EvaluationCurve& curve = report.curves[k];
        if (curve.points.empty()) continue;
        const Curve edc = run.Edc(curve.protocol, StartsAtError(curve.protocol) ? curve.start : curve.fmr);
        for (std::size_t step = 0; step < kEdcSteps; ++step) samples[k].errors[step][i] = ErrorAt(edc, ShareAt(step));
        const Areas areas = AreasOf(curve.protocol, edc);
        samples[k].to_20[i] = areas.to_20;
        samples[k].to_30[i] = areas.to_30;
        samples[k].whole[i] = areas.whole;
        samples[k].normalised[i] = areas.normalised;
      }
    }
    ++done;
  };
  const auto report_progress = [&] {
    if (options.on_progress) options.on_progress(done);
  };
  ParallelFor(resamples, options.threads, make, report_progress);
  if (resamples > 0) report_progress();

  for (std::size_t k = 0; k < fnmr.size(); ++k) {
    const Interval interval = PercentileInterval(std::move(fnmr[k]), kLevel);
    report.error_rates[k].interval = {interval.low, interval.high};
  }
  for (std::size_t method = 0; method < harm_ranks.size(); ++method) {
    for (std::size_t a = 0; a < kHarmAlphas.size(); ++a) {
      EvaluationHarmRank& rank = report.harm_ranks[method][a];
      // Higher is better here.
      if (method > 0) rank.better_than_first = ShareLower(harm_ranks[0][a], harm_ranks[method][a]);
      const Interval interval = PercentileInterval(harm_ranks[method][a], kLevel);
      rank.interval = {interval.low, interval.high};
    }
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
    CompleteArea(curve.to_20, samples[k].to_20, first.to_20, is_first);
    CompleteArea(curve.to_30, samples[k].to_30, first.to_30, is_first);
    CompleteArea(curve.whole, samples[k].whole, first.whole, is_first);
    CompleteArea(curve.normalised, samples[k].normalised, first.normalised, is_first);
  }
}

}  // namespace prefiqs::eval
