#include <prefiqs/evaluation.h>

#include <algorithm>
#include <cmath>

#include "eval/resample.h"

namespace prefiqs {
namespace {

using AreaOf = EvaluationArea EvaluationCurve::*;
constexpr AreaOf kAreas[] = {&EvaluationCurve::to_20, &EvaluationCurve::to_30, &EvaluationCurve::whole,
                             &EvaluationCurve::normalised};

// NaN is no number to be compared by.
bool Same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// The same question's answer in another report; null where it has none.
const EvaluationCurve* Find(const EvaluationReport& report, const std::string& method, const EvaluationCurve& like) {
  for (const EvaluationCurve& curve : report.curves) {
    if (report.methods[curve.method] == method && curve.protocol == like.protocol && Same(curve.fmr, like.fmr) &&
        Same(curve.start, like.start)) {
      return curve.points.empty() ? nullptr : &curve;
    }
  }
  return nullptr;
}

EvaluationArea Mean(const std::vector<const EvaluationCurve*>& curves, AreaOf area, bool same_draws) {
  const auto n = static_cast<double>(curves.size());
  EvaluationArea mean{.value = 0, .interval = {}, .reversed = 0, .resampled = {}};
  if (same_draws) mean.resampled.assign((curves[0]->*area).resampled.size(), 0.0);
  for (const EvaluationCurve* curve : curves) {
    const EvaluationArea& one = curve->*area;
    mean.value += one.value / n;
    mean.reversed += one.reversed / n;
    for (std::size_t i = 0; i < mean.resampled.size(); ++i) mean.resampled[i] += one.resampled[i] / n;
  }
  return mean;
}

// Those that all reports have an answer of.
std::vector<const EvaluationCurve*> Answers(std::span<const EvaluationReport> reports, const std::string& method,
                                            const EvaluationCurve& like) {
  std::vector<const EvaluationCurve*> curves;
  for (const EvaluationReport& report : reports) {
    const EvaluationCurve* const curve = Find(report, method, like);
    if (curve == nullptr) return {};
    curves.push_back(curve);
  }
  return curves;
}

}  // namespace

EvaluationMean mean_of(std::span<const EvaluationReport> reports) {
  EvaluationMean mean;
  const EvaluationReport& first = reports.front();
  mean.same_draws = std::ranges::all_of(reports, [&](const auto& report) { return report.draws == first.draws; });
  for (const std::string& method : first.methods) {
    if (std::ranges::all_of(reports, [&](const EvaluationReport& report) {
          return std::ranges::find(report.methods, method) != report.methods.end();
        })) {
      mean.methods.push_back(method);
    }
  }
  const std::size_t of_a_method = first.curves.size() / first.methods.size();
  std::vector<const EvaluationCurve*> asked;  // that have answers
  for (std::size_t k = 0; k < of_a_method; ++k) {
    if (!Answers(reports, mean.methods.front(), first.curves[k]).empty()) asked.push_back(&first.curves[k]);
  }
  for (std::size_t m = 0; m < mean.methods.size(); ++m) {
    for (std::size_t k = 0; k < asked.size(); ++k) {
      const EvaluationCurve& like = *asked[k];
      EvaluationCurve& curve = mean.curves.emplace_back();
      curve.method = m;
      curve.protocol = like.protocol;
      curve.fmr = like.fmr;
      curve.start = like.start;
      const auto answers = Answers(reports, mean.methods[m], like);
      for (const AreaOf area : kAreas) {
        if (answers.empty()) break;
        (curve.*area) = Mean(answers, area, mean.same_draws);
        if (!mean.same_draws) continue;
        // Of method 0 that is the curve itself, which is not compared.
        eval::CompleteArea(curve.*area, (curve.*area).resampled, (mean.curves[k].*area).resampled, m == 0);
      }
    }
  }
  return mean;
}

}  // namespace prefiqs
