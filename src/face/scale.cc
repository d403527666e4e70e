#include "face/scale.h"

#include <algorithm>
#include <cmath>

namespace prefiqs::face {

Placement Place(int picture_width, int picture_height, Canvas canvas, int long_side, bool centred) {
  const double scale = std::min({static_cast<double>(long_side) / std::max(picture_width, picture_height),
                                 static_cast<double>(canvas.width) / picture_width,
                                 static_cast<double>(canvas.height) / picture_height});
  Placement placement{.canvas = canvas};
  placement.width = std::clamp(static_cast<int>(std::lround(picture_width * scale)), 1, canvas.width);
  placement.height = std::clamp(static_cast<int>(std::lround(picture_height * scale)), 1, canvas.height);
  if (centred) {
    placement.x = (canvas.width - placement.width) / 2;
    placement.y = (canvas.height - placement.height) / 2;
  }
  return placement;
}

Canvas CanvasFor(int picture_width, int picture_height, int long_side) {
  const Placement wanted = Place(picture_width, picture_height, {long_side, long_side}, long_side, false);
  for (const Canvas& canvas : kCanvases) {
    if (wanted.width <= canvas.width && wanted.height <= canvas.height) return canvas;
  }
  return std::end(kCanvases)[-1];
}

std::vector<Placement> Placements(int picture_width, int picture_height, const std::optional<Canvas>& fixed_canvas) {
  std::vector<Placement> placements;
  const int long_side = std::max(picture_width, picture_height);
  for (const int wanted : {std::min(640, long_side), 160}) {
    const Canvas canvas = fixed_canvas.value_or(CanvasFor(picture_width, picture_height, wanted));
    placements.push_back(Place(picture_width, picture_height, canvas, wanted, !placements.empty()));
  }
  return placements;
}

}  // namespace prefiqs::face
