// One JSON object a line.
#ifndef PREFIQS_REPORT_JSON_LINES_H_
#define PREFIQS_REPORT_JSON_LINES_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prefiqs::report {

// The cells of a row (report/row.h) as an object with the columns' names as keys, in their order, and a line end. Empty
// cells are null. As many keys as there are cells: an older table's rows have fewer.
//
// Paths may be any bytes, JSON strings may not. Where "path" is not UTF-8, what is not is U+FFFD there, and a last key
// "path_bytes" holds the bytes themselves, each as the character of that number (U+0000 … U+00FF): Python's
// row["path_bytes"].encode("latin-1") is the path.
std::string JsonLine(std::span<const std::string> cells);

// The way back: cells of a line (without its line end), one for each column of its schema. Of a newer schema than
// kSchema whatever is known, empty where a key is missing. Throws Error(kIo) when it is not one of ours.
std::vector<std::string> ParseJsonLine(std::string_view line);

}  // namespace prefiqs::report

#endif  // PREFIQS_REPORT_JSON_LINES_H_
