// Columns that line up.
#ifndef PREFIQS_CLI_TABLE_H_
#define PREFIQS_CLI_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

namespace prefiqs::cli {

enum class Align { kLeft, kRight };

struct TableColumn {
  std::string title;
  Align align = Align::kLeft;
};

// Title line and rows, two spaces between columns, no spaces at line ends. Rows have a cell for each column.
std::string FormatTable(const std::vector<TableColumn>& columns, const std::vector<std::vector<std::string>>& rows);

enum class TableForm { kText, kMarkdown, kLatex, kCsv };
// Of --tables. Throws Error(kUsage).
TableForm ParseTableForm(const std::string& text);

// The same in other forms: Markdown with bars in cells escaped; a LaTeX tabular with booktabs' rules; CSV (RFC 4180).
std::string FormatTable(const std::vector<TableColumn>& columns, const std::vector<std::vector<std::string>>& rows,
                        TableForm form);

// 1234567 -> "1,234,567".
std::string Grouped(std::int64_t number);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_TABLE_H_
