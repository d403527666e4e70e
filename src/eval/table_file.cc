#include "eval/table_file.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/file.h"
#include "eval/word_lines.h"
#include "report/csv.h"
#include "report/json_lines.h"
#include "report/row.h"

namespace prefiqs::eval {
namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 30;
constexpr std::size_t kMostShown = 100;  // bytes of a line, in messages
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kNative = ".native";

}  // namespace

std::optional<std::size_t> Table::Find(std::string_view column) const {
  auto found = std::ranges::find(columns, column);
  if (found == columns.end() && is_ofiq) {
    const bool native = column.ends_with(kNative);
    found = std::ranges::find(columns, native ? std::string(column.substr(0, column.size() - kNative.size()))
                                              : fmt::format("{}{}", column, kNative));
  }
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

std::string_view NameOf(char separator) {
  return separator == ',' ? "commas" : separator == ';' ? "semicolons" : "tabs";
}

// What stands between the columns of a file that has this line. Names may hold spaces.
char SeparatorOf(std::string_view line) {
  for (const char separator : {',', ';', '\t'}) {
    if (line.find(separator) != std::string_view::npos) return separator;
  }
  return ' ';
}

// Cells of a record -> cells of the table's columns. Throws Error(kIo) where they do not fit.
std::vector<std::string> Fitted(std::vector<std::string> cells, bool header_ends_with_separator, const Table& table,
                                std::size_t line) {
  const std::size_t wanted = table.columns.size();
  if (header_ends_with_separator && cells.size() == wanted + 1 && cells.back().empty()) cells.pop_back();
  // OFIQ: "PATH;;;0" of a picture that it cannot read.
  const auto is_empty = [](const std::string& cell) { return cell.empty(); };
  if (table.is_ofiq && cells.size() >= 3 && std::all_of(cells.begin() + 1, cells.end() - 1, is_empty)) {
    cells = {cells[0]};
    cells.resize(wanted);
  }
  if (cells.size() == wanted) return cells;
  throw Error(ErrorCode::kIo, fmt::format("{}: line {}: {} cells, the header has {}", Printable(table.path), line,
                                          cells.size(), wanted));
}

// Adds the records to a table, the first of them as its columns.
void TakeSeparated(std::string_view text, char separator, Table& table) {
  const std::string& path = table.path;
  std::size_t line = 1;
  std::int64_t seen = 0;
  bool ends_with_separator = false;
  const auto take = [&](const std::vector<std::string>& fields, std::int64_t end) {
    const std::size_t here = line;
    const std::int64_t stop = std::min<std::int64_t>(end, static_cast<std::int64_t>(text.size()));
    line += static_cast<std::size_t>(std::count(text.begin() + seen, text.begin() + stop, '\n'));
    seen = stop;
    if (fields.size() == 1 && fields[0].empty()) return;
    if (!table.columns.empty()) {
      table.rows.push_back(Fitted(fields, ends_with_separator, table, here));
      table.lines.push_back(here);
      return;
    }
    table.columns = fields;
    ends_with_separator = fields.size() > 1 && fields.back().empty();
    if (ends_with_separator) table.columns.pop_back();
    table.is_ofiq = separator == ';' && fields[0] == "Filename";
  };
  report::CsvParser parser(take, separator);
  try {
    parser.Feed(text);
    if (!text.empty() && text.back() != '\n') parser.Feed("\n");
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with(Printable(path))) throw;
    throw Error(ErrorCode::kIo, fmt::format("{}: line {}: {}", Printable(path), line, error.what()));
  }
  if (table.columns.empty()) throw Error(ErrorCode::kIo, fmt::format("{}: is empty", Printable(path)));
  table.form =
      table.is_ofiq ? "OFIQ's table" : fmt::format("a table with a header, separated by {}", NameOf(separator));
}

void TakeJsonLines(std::string_view text, Table& table) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = Trimmed(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
    if (line.empty()) continue;
    std::vector<std::string> cells;
    try {
      cells = report::ParseJsonLine(line);
    } catch (const Error& error) {
      FailAtLine(table.path, number, error.what());
    }
    if (table.columns.empty()) {
      for (const report::Column& column : report::Columns()) table.columns.emplace_back(column.name);
      table.columns.resize(cells.size());
    }
    if (cells.size() != table.columns.size()) {
      FailAtLine(table.path, number, "a row of another schema than those before");
    }
    table.rows.push_back(std::move(cells));
    table.lines.push_back(number);
  }
  table.form = "rows of prefiqs as JSON lines";
}

void Take(std::string_view text, Table& table) {
  if (text.starts_with('{')) return TakeJsonLines(text, table);
  std::string_view rest = text;
  while (!rest.empty() && Trimmed(rest.substr(0, rest.find('\n'))).empty()) {
    rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
  }
  const char separator = SeparatorOf(rest.substr(0, rest.find('\n')));
  TakeSeparated(text, separator == ' ' ? ',' : separator, table);
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
  Take(WithoutByteOrderMark(bytes), table);
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
      table.form = "lines of a name and a number";
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
  if (table.has_header) Take(WithoutByteOrderMark(bytes), table);
  return table;
}

std::size_t NameColumn(const Table& table) {
  for (const std::string_view name : {"path", "file", "name", "image", "Filename"}) {
    if (const auto found = table.Find(name)) return *found;
  }
  std::string first;
  for (const std::string& cell : table.columns)
    first += fmt::format("{}{}", first.empty() ? "" : ", ", Printable(cell));
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: its first line must be a header with a column path, file, name or image, separated by "
                          "commas, semicolons or tabs, and is: {}",
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
