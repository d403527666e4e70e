// Matrices of float32 that NumPy wrote.
#ifndef PREFIQS_EVAL_NPY_MATRIX_H_
#define PREFIQS_EVAL_NPY_MATRIX_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace prefiqs::eval {

struct Matrix {
  std::size_t rows = 0, columns = 0;
  std::vector<float> values;  // row by row

  std::span<const float> Row(std::size_t i) const { return std::span(values).subspan(i * columns, columns); }
};

// .npy of versions 1 to 3, two dimensions, little-endian float32 or float64 in C order
// (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). 64 GiB at most. Throws Error(kIo) naming
// file and cause.
Matrix ReadNpyMatrix(const std::string& path);

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_NPY_MATRIX_H_
