// A picture scaled into a network's canvas, and the way back.
#ifndef PREFIQS_FACE_LETTERBOX_H_
#define PREFIQS_FACE_LETTERBOX_H_

#include <optional>
#include <span>
#include <vector>

#include <prefiqs/detector.h>
#include <prefiqs/image.h>

#include "face/decoder.h"

namespace prefiqs::face {

// The picture, resized to width×height, lies with its top left pixel at (x, y) of the canvas; the rest is padding.
struct Placement {
  Canvas canvas;
  int x = 0, y = 0, width = 0, height = 0;
  friend bool operator==(const Placement&, const Placement&) = default;
};

// Fills `input`, 3×height×width floats of the placement's canvas. Padding is the network's zero.
void FillInput(const Image& picture, const Placement& placement, const InputFormat& format, std::span<float> input);

// Canvas coordinates as decoders give them (the origin is the corner of a pixel) -> picture coordinates as the API has
// them (the origin is the centre of a pixel): x = (x' - placement.x) * picture_width / placement.width - 0.5. With a
// resize that takes pixel centres to pixel centres, (x + 0.5) * s - 0.5, this is exact.
Face ToPicture(const Face& face, const Placement& placement, int picture_width, int picture_height);

}  // namespace prefiqs::face

#endif  // PREFIQS_FACE_LETTERBOX_H_
