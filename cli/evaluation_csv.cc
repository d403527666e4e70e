#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/evaluation_tables.h"

namespace prefiqs::cli {
namespace {

using Row = std::vector<std::string>;

// The first nine are those of the table that people read. Names are the header's for good; new ones go to the end.
constexpr std::array kColumns{
    "protocol", "FMR", "method", "pAUC 20 %", "pAUC 30 %", "95 % low", "95 % high", "better", "AUC", "ties",
    "normalised", "start", "network", "FNMR", "FNMR 95 % low", "FNMR 95 % high", "achieved FMR", "threshold",
    "accuracy", "mated", "non-mated", "RCE alpha 0", "RCE alpha 0 reversed", "RCE alpha 3", "RCE alpha 3 reversed",
    // Protocol A with the mirrored pictures' embeddings: yes or no.
    "mirrored", "pAUC 20 % 95 % low", "pAUC 20 % 95 % high", "pAUC 20 % better", "AUC 95 % low", "AUC 95 % high",
    "AUC better",
    // Of what is kept where pAUC 30 % ends.
    "achieved FMR at 30 %", "mated at 30 %", "non-mated at 30 %", "RCE alpha 0 95 % low", "RCE alpha 0 95 % high",
    "RCE alpha 0 better", "RCE alpha 3 95 % low", "RCE alpha 3 95 % high", "RCE alpha 3 better"};

// What is of one network's report stands before.
constexpr std::size_t kFirstOfTheMeanToo = 25;
static_assert(std::string_view(kColumns[kFirstOfTheMeanToo]) == "mirrored");

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

std::string Mirrored(const EvaluationReport& report, const EvaluationCurve& curve) {
  if (curve.protocol != EdcProtocol::kPairs) return {};
  return report.mirrored ? "yes" : "no";
}

// Interval and comparison of an area that is not the table's main one.
void AddSure(const EvaluationArea& area, Row& row) {
  row.push_back(Plain(1000 * area.interval.low));
  row.push_back(Plain(1000 * area.interval.high));
  row.push_back(Plain(area.better_than_first));
}

// Where pAUC 30 % ends; empty where the curve ends before.
Row KeptCells(const EvaluationCurve& curve) {
  constexpr double kEnd = 0.3 + 1e-9;
  const EvaluationPoint* last = nullptr;
  for (const EvaluationPoint& point : curve.points) {
    if (point.discarded <= kEnd) last = &point;
  }
  if (last == nullptr || !std::isfinite(curve.to_30.value)) return Row(3);
  const bool of_mated = curve.protocol != EdcProtocol::kFalseMatches,
             of_non_mated = curve.protocol == EdcProtocol::kPairs || curve.protocol == EdcProtocol::kImages ||
                            curve.protocol == EdcProtocol::kFalseMatches;
  return {std::isfinite(last->fmr) ? fmt::format("{:.8f}", last->fmr) : std::string(),
          of_mated ? fmt::format("{}", last->mated) : std::string(),
          of_non_mated ? fmt::format("{}", last->non_mated) : std::string()};
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
      const std::vector<EvaluationHarmRank>& harm_ranks = report.harm_ranks[curve.method];
      for (const EvaluationHarmRank& rank : harm_ranks) {
        row.push_back(Plain(rank.value));
        row.push_back(Plain(rank.reversed));
      }
      row.push_back(Mirrored(report, curve));
      AddSure(curve.to_20, row);
      AddSure(curve.whole, row);
      for (std::string& cell : KeptCells(curve)) row.push_back(std::move(cell));
      for (const EvaluationHarmRank& rank : harm_ranks) {
        for (const double value : {rank.interval.low, rank.interval.high, rank.better_than_first}) {
          row.push_back(Plain(value));
        }
      }
    }
  }
  if (reports.size() > 1) {
    for (const EvaluationCurve& curve : mean.curves) {
      Row& row = rows.emplace_back(AreaCells(curve, mean.methods[curve.method], "mean"));
      row.resize(kFirstOfTheMeanToo);
      row.push_back(Mirrored(reports[0], curve));
      AddSure(curve.to_20, row);
      AddSure(curve.whole, row);
    }
  }
  std::vector<TableColumn> columns;
  for (const char* column : kColumns) columns.push_back({column});
  for (Row& row : rows) row.resize(columns.size());
  fmt::print("{}", FormatTable(columns, rows, TableForm::kCsv));
}

}  // namespace prefiqs::cli
