#include "align/deviation.h"

#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <numbers>
#include <optional>

#include "align/align.h"

namespace prefiqs::align {

Deviation DeviationOf(const Landmarks& points, const Landmarks& wanted) {
  using Complex = std::complex<double>;
  const std::optional<Transform> fit = FitSimilarity(points, wanted);
  if (!fit) return {.scale = 0, .degrees = 0, .distance = std::numeric_limits<double>::infinity()};
  // The fit is p -> a p + t in complex numbers; its inverse takes the template to where the face lies.
  const Complex a((*fit)[0][0], (*fit)[1][0]), t((*fit)[0][2], (*fit)[1][2]);
  double squares = 0;
  for (const Point& point : wanted) {
    const Complex p(point.x, point.y);
    squares += std::norm((p - t) / a - p);
  }
  const double eyes = std::hypot(wanted[1].x - wanted[0].x, wanted[1].y - wanted[0].y);
  return {.scale = 1 / std::abs(a),
          .degrees = -std::arg(a) * 180 / std::numbers::pi,
          .distance = std::sqrt(squares / static_cast<double>(wanted.size())) / eyes};
}

const Face* BestAligned(std::span<const Face> faces, const Landmarks& wanted) {
  const Face* best = nullptr;
  double least = 0;
  for (const Face& face : faces) {
    const double distance = DeviationOf(face.landmarks, wanted).distance;
    if (best != nullptr && !(distance < least)) continue;
    best = &face;
    least = distance;
  }
  return best;
}

}  // namespace prefiqs::align
