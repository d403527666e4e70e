#include "report/earlier_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "base/count.h"
#include "base/file.h"
#include "report/csv.h"
#include "report/json_lines.h"

namespace prefiqs::report {
namespace {

// A name of SearchInfo.
constexpr std::string_view kNormalSearch = "normal";
constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

// What is larger than int is newer than any.
int ParseSchema(const std::string& text) {
  int schema = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), schema);
  if (error == std::errc::result_out_of_range) return kSchema + 1;
  if (error != std::errc() || end != text.data() + text.size() || schema < 1) {
    throw Error(ErrorCode::kIo, fmt::format("a row's schema is {}, not a number from 1 up", Printable(text)));
  }
  return schema;
}

// The cells of a row by their columns' names.
class RowCells {
 public:
  explicit RowCells(std::span<const std::string> cells) : cells_(cells) {}

  bool Has(std::string_view column) const { return ColumnIndex(column) < cells_.size(); }

  // Empty for a column that an older table does not have.
  const std::string& operator[](std::string_view column) const {
    static const std::string empty;
    const std::size_t index = ColumnIndex(column);
    return index < cells_.size() ? cells_[index] : empty;
  }

  int Number(std::string_view column, int otherwise) const {
    const std::string& cell = (*this)[column];
    return cell.empty() ? otherwise : static_cast<int>(std::strtol(cell.c_str(), nullptr, 10));
  }

  // A row that does not say is of schema 1.
  int schema() const { return Has("schema") ? ParseSchema((*this)["schema"]) : 1; }

 private:
  std::span<const std::string> cells_;
};

// What rows of one table have in common.
struct Common {
  std::string_view column;
  std::string RunInfo::*of_run;
  // Whether an older table that lacks the column is as one whose cells are empty: else it says nothing of this.
  bool empty_before = true;
  std::string_view way_out = "use the same, or another file or folder";
};
constexpr std::array kCommon{
    Common{"network", &RunInfo::network},
    Common{"method", &RunInfo::method},
    Common{"recipe", &RunInfo::recipe},
    Common{"precision", &RunInfo::precision},
    Common{"preprocessing", &RunInfo::preprocessing},
    Common{"detector", &RunInfo::detector},
    Common{"gate", &RunInfo::gate},
    Common{"selection", &RunInfo::selection},
    Common{"min_face", &RunInfo::min_face},
    Common{"max_faces", &RunInfo::max_faces},
    Common{"search", &RunInfo::search},
    Common{"output", &RunInfo::output},
    Common{"guard", &RunInfo::guard},
    Common{"calibration", &RunInfo::calibration, false,
           "use the same (--sidecar names the file that holds it, and prefiqs inspect shows which one that is), or "
           "another file or folder"},
};

// Names of FaceSelectionInfo: what schema 1 called the first one is the second one since.
constexpr std::string_view kBest = "best", kLargest = "largest";

std::string OrNone(const std::string& value) { return value.empty() ? "none" : Printable(value); }

// The schema whose columns a header line names; 0 where there is none.
int SchemaOfHeader(std::span<const std::string> names) {
  for (int schema = 1; schema <= kSchema; ++schema) {
    if (std::ranges::equal(names, Columns(schema), {}, {}, &Column::name)) return schema;
  }
  return 0;
}

// Collects whole pictures.
class Collector {
 public:
  Collector(const std::string& path, const RunInfo& run, FaceSelection faces, std::int64_t max_rows)
      : file_path_(path), run_(run), faces_(faces), max_rows_(max_rows) {}

  void SkipHeader(std::int64_t end, int schema) {
    kept_.bytes = end;
    kept_.schema = schema;
    schema_known_ = true;
  }

  void RefuseIfNewer(const std::string& schema) const {
    if (ParseSchema(schema) <= kSchema) return;
    throw Refusal(
        fmt::format("it is a table of schema {}, and this version of prefiqs knows schemas up to {}: continue "
                    "it with the version that began it, or use another file",
                    schema, kSchema));
  }

  void Add(std::span<const std::string> row, std::int64_t end) {
    if (rows_seen_ == max_rows_) return;
    ++rows_seen_;
    const RowCells cells(row);
    if (cells.Has("schema")) RefuseIfNewer(cells["schema"]);
    CheckSchema(cells.schema());
    CheckRun(cells);
    const std::string& face = cells["face"];
    const bool first_of_picture = face.empty() || face == "0";
    if (first_of_picture) {
      KeepPending();
      pending_path_ = cells["path"];
      pending_summary_ = kept_.summary;
      ++pending_summary_.pictures;
      ++pending_summary_.earlier;
      has_pending_ = true;
      pending_rows_before_ = rows_seen_ - 1;
      for (std::size_t i = 0; i < kMadeWith.size(); ++i) pending_made_with_[i] = cells[kMadeWith[i]];
    } else if (faces_ != FaceSelection::kAll || !has_pending_) {
      throw Error(ErrorCode::kUsage,
                  fmt::format("{}: was made with --faces all; resume with the same", Printable(file_path_)));
    }
    pending_summary_.faces += face.empty() ? 0 : 1;
    const std::string& status = cells["status"];
    ++(status == info(Status::kOk).name ? pending_summary_.scored : pending_summary_.failed);
    const auto known = std::ranges::find(statuses(), status, &StatusInfo::name);
    pending_summary_.refused += known != statuses().end() && IsRefused(known->status) ? 1 : 0;
    CountOthers(cells.Number("face", -1), cells.Number("faces", -1), faces_, pending_summary_);
    pending_summary_.under_gate += cells["passes"] == kUnderGate ? 1 : 0;
    if (const std::string& norm = cells["embedding_norm"]; !norm.empty()) {
      pending_norm_row_ = rows_seen_ - 1;
      pending_norm_ = std::strtod(norm.c_str(), nullptr);
    }
    pending_rows_ = rows_seen_;
    pending_end_ = end;
    if (faces_ != FaceSelection::kAll) KeepPending();
  }

  EarlierRows Take() { return std::move(kept_); }

 private:
  Error Refusal(const std::string& why) const {
    return {ErrorCode::kUsage, fmt::format("{}: cannot be continued: {}", Printable(file_path_), why)};
  }

  // A table has one form: of the header line, or of the first row where there is none.
  void CheckSchema(int schema) {
    if (!std::exchange(schema_known_, true)) kept_.schema = schema;
    if (schema == kept_.schema) return;
    throw Refusal(
        fmt::format("row {} is of schema {}, what stands before it of schema {}, as where tables of several "
                    "versions were joined: use another file",
                    rows_seen_, schema, kept_.schema));
  }

  void KeepPending() {
    if (!has_pending_) return;
    EarlierRows::Finished& finished = kept_.pictures[std::move(pending_path_)];
    const std::int64_t rows = pending_rows_ - pending_rows_before_;
    ++finished.times;
    finished.rows += rows;
    for (std::size_t i = 0; i < kMadeWith.size(); ++i) {  // of one picture all rows are of one run
      if (!pending_made_with_[i].empty()) kept_.made_with[i][pending_made_with_[i]] += rows;
    }
    kept_.summary = pending_summary_;
    kept_.rows = pending_rows_;
    kept_.bytes = pending_end_;
    kept_.norm_row = pending_norm_row_;
    kept_.norm = pending_norm_;
    has_pending_ = false;
  }

  void CheckRun(const RowCells& cells) const {
    for (const Common& common : kCommon) {
      if (!cells.Has(common.column) && !common.empty_before) continue;
      const std::string& wanted = run_.*common.of_run;
      // Schema 1 had one search.
      const bool was_normal = common.column == "search" && cells.schema() == 1 && !cells["selection"].empty();
      const std::string found = was_normal ? std::string(kNormalSearch) : cells[common.column];
      const bool was_largest = common.column == "selection" && cells.schema() == 1 && found == kBest;
      if (was_largest ? wanted == kLargest : found == wanted) continue;
      if (was_largest) {
        throw Refusal(
            fmt::format("its rows are of schema 1, in which selection {} is the largest face, this run has {}: --faces "
                        "{} continues it, or use another file or folder",
                        kBest, OrNone(wanted), kLargest));
      }
      throw Refusal(fmt::format("its rows were made with {} {}, this run has {}; {}", common.column, OrNone(found),
                                OrNone(wanted), common.way_out));
    }
  }

  const std::string& file_path_;
  const RunInfo& run_;
  FaceSelection faces_;
  std::int64_t max_rows_;
  std::int64_t rows_seen_ = 0;
  EarlierRows kept_;
  bool schema_known_ = false;
  bool has_pending_ = false;
  std::string pending_path_;
  JobSummary pending_summary_;  // of the rows kept and the pending ones
  std::int64_t pending_norm_row_ = -1;
  double pending_norm_ = 0;
  std::int64_t pending_rows_ = 0;
  std::int64_t pending_end_ = 0;
  std::int64_t pending_rows_before_ = 0;
  std::array<std::string, kMadeWith.size()> pending_made_with_;
};

template <typename Feed>
void ReadBlocks(const OutputFile& file, Feed&& feed) {
  std::vector<char> block(kBlockBytes);
  for (std::int64_t offset = 0;;) {
    const std::size_t n = file.ReadAt(offset, block);
    if (n == 0) return;
    feed(std::string_view(block.data(), n));
    offset += static_cast<std::int64_t>(n);
  }
}

void ReadCsv(const OutputFile& file, Collector& collector) {
  constexpr std::string_view kOtherColumns = "its first line does not name the columns this version writes";
  std::size_t columns = 0;                  // 0: the header has not been seen
  std::optional<std::size_t> unknown_form;  // where a header of other columns has the column schema
  CsvParser parser([&](const std::vector<std::string>& fields, std::int64_t end) {
    if (columns == 0) {
      columns = fields.size();
      if (const int schema = SchemaOfHeader(fields); schema > 0) {
        collector.SkipHeader(end, schema);
        return;
      }
      const auto place = std::ranges::find(fields, "schema");
      if (place == fields.end()) throw Error(ErrorCode::kIo, std::string(kOtherColumns));
      unknown_form = static_cast<std::size_t>(place - fields.begin());
      return;
    }
    if (fields.size() != columns) {
      throw Error(ErrorCode::kIo, fmt::format("a row ending at byte {} has {}", end, Count(fields.size(), "column")));
    }
    if (unknown_form) {
      collector.RefuseIfNewer(fields[*unknown_form]);
      throw Error(ErrorCode::kIo, std::string(kOtherColumns));
    }
    collector.Add(fields, end);
  });
  ReadBlocks(file, [&](std::string_view bytes) { parser.Feed(bytes); });
  if (unknown_form) throw Error(ErrorCode::kIo, std::string(kOtherColumns));
}

void ReadJsonLines(const OutputFile& file, Collector& collector) {
  std::string line;
  std::int64_t offset = 0;
  ReadBlocks(file, [&](std::string_view bytes) {
    while (!bytes.empty()) {
      const std::size_t end = bytes.find('\n');
      line += bytes.substr(0, end);
      if (line.size() > CsvParser::kMaxRecordBytes) throw Error(ErrorCode::kIo, "a line is too long for a row of ours");
      if (end == std::string_view::npos) return;
      bytes.remove_prefix(end + 1);
      offset += static_cast<std::int64_t>(line.size()) + 1;
      collector.Add(ParseJsonLine(line), offset);
      line.clear();
    }
  });
}

}  // namespace

EarlierRows ReadEarlierRows(const OutputFile& file, RowFormat format, const RunInfo& run, FaceSelection faces,
                            std::int64_t max_rows) {
  Collector collector(file.path(), run, faces, max_rows);
  try {
    if (format == RowFormat::kCsv) {
      ReadCsv(file, collector);
    } else {
      ReadJsonLines(file, collector);
    }
  } catch (const Error& e) {
    if (e.code() != ErrorCode::kIo) throw;
    throw Error(ErrorCode::kIo,
                fmt::format("{}: cannot be continued: {}; --force starts over", Printable(file.path()), e.what()));
  }
  return collector.Take();
}

Mixture FindMixture(const EarlierRows& earlier, const RunInfo& run, bool adds) {
  const std::array<const std::string*, kMadeWith.size()> own{&run.instruction_set, &run.version, &run.engine,
                                                             &run.image_libraries};
  Mixture mixture;
  for (std::size_t i = 0; i < kMadeWith.size(); ++i) {
    std::string values;
    std::size_t count = earlier.made_with[i].size();
    for (const auto& [value, rows] : earlier.made_with[i]) {
      values += fmt::format("{}{} ({})", values.empty() ? "" : ", ", Printable(value), Count(rows, "row"));
    }
    if (adds && count > 0 && !earlier.made_with[i].contains(*own[i])) {
      values += fmt::format(", {} (the rows to come)", *own[i]);
      ++count;
    }
    if (count < 2) continue;
    mixture.text += fmt::format("{}{}: {}", mixture.text.empty() ? "" : "; ", kMadeWith[i], values);
    mixture.of_instruction_sets = mixture.of_instruction_sets || own[i] == &run.instruction_set;
  }
  return mixture;
}

}  // namespace prefiqs::report
