#include "cli/arguments.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <type_traits>

namespace prefiqs::cli {
namespace {

std::optional<float> Number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

// CLI11 reads "-5" as an unsigned number, a very large one.
template <typename T>
bool WrapsAround(const std::string& text) {
  double value = 0;
  return std::is_unsigned_v<T> && CLI::detail::lexical_cast(text, value) && value < 0;
}

// CLI11 wants what is wrong, or nothing. What is no number at all is refused by the option's own type.
template <typename T, typename IsAllowed>
CLI::Validator Bound(IsAllowed is_allowed, const char* wanted) {
  const auto check = [is_allowed, wanted](const std::string& text) {
    T value{};  // CLI11 takes no text at all for 0
    const bool is_number = text.empty() || CLI::detail::lexical_cast(text, value);
    const bool is_good = is_allowed(value) && !WrapsAround<T>(text);
    return is_number && !is_good ? fmt::format("{} is not {}", text, wanted) : std::string();
  };
  return CLI::Validator(check, "");
}

}  // namespace

template <typename T>
CLI::Validator AboveZero() {
  return Bound<T>([](T value) { return value > 0; }, "above 0");
}

template <typename T>
CLI::Validator FromZero() {
  return Bound<T>([](T value) { return value >= 0; }, "0 or above");
}

template CLI::Validator AboveZero<int>();
template CLI::Validator AboveZero<std::int64_t>();
template CLI::Validator AboveZero<double>();
template CLI::Validator FromZero<int>();
template CLI::Validator FromZero<float>();
template CLI::Validator FromZero<std::uint64_t>();

std::string Alternatives(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const bool is_last = i + 1 == names.size();
    text += fmt::format("{}{}", i == 0 ? "" : is_last ? " or " : ", ", names[i]);
  }
  return text;
}

bool Parse(CLI::App& app, Words words) {
  words = JoinNumbers(std::move(words));
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  try {
    app.parse(std::move(words));
    return true;
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return false;
  } catch (const CLI::ParseError& e) {
    throw Error(ErrorCode::kUsage, fmt::format("{}\n{} --help shows the options", e.what(), app.get_name()));
  }
}

bool ParseWithInputs(CLI::App& app, Words words, const std::string& description, Words& inputs) {
  const auto marker = std::find(words.begin(), words.end(), "--");
  const Words after_marker(marker == words.end() ? marker : marker + 1, words.end());
  words.erase(marker, words.end());
  inputs.clear();
  app.add_option("INPUT", inputs, description)->expected(1)->allow_extra_args(false)->type_name("");
  app.allow_extras();
  if (!Parse(app, std::move(words))) return false;
  for (std::string& word : app.remaining()) {
    if (word.size() > 1 && word.front() == '-') {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: there is no such option\n{} --help shows the options", word, app.get_name()));
    }
    inputs.push_back(std::move(word));
  }
  inputs.insert(inputs.end(), after_marker.begin(), after_marker.end());
  if (inputs.empty()) {
    throw Error(ErrorCode::kUsage,
                fmt::format("INPUT is missing: {}\n{} --help shows the options", description, app.get_name()));
  }
  return true;
}

Words JoinNumbers(Words words) {
  Words joined;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--") {
      joined.insert(joined.end(), words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      break;
    }
    joined.push_back(words[i]);
    if (words[i] != "--mean" && words[i] != "--scale") continue;
    if (i + 3 < words.size() && Number(words[i + 1]) && Number(words[i + 2]) && Number(words[i + 3])) {
      joined.push_back(fmt::format("{},{},{}", words[i + 1], words[i + 2], words[i + 3]));
      i += 3;
    }
  }
  return joined;
}

std::array<float, 3> ParseNumbers(std::string_view text, std::string_view option) {
  std::vector<float> numbers;
  std::string_view rest = text;
  for (bool more = true; more;) {
    const std::size_t comma = rest.find(',');
    const std::optional<float> number = Number(rest.substr(0, comma));
    if (!number) break;
    numbers.push_back(*number);
    more = comma != std::string_view::npos;
    if (more) rest.remove_prefix(comma + 1);
    if (!more && numbers.size() == 1) return {numbers[0], numbers[0], numbers[0]};
    if (!more && numbers.size() == 3) return {numbers[0], numbers[1], numbers[2]};
  }
  throw Error(ErrorCode::kUsage,
              fmt::format("{} {}: give one number, or three as in {} 123.675,116.28,103.53", option, text, option));
}

Words SplitAtCommas(std::string_view text) {
  Words words;
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    words.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

std::vector<double> ParseList(std::string_view text, std::string_view option) {
  std::vector<double> numbers;
  for (const std::string& word : SplitAtCommas(text)) {
    double number = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || stop != word.data() + word.size()) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{} {}: numbers with commas between, such as {} 0.1,1e-3", option, text, option));
    }
    numbers.push_back(number);
  }
  return numbers;
}

std::pair<int, int> ParseShard(std::string_view text) {
  int index = 0, count = 0;
  const char* const end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, index);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == '/') {
    const auto second = std::from_chars(first.ptr + 1, end, count);
    if (second.ec == std::errc() && second.ptr == end && index >= 1 && index <= count) return {index, count};
  }
  throw Error(ErrorCode::kUsage, fmt::format("--shard {}: give I/N with I from 1 to N, as in --shard 2/5", text));
}

}  // namespace prefiqs::cli
