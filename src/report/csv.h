// Comma-separated values as RFC 4180 has them, with "\n" line ends and fields of any bytes.
#ifndef PREFIQS_REPORT_CSV_H_
#define PREFIQS_REPORT_CSV_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prefiqs::report {

// One record with its line end. A field with a comma, a quote, CR or LF is quoted.
std::string CsvLine(std::span<const std::string> fields);

// A stream of bytes -> records. Line ends are LF or CRLF; a quoted field may hold them. A quote inside an unquoted
// field stands for itself.
class CsvParser {
 public:
  // A record of a file of ours is a path (4 KiB) and a few hundred bytes.
  static constexpr std::size_t kMaxRecordBytes = std::size_t{1} << 20;

  // `end`: offset, from the first byte ever fed, of the byte after the record's line end.
  using OnRecord = std::function<void(const std::vector<std::string>& fields, std::int64_t end)>;
  explicit CsvParser(OnRecord on_record, char separator = ',')
      : on_record_(std::move(on_record)), separator_(separator) {}

  // Bytes in pieces of any size. What follows the last line end is no record: a writer was cut off there. Throws
  // Error(kIo) when a record is longer than kMaxRecordBytes.
  void Feed(std::string_view bytes);

 private:
  enum class State { kFieldStart, kUnquoted, kQuoted, kQuoteInQuoted };
  void EndField();
  void EndRecord();

  OnRecord on_record_;
  char separator_;
  State state_ = State::kFieldStart;
  bool bare_return_ = false;  // the last byte was a CR outside quotes
  std::vector<std::string> fields_;
  std::string field_;
  std::int64_t offset_ = 0;
  std::int64_t record_start_ = 0;
};

}  // namespace prefiqs::report

#endif  // PREFIQS_REPORT_CSV_H_
