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

TEST(Grouped, PutsCommas) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1,000");
  EXPECT_EQ(Grouped(1234567), "1,234,567");
  EXPECT_EQ(Grouped(-1234), "-1,234");
}

}  // namespace
}  // namespace prefiqs::cli
