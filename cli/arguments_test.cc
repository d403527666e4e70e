#include "cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/error.h>

namespace prefiqs::cli {
namespace {

using ::testing::ElementsAre;

TEST(JoinNumbers, JoinsThreeAndLeavesOne) {
  EXPECT_THAT(JoinNumbers({"--mean", "1", "2.5", "-3", "a"}), ElementsAre("--mean", "1,2.5,-3", "a"));
  EXPECT_THAT(JoinNumbers({"--mean", "1", "a", "b"}), ElementsAre("--mean", "1", "a", "b"));
  EXPECT_THAT(JoinNumbers({"--scale", "1", "2"}), ElementsAre("--scale", "1", "2"));
  EXPECT_THAT(JoinNumbers({"--scale"}), ElementsAre("--scale"));
  EXPECT_THAT(JoinNumbers({"--", "--mean", "1", "2", "3"}), ElementsAre("--", "--mean", "1", "2", "3"));
}

TEST(ParseNumbers, TakesOneOrThree) {
  EXPECT_THAT(ParseNumbers("127.5", "--mean"), ElementsAre(127.5f, 127.5f, 127.5f));
  EXPECT_THAT(ParseNumbers("1,-2,3e1", "--mean"), ElementsAre(1, -2, 30));
  for (const char* bad : {"", "x", "1,2", "1,2,3,4", "1,,3", "1,2,", "nan", "inf", "1 2 3"}) {
    EXPECT_THROW(ParseNumbers(bad, "--mean"), Error) << bad;
  }
}

TEST(ParseShard, CountsFromOne) {
  EXPECT_EQ(ParseShard("2/5"), std::pair(2, 5));
  EXPECT_EQ(ParseShard("1/1"), std::pair(1, 1));
  for (const char* bad : {"", "0/5", "6/5", "1", "1/", "/2", "a/b", "1/2x", "-1/2", "1/-2"}) {
    EXPECT_THROW(ParseShard(bad), Error) << bad;
  }
}

TEST(ParseWithInputs, LeavesFileNamesAlone) {
  CLI::App app("", "test");
  std::string value;
  app.add_option("--option", value);
  Words inputs;
  ASSERT_TRUE(ParseWithInputs(
      app, {"[a,b]", "score", "-", "--option", "o", "@list", "a,b", "\xff.png", "{}", "--", "--x", "--", "[c]"}, "",
      inputs));
  EXPECT_THAT(inputs, ElementsAre("[a,b]", "score", "-", "@list", "a,b", "\xff.png", "{}", "--x", "--", "[c]"));
  EXPECT_EQ(value, "o");
}

TEST(ParseWithInputs, RefusesUnknownOptionsAndNoInput) {
  for (const Words& words : {Words{"a", "--nonsense"}, Words{"a", "b", "-x"}, Words{}, Words{"--"}}) {
    CLI::App app("", "prefiqs test");
    Words inputs;
    EXPECT_THROW(ParseWithInputs(app, words, "", inputs), Error);
  }
}

TEST(Parse, NamesTheUnknownOption) {
  CLI::App app("", "prefiqs test");
  try {
    Parse(app, {"--nonsense"});
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUsage);
    EXPECT_NE(std::string(e.what()).find("--nonsense"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("prefiqs test --help"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace prefiqs::cli
