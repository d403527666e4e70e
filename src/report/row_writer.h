// Rows and embeddings of a run, kept in step on disk.
#ifndef PREFIQS_REPORT_ROW_WRITER_H_
#define PREFIQS_REPORT_ROW_WRITER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefiqs/job.h>

#include "report/earlier_rows.h"
#include "report/npy.h"
#include "report/output_file.h"
#include "report/row.h"

namespace prefiqs::report {

struct RowWriterOptions {
  RowFormat format = RowFormat::kCsv;
  std::string output{};      // empty: standard output
  std::string embeddings{};  // empty: none
  bool force = false;
  bool resume = false;
  bool without_lock = false;  // with `resume`: also where the files cannot be locked
  FaceSelection faces = FaceSelection::kBest;
};

// Not thread-safe.
class RowWriter {
 public:
  // Opens the files; with `resume` reads what is there, cuts off what is not whole, and refuses (Error(kUsage)) what
  // another run made. A table of an older schema goes on in the columns that it has. Throws Error(kIo) or
  // Error(kUsage).
  RowWriter(const RowWriterOptions& options, RunInfo run, int embedding_size);

  // Of the rows of an earlier run that were kept; zeros without `resume`.
  const JobSummary& earlier() const { return earlier_.summary; }

  // True once for every time an earlier run finished a picture of this path: it has its rows already.
  bool TakeFinished(const std::string& path);

  // Rows of the earlier run whose pictures TakeFinished() was not asked about.
  std::int64_t foreign_rows() const;

  // That the files cannot be locked and what follows; empty where they are.
  std::string LockWarning() const;

  // What else the user should know of, a text each: that rows of several instruction sets or versions are mixed (with
  // those of this run, if it has `rows_to_come`), that earlier crops were not checked for alignment, that an older
  // table keeps its columns.
  std::vector<std::string> Warnings(bool rows_to_come) const;

  // All rows of one or several pictures. Embeddings go first, so that after a kill they are never behind. Throws
  // Error(kIo); the files then hold what they held before.
  void Append(std::span<const Row> rows);

  void Finish();

 private:
  RowFormat format_;
  RunInfo run_;
  int embedding_size_;
  std::optional<NpyFile> embeddings_;
  OutputFile output_;
  EarlierRows earlier_;
};

}  // namespace prefiqs::report

#endif  // PREFIQS_REPORT_ROW_WRITER_H_
