#include "cli/table.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <initializer_list>
#include <utility>

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

namespace {

std::string Replaced(const std::string& text, std::initializer_list<std::pair<char, const char*>> replacements) {
  std::string result;
  for (const char c : text) {
    const auto found =
        std::find_if(replacements.begin(), replacements.end(), [&](const auto& r) { return r.first == c; });
    if (found == replacements.end()) {
      result += c;
    } else {
      result += found->second;
    }
  }
  return result;
}

std::string ForLatex(const std::string& text) {
  return Replaced(text, {{'\\', "\\textbackslash{}"},
                         {'&', "\\&"},
                         {'%', "\\%"},
                         {'$', "\\$"},
                         {'#', "\\#"},
                         {'_', "\\_"},
                         {'{', "\\{"},
                         {'}', "\\}"},
                         {'~', "\\textasciitilde{}"},
                         {'^', "\\textasciicircum{}"}});
}

std::string ForCsv(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  return "\"" + Replaced(text, {{'"', "\"\""}}) + "\"";
}

template <typename Cell>
std::string Line(const std::vector<std::string>& cells, const char* start, const char* between, const char* end,
                 const Cell& cell) {
  std::string line = start;
  for (std::size_t i = 0; i < cells.size(); ++i) line += (i > 0 ? between : "") + cell(cells[i]);
  return line + end;
}

}  // namespace

std::string FormatTable(const std::vector<TableColumn>& columns, const std::vector<std::vector<std::string>>& rows,
                        TableForm form) {
  if (form == TableForm::kText) return FormatTable(columns, rows);
  std::vector<std::string> titles;
  std::string letters, rule = "|";
  for (const TableColumn& column : columns) {
    titles.push_back(column.title);
    letters += column.align == Align::kLeft ? 'l' : 'r';
    rule += column.align == Align::kLeft ? "---|" : "--:|";
  }
  const auto line = [&](const std::vector<std::string>& cells) {
    switch (form) {
      case TableForm::kMarkdown:
        return Line(cells, "| ", " | ", " |\n", [](const std::string& c) { return Replaced(c, {{'|', "\\|"}}); });
      case TableForm::kLatex:
        return Line(cells, "", " & ", " \\\\\n", ForLatex);
      default:
        return Line(cells, "", ",", "\n", ForCsv);
    }
  };
  std::string text = form == TableForm::kLatex ? "\\begin{tabular}{" + letters + "}\n\\toprule\n" : "";
  text += line(titles);
  if (form == TableForm::kMarkdown) text += rule + "\n";
  if (form == TableForm::kLatex) text += "\\midrule\n";
  for (const auto& row : rows) text += line(row);
  if (form == TableForm::kLatex) text += "\\bottomrule\n\\end{tabular}\n";
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

TableForm ParseTableForm(const std::string& text) {
  for (const auto& [name, form] : {std::pair{"text", TableForm::kText}, std::pair{"markdown", TableForm::kMarkdown},
                                   std::pair{"latex", TableForm::kLatex}, std::pair{"csv", TableForm::kCsv}}) {
    if (text == name) return form;
  }
  throw Error(ErrorCode::kUsage, fmt::format("--tables {}: text, markdown, latex or csv", text));
}

}  // namespace prefiqs::cli
