#include "report/row_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <utility>
#include <vector>

#include "base/count.h"
#include "base/file.h"
#include "report/csv.h"
#include "report/json_lines.h"

namespace prefiqs::report {
namespace {

OpenMode ModeOf(const RowWriterOptions& options) {
  if (options.resume) return OpenMode::kContinue;
  return options.force ? OpenMode::kOverwrite : OpenMode::kNew;
}

// Whether the two names mean one file, before either need exist.
bool SameFile(const std::string& a, const std::string& b) {
  std::error_code error;
  return a == b || std::filesystem::weakly_canonical(a, error) == std::filesystem::weakly_canonical(b, error);
}

void Check(const RowWriterOptions& options) {
  if (options.resume && options.output.empty()) {
    throw Error(ErrorCode::kUsage, "--resume needs --output FILE: standard output cannot be continued");
  }
  if (options.resume && options.force) throw Error(ErrorCode::kUsage, "--resume and --force exclude each other");
  if (!options.embeddings.empty() && SameFile(options.embeddings, options.output)) {
    throw Error(ErrorCode::kUsage, "--embeddings and --output name the same file");
  }
  std::error_code ignored;
  if (!options.resume && !options.force && std::filesystem::is_regular_file(options.embeddings, ignored)) {
    // Before the other file is made, which would stand in the way next time.
    throw Error(ErrorCode::kIo, fmt::format("{}: exists already; --force overwrites it, --resume continues it",
                                            Printable(options.embeddings)));
  }
  if (options.resume && !options.embeddings.empty() && std::filesystem::exists(options.output, ignored) &&
      std::filesystem::file_size(options.output, ignored) > 0 &&
      !std::filesystem::exists(options.embeddings, ignored)) {
    throw Error(ErrorCode::kUsage, fmt::format("{}: cannot be continued with {}, which does not exist: give the "
                                               "--embeddings of the first run, or start over with --force",
                                               Printable(options.output), Printable(options.embeddings)));
  }
}

std::string CsvHeader(int schema) {
  std::vector<std::string> names;
  for (const Column& column : Columns(schema)) names.emplace_back(column.name);
  return CsvLine(names);
}

OutputFile OpenOutput(const RowWriterOptions& options) {
  Check(options);
  if (options.output.empty()) return OutputFile::StandardOutput();
  return OutputFile(options.output, ModeOf(options), options.without_lock);
}

// Embeddings of another run must not be cut and continued because they were named by mistake.
void CheckTogether(const EarlierRows& earlier, const NpyFile& embeddings, const RowWriterOptions& options) {
  if (earlier.norm_row < 0) return;
  double squares = 0;
  for (const float value : embeddings.Row(earlier.norm_row)) squares += static_cast<double>(value) * value;
  constexpr double kRounding = 1e-5;  // of six decimals, and of float
  if (std::abs(std::sqrt(squares) - earlier.norm) <= kRounding * (1 + earlier.norm)) return;
  throw Error(ErrorCode::kUsage,
              fmt::format("{}: cannot be continued with {}, which is of another run: row {} has another norm; give the "
                          "--embeddings of the first run, or start over with --force",
                          Printable(options.output), Printable(options.embeddings), earlier.norm_row + 1));
}

}  // namespace

RowWriter::RowWriter(const RowWriterOptions& options, RunInfo run, int embedding_size)
    : format_(options.format), run_(std::move(run)), embedding_size_(embedding_size), output_(OpenOutput(options)) {
  if (!options.embeddings.empty())
    embeddings_.emplace(options.embeddings, ModeOf(options), embedding_size, options.without_lock);
  if (options.resume) {
    const std::int64_t max_rows = embeddings_ ? embeddings_->rows() : std::numeric_limits<std::int64_t>::max();
    earlier_ = ReadEarlierRows(output_, format_, run_, options.faces, max_rows);
    if (embeddings_) CheckTogether(earlier_, *embeddings_, options);
    if (earlier_.bytes > 0) run_.schema = earlier_.schema;
    output_.Truncate(earlier_.bytes);
    if (embeddings_) embeddings_->Truncate(earlier_.rows);
  }
  if (format_ == RowFormat::kCsv && output_.size() == 0) output_.Append(CsvHeader(run_.schema));
}

bool RowWriter::TakeFinished(const std::string& path) {
  const auto found = earlier_.pictures.find(path);
  if (found == earlier_.pictures.end() || found->second.times == 0) return false;
  EarlierRows::Finished& finished = found->second;
  finished.rows -= finished.rows / finished.times;  // a picture that is named twice has the same faces each time
  --finished.times;
  return true;
}

std::int64_t RowWriter::foreign_rows() const {
  std::int64_t rows = 0;
  for (const auto& [path, finished] : earlier_.pictures) rows += finished.rows;
  return rows;
}

std::string RowWriter::LockWarning() const {
  std::string unlocked, why;
  const auto note = [&](const OutputFile& file) {
    if (file.lock_failure().empty()) return;
    unlocked += (unlocked.empty() ? "" : " and ") + Printable(file.path());
    why = file.lock_failure();
  };
  note(output_);
  if (embeddings_) note(embeddings_->file());
  if (unlocked.empty()) return {};
  return fmt::format(
      "{} cannot be locked ({}): another run that writes there at the same time may not be noticed, and rows "
      "are lost then; let every run have files of its own",
      unlocked, why);
}

std::vector<std::string> RowWriter::Warnings(bool rows_to_come) const {
  std::vector<std::string> warnings;
  if (const Mixture mixture = FindMixture(earlier_, run_, rows_to_come); !mixture.text.empty()) {
    constexpr std::string_view kFigures =
        ": across instruction sets in fp32 by less than 1e-5 for the same crop, and by about 1e-4 for a photograph, in "
        "which the face is found anew";
    warnings.push_back(fmt::format(
        "{} mixes rows that were made differently: {}; drifts of one picture may differ between them{}",
        Printable(output_.path()), mixture.text, mixture.of_instruction_sets ? kFigures : std::string_view()));
  }
  if (earlier_.rows > 0 && earlier_.schema == 1 && run_.detector == kAligned && !run_.guard.empty()) {
    warnings.push_back(
        fmt::format("{} holds {} of schema 1, whose crops were not checked for alignment, so none has the status "
                    "not_aligned; to check them, write another file",
                    Printable(output_.path()), Count(earlier_.rows, "row")));
  }
  if (rows_to_come && run_.schema < kSchema) {
    std::string missing;
    for (const Column& column : Columns().subspan(Columns(run_.schema).size())) {
      missing += fmt::format("{}{}", missing.empty() ? "" : ", ", column.name);
    }
    warnings.push_back(fmt::format(
        "{} is a table of schema {} and stays one: its rows have no columns {}{}; another file would have them",
        Printable(output_.path()), run_.schema, missing,
        run_.calibration.empty() ? "" : ", so nobody can tell whether all scalars are of one calibration"));
  }
  return warnings;
}

void RowWriter::Append(std::span<const Row> rows) {
  if (rows.empty()) return;
  const std::int64_t rows_before = embeddings_ ? embeddings_->rows() : 0;
  if (embeddings_) {
    std::vector<float> values;
    values.reserve(rows.size() * static_cast<std::size_t>(embedding_size_));
    for (const Row& row : rows) {
      if (row.assessment.embedding.empty()) {
        values.insert(values.end(), static_cast<std::size_t>(embedding_size_), std::numeric_limits<float>::quiet_NaN());
      } else {
        values.insert(values.end(), row.assessment.embedding.begin(), row.assessment.embedding.end());
      }
    }
    embeddings_->Append(values);
  }
  std::string text;
  for (const Row& row : rows) {
    const std::vector<std::string> cells = Cells(run_, row);
    text += format_ == RowFormat::kCsv ? CsvLine(cells) : JsonLine(cells);
  }
  try {
    output_.Append(text);
  } catch (const Error&) {
    if (embeddings_) embeddings_->Truncate(rows_before);
    throw;
  }
}

void RowWriter::Finish() {
  if (embeddings_) embeddings_->Finish();
  output_.Finish();
}

}  // namespace prefiqs::report
