// Reading small JSON objects strictly: every key is known, every type is right, and messages name the key.
#ifndef PREFIQS_BASE_JSON_H_
#define PREFIQS_BASE_JSON_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include <prefiqs/error.h>
#include <nlohmann/json.hpp>

namespace prefiqs {

// Parses an object that has no keys but `known`. Throws Error(code) beginning with `what`.
nlohmann::json ParseObject(std::string_view text, std::initializer_list<std::string_view> known, ErrorCode code,
                           std::string_view what);

// Shortest decimal form that reads back to the same double, without exponent where %g has none: 0.4, 1e-05.
std::string ShortestNumber(double value);

}  // namespace prefiqs

#endif  // PREFIQS_BASE_JSON_H_
