#include "eval/table_file.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/file.h"
#include "report/csv.h"

namespace prefiqs::eval {
namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 30;
constexpr std::size_t kMostShown = 100;  // bytes of a line, in messages
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

std::optional<std::size_t> Table::Find(std::string_view column) const {
  const auto found = std::ranges::find(columns, column);
  if (found == columns.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns.begin());
}

std::size_t Table::Require(std::string_view column) const {
  if (const auto found = Find(column)) return *found;
  std::string known;
  for (const std::string& name : columns) known += fmt::format("{}{}", known.empty() ? "" : ", ", Printable(name));
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: there is no column {}; there are {}{}", Printable(path), Printable(std::string(column)),
                          known, has_header ? "" : ", as its first line is no header"));
}

namespace {

std::string_view WithoutByteOrderMark(const std::vector<std::uint8_t>& bytes) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

// Adds the records to a table, the first of them as its columns where it has none.
void TakeCommaSeparated(std::string_view text, Table& table) {
  const std::string& path = table.path;
  std::size_t line = 1;
  std::int64_t seen = 0;
  report::CsvParser parser([&](const std::vector<std::string>& fields, std::int64_t end) {
    const std::size_t here = line;
    const std::int64_t stop = std::min<std::int64_t>(end, static_cast<std::int64_t>(text.size()));
    line += static_cast<std::size_t>(std::count(text.begin() + seen, text.begin() + stop, '\n'));
    seen = stop;
    if (fields.size() == 1 && fields[0].empty()) return;
    if (table.columns.empty()) {
      table.columns = fields;
    } else if (fields.size() != table.columns.size()) {
      throw Error(ErrorCode::kIo, fmt::format("{}: line {}: {} cells, the header has {}", Printable(path), here,
                                              fields.size(), table.columns.size()));
    } else {
      table.rows.push_back(fields);
      table.lines.push_back(here);
    }
  });
  try {
    parser.Feed(text);
    if (!text.empty() && text.back() != '\n') parser.Feed("\n");
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with(Printable(path))) throw;
    throw Error(ErrorCode::kIo, fmt::format("{}: line {}: {}", Printable(path), line, error.what()));
  }
  if (table.columns.empty()) throw Error(ErrorCode::kIo, fmt::format("{}: is empty", Printable(path)));
}

// What stands between the columns of a file that has this line. Names may hold spaces.
char SeparatorOf(std::string_view line) {
  for (const char separator : {',', ';', '\t'}) {
    if (line.find(separator) != std::string_view::npos) return separator;
  }
  return ' ';
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

std::optional<double> NumberOf(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

struct Score {
  std::string_view name, number;
};
// A line of two columns, the second one a number.
std::optional<Score> ScoreIn(std::string_view line, char separator) {
  line = Trimmed(line);
  const std::size_t between = line.rfind(separator);
  if (between == std::string_view::npos || (separator != ' ' && line.find(separator) != between)) return std::nullopt;
  const Score score{.name = Trimmed(line.substr(0, between)), .number = Trimmed(line.substr(between + 1))};
  if (score.name.empty() || !NumberOf(score.number)) return std::nullopt;
  return score;
}

}  // namespace

Table ReadTable(const std::string& path) {
  Table table{.path = path, .columns = {}, .rows = {}, .lines = {}};
  const std::vector<std::uint8_t> bytes = ReadFile(path, kMaxBytes);
  TakeCommaSeparated(WithoutByteOrderMark(bytes), table);
  return table;
}

Table ReadScores(const std::string& path) {
  Table table{.path = path, .columns = {}, .rows = {}, .lines = {}};
  const std::vector<std::uint8_t> bytes = ReadFile(path, kMaxBytes);
  std::string_view text = WithoutByteOrderMark(bytes);
  char separator = 0;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (Trimmed(line).empty()) {
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      continue;
    }
    if (separator == 0) {
      separator = SeparatorOf(Trimmed(line));
      table.has_header = !ScoreIn(line, separator);
      if (table.has_header) break;
      table.columns = {"path", "quality"};
    }
    const std::optional<Score> score = ScoreIn(line, separator);
    if (!score) {
      throw Error(ErrorCode::kIo, fmt::format("{}: line {}: {} is no name and number, as those before", Printable(path),
                                              number, Printable(Trimmed(line).substr(0, kMostShown))));
    }
    table.rows.push_back({std::string(score->name), std::string(score->number)});
    table.lines.push_back(number);
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  if (table.has_header) TakeCommaSeparated(WithoutByteOrderMark(bytes), table);
  return table;
}

std::size_t NameColumn(const Table& table) {
  for (const std::string_view name : {"path", "file", "name", "image"}) {
    if (const auto found = table.Find(name)) return *found;
  }
  std::string first;
  for (const std::string& cell : table.columns)
    first += fmt::format("{}{}", first.empty() ? "" : ", ", Printable(cell));
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: its first line must be a header with a column path, file, name or image, separated by "
                          "commas, and is: {}",
                          Printable(table.path), first.substr(0, kMostShown)));
}

double NumberIn(const Table& table, std::size_t row, std::size_t column) {
  const std::string& cell = table.rows[row][column];
  if (cell.empty()) return std::numeric_limits<double>::quiet_NaN();
  if (const std::optional<double> value = NumberOf(cell)) return *value;
  throw Error(ErrorCode::kIo, fmt::format("{}: line {}: column {} holds {}, which is no number", Printable(table.path),
                                          table.lines[row], Printable(table.columns[column]), Printable(cell)));
}

}  // namespace prefiqs::eval
