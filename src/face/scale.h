// At which scales a picture is searched.
#ifndef PREFIQS_FACE_SCALE_H_
#define PREFIQS_FACE_SCALE_H_

#include <optional>
#include <vector>

#include "face/letterbox.h"

namespace prefiqs::face {

// The canvases of a network of open size: few, so that few plans are compiled, and wide enough for the usual shapes of
// photographs. By rising area.
inline constexpr Canvas kCanvases[] = {{320, 320}, {640, 384}, {384, 640}, {640, 512}, {512, 640}, {640, 640}};

// Places the picture, its longer side scaled to `long_side` (less where that exceeds `canvas`), both sides by the same
// factor up to rounding; in the top left corner or centred.
Placement Place(int picture_width, int picture_height, Canvas canvas, int long_side, bool centred);

// The smallest of kCanvases that takes the picture scaled so.
Canvas CanvasFor(int picture_width, int picture_height, int long_side);

// What is tried, in this order, until a face is found.
std::vector<Placement> Placements(int picture_width, int picture_height, const std::optional<Canvas>& fixed_canvas);

}  // namespace prefiqs::face

#endif  // PREFIQS_FACE_SCALE_H_
