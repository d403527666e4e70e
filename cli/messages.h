// What is said on standard error.
#ifndef PREFIQS_CLI_MESSAGES_H_
#define PREFIQS_CLI_MESSAGES_H_

#include <fmt/format.h>

#include <cstdio>
#include <string>
#include <string_view>

namespace prefiqs::cli {

// A standard error that is closed or full must not end a run.
inline void Say(const std::string& text) { std::fputs(text.c_str(), stderr); }

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
