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
  throw Error(ErrorCode::kUsage, fmt::format("{}: there is no column {}; there are {}", Printable(path),
                                             Printable(std::string(column)), known));
}

Table ReadTable(const std::string& path) {
  const std::vector<std::uint8_t> bytes = ReadFile(path, kMaxBytes);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Table table{.path = path, .columns = {}, .rows = {}, .lines = {}};
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
  return table;
}

std::size_t NameColumn(const Table& table) {
  for (const std::string_view name : {"path", "file", "name", "image"}) {
    if (const auto found = table.Find(name)) return *found;
  }
  return table.Require("path");  // which says that there is none
}

double NumberIn(const Table& table, std::size_t row, std::size_t column) {
  const std::string& cell = table.rows[row][column];
  if (cell.empty()) return std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  const char* const end = cell.data() + cell.size();
  const auto [stop, error] = std::from_chars(cell.data() + (cell[0] == '+' ? 1 : 0), end, value);
  if (error == std::errc() && stop == end) return value;
  throw Error(ErrorCode::kIo, fmt::format("{}: line {}: column {} holds {}, which is no number", Printable(table.path),
                                          table.lines[row], Printable(table.columns[column]), Printable(cell)));
}

}  // namespace prefiqs::eval
