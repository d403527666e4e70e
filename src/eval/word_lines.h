// Text files of one record a line: words with separators between.
#ifndef PREFIQS_EVAL_WORD_LINES_H_
#define PREFIQS_EVAL_WORD_LINES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace prefiqs::eval {

// Calls `take` with the number, from 1, and the words of each line that has any; of a line of more than 16 words with
// those: no format here has as many. A byte order mark in front of the file is passed over. Throws Error(kIo) for a
// file that cannot be read or is larger than 1 GiB.
void ForEachLine(const std::string& path, std::string_view separators,
                 const std::function<void(std::size_t line, std::span<const std::string_view> words)>& take);

// Without its line end and a byte order mark; of a file that begins with empty lines, the first other one. Throws as
// ForEachLine.
std::string FirstLine(const std::string& path);

// Without white space at both ends.
std::string_view Trimmed(std::string_view text);

std::optional<std::uint32_t> WholeNumber(std::string_view text);
// As C writes one, a + in front allowed; NaN and infinity too.
std::optional<double> NumberOf(std::string_view text);

// Throws Error(kIo) naming file and line.
[[noreturn]] void FailAtLine(const std::string& path, std::size_t line, std::string_view cause);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_WORD_LINES_H_
