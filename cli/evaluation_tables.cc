#include "cli/evaluation_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <tuple>

namespace prefiqs::cli {
namespace {

std::string Number(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : std::string("-");
}

std::string Percent(double value) {
  return std::isfinite(value) ? fmt::format("{:.2f} %", 100 * value) : std::string("-");
}

std::string Between(const EvaluationInterval& interval, double scale, int decimals) {
  if (!std::isfinite(interval.low)) return "-";
  return fmt::format("{:.{}f} to {:.{}f}", scale * interval.low, decimals, scale * interval.high, decimals);
}

char Letter(EdcProtocol protocol) { return static_cast<char>('A' + static_cast<int>(protocol)); }

}  // namespace

void PrintErrorRates(const EvaluationReport& report, const char* things, TableForm form) {
  fmt::print("{} {} of {} people; {} mated and {} non-mated comparisons",
             Grouped(static_cast<std::int64_t>(report.images)), things,
             Grouped(static_cast<std::int64_t>(report.identities)), Grouped(static_cast<std::int64_t>(report.mated)),
             Grouped(static_cast<std::int64_t>(report.non_mated)));
  if (report.not_compared > 0) {
    fmt::print("; {} {} have no embedding, their comparisons are not accepted", report.not_compared, things);
  }
  fmt::print("\n");
  for (std::size_t m = 0; m < report.methods.size(); ++m) {
    if (report.missing_qualities[m] == 0) continue;
    fmt::print("{} of the {} have no quality of {}, which is the worst\n", report.missing_qualities[m], things,
               report.methods[m]);
  }
  if (report.folds >= 2) {
    fmt::print("verification accuracy {} ± {} (standard error over {} folds)\n", Percent(report.accuracy),
               Percent(report.accuracy_standard_error), report.folds);
  }
  std::vector<std::vector<std::string>> rows;
  for (const EvaluationErrorRate& rate : report.error_rates) {
    if (!rate.enough) {
      rows.push_back({fmt::format("{}", rate.wanted_fmr), "too few non-mated comparisons", "", "", ""});
      continue;
    }
    rows.push_back({fmt::format("{}", rate.wanted_fmr), Percent(rate.fnmr), Between(rate.interval, 100, 2),
                    fmt::format("{:.2g}", rate.fmr), Number(rate.threshold, 4)});
  }
  fmt::print("\n{}\n", FormatTable({{"FMR", Align::kRight},
                                    {"FNMR", Align::kRight},
                                    {"95 %", Align::kRight},
                                    {"achieved FMR", Align::kRight},
                                    {"threshold", Align::kRight}},
                                   rows, form));
}

void PrintAreas(const EvaluationReport& report, TableForm form) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const EvaluationCurve& curve) {
    rows.push_back({std::string(1, Letter(curve.protocol)), fmt::format("{}", curve.fmr), report.methods[curve.method],
                    Number(1000 * curve.to_20.value, 3), Number(1000 * curve.to_30.value, 3),
                    Between(curve.to_30.interval, 1000, 3), Percent(curve.to_30.better_than_first),
                    Number(1000 * std::abs(curve.to_30.reversed - curve.to_30.value), 3),
                    Number(1000 * curve.whole.value, 3)});
  };
  // By protocol and FMR, so that methods stand below each other.
  const std::size_t of_a_method = report.curves.size() / report.methods.size();
  for (std::size_t k = 0; k < of_a_method; ++k) {
    if (report.curves[k].points.empty()) continue;
    for (std::size_t m = 0; m < report.methods.size(); ++m) add(report.curves[m * of_a_method + k]);
  }
  fmt::print("{}\n", FormatTable({{"protocol"},
                                  {"FMR", Align::kRight},
                                  {"method"},
                                  {"pAUC 20 %", Align::kRight},
                                  {"pAUC 30 %", Align::kRight},
                                  {"95 %", Align::kRight},
                                  {"better", Align::kRight},
                                  {"ties", Align::kRight},
                                  {"AUC", Align::kRight}},
                                 rows, form));
}

void PrintHarm(const EvaluationReport& report, TableForm form) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t m = 0; m < report.methods.size(); ++m) {
    std::vector<std::string>& row = rows.emplace_back(std::vector{report.methods[m]});
    for (std::size_t alpha = 0; alpha < report.rank_of_harm[m].size(); ++alpha) {
      row.push_back(Number(report.rank_of_harm[m][alpha], 3));
      row.push_back(Number(report.reversed_rank_of_harm[m][alpha], 3));
    }
  }
  if (!std::isfinite(report.rank_of_harm[0][0])) return;
  fmt::print("RCE: rank correlation of quality and harm at FMR 0.001, higher is better\n\n{}\n",
             FormatTable({{"method"},
                          {"alpha 0", Align::kRight},
                          {"reversed", Align::kRight},
                          {"alpha 3", Align::kRight},
                          {"reversed", Align::kRight}},
                         rows, form));
}

void PrintMeanAreas(std::span<const EvaluationReport> reports, TableForm form) {
  struct Sum {
    double to_20 = 0, to_30 = 0, whole = 0;
    std::size_t networks = 0;
  };
  std::map<std::tuple<EdcProtocol, double, std::string>, Sum> sums;
  for (const EvaluationReport& report : reports) {
    for (const EvaluationCurve& curve : report.curves) {
      if (curve.points.empty()) continue;
      Sum& sum = sums[{curve.protocol, curve.fmr, report.methods[curve.method]}];
      sum.to_20 += curve.to_20.value;
      sum.to_30 += curve.to_30.value;
      sum.whole += curve.whole.value;
      ++sum.networks;
    }
  }
  std::vector<std::vector<std::string>> rows;
  const auto n = static_cast<double>(reports.size());
  for (const EvaluationCurve& curve : reports[0].curves) {  // in the order of the tables above
    if (curve.method != 0 || curve.points.empty()) continue;
    for (const std::string& method : reports[0].methods) {
      const auto found = sums.find({curve.protocol, curve.fmr, method});
      if (found == sums.end() || found->second.networks != reports.size()) continue;
      const Sum& sum = found->second;
      rows.push_back({std::string(1, Letter(curve.protocol)), fmt::format("{}", curve.fmr), method,
                      Number(1000 * sum.to_20 / n, 3), Number(1000 * sum.to_30 / n, 3),
                      Number(1000 * sum.whole / n, 3)});
    }
  }
  if (rows.empty()) return;
  fmt::print("mean of {} verifying networks\n\n{}\n", reports.size(),
             FormatTable({{"protocol"},
                          {"FMR", Align::kRight},
                          {"method"},
                          {"pAUC 20 %", Align::kRight},
                          {"pAUC 30 %", Align::kRight},
                          {"AUC", Align::kRight}},
                         rows, form));
}

}  // namespace prefiqs::cli
