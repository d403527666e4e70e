#include "base/json.h"

#include <fmt/format.h>

#include <algorithm>

namespace prefiqs {

nlohmann::json ParseObject(std::string_view text, std::initializer_list<std::string_view> known, ErrorCode code,
                           std::string_view what) {
  // A recipe or a preprocessing is a few hundred bytes; the bound keeps a hostile sidecar from costing anything.
  constexpr std::size_t kMaxBytes = 1 << 20;
  if (text.size() > kMaxBytes) throw Error(code, fmt::format("{}: more than {} bytes of JSON", what, kMaxBytes));
  nlohmann::json object;
  try {
    object = nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& e) {
    throw Error(code, fmt::format("{}: not valid JSON ({})", what, e.what()));
  }
  if (!object.is_object()) throw Error(code, fmt::format("{}: expected a JSON object, like {{\"key\": value}}", what));
  for (const auto& [key, value] : object.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      throw Error(code, fmt::format("{}: unknown key \"{}\"; known are {}", what, key, fmt::join(known, ", ")));
    }
  }
  return object;
}

std::string ShortestNumber(double value) { return fmt::format("{}", value); }

}  // namespace prefiqs
