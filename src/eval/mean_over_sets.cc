#include <fmt/format.h>
#include <prefiqs/evaluation.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "base/file.h"
#include "eval/table_file.h"
#include "eval/word_lines.h"

namespace prefiqs {
namespace {

constexpr std::string_view kLeftOut = "xqlfw", kMean = "mean";

bool IsLeftOut(std::string name) {
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name.find(kLeftOut) != std::string::npos;
}

using Key = std::tuple<std::string, std::string, std::string>;  // protocol, rate, method
struct Areas {
  std::vector<Key> keys;  // in the table's order
  std::map<Key, double> values;
};

Areas Read(const std::string& path) {
  const eval::Table table = eval::ReadTable(path);
  const std::size_t protocol = table.Require("protocol"), fmr = table.Require("FMR"), start = table.Require("start"),
                    method = table.Require("method"), network = table.Require("network"),
                    area = table.Require("pAUC 30 %");
  const auto is_mean = [&](const std::vector<std::string>& cells) { return cells[network] == kMean; };
  const bool has_mean = std::ranges::any_of(table.rows, is_mean);
  Areas areas;
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::vector<std::string>& cells = table.rows[i];
    if (has_mean && !is_mean(cells)) continue;
    Key key(cells[protocol], cells[fmr].empty() ? cells[start] : cells[fmr], cells[method]);
    const auto [entry, is_new] = areas.values.emplace(key, eval::NumberIn(table, i, area));
    if (!is_new) {
      eval::FailAtLine(
          path, table.lines[i],
          fmt::format("a second line of protocol {}, rate {} and method {}; a table is of one data set",
                      Printable(std::get<0>(key)), Printable(std::get<1>(key)), Printable(std::get<2>(key))));
    }
    areas.keys.push_back(std::move(key));
  }
  return areas;
}

}  // namespace

EvaluationSetsMean mean_over_sets(std::span<const EvaluationTable> tables) {
  EvaluationSetsMean result;
  std::vector<Areas> areas;
  for (const EvaluationTable& table : tables) {
    if (std::ranges::find(result.sets, table.name, &EvaluationSetsMean::Set::name) != result.sets.end()) {
      throw Error(ErrorCode::kUsage, fmt::format("two data sets are named {}", Printable(table.name)));
    }
    result.sets.push_back({table.name, !IsLeftOut(table.name)});
    areas.push_back(Read(table.path));
  }
  if (std::ranges::none_of(result.sets, &EvaluationSetsMean::Set::counts)) {
    throw Error(ErrorCode::kUsage, "no data set to make a mean of (XQLFW is left out)");
  }
  for (const Key& key : areas.front().keys) {
    EvaluationSetsMean::Row row{std::get<0>(key), std::get<1>(key), std::get<2>(key), {}};
    double sum = 0, count = 0;
    for (std::size_t i = 0; i < areas.size(); ++i) {
      const auto found = areas[i].values.find(key);
      if (found == areas[i].values.end()) break;
      row.values.push_back(found->second);
      if (!result.sets[i].counts) continue;
      sum += found->second;
      ++count;
    }
    if (row.values.size() < areas.size()) continue;
    row.mean = sum / count;
    result.rows.push_back(std::move(row));
  }
  if (result.rows.empty()) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: no line of protocol, rate and method that all the tables have",
                                               Printable(tables[0].path)));
  }
  return result;
}

}  // namespace prefiqs
