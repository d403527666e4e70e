#include "eval/word_lines.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "base/file.h"

namespace prefiqs::eval {

void ForEachLine(const std::string& path, std::string_view separators,
                 const std::function<void(std::size_t, std::span<const std::string_view>)>& take) {
  constexpr std::int64_t kMaxBytes = std::int64_t{1} << 30;
  const std::vector<std::uint8_t> bytes = ReadFile(path, kMaxBytes);
  std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
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

std::optional<std::uint32_t> WholeNumber(std::string_view text) {
  std::uint32_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size()) return std::nullopt;
  return value;
}

void FailAtLine(const std::string& path, std::size_t line, std::string_view cause) {
  throw Error(ErrorCode::kIo, fmt::format("{}: line {}: {}", Printable(path), line, cause));
}

}  // namespace prefiqs::eval
