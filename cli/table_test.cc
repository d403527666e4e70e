#include "cli/table.h"

#include <gtest/gtest.h>

namespace prefiqs::cli {
namespace {

TEST(FormatTable, Aligns) {
  EXPECT_EQ(FormatTable({{"a"}, {"number", Align::kRight}, {"c"}}, {{"long", "1", "x"}, {"é", "1234567", ""}}),
            "a      number  c\n"
            "long        1  x\n"
            "é     1234567\n");
}

TEST(FormatTable, SpeaksMarkdownLatexAndCsv) {
  const std::vector<TableColumn> columns{{"a_1"}, {"n", Align::kRight}};
  const std::vector<std::vector<std::string>> rows{{"x|y", "5 %"}, {"p,\"q\"", "{1}"}};
  EXPECT_EQ(FormatTable(columns, rows, TableForm::kText), FormatTable(columns, rows));
  EXPECT_EQ(FormatTable(columns, rows, TableForm::kMarkdown),
            "| a_1 | n |\n|---|--:|\n| x\\|y | 5 % |\n| p,\"q\" | {1} |\n");
  EXPECT_EQ(FormatTable(columns, rows, TableForm::kLatex),
            "\\begin{tabular}{lr}\n\\toprule\na\\_1 & n \\\\\n\\midrule\n"
            "x|y & 5 \\% \\\\\np,\"q\" & \\{1\\} \\\\\n\\bottomrule\n\\end{tabular}\n");
  EXPECT_EQ(FormatTable(columns, rows, TableForm::kCsv), "a_1,n\nx|y,5 %\n\"p,\"\"q\"\"\",{1}\n");
}

TEST(Grouped, PutsCommas) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
  EXPECT_EQ(Grouped(-1234), "-1,234");
}

}  // namespace
}  // namespace prefiqs::cli
