// A NumPy .npy file of float32 rows that grows, and can be read at any moment.
#ifndef PREFIQS_REPORT_NPY_H_
#define PREFIQS_REPORT_NPY_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "report/output_file.h"

namespace prefiqs::report {

// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, version 1.0, little-endian, C order.
// The header has room for any row count and is rewritten after every append, rows first: it never promises more than
// there is.
class NpyFile {
 public:
  // Throws Error(kIo) as OutputFile does, and when it is not a regular file or, for kContinue, not a file of such rows.
  NpyFile(const std::string& path, OpenMode mode, int row_width, bool without_lock = false);

  std::int64_t rows() const { return rows_; }
  const OutputFile& file() const { return file_; }
  // Requires 0 <= index < rows().
  std::vector<float> Row(std::int64_t index) const;
  // `values`: whole rows. Throws Error(kIo) and then has the rows it had.
  void Append(std::span<const float> values);
  void Truncate(std::int64_t rows);
  void Finish() { file_.Finish(); }

 private:
  void WriteHeader();
  void CheckHeader() const;

  OutputFile file_;
  int row_width_;
  std::int64_t rows_ = 0;
};

}  // namespace prefiqs::report

#endif  // PREFIQS_REPORT_NPY_H_
