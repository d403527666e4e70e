// CSV files with a header line, as other tools write them too.
#ifndef PREFIQS_EVAL_TABLE_FILE_H_
#define PREFIQS_EVAL_TABLE_FILE_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace prefiqs::eval {

struct Table {
  std::string path;                            // for messages
  std::vector<std::string> columns;            // of the header
  std::vector<std::vector<std::string>> rows;  // a cell a column
  std::vector<std::size_t> lines;              // of each row, from 1
  bool has_header = true;                      // false: `columns` are as ReadScores names them
  bool is_ofiq = false;                        // as OFIQ's sample program writes it
  std::string form{};                          // what the file was taken for, for people

  // Of OFIQ's tables a measure NAME is the column NAME or NAME.native, as the versions differ.
  std::optional<std::size_t> Find(std::string_view column) const;
  // Throws Error(kUsage) naming the file and its columns where there is none of that name.
  std::size_t Require(std::string_view column) const;
};

// RFC 4180 with LF or CRLF; a last line without an end counts; a byte order mark and empty lines are passed over. The
// cells are separated by what the first line has: commas, else semicolons, else tabs. A header that ends with the
// separator has no column there, and its rows may end with one. OFIQ's table is known by its first column, Filename,
// and semicolons: its rows for pictures that cannot be read have fewer cells, which are then empty. A file whose first
// byte is { holds our rows as `score --format jsonl` writes them, all of one schema. 1 GiB at most. Throws Error(kIo)
// naming file, line and cause: cannot be read, empty, a row with more or fewer cells than the header.
Table ReadTable(const std::string& path);

// As ReadTable, and what other tools write without a header: lines of a name and a number, with a comma, a semicolon, a
// tab or spaces between, if the first line is one. The columns are then path and quality, nothing is quoted, names may
// hold spaces but at their ends. Throws as ReadTable, and for a line that is not like the first.
Table ReadScores(const std::string& path);

// The column that says which picture: path, file, name, image or Filename. Throws Error(kUsage) where there is none.
std::size_t NameColumn(const Table& table);

// A number as C writes it, NaN for an empty cell; throws Error(kIo) naming file, line and column for anything else.
double NumberIn(const Table& table, std::size_t row, std::size_t column);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_TABLE_FILE_H_
