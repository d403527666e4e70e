#include "face/nms.h"

#include <algorithm>

namespace prefiqs::face {

float Iou(const Box& a, const Box& b) {
  const float width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const float height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  const float shared = width * height;
  return shared / (a.width * a.height + b.width * b.height - shared);
}

std::vector<Face> SuppressNonMaxima(std::vector<Face> faces, float max_iou) {
  std::stable_sort(faces.begin(), faces.end(),
                   [](const Face& a, const Face& b) { return a.confidence > b.confidence; });
  if (faces.size() > kMaxCandidates) faces.resize(kMaxCandidates);
  std::vector<Face> kept;
  for (const Face& face : faces) {
    const bool is_new =
        std::none_of(kept.begin(), kept.end(), [&](const Face& other) { return Iou(face.box, other.box) > max_iou; });
    if (is_new) kept.push_back(face);
  }
  return kept;
}

}  // namespace prefiqs::face
