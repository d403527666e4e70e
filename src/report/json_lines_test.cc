#include "report/json_lines.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <nlohmann/json.hpp>

#include "report/row.h"

namespace prefiqs::report {
namespace {

std::vector<std::string> CellsFor(const std::string& path) {
  Row row{path, 2, {}};
  row.assessment.status = Status::kOk;
  row.assessment.quality = 0.75f;
  row.assessment.drift = 0.5f;
  row.assessment.face = Face{{1, 2, 3, 4}, {}, 0.5f};
  return Cells({"drift", "r", "0.400000", "n", "fp32", "isa", "v", "rgb:0:1", "aligned"}, row);
}

TEST(JsonLine, HasTypesAndNulls) {
  const std::string line = JsonLine(CellsFor("a.png"));
  EXPECT_EQ(line.back(), '\n');
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  const auto object = nlohmann::json::parse(line);
  EXPECT_EQ(object["path"], "a.png");
  EXPECT_EQ(object["face"], 2);
  EXPECT_EQ(object["quality"], 0.75);
  EXPECT_EQ(object["box_width"], 3.0);
  EXPECT_TRUE(object["scalar"].is_null());
  EXPECT_TRUE(object["detail"].is_null());
  EXPECT_FALSE(object.contains("path_bytes"));
}

TEST(JsonLine, KeepsPathsOfAnyBytes) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
  for (const std::string& path :
       {all, std::string("caf\xe9.jpg"), std::string("\xc3\xa9.jpg"), std::string("a\n\"b")}) {
    std::string line = JsonLine(CellsFor(path));
    const auto object = nlohmann::json::parse(line);  // valid JSON whatever the bytes
    line.pop_back();
    EXPECT_EQ(ParseJsonLine(line)[ColumnIndex("path")], path);
    EXPECT_EQ(object.contains("path_bytes"), path == all || path == "caf\xe9.jpg");
  }
}

TEST(JsonLine, ReadsBackText) {
  std::string line = JsonLine(CellsFor("a"));
  line.pop_back();
  const auto cells = ParseJsonLine(line);
  EXPECT_EQ(cells[ColumnIndex("face")], "2");
  EXPECT_EQ(cells[ColumnIndex("recipe")], "r");
  EXPECT_EQ(cells[ColumnIndex("preprocessing")], "rgb:0:1");
  EXPECT_EQ(cells[ColumnIndex("scalar")], "");
}

TEST(JsonLine, RefusesOtherJson) {
  for (const char* line : {"", "{", "[]", "{}", "{\"path\":1}", "null"})
    EXPECT_THROW(ParseJsonLine(line), Error) << line;
}

}  // namespace
}  // namespace prefiqs::report
