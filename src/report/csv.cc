#include "report/csv.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

namespace prefiqs::report {

std::string CsvLine(std::span<const std::string> fields) {
  std::string line;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) line += ',';
    if (fields[i].find_first_of(",\"\r\n") == std::string::npos) {
      line += fields[i];
      continue;
    }
    line += '"';
    for (const char c : fields[i]) {
      if (c == '"') line += '"';
      line += c;
    }
    line += '"';
  }
  line += '\n';
  return line;
}

void CsvParser::EndField() {
  fields_.push_back(std::move(field_));
  field_.clear();
  state_ = State::kFieldStart;
}

void CsvParser::EndRecord() {
  EndField();
  on_record_(fields_, offset_);
  fields_.clear();
  record_start_ = offset_;
}

void CsvParser::Feed(std::string_view bytes) {
  for (const char c : bytes) {
    ++offset_;
    if (offset_ - record_start_ > static_cast<std::int64_t>(kMaxRecordBytes)) {
      throw Error(ErrorCode::kIo, fmt::format("a row is longer than {} bytes: not a table of ours", kMaxRecordBytes));
    }
    switch (state_) {
      case State::kQuoted:
        if (c == '"') {
          state_ = State::kQuoteInQuoted;
        } else {
          field_ += c;
        }
        continue;
      case State::kQuoteInQuoted:
        if (c == '"') {
          field_ += c;
          state_ = State::kQuoted;
          continue;
        }
        state_ = State::kUnquoted;
        break;
      case State::kFieldStart:
        if (c == '"') {
          state_ = State::kQuoted;
          continue;
        }
        state_ = State::kUnquoted;
        break;
      case State::kUnquoted:
        break;
    }
    if (c == separator_) {
      EndField();
    } else if (c == '\n') {
      if (bare_return_) field_.pop_back();
      bare_return_ = false;
      EndRecord();
      continue;
    } else {
      field_ += c;
    }
    bare_return_ = c == '\r';
  }
}

}  // namespace prefiqs::report
