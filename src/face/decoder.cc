#include "face/decoder.h"

#include <algorithm>

namespace prefiqs::face {

Table AsTable(const graph::Shape& shape) {
  if (shape.size() == 2) return {shape[0], shape[1]};
  if (shape.size() == 3 && shape[0] == 1) return {shape[1], shape[2]};
  return {};
}

bool IsPlausible(const Face& face, Canvas canvas) {
  const float margin = static_cast<float>(std::max(canvas.width, canvas.height));
  // Written so that NaN fails.
  auto inside = [margin](float value, int side) {
    return value >= -margin && value <= static_cast<float>(side) + margin;
  };
  const Box& box = face.box;
  if (!(box.width > 0 && box.height > 0)) return false;
  if (!inside(box.x, canvas.width) || !inside(box.x + box.width, canvas.width)) return false;
  if (!inside(box.y, canvas.height) || !inside(box.y + box.height, canvas.height)) return false;
  return std::all_of(face.landmarks.begin(), face.landmarks.end(), [&](const Point& point) {
    return inside(point.x, canvas.width) && inside(point.y, canvas.height);
  });
}

std::unique_ptr<const Decoder> MakeDecoder(std::span<const graph::Shape> outputs, Canvas canvas) {
  for (const auto make : {MakeYuNetDecoder, MakeScrfdDecoder, MakeRetinaFaceDecoder}) {
    if (auto decoder = make(outputs, canvas)) return decoder;
  }
  return nullptr;
}

}  // namespace prefiqs::face
