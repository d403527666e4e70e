#include "cli/evaluation_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "cli/messages.h"

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

}  // namespace

std::string DescribeComparisons(const EvaluationReport& report, const char* thing) {
  const std::string things = WordFor(2, thing);
  std::string text =
      fmt::format("{} {} of {} {}; {} mated and {} non-mated {}", Grouped(static_cast<std::int64_t>(report.images)),
                  WordFor(report.images, thing), Grouped(static_cast<std::int64_t>(report.identities)),
                  WordFor(report.identities, "person", "people"), Grouped(static_cast<std::int64_t>(report.mated)),
                  Grouped(static_cast<std::int64_t>(report.non_mated)), WordFor(report.non_mated, "comparison"));
  if (report.not_compared > 0) {
    text += fmt::format("; {} {} no embedding, {} comparisons are not accepted", Count(report.not_compared, thing),
                        WordFor(report.not_compared, "has", "have"), WordFor(report.not_compared, "its", "their"));
  }
  text += "\n";
  for (const EvaluationFile& file : report.files) text += fmt::format("{}: read as {}\n", file.path, file.form);
  text += report.mirrored ? "protocol A with the mirrored pictures' embeddings\n"
                          : "protocol A (no mirrors): without the mirrored pictures' embeddings, which it wants\n";
  for (std::size_t m = 0; m < report.methods.size(); ++m) {
    if (report.missing_qualities[m] == 0) continue;
    text += fmt::format("{} of the {} {} no quality of {}, which is the worst\n", report.missing_qualities[m], things,
                        WordFor(report.missing_qualities[m], "has", "have"), report.methods[m]);
  }
  for (const std::string& column : report.left_out) {
    text += fmt::format(
        "{} is left out: it is the same for all {}, as of a network that normalises its embedding, and says nothing\n",
        column, things);
  }
  if (report.folds >= 2) {
    text += fmt::format("verification accuracy {} ± {} (standard error over {} folds)\n", Percent(report.accuracy),
                        Percent(report.accuracy_standard_error), report.folds);
  } else if (report.folds == 1) {
    text += "verification accuracy wants two folds, of which the list has one\n";
  }
  return text;
}

void PrintErrorRates(const EvaluationReport& report, TableForm form) {
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

namespace {

// Areas of curves of which those of one method come first, then the next one's. starts: those of protocols that start
// at an error, or those of the others.
void PrintAreas(const std::vector<EvaluationCurve>& curves, const std::vector<std::string>& methods, bool starts,
                TableForm form) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const EvaluationCurve& curve) {
    rows.push_back({std::string(name(curve.protocol)), fmt::format("{}", starts ? curve.start : curve.fmr),
                    methods[curve.method], Number(1000 * curve.to_20.value, 3), Number(1000 * curve.to_30.value, 3),
                    Between(curve.to_30.interval, 1000, 3), Percent(curve.to_30.better_than_first)});
    if (!starts) rows.back().push_back(Number(1000 * std::abs(curve.to_30.reversed - curve.to_30.value), 3));
    rows.back().push_back(Number(1000 * curve.whole.value, 3));
    if (!starts) rows.back().push_back(Number(curve.normalised.value, 4));
  };
  // By protocol and rate, so that methods stand below each other.
  const std::size_t of_a_method = curves.size() / methods.size();
  for (std::size_t k = 0; k < of_a_method; ++k) {
    const bool has_areas = std::isfinite(curves[k].to_20.value) || std::isfinite(curves[k].whole.value);
    if (curves[k].points.empty() && !has_areas) continue;  // a mean has no points
    if (std::isnan(curves[k].fmr) != starts) continue;
    for (std::size_t m = 0; m < methods.size(); ++m) add(curves[m * of_a_method + k]);
  }
  if (rows.empty()) return;
  std::vector<TableColumn> columns{{"protocol"},
                                   {starts ? "start" : "FMR", Align::kRight},
                                   {"method"},
                                   {"pAUC 20 %", Align::kRight},
                                   {"pAUC 30 %", Align::kRight},
                                   {"95 %", Align::kRight},
                                   {"better", Align::kRight}};
  if (!starts) columns.push_back({"ties", Align::kRight});
  columns.push_back({"AUC", Align::kRight});
  if (!starts) columns.push_back({"normalised", Align::kRight});
  fmt::print("{}\n", FormatTable(columns, rows, form));
}

}  // namespace

void PrintAreas(const EvaluationReport& report, TableForm form) {
  for (const bool starts : {false, true}) PrintAreas(report.curves, report.methods, starts, form);
}

void PrintHarm(const EvaluationReport& report, TableForm form) {
  if (!std::isfinite(report.harm_ranks[0][0].value)) {
    fmt::print("RCE is left out: too few non-mated comparisons for FMR 0.001\n\n");
    return;
  }
  std::vector<TableColumn> columns{{"method"}};
  for (const EvaluationHarmRank& rank : report.harm_ranks[0]) {
    columns.push_back({fmt::format("alpha {}", rank.alpha), Align::kRight});
    for (const char* column : {"95 %", "better", "reversed"}) columns.push_back({column, Align::kRight});
  }
  std::vector<std::vector<std::string>> rows;
  for (std::size_t m = 0; m < report.methods.size(); ++m) {
    std::vector<std::string>& row = rows.emplace_back(std::vector{report.methods[m]});
    for (const EvaluationHarmRank& rank : report.harm_ranks[m]) {
      row.push_back(Number(rank.value, 3));
      row.push_back(Between(rank.interval, 1, 3));
      row.push_back(Percent(rank.better_than_first));
      row.push_back(Number(rank.reversed, 3));
    }
  }
  fmt::print("RCE: rank correlation of quality and harm at FMR 0.001, higher is better\n\n{}\n",
             FormatTable(columns, rows, form));
}

void PrintMeanAreas(const EvaluationMean& mean, std::size_t networks, TableForm form) {
  if (mean.curves.empty()) return;
  fmt::print("mean of {} verifying networks\n\n", networks);
  for (const bool starts : {false, true}) PrintAreas(mean.curves, mean.methods, starts, form);
}

void PrintSetsMean(const EvaluationSetsMean& mean, TableForm form) {
  std::vector<TableColumn> columns{{"protocol"}, {"rate", Align::kRight}, {"method"}};
  std::string left_out;
  for (const EvaluationSetsMean::Set& set : mean.sets) {
    columns.push_back({set.name, Align::kRight});
    if (!set.counts) left_out += (left_out.empty() ? "" : ", ") + set.name;
  }
  columns.push_back({"mean", Align::kRight});
  std::vector<std::vector<std::string>> rows;
  for (const EvaluationSetsMean::Row& row : mean.rows) {
    const bool has_any = std::ranges::any_of(row.values, [](double value) { return std::isfinite(value); });
    if (!has_any) continue;
    std::vector<std::string>& cells = rows.emplace_back(std::vector{row.protocol, row.rate, row.method});
    const auto add = [&](double value) {
      const bool empty = form == TableForm::kCsv && !std::isfinite(value);  // programs want numbers or nothing
      cells.push_back(empty ? std::string() : Number(value, form == TableForm::kCsv ? 6 : 3));
    };
    for (const double value : row.values) add(value);
    add(row.mean);
  }
  const std::string said = left_out.empty() ? ""
                                            : fmt::format(
                                                  "{} is not in the mean: its pairs were chosen with scores of "
                                                  "SER-FIQ, one of the methods that are compared\n",
                                                  left_out);
  if (form == TableForm::kCsv) {
    Say(said);
    fmt::print("{}", FormatTable(columns, rows, form));
  } else {
    fmt::print("pAUC 30 %, times 1000, of {} data sets\n\n{}\n{}", mean.sets.size(), FormatTable(columns, rows, form),
               said);
  }
}

}  // namespace prefiqs::cli
