#include <fmt/format.h>
#include <prefiqs/evaluation.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/count.h"
#include "base/file.h"
#include "eval/edc.h"
#include "eval/evaluation_set.h"
#include "eval/evaluator.h"
#include "eval/harm.h"
#include "eval/kept_errors.h"
#include "eval/resample.h"
#include "eval/verification.h"
#include "input/source.h"
#include "report/csv.h"

namespace prefiqs {
namespace {

using eval::Curve;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A threshold below all similarities there can be lies between nothing and what cannot be compared: it is no number for
// people. Those of the evaluation itself are -infinity or the lowest numbers.
double Told(double threshold) { return threshold > std::numeric_limits<float>::lowest() ? threshold : kNaN; }

std::vector<EvaluationPoint> Points(EdcProtocol protocol, const Curve& curve) {
  std::vector<EvaluationPoint> points;
  const bool is_fmr = protocol == EdcProtocol::kFalseMatches;
  for (const eval::EdcPoint& p : curve) {
    points.push_back({p.discarded, is_fmr ? kNaN : p.error, Told(p.threshold), is_fmr ? p.error : p.fmr, p.mated,
                      p.non_mated, p.quality});
  }
  return points;
}

void Check(const EvaluationOptions& options) {
  if (options.resamples < 0 || options.resamples == 1 || options.resamples > 1000000) {  // one spans no interval
    throw Error(ErrorCode::kUsage, fmt::format("resamples {}: 0, or 2 to 1000000", options.resamples));
  }
  if (options.fmrs.empty()) throw Error(ErrorCode::kUsage, "no FMR to evaluate at");
  for (const double fmr : options.fmrs) {
    if (!(fmr > 0 && fmr < 1)) throw Error(ErrorCode::kUsage, fmt::format("FMR {}: between 0 and 1", fmr));
  }
  for (const auto* starts : {&options.false_non_match_starts, &options.false_match_starts}) {
    for (const double start : *starts) {
      if (!(start > 0 && start < 1)) {
        throw Error(ErrorCode::kUsage, fmt::format("starting error {}: between 0 and 1", start));
      }
    }
  }
  if (!options.curves.empty()) CheckWritable(options.curves);
}

void Verify(const eval::EvaluationSet& set, const eval::Evaluator& evaluator, const EvaluationOptions& options,
            EvaluationReport& report) {
  report.mated = evaluator.mated();
  report.non_mated = evaluator.non_mated();
  if (set.folds >= 2) {
    const eval::FoldAccuracy accuracy = eval::AccuracyByFolds(set.comparisons, set.fold, set.folds);
    report.accuracy = accuracy.mean;
    report.accuracy_standard_error = accuracy.standard_error;
  }
  const eval::Draw once;
  const eval::Evaluator::Run run(evaluator, 0, eval::TieOrder::kAsListed, once);
  for (const double fmr : options.fmrs) {
    EvaluationErrorRate& rate = report.error_rates.emplace_back();
    rate.wanted_fmr = fmr;
    rate.enough = eval::FalseMatchesAllowed(fmr, report.non_mated) > 0;
    const eval::ErrorRates rates = eval::RatesAt(evaluator.plain(), run.Threshold(fmr));
    rate.threshold = Told(rates.threshold);
    rate.fnmr = rates.fnmr;
    rate.fmr = static_cast<double>(rates.false_matches) / static_cast<double>(report.non_mated);
  }
  // Below one false match in all of them its threshold is a guess.
  const bool tells_harm = eval::FalseMatchesAllowed(eval::kHarmFmr, report.non_mated) > 0;
  std::vector<eval::Harm> harm;
  if (tells_harm) harm = evaluator.HarmAt(run.Threshold(eval::kHarmFmr), once);
  for (const std::vector<float>& quality : set.qualities) {
    std::vector<float> reversed;
    for (const float q : quality) reversed.push_back(-q);
    std::vector<EvaluationHarmRank>& ranks = report.harm_ranks.emplace_back();
    for (const double alpha : eval::kHarmAlphas) {
      ranks.push_back({.alpha = alpha,
                       .value = eval::RankOfHarm(harm, quality, alpha).value_or(kNaN),
                       .reversed = eval::RankOfHarm(harm, reversed, alpha).value_or(kNaN)});
    }
  }
}

// Curves and areas of everything once.
void DrawCurves(const eval::EvaluationSet& set, const eval::Evaluator& evaluator, const EvaluationOptions& options,
                EvaluationReport& report) {
  const eval::Draw once;
  for (std::size_t method = 0; method < set.methods.size(); ++method) {
    const eval::Evaluator::Run listed(evaluator, method, eval::TieOrder::kAsListed, once);
    const eval::Evaluator::Run reversed(evaluator, method, eval::TieOrder::kReversed, once);
    for (const EdcProtocol protocol : eval::kEdcProtocols) {
      const bool of_mated = protocol == EdcProtocol::kFalseNonMatches;
      for (const double rate : eval::RatesOf(options, protocol)) {
        EvaluationCurve& curve = report.curves.emplace_back();
        curve.method = method;
        curve.protocol = protocol;
        (eval::StartsAtError(protocol) ? curve.start : curve.fmr) = rate;
        // Below one error in all of them a rate is a guess.
        if (eval::FalseMatchesAllowed(rate, of_mated ? report.mated : report.non_mated) == 0) continue;
        const Curve edc = listed.Edc(protocol, rate);
        const eval::Areas areas = eval::AreasOf(protocol, edc);
        // B discards equals together.
        const eval::Areas other =
            eval::HasOneThreshold(protocol) ? areas : eval::AreasOf(protocol, reversed.Edc(protocol, rate));
        curve.points = Points(protocol, edc);
        curve.to_20 = {.value = areas.to_20, .interval = {}, .reversed = other.to_20};
        curve.to_30 = {.value = areas.to_30, .interval = {}, .reversed = other.to_30};
        curve.whole = {.value = areas.whole, .interval = {}, .reversed = other.whole};
        curve.normalised = {.value = areas.normalised, .interval = {}, .reversed = other.normalised};
      }
    }
  }
}

// Of the curves that are there.
eval::Examples FindExamples(const eval::EvaluationSet& set, const eval::Evaluator& evaluator,
                            const EvaluationReport& report, const EvaluationOptions& options) {
  eval::Examples examples{.images = set.images, .qualities = set.qualities, .fmr = 0, .errors = {}};
  examples.fmr = eval::FmrOfErrors(options.fmrs, report.non_mated);
  examples.errors.resize(set.methods.size());
  const eval::Draw once;
  for (const EvaluationCurve& curve : report.curves) {
    if (curve.protocol != EdcProtocol::kPairs || curve.fmr != examples.fmr) continue;
    std::vector<eval::ErrorStep>& errors = examples.errors[curve.method];
    if (!errors.empty()) continue;  // the same FMR asked for again
    const eval::Evaluator::Run run(evaluator, curve.method, eval::TieOrder::kAsListed, once);
    for (const EvaluationPoint& point : curve.points) {
      if (point.discarded > eval::ShareAt(eval::kLastErrorStep)) break;
      errors.push_back(run.Errors(point));
    }
  }
  return examples;
}

// examples: null where nobody wants them.
EvaluationReport Evaluate(const eval::EvaluationSet& set, const EvaluationOptions& options, double share,
                          eval::Examples* examples) {
  const eval::Evaluator evaluator(set, share, options.threads);
  if (set.all_pairs && evaluator.non_mated() == 0) {
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: {} of {}: there is no pair of different people to compare", Printable(options.rows),
                            Count(set.images.size(), "picture"), Count(set.identities, "person", "people")));
  }
  EvaluationReport report;
  report.methods = set.methods;
  report.files = set.forms;
  report.left_out = set.left_out;
  report.draws = eval::DrawsToken(set, options);
  report.images = set.images.size();
  report.identities = set.identities;
  report.not_compared = set.not_compared;
  report.missing_qualities = set.missing;
  report.mirrored = !options.mirrored.empty();
  report.folds = static_cast<int>(set.folds);
  Verify(set, evaluator, options, report);
  DrawCurves(set, evaluator, options, report);
  if (examples != nullptr) *examples = FindExamples(set, evaluator, report, options);
  eval::Resample(set, evaluator, options, report);
  return report;
}

// As rows have it, with eight decimals, where that is enough: a gate at it has to keep what is as good.
std::string Quality(double value) {
  if (!std::isfinite(value)) return {};
  const auto exact = static_cast<float>(value);
  std::string text = fmt::format("{:.8f}", exact);
  if (std::stof(text) != exact) return fmt::format("{}", exact);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

void WriteCurves(const EvaluationReport& report, const std::string& path) {
  const auto number = [](double value) { return std::isfinite(value) ? fmt::format("{:.8f}", value) : std::string(); };
  const auto rate = [](double value) { return std::isnan(value) ? std::string() : fmt::format("{}", value); };
  const bool starts = std::ranges::any_of(
      report.curves, [](const EvaluationCurve& curve) { return eval::StartsAtError(curve.protocol); });
  std::string text = "method,protocol,wanted_fmr,discarded,fnmr,threshold,fmr,mated,non_mated";
  text += starts ? ",start,quality\n" : ",quality\n";  // a column that is nobody's but theirs
  for (const EvaluationCurve& curve : report.curves) {
    for (const EvaluationPoint& p : curve.points) {
      std::vector<std::string> cells{report.methods[curve.method],
                                     std::string(name(curve.protocol)),
                                     rate(curve.fmr),
                                     fmt::format("{:.6f}", p.discarded),
                                     p.mated > 0 ? number(p.fnmr) : std::string(),
                                     number(p.threshold),
                                     p.non_mated > 0 ? number(p.fmr) : std::string(),
                                     fmt::format("{}", p.mated),
                                     fmt::format("{}", p.non_mated)};
      if (starts) cells.push_back(rate(curve.start));
      cells.push_back(Quality(p.quality));
      text += report::CsvLine(cells);
    }
  }
  WriteFileAtomically(path, text);
}

EvaluationReport Evaluate(const EvaluationOptions& options, eval::Examples* examples) {
  Check(options);
  const eval::EvaluationSet set = eval::ReadEvaluationSet(options);
  // Of all pairs, some times the non-mated ones that the largest FMR lets pass: what is kept late may be more alike.
  double largest = std::max(*std::ranges::max_element(options.fmrs), eval::kHarmFmr);
  for (const double start : options.false_match_starts) largest = std::max(largest, start);
  double share = 3 * largest;
  while (true) {
    try {
      EvaluationReport report = Evaluate(set, options, share, examples);
      if (!options.curves.empty()) WriteCurves(report, options.curves);
      return report;
    } catch (const eval::FloorTooHigh&) {
      if (share >= 1) throw Error(ErrorCode::kInternal, "a threshold was not found among all pairs");
      share *= 2;  // what is held is the memory: a pass more is cheaper than twice as many pairs
    }
  }
}

}  // namespace

std::string_view name(EdcProtocol protocol) {
  constexpr std::array<std::string_view, eval::kEdcProtocols.size()> kNames{"A", "B", "C", "B-FNM", "B-FM"};
  return kNames.at(static_cast<std::size_t>(protocol));
}

void check_evaluation(const EvaluationOptions& options, const std::vector<std::string>& inputs,
                      const std::vector<std::string>& outputs) {
  Check(options);
  for (const std::string& output : outputs) CheckWritable(output);
  if (inputs.empty()) return;
  std::vector<std::string> paths;
  for (const input::Item& item : input::ListItems(inputs)) paths.push_back(item.name);
  eval::CheckNames(options, paths, inputs.size() == 1 ? inputs[0] : fmt::format("the {} inputs", inputs.size()));
}

void check_pairs(const std::string& pairs, const std::vector<std::string>& inputs) {
  std::vector<std::string> paths;
  for (const input::Item& item : input::ListItems(inputs)) paths.push_back(item.name);
  EvaluationOptions options;
  options.pairs = pairs;
  eval::CheckNames(options, paths, inputs.size() == 1 ? inputs[0] : fmt::format("the {} inputs", inputs.size()));
}

EvaluationReport evaluate(const EvaluationOptions& options) { return Evaluate(options, nullptr); }

EvaluationReport eval::EvaluateWithExamples(const EvaluationOptions& options, Examples& examples) {
  return Evaluate(options, &examples);
}

}  // namespace prefiqs
