#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "cli/evaluation_tables.h"

namespace prefiqs::cli {
namespace {

using Row = std::vector<std::string>;

// The first nine are those of the table that people read. Names are the header's for good; new ones go to the end.
constexpr std::array kColumns{"protocol",
                              "FMR",
                              "method",
                              "pAUC 20 %",
                              "pAUC 30 %",
                              "95 % low",
                              "95 % high",
                              "better",
                              "AUC",
                              "ties",
                              "normalised",
                              "start",
                              "network",
                              "FNMR",
                              "FNMR 95 % low",
                              "FNMR 95 % high",
                              "achieved FMR",
                              "threshold",
                              "accuracy",
                              "mated",
                              "non-mated",
                              "RCE alpha 0",
                              "RCE alpha 0 reversed",
                              "RCE alpha 3",
                              "RCE alpha 3 reversed"};

// As many digits as tell resamples apart; empty where there is no number.
std::string Plain(double value) { return std::isfinite(value) ? fmt::format("{:.6f}", value) : std::string(); }
std::string Rate(double value) { return std::isfinite(value) ? fmt::format("{}", value) : std::string(); }

Row AreaCells(const EvaluationCurve& curve, const std::string& method, const std::string& network) {
  const EvaluationArea& area = curve.to_30;
  return {std::string(name(curve.protocol)),
          Rate(curve.fmr),
          method,
          Plain(1000 * curve.to_20.value),
          Plain(1000 * area.value),
          Plain(1000 * area.interval.low),
          Plain(1000 * area.interval.high),
          Plain(area.better_than_first),
          Plain(1000 * curve.whole.value),
          Plain(1000 * std::abs(area.reversed - area.value)),
          Plain(curve.normalised.value),
          Rate(curve.start),
          network};
}

// What the network's error rate is at the curve's FMR, without any discarding.
Row RateCells(const EvaluationReport& report, const EvaluationCurve& curve) {
  for (const EvaluationErrorRate& rate : report.error_rates) {
    if (rate.wanted_fmr != curve.fmr || !rate.enough) continue;
    return {Plain(rate.fnmr), Plain(rate.interval.low), Plain(rate.interval.high), fmt::format("{:.8f}", rate.fmr),
            Plain(rate.threshold)};
  }
  return Row(5);
}

}  // namespace

void PrintCsv(std::span<const EvaluationReport> reports, const std::vector<std::string>& networks,
              const EvaluationMean& mean) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const EvaluationReport& report = reports[i];
    for (const EvaluationCurve& curve : report.curves) {
      Row& row = rows.emplace_back(AreaCells(curve, report.methods[curve.method], networks[i]));
      for (std::string& cell : RateCells(report, curve)) row.push_back(std::move(cell));
      row.push_back(Plain(report.accuracy));
      row.push_back(fmt::format("{}", report.mated));
      row.push_back(fmt::format("{}", report.non_mated));
      for (const std::size_t alpha : {0, 1}) {
        row.push_back(Plain(report.rank_of_harm[curve.method][alpha]));
        row.push_back(Plain(report.reversed_rank_of_harm[curve.method][alpha]));
      }
    }
  }
  if (reports.size() > 1) {
    for (const EvaluationCurve& curve : mean.curves)
      rows.push_back(AreaCells(curve, mean.methods[curve.method], "mean"));
  }
  std::vector<TableColumn> columns;
  for (const char* column : kColumns) columns.push_back({column});
  for (Row& row : rows) row.resize(columns.size());
  fmt::print("{}", FormatTable(columns, rows, TableForm::kCsv));
}

}  // namespace prefiqs::cli
