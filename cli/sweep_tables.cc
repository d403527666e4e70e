#include "cli/sweep_tables.h"

#include <fmt/format.h>

#include <cmath>
#include <initializer_list>
#include <utility>

#include "cli/messages.h"

namespace prefiqs::cli {
namespace {

constexpr double kThousand = 1000;  // areas are printed so many times larger

std::string Number(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : std::string("-");
}

std::string Percent(double value) {
  return std::isfinite(value) ? fmt::format("{:.1f} %", 100 * value) : std::string("-");
}

std::string Interval(const EvaluationArea& area) {
  if (!std::isfinite(area.interval.low)) return "-";
  return fmt::format("{:.2f} to {:.2f}", kThousand * area.interval.low, kThousand * area.interval.high);
}

using Row = std::vector<std::string>;

// For people.
std::string Shown(const SweepTable& table, TableForm form) {
  const SweepLines& lines = table.lines;
  std::vector<Row> rows;
  const auto area = [](const EvaluationArea& a) { return Number(kThousand * a.value, 2); };
  rows.push_back({"whole network", "", "", "", "0", "", Percent(lines.whole.accuracy), Percent(lines.whole.fnmr), "",
                  "", "", area(lines.whole.by_norm), Interval(lines.whole.by_norm), ""});
  rows.push_back(
      {"random score", "", "", "", "", "", "", "", area(lines.random), Interval(lines.random), "", "", "", ""});
  for (std::size_t i = 0; i < lines.recipes.size(); ++i) {
    const SweepRun& run = table.result.runs[i];
    const SweepLine& line = lines.recipes[i];
    rows.push_back({std::string(name(run.recipe.granularity)), std::string(name(run.recipe.criterion)),
                    std::string(name(run.recipe.scope)), fmt::format("{}", run.recipe.from), Number(line.sparsity, 4),
                    Number(line.drift, 3), Percent(line.accuracy), Percent(line.fnmr)});
    Row& row = rows.back();
    const auto add = [&](const EvaluationArea& a) {
      for (std::string cell : {area(a), Interval(a), Percent(a.better_than_first)}) row.push_back(std::move(cell));
    };
    add(line.by_drift);
    add(line.by_norm);
    if (!table.jvp) continue;
    row.push_back(Number(run.correlation, 4));
    row.push_back(Number(run.rank_correlation, 4));
    add(line.by_jvp);
  }
  std::vector<TableColumn> columns{{"granularity"}, {"criterion"}, {"scope"}};
  const auto add = [&](std::initializer_list<const char*> titles) {
    for (const char* title : titles) columns.push_back({title, Align::kRight});
  };
  add({"from", "sparsity", "drift", "accuracy", "FNMR", "by drift", "95 %", "better", "by norm", "95 %", "better"});
  if (table.jvp) add({"r", "rank r", "by S", "95 %", "better"});
  for (Row& row : rows) row.resize(columns.size());
  return FormatTable(columns, rows, form);
}

// As many digits as tell resamples apart, as evaluate's table has them.
std::string Plain(double value) { return std::isfinite(value) ? fmt::format("{:.6f}", value) : std::string(); }

void AddArea(const EvaluationArea& area, Row& row) {
  for (const double value : {kThousand * area.value, kThousand * area.interval.low, kThousand * area.interval.high,
                             area.better_than_first}) {
    row.push_back(Plain(value));
  }
}

// For programs. Names are the header's for good; new ones go to the end.
std::string Csv(const SweepTable& table) {
  std::vector<TableColumn> columns;
  for (const char* title : {"granularity", "criterion", "scope", "from", "sparsity", "drift", "accuracy", "FNMR"}) {
    columns.push_back({title});
  }
  for (const char* by : {"by drift", "by norm", "by S"}) {
    for (const char* of : {"", " 95 % low", " 95 % high", " better"}) columns.push_back({fmt::format("{}{}", by, of)});
  }
  for (const char* title : {"r", "rank r", "protocol", "FMR", "mirrored"}) columns.push_back({title});

  std::vector<Row> rows;
  const auto add = [&](Row row, const SweepLine& line, double correlation, double rank_correlation) {
    for (const double value : {line.drift, line.accuracy, line.fnmr}) row.push_back(Plain(value));
    for (const EvaluationArea* area : {&line.by_drift, &line.by_norm, &line.by_jvp}) AddArea(*area, row);
    row.push_back(table.jvp ? Plain(correlation) : "");
    row.push_back(table.jvp ? Plain(rank_correlation) : "");
    row.push_back(table.protocol);
    row.push_back(fmt::format("{}", table.fmr));
    row.push_back(table.protocol != "A" ? "" : table.mirrored ? "yes" : "no");
    rows.push_back(std::move(row));
  };
  const SweepLines& lines = table.lines;
  add({"whole network", "", "", "", Plain(0)}, lines.whole, NAN, NAN);
  SweepLine random;
  random.by_drift = lines.random;
  add({"random score", "", "", "", ""}, random, NAN, NAN);
  for (std::size_t i = 0; i < lines.recipes.size(); ++i) {
    const SweepRun& run = table.result.runs[i];
    add({std::string(name(run.recipe.granularity)), std::string(name(run.recipe.criterion)),
         std::string(name(run.recipe.scope)), fmt::format("{}", run.recipe.from), Plain(lines.recipes[i].sparsity)},
        lines.recipes[i], run.correlation, run.rank_correlation);
  }
  return FormatTable(columns, rows, TableForm::kCsv);
}

}  // namespace

void PrintSweep(const SweepTable& table, TableForm form) {
  std::string said;
  if (!std::isfinite(table.lines.whole.fnmr)) {
    said = fmt::format("FMR {}: too few non-mated comparisons to tell it\n", table.fmr);
  }
  said += fmt::format("protocol {}{}, FMR {}: area up to 30 % discarded, times 1000\n\n", table.protocol,
                      table.protocol == "A" && !table.mirrored ? " (no mirrors)" : "", table.fmr);
  if (form == TableForm::kCsv) {
    Say(said);
    fmt::print("{}", Csv(table));
  } else {
    fmt::print("{}{}", said, Shown(table, form));
  }
}

}  // namespace prefiqs::cli
