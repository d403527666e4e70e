#include "report/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/error.h>

namespace prefiqs::report {
namespace {

using ::testing::ElementsAre;
using Records = std::vector<std::vector<std::string>>;

struct Parsed {
  Records records;
  std::vector<std::int64_t> ends;
};

// Fed in pieces of `step` bytes: no result may depend on where pieces end.
Parsed Parse(std::string_view text, std::size_t step = 1) {
  Parsed parsed;
  CsvParser parser([&](const std::vector<std::string>& fields, std::int64_t end) {
    parsed.records.push_back(fields);
    parsed.ends.push_back(end);
  });
  for (std::size_t i = 0; i < text.size(); i += step) parser.Feed(text.substr(i, step));
  return parsed;
}

TEST(Csv, QuotesOnlyWhatNeedsIt) {
  EXPECT_EQ(CsvLine(std::vector<std::string>{"a", "", "b c"}), "a,,b c\n");
  EXPECT_EQ(CsvLine(std::vector<std::string>{"a,b", "say \"x\"", "two\nlines", "cr\r"}),
            "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\",\"cr\r\"\n");
}

TEST(Csv, ReadsBackAnyBytes) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  const std::vector<std::string> fields{all, "", "\"", "\n", "\r", "\r\n", ",", "end\r"};
  const std::string line = CsvLine(fields);
  for (const std::size_t step : {1, 2, 3, 1000}) {
    const Parsed parsed = Parse(line + line, step);
    EXPECT_THAT(parsed.records, ElementsAre(fields, fields));
    EXPECT_THAT(parsed.ends,
                ElementsAre(static_cast<std::int64_t>(line.size()), static_cast<std::int64_t>(2 * line.size())));
  }
}

TEST(Csv, TakesCrLf) {
  EXPECT_THAT(Parse("a,b\r\n\"c\"\r\n").records, ElementsAre(ElementsAre("a", "b"), ElementsAre("c")));
}

TEST(Csv, LeavesOutWhatIsCutOff) {
  const std::string line = CsvLine(std::vector<std::string>{"a\nb", "c"});
  for (std::size_t cut = 1; cut < line.size(); ++cut) {
    const Parsed parsed = Parse("x,y\n" + line.substr(0, cut));
    EXPECT_THAT(parsed.records, ElementsAre(ElementsAre("x", "y"))) << cut;
  }
}

TEST(Csv, RefusesEndlessRecords) {
  CsvParser parser([](const auto&, std::int64_t) {});
  parser.Feed("\"");
  const std::string block(CsvParser::kMaxRecordBytes, 'x');
  EXPECT_THROW(parser.Feed(block), Error);
}

}  // namespace
}  // namespace prefiqs::report
