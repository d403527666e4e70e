#include "face/selection.h"

#include <algorithm>
#include <tuple>

namespace prefiqs::face {

void OrderFaces(std::vector<Face>& faces, int picture_width, int picture_height) {
  if (faces.empty()) return;
  auto area = [](const Face& face) { return face.box.width * face.box.height; };
  std::stable_sort(faces.begin(), faces.end(), [&](const Face& a, const Face& b) {
    return std::tuple(-area(a), -a.confidence, a.box.x, a.box.y) <
           std::tuple(-area(b), -b.confidence, b.box.x, b.box.y);
  });

  const Point centre = {static_cast<float>(picture_width - 1) / 2, static_cast<float>(picture_height - 1) / 2};
  auto distance2 = [&](const Face& face) {
    const float dx = face.box.x + face.box.width / 2 - centre.x;
    const float dy = face.box.y + face.box.height / 2 - centre.y;
    return dx * dx + dy * dy;
  };
  const float enough = kEqualArea * area(faces.front());
  const auto end = std::find_if(faces.begin(), faces.end(), [&](const Face& face) { return area(face) < enough; });
  const auto best =
      std::min_element(faces.begin(), end, [&](const Face& a, const Face& b) { return distance2(a) < distance2(b); });
  std::rotate(faces.begin(), best, best + 1);
}

}  // namespace prefiqs::face
