// Matrices of float32 that NumPy wrote.
#ifndef PREFIQS_EVAL_NPY_MATRIX_H_
#define PREFIQS_EVAL_NPY_MATRIX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"

namespace prefiqs::eval {

struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<float> values;  // row by row

  std::span<const float> Row(std::size_t i) const { return std::span(values).subspan(i * columns, columns); }
};

// .npy of versions 1 to 3, two dimensions, little-endian float16, float32 or float64
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). In C order they are read row by row, and
// files may be larger than the memory; of Fortran order all values are kept, as float32. 2^34 values at most.
//
// FILE.npz:NAME is the array NAME of an archive that numpy.savez or numpy.savez_compressed wrote, and FILE.npz the only
// array of one. A stored array is read as a file is; of a deflated one all values are kept, 2^29 at most, and memory
// grows with the values that are there, not with those that the file claims.
class NpyReader {
 public:
  // Throws Error(kIo) naming file and cause; of an archive without that array, its arrays.
  explicit NpyReader(const std::string& path);

  const std::string& path() const { return path_; }
  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }

  // Requires i < rows() and out.size() == columns(). Throws Error(kIo) naming file and cause. Thread-safe.
  void ReadRow(std::size_t i, std::span<float> out) const;

 private:
  // Keeps all values. `read` gives the file's bytes behind the header, one after the other.
  template <typename Read>
  void Keep(bool by_columns, Read&& read);
  // `first`: the place of the first value in the file.
  void ReadValues(std::size_t first, std::span<float> out) const;

  std::string path_;
  std::unique_ptr<const RegularFile> file_;
  std::int64_t start_ = 0;  // of the values in the file
  int bytes_ = 4;           // of a value: float16, float32 or float64
  bool keeps_ = false;      // all values: of a file in Fortran order, and of a deflated array
  Matrix kept_;
  std::size_t rows_ = 0, columns_ = 0;
};

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_NPY_MATRIX_H_
