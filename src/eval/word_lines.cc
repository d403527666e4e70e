#include "eval/word_lines.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/file.h"

namespace prefiqs::eval {

namespace {

constexpr std::int64_t kMaxBytes = std::int64_t{1} << 30;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string_view TextOf(const std::vector<std::uint8_t>& bytes) {
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  return text;
}

}  // namespace

void ForEachLine(const std::string& path, std::string_view separators,
                 const std::function<void(std::size_t, std::span<const std::string_view>)>& take) {
  const std::vector<std::uint8_t> bytes = ReadFile(path, kMaxBytes);
  std::string_view text = TextOf(bytes);
  std::array<std::string_view, 16> words;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    std::size_t count = 0;
    while (count < words.size()) {
      line.remove_prefix(std::min(line.find_first_not_of(separators), line.size()));
      if (line.empty()) break;
      words[count] = line.substr(0, line.find_first_of(separators));
      line.remove_prefix(words[count++].size());
    }
    if (count > 0) take(number, std::span(words).first(count));
  }
}

std::string FirstLine(const std::string& path) {
  const std::vector<std::uint8_t> bytes = ReadFile(path, kMaxBytes);
  std::string_view text = TextOf(bytes);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (!Trimmed(line).empty()) return std::string(Trimmed(line));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return {};
}

std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t first = text.find_first_not_of(kSpace);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

std::optional<std::uint32_t> WholeNumber(std::string_view text) {
  std::uint32_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> NumberOf(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

void FailAtLine(const std::string& path, std::size_t line, std::string_view cause) {
  throw Error(ErrorCode::kIo, fmt::format("{}: line {}: {}", Printable(path), line, cause));
}

}  // namespace prefiqs::eval
