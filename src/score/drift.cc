#include "score/drift.h"

#include <prefiqs/error.h>

#include <cmath>

namespace prefiqs::score {

double Norm(std::span<const float> embedding) {
  double sum = 0;
  for (const float v : embedding) sum += static_cast<double>(v) * v;
  return std::sqrt(sum);
}

std::optional<double> Drift(std::span<const float> dense, std::span<const float> pruned) {
  if (dense.empty() || dense.size() != pruned.size()) {
    throw Error(ErrorCode::kInternal, "drift: the two embeddings differ in size or are empty");
  }
  const double norm_dense = Norm(dense);
  const double norm_pruned = Norm(pruned);
  // Sums of squares of finite floats cannot overflow a double, so a norm is not finite exactly when an element is not.
  if (!std::isfinite(norm_dense) || !std::isfinite(norm_pruned) || norm_dense == 0 || norm_pruned == 0)
    return std::nullopt;
  // The difference itself, not 2 - 2 cos: that one cancels for small drifts.
  double sum = 0;
  for (std::size_t i = 0; i < dense.size(); ++i) {
    const double d = dense[i] / norm_dense - pruned[i] / norm_pruned;
    sum += d * d;
  }
  return std::fmin(std::sqrt(sum), 2.0);  // rounding may pass 2 by an ulp for opposite directions
}

std::optional<double> Sensitivity(std::span<const float> embedding, std::span<const float> tangent) {
  if (embedding.empty() || embedding.size() != tangent.size()) {
    throw Error(ErrorCode::kInternal, "sensitivity: embedding and tangent differ in size or are empty");
  }
  const double norm = Norm(embedding);
  if (!std::isfinite(norm) || norm == 0 || !std::isfinite(Norm(tangent))) return std::nullopt;
  double along = 0;  // of t in the direction of f
  for (std::size_t i = 0; i < embedding.size(); ++i) along += embedding[i] / norm * tangent[i];
  double sum = 0;
  for (std::size_t i = 0; i < embedding.size(); ++i) {
    const double across = tangent[i] - along * (embedding[i] / norm);
    sum += across * across;
  }
  return std::sqrt(sum) / norm;
}

}  // namespace prefiqs::score
