#include "cli/messages.h"

#include <gtest/gtest.h>
#include <prefiqs/evaluation.h>

#include "cli/evaluation_tables.h"
#include "cli/progress.h"

namespace prefiqs::cli {
namespace {

TEST(Count, OneHasItsOwnWord) {
  EXPECT_EQ(Count(0, "picture"), "0 pictures");
  EXPECT_EQ(Count(1, "picture"), "1 picture");
  EXPECT_EQ(Count(std::size_t{2}, "person", "people"), "2 people");
  EXPECT_EQ(WordFor(1, "has", "have"), "has");
  EXPECT_EQ(WordFor(0, "has", "have"), "have");
}

TEST(DescribeComparisons, CountsOne) {
  EvaluationReport report;
  report.images = report.identities = report.mated = report.non_mated = report.not_compared = 1;
  report.methods = {"drift"};
  report.missing_qualities = {1};
  std::string text = DescribeComparisons(report, "image");
  EXPECT_NE(text.find("1 image of 1 person; 1 mated and 1 non-mated comparison; 1 image has no embedding, its "
                      "comparisons are not accepted\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("1 of the images has no quality of drift"), std::string::npos) << text;
  report.images = report.identities = report.non_mated = report.not_compared = 1200;
  report.missing_qualities = {2};
  text = DescribeComparisons(report, "template");
  EXPECT_NE(
      text.find("1,200 templates of 1,200 people; 1 mated and 1,200 non-mated comparisons; 1200 templates have no "
                "embedding, their comparisons are not accepted\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("2 of the templates have no quality of drift"), std::string::npos) << text;
}

TEST(FormatProgress, CountsOne) {
  EXPECT_TRUE(FormatProgress({.done = 0, .total = 1}).starts_with("0/1 picture  "));
  EXPECT_TRUE(FormatProgress({.done = 1, .total = 2}).starts_with("1/2 pictures  "));
}

}  // namespace
}  // namespace prefiqs::cli
