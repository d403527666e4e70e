#include "eval/qualities.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <string_view>
#include <unordered_map>

#include "base/file.h"
#include "eval/name_index.h"
#include "eval/pair_list.h"

namespace prefiqs::eval {
namespace {

constexpr std::string_view kOfiqQuality = "UnifiedQualityScore";

std::string ScoreColumn(const Table& table, const QualitySource& source) {
  if (!source.column.empty()) return source.column;
  if (table.Find("quality")) return "quality";
  if (table.is_ofiq && table.Find(kOfiqQuality)) return std::string(kOfiqQuality);
  if (table.columns.size() == 2) return table.columns[1 - NameColumn(table)];
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: which column is the quality? say FILE:COLUMN", Printable(source.path)));
}

// OFIQ says by a scalar of -1 that it could not measure something; the native value beside it then says nothing.
bool IsFailure(const Table& table, std::size_t row, std::size_t column) {
  std::string_view measure = table.columns[column];
  for (const std::string_view kind : {".native", ".scalar"}) {
    if (measure.ends_with(kind)) measure.remove_suffix(kind.size());
  }
  const auto scalar = table.Find(fmt::format("{}.scalar", measure));
  return NumberIn(table, row, scalar.value_or(column)) == -1;
}

// An empty cell is no score; one that says it is no number is none that a row whose status is ok was written with.
float ScoreIn(const Table& table, std::size_t row, std::size_t column) {
  const auto score = static_cast<float>(NumberIn(table, row, column));
  if (table.is_ofiq && IsFailure(table, row, column)) return std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::string>& cells = table.rows[row];
  const std::optional<std::size_t> status = table.Find("status");
  if (!std::isnan(score) || cells[column].empty() || !status || cells[*status] != info(Status::kOk).name) return score;
  throw Error(ErrorCode::kIo,
              fmt::format("{}: line {}: {} is {} where {} is {}", Printable(table.path), table.lines[row],
                          table.columns[column], Printable(cells[column]), table.columns[*status], cells[*status]));
}

// Which of two different numbers a picture has, nobody can tell.
void CheckConflicts(const Table& table, std::size_t name, std::size_t column) {
  std::unordered_map<std::string_view, std::size_t> first;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto [entry, is_new] = first.emplace(table.rows[row][name], row);
    if (is_new) continue;
    const float a = ScoreIn(table, entry->second, column), b = ScoreIn(table, row, column);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    throw Error(ErrorCode::kUsage,
                fmt::format("{}: {} has {} in line {} and {} in line {}; leave one of them", Printable(table.path),
                            Printable(table.rows[row][name]), table.rows[entry->second][column],
                            table.lines[entry->second], table.rows[row][column], table.lines[row]));
  }
}

}  // namespace

std::vector<float> Column(const Table& table, const std::string& name, std::span<const std::size_t> rows) {
  const std::size_t column = table.Require(name);
  std::vector<float> values;
  for (const std::size_t row : rows) values.push_back(ScoreIn(table, row, column));
  return values;
}

bool HasNumbers(std::span<const float> values) {
  return std::ranges::any_of(values, [](float v) { return !std::isnan(v); });
}

bool AreOneNumber(std::span<const float> values) {
  constexpr double kRounding = 1e-5;  // rows have six decimals
  double least = std::numeric_limits<double>::infinity(), most = -least;
  std::size_t numbers = 0;
  for (const float value : values) {
    if (std::isnan(value)) continue;
    least = std::min<double>(least, value);
    most = std::max<double>(most, value);
    ++numbers;
  }
  return numbers >= 2 && most - least < kRounding * std::max(std::abs(least), std::abs(most));
}

std::vector<float> ReadQuality(const QualitySource& source, const std::vector<std::string>& pictures,
                               std::string* form) {
  const Table table = ReadScores(source.path);
  if (form != nullptr) *form = table.form;
  const std::size_t name = NameColumn(table), column = table.Require(ScoreColumn(table, source));
  if (!table.Find("face")) CheckConflicts(table, name, column);
  std::vector<float> quality(pictures.size(), std::numeric_limits<float>::quiet_NaN());
  std::vector<bool> taken(pictures.size());
  std::vector<std::string> names;
  for (const auto& row : table.rows) names.push_back(row[name]);
  std::size_t found = 0;
  const auto take = [&](std::uint32_t image, std::size_t row) {
    if (taken[image]) return;  // further faces of the picture
    taken[image] = true;
    ++found;
    quality[image] = ScoreIn(table, row, column);
  };
  std::unordered_map<std::string_view, std::uint32_t> exact;  // first: shortened, a.jpg and a.png are one name
  for (std::uint32_t i = 0; i < pictures.size(); ++i) exact.emplace(pictures[i], i);
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const auto image = exact.find(names[i]); image != exact.end()) {
      take(image->second, i);
    } else {
      others.push_back(i);
    }
  }
  const NameIndex images(pictures);
  for (const std::size_t i : found == pictures.size() ? std::vector<std::size_t>() : others) {
    if (const auto image = images.Find(NameOf(names[i]))) take(*image, i);
  }
  if (found == 0) {  // its paths are the longer ones
    const NameIndex index(names);
    for (std::uint32_t i = 0; i < pictures.size(); ++i) {
      if (const auto row = index.Find(NameOf(pictures[i]))) take(i, *row);
    }
  }
  if (!HasNumbers(quality)) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: has no number for any of the compared pictures, such as {}",
                                               Printable(source.path), Printable(pictures[0])));
  }
  if (source.lower_is_better) {
    for (float& q : quality) q = -q;
  }
  return quality;
}

std::vector<float> RandomQuality(std::size_t images, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> quality;
  for (std::size_t i = 0; i < images; ++i) quality.push_back(static_cast<float>(random() >> 40));
  return quality;
}

}  // namespace prefiqs::eval
