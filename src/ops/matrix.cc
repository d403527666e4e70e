#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "ops/broadcast.h"
#include "ops/rows.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::Node;
using graph::Shape;
using graph::Tensor;

[[noreturn]] void FailTogether(const Node& node, const Shape& a, const Shape& b) {
  Fail(node, fmt::format("{} and {} cannot be multiplied", graph::ToString(a), graph::ToString(b)));
}

// sums[j] = Σ row[k] · matrix[k][j]; the matrix has as many columns as there are sums.
void RowTimesMatrix(std::span<const float> row, const float* matrix, std::span<double> sums) {
  std::fill(sums.begin(), sums.end(), 0.0);
  for (const double factor : row) {
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += factor * double{matrix[j]};
    matrix += sums.size();
  }
}

// The same with a matrix that is stored column after column.
void RowTimesTransposed(std::span<const float> row, const float* columns, std::span<double> sums) {
  for (double& sum : sums) {
    sum = 0;
    for (std::size_t k = 0; k < row.size(); ++k) sum += double{row[k]} * double{columns[k]};
    columns += row.size();
  }
}

struct GemmSizes {
  std::int64_t rows = 0;
  std::int64_t inner = 0;
  std::int64_t columns = 0;
};

GemmSizes SizesOfGemm(const Node& node, const Shape& a, const Shape& b) {
  if (a.size() != 2 || b.size() != 2) {
    Fail(node, fmt::format("{} and {} must both be matrices", graph::ToString(a), graph::ToString(b)));
  }
  const std::size_t flip_a = node.Int("transA", 0) != 0 ? 1 : 0;
  const std::size_t flip_b = node.Int("transB", 0) != 0 ? 1 : 0;
  if (a[1 - flip_a] != b[flip_b]) FailTogether(node, a, b);
  return {.rows = a[flip_a], .inner = a[1 - flip_a], .columns = b[1 - flip_b]};
}

std::vector<TensorType> InferGemm(const Node& node, std::span<const InferInput> inputs) {
  const Shape& a = RequiredFloat(node, inputs, 0, "A").shape;
  const Shape& b = RequiredFloat(node, inputs, 1, "B").shape;
  const GemmSizes sizes = SizesOfGemm(node, a, b);
  const Shape result{sizes.rows, sizes.columns};
  if (Given(inputs, 2)) {
    const Shape& c = RequiredFloat(node, inputs, 2, "C").shape;
    if (BroadcastShape(node, c, result) != result) {
      Fail(node, fmt::format("C, {}, does not fit a result of {}", graph::ToString(c), graph::ToString(result)));
    }
  }
  return {MakeType(node, graph::DataType::kFloat32, result)};
}

std::vector<float> Transposed(std::span<const float> matrix, std::int64_t rows, std::int64_t columns) {
  std::vector<float> result(matrix.size());
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      result[static_cast<std::size_t>(j * rows + i)] = matrix[static_cast<std::size_t>(i * columns + j)];
    }
  }
  return result;
}

void RunGemm(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  if (outputs[0].count() == 0) return;
  const GemmSizes sizes = SizesOfGemm(node, inputs[0]->shape(), inputs[1]->shape());
  const double alpha = node.Float("alpha", 1.0f);
  const double beta = node.Float("beta", 1.0f);
  std::span<const float> a = inputs[0]->values<float>();
  const std::span<const float> b = inputs[1]->values<float>();
  std::vector<float> flipped_a;
  if (node.Int("transA", 0) != 0) a = flipped_a = Transposed(a, sizes.inner, sizes.rows);
  const bool flip_b = node.Int("transB", 0) != 0;

  const auto inner = static_cast<std::size_t>(sizes.inner);
  const auto columns = static_cast<std::size_t>(sizes.columns);
  const Tensor zero = Tensor::Scalar(0.0f);
  const bool has_c = inputs.size() > 2 && inputs[2] != nullptr;
  const Tensor& c = has_c ? *inputs[2] : zero;
  const auto c_values = c.values<float>();
  const Strides c_strides = BroadcastStrides(c.shape(), outputs[0].shape());
  const auto out = outputs[0].values<float>();
  std::vector<double> sums(columns);
  for (std::size_t i = 0; i < static_cast<std::size_t>(sizes.rows); ++i) {
    const auto row = a.subspan(i * inner, inner);
    flip_b ? RowTimesTransposed(row, b.data(), sums) : RowTimesMatrix(row, b.data(), sums);
    for (std::size_t j = 0; j < columns; ++j) {
      const std::size_t at = i * static_cast<std::size_t>(c_strides[0]) + j * static_cast<std::size_t>(c_strides[1]);
      out[i * columns + j] = static_cast<float>(alpha * sums[j] + beta * double{c_values[at]});
    }
  }
}

// MatMul as numpy has it: the last two dimensions are matrices, those before them repeat to fit one another. A vector
// on the left is a row and one on the right a column; the dimension that this adds is dropped from the result.
struct MatMulShapes {
  Shape batch;
  Shape batch_a, batch_b;
  std::int64_t rows = 0;
  std::int64_t inner = 0;
  std::int64_t columns = 0;
  Shape result;
};

MatMulShapes ShapesOfMatMul(const Node& node, Shape a, Shape b) {
  if (a.empty() || b.empty()) FailTogether(node, a, b);
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) a.insert(a.begin(), 1);
  if (column) b.push_back(1);
  MatMulShapes shapes;
  shapes.rows = a[a.size() - 2];
  shapes.inner = a.back();
  shapes.columns = b.back();
  if (shapes.inner != b[b.size() - 2]) FailTogether(node, a, b);
  shapes.batch_a.assign(a.begin(), a.end() - 2);
  shapes.batch_b.assign(b.begin(), b.end() - 2);
  shapes.batch = BroadcastShape(node, shapes.batch_a, shapes.batch_b);
  shapes.result = shapes.batch;
  if (!row) shapes.result.push_back(shapes.rows);
  if (!column) shapes.result.push_back(shapes.columns);
  return shapes;
}

std::vector<TensorType> InferMatMul(const Node& node, std::span<const InferInput> inputs) {
  const Shape& a = RequiredFloat(node, inputs, 0, "A").shape;
  const Shape& b = RequiredFloat(node, inputs, 1, "B").shape;
  return {MakeType(node, graph::DataType::kFloat32, ShapesOfMatMul(node, a, b).result)};
}

void RunMatMul(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  if (outputs[0].count() == 0) return;
  const MatMulShapes shapes = ShapesOfMatMul(node, inputs[0]->shape(), inputs[1]->shape());
  const auto a = inputs[0]->values<float>();
  const auto b = inputs[1]->values<float>();
  const auto rows = static_cast<std::size_t>(shapes.rows);
  const auto inner = static_cast<std::size_t>(shapes.inner);
  const auto columns = static_cast<std::size_t>(shapes.columns);
  float* out = outputs[0].values<float>().data();
  std::vector<double> sums(columns);
  const Strides strides[] = {BroadcastStrides(shapes.batch_a, shapes.batch),
                             BroadcastStrides(shapes.batch_b, shapes.batch)};
  Walk(shapes.batch, strides, [&](std::size_t, std::span<const std::int64_t> matrices) {
    const auto a_matrix = a.subspan(static_cast<std::size_t>(matrices[0]) * rows * inner, rows * inner);
    const auto b_matrix = b.subspan(static_cast<std::size_t>(matrices[1]) * inner * columns, inner * columns);
    for (std::size_t i = 0; i < rows; ++i) {
      RowTimesMatrix(a_matrix.subspan(i * inner, inner), b_matrix.data(), sums);
      out = std::transform(sums.begin(), sums.end(), out, [](double sum) { return static_cast<float>(sum); });
    }
  });
}

constexpr std::string_view kGemmAttributes[] = {"alpha", "beta", "transA", "transB"};
constexpr Operator kMatrixRows[] = {
    {"Gemm", 2, 3, 1, 1, kGemmAttributes, InferGemm, RunGemm, 7},
    {"MatMul", 2, 2, 1, 1, {}, InferMatMul, RunMatMul},
};

}  // namespace

std::span<const Operator> MatrixRows() { return kMatrixRows; }

}  // namespace prefiqs::ops
