#include "cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <cstdint>

namespace prefiqs::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

template <typename T>
std::string Refusal(const CLI::Validator& check, std::string text) {
  T value{};
  CLI::App app("", "test");
  app.add_option("--number", value)->check(check);
  try {
    Parse(app, {"--number", std::move(text)});
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUsage);
    return e.what();
  }
  return {};
}

// What the parser takes for a number that is too small, however it is written.
TEST(Bounds, AreOfTheValueNotOfTheText) {
  for (const char* zero : {"0", "+0", "-0", "00", "0x0", " 0", " +0", "0X00"}) {
    EXPECT_THAT(Refusal<int>(AboveZero<int>(), zero), HasSubstr(" is not above 0")) << zero;
    EXPECT_THAT(Refusal<std::int64_t>(AboveZero<std::int64_t>(), zero), HasSubstr(" is not above 0")) << zero;
    EXPECT_THAT(Refusal<double>(AboveZero<double>(), zero), HasSubstr(" is not above 0")) << zero;
    EXPECT_EQ(Refusal<int>(FromZero<int>(), zero), "") << zero;
    EXPECT_EQ(Refusal<float>(FromZero<float>(), zero), "") << zero;
    EXPECT_EQ(Refusal<std::uint64_t>(FromZero<std::uint64_t>(), zero), "") << zero;
  }
  for (const char* below : {"-5", " -5", "\t-5", "-0x5", "-05", "-18446744073709551611"}) {
    EXPECT_NE(Refusal<int>(AboveZero<int>(), below), "") << below;
    EXPECT_NE(Refusal<std::int64_t>(AboveZero<std::int64_t>(), below), "") << below;
    EXPECT_NE(Refusal<int>(FromZero<int>(), below), "") << below;
    EXPECT_THAT(Refusal<float>(FromZero<float>(), below), HasSubstr(" is not 0 or above")) << below;
    EXPECT_THAT(Refusal<std::uint64_t>(FromZero<std::uint64_t>(), below), HasSubstr(" is not 0 or above")) << below;
  }
  EXPECT_THAT(Refusal<int>(FromZero<int>(), " -5"), HasSubstr(" is not 0 or above"));
  for (const char* bad : {"nan", "-nan", "-inf", "-1e-3"}) {
    EXPECT_THAT(Refusal<float>(FromZero<float>(), bad), HasSubstr(" is not 0 or above")) << bad;
    EXPECT_THAT(Refusal<double>(AboveZero<double>(), bad), HasSubstr(" is not above 0")) << bad;
  }
  for (const char* good : {"1", "+1", " 1", "0x1", "2147483647"}) {
    EXPECT_EQ(Refusal<int>(AboveZero<int>(), good), "") << good;
    EXPECT_EQ(Refusal<std::uint64_t>(FromZero<std::uint64_t>(), good), "") << good;
  }
  EXPECT_EQ(Refusal<std::uint64_t>(FromZero<std::uint64_t>(), "18446744073709551615"), "");
  // The option's own type refuses what is no number of it.
  for (const char* none : {"", "x", "1x", "1.5", "99999999999999999999"}) {
    EXPECT_NE(Refusal<int>(AboveZero<int>(), none), "") << none;
  }
}

TEST(Choose, NamesWhatThereIs) {
  const std::vector<Choice<int>> choices{{"one", 1}, {"two", 2}, {"three", 3}};
  EXPECT_EQ(Choose("--x", "one", choices), 1);
  EXPECT_EQ(Choose("--x", "three", choices), 3);
  for (const char* bad : {"", "One", "one ", "four"}) {
    try {
      Choose("--x", bad, choices);
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUsage);
      EXPECT_EQ(std::string(e.what()), std::string("--x ") + bad + ": one, two or three");
    }
  }
  EXPECT_EQ(Alternatives(std::vector<std::string_view>{"a"}), "a");
  EXPECT_EQ(Alternatives(std::vector<std::string_view>{"a", "b"}), "a or b");
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
