#include "cli/table.h"

#include <algorithm>

namespace prefiqs::cli {
namespace {

// Characters, taking each as one column wide: bytes that do not continue a UTF-8 sequence.
std::size_t Width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string FormatTable(const std::vector<TableColumn>& columns, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  std::vector<std::string> titles;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    titles.push_back(columns[c].title);
    widths.push_back(Width(columns[c].title));
    for (const auto& row : rows) widths[c] = std::max(widths[c], Width(row[c]));
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      if (c > 0) line += "  ";
      const std::string padding(widths[c] - Width(row[c]), ' ');
      line += columns[c].align == Align::kLeft ? row[c] + padding : padding + row[c];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  add(titles);
  for (const auto& row : rows) add(row);
  return text;
}

std::string Grouped(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const bool third = (digits.size() - i) % 3 == 0;
    if (third && !text.empty() && text != "-") text += ',';
    text += digits[i];
  }
  return text;
}

}  // namespace prefiqs::cli
