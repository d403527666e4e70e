// What is said on standard error.
#ifndef PREFIQS_CLI_MESSAGES_H_
#define PREFIQS_CLI_MESSAGES_H_

#include <fmt/format.h>

#include <concepts>
#include <cstdio>
#include <string>
#include <string_view>

namespace prefiqs::cli {

// A standard error that is closed or full must not end a run.
inline void Say(const std::string& text) { std::fputs(text.c_str(), stderr); }

// The word that goes with the number: "picture" for 1, else "pictures", or `several` where that is given.
template <std::integral T>
std::string WordFor(T count, std::string_view one, std::string_view several = {}) {
  if (count == 1) return std::string(one);
  return several.empty() ? fmt::format("{}s", one) : std::string(several);
}

// "1 picture", "2 pictures", "0 pictures".
template <std::integral T>
std::string Count(T count, std::string_view one, std::string_view several = {}) {
  return fmt::format("{} {}", count, WordFor(count, one, several));
}

// Any bytes as part of a line: control characters as \x0a.
inline std::string Escaped(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    line += byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(1, c);
  }
  return line;
}

}  // namespace prefiqs::cli

#endif  // PREFIQS_CLI_MESSAGES_H_
