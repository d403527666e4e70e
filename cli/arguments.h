// From the words after a command's name to its options.
#ifndef PREFIQS_CLI_ARGUMENTS_H_
#define PREFIQS_CLI_ARGUMENTS_H_

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prefiqs/error.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace prefiqs::cli {

using Words = std::vector<std::string>;

// `app` takes the words. False: --help was asked for and printed. Throws Error(kUsage) for what does not parse.
bool Parse(CLI::App& app, Words words);

// The same for a command that takes any number of INPUTs, which it puts into `inputs` in their order. They are file
// names, so nothing is read into them: CLI11's own way to take several words would split [a,b]. `description`: for
// --help. Throws Error(kUsage) where there is none.
bool ParseWithInputs(CLI::App& app, Words words, const std::string& description, Words& inputs);

// "--mean 123.675 116.28 103.53 FILE": three numbers may be three words or one with commas. The parser cannot know how
// many of the words that follow belong to the option, so the three become one here.
Words JoinNumbers(Words words);

// "127.5" or "123.675,116.28,103.53". Throws Error(kUsage) naming the option.
std::array<float, 3> ParseNumbers(std::string_view text, std::string_view option);

// The words between commas, empty ones too.
Words SplitAtCommas(std::string_view text);

// Checks of options that take one number of the type T: the option's own, since the value that the parser makes of the
// text is what is checked (" 0", "+0" and "0x0" are 0). CLI11's own checks print the largest double in their refusal.
template <typename T>
CLI::Validator AboveZero();
template <typename T>
CLI::Validator FromZero();

// One of several that go by names.
template <typename T>
struct Choice {
  std::string_view name;
  T value;
};

// The names with commas between, "or" before the last.
std::string Alternatives(std::span<const std::string_view> names);

// The value of that name. Throws Error(kUsage) naming the option, the text and all names.
template <typename T>
T Choose(std::string_view option, std::string_view text, const std::vector<Choice<T>>& choices) {
  std::vector<std::string_view> names;
  for (const Choice<T>& choice : choices) {
    if (text == choice.name) return choice.value;
    names.push_back(choice.name);
  }
  throw Error(ErrorCode::kUsage, std::string(option) + " " + std::string(text) + ": " + Alternatives(names));
}

// "0.1,1e-3". Throws Error(kUsage) naming the option.
std::vector<double> ParseList(std::string_view text, std::string_view option);

// "2/5" -> {2, 5}. Throws Error(kUsage).
std::pair<int, int> ParseShard(std::string_view text);

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_ARGUMENTS_H_
