// Numbers of things in messages.
#ifndef PREFIQS_BASE_COUNT_H_
#define PREFIQS_BASE_COUNT_H_

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>

namespace prefiqs {

// The word that goes with the number: "picture" for 1, else "pictures", or `several` where that is given. Programs
// around the library have the same in cli/messages.h.
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

}  // namespace prefiqs

#endif  // PREFIQS_BASE_COUNT_H_
