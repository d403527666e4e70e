#include "face/scale.h"

#include <algorithm>
#include <cmath>

#include "face/nms.h"

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

Placement CropPlacement(int crop_width, int crop_height, const std::optional<Canvas>& fixed_canvas) {
  return Place(crop_width, crop_height, fixed_canvas.value_or(kCropCanvas), kCropSide, true);
}

SearchScales ScalesFor(int picture_width, int picture_height, const std::optional<Canvas>& fixed_canvas) {
  auto place = [&](int side, bool centred) {
    const Canvas canvas = fixed_canvas.value_or(CanvasFor(picture_width, picture_height, side));
    return Place(picture_width, picture_height, canvas, side, centred);
  };
  SearchScales scales;
  scales.coarse = place(kCoarseSide, false);
  const int largest = fixed_canvas ? std::max(fixed_canvas->width, fixed_canvas->height) : kFineSide;
  const Placement fine = place(std::min(largest, std::max(picture_width, picture_height)), false);
  if (fine.width > scales.coarse.width || fine.height > scales.coarse.height) scales.fine = fine;
  scales.last_resort = place(kLastResortSide, true);
  return scales;
}

std::vector<Face> MergeScales(const std::vector<Face>& coarse, const std::vector<Face>& fine, float large_side,
                              float max_iou) {
  std::vector<Face> merged;
  auto add = [&](const Face& face) {
    const bool is_new = std::none_of(merged.begin(), merged.end(),
                                     [&](const Face& other) { return Iou(face.box, other.box) > max_iou; });
    if (is_new) merged.push_back(face);
  };
  auto is_large = [&](const Face& face) { return std::max(face.box.width, face.box.height) >= large_side; };
  for (const Face& face : coarse) {
    if (is_large(face)) add(face);
  }
  for (const Face& face : fine) add(face);
  for (const Face& face : coarse) {
    if (!is_large(face)) add(face);
  }
  return merged;
}

}  // namespace prefiqs::face
