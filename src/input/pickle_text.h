// Numbers and texts as pickles write them. All throw PickleError.
#ifndef PREFIQS_INPUT_PICKLE_TEXT_H_
#define PREFIQS_INPUT_PICKLE_TEXT_H_

#include <cstdint>
#include <string_view>
#include <vector>

namespace prefiqs::input {

// An optional minus and at most 18 digits.
std::int64_t ParseNumber(std::string_view digits);

// A string of Python 2 as repr() writes it: 'text' or "text" with \xNN, \n, \r, \t, \\, \' and \".
std::vector<std::uint8_t> Unquoted(const std::vector<std::uint8_t>& line);

// Python's raw-unicode-escape: Latin-1 but for \uNNNN and \UNNNNNNNN. Here it stands for bytes, so no more than 255.
std::vector<std::uint8_t> FromRawUnicodeEscape(const std::vector<std::uint8_t>& line);

// UTF-8 that stands for bytes: U+0000 to U+00FF only.
std::vector<std::uint8_t> Utf8ToLatin1(std::vector<std::uint8_t> text);

}  // namespace prefiqs::input

#endif  // PREFIQS_INPUT_PICKLE_TEXT_H_
