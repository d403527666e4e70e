// At which scales a picture is searched.
//
// Detectors find faces of about 15 to 400 pixels of their canvas and place landmarks best on those of 100 to 300. So a
// picture is searched at a coarse scale, its longer side at kCoarseSide, whatever its own size (small pictures are
// enlarged: measured on pictures shrunk to 32 px, where that finds up to twice as many faces), and, when it is larger
// than that, at a fine one, for the small faces in it. Each face is taken from the scale that suits its size. Where
// both find nothing, a still coarser one with a border all around is tried, for close-ups that leave no room around the
// face.
#ifndef PREFIQS_FACE_SCALE_H_
#define PREFIQS_FACE_SCALE_H_

#include <optional>
#include <vector>

#include "face/letterbox.h"

namespace prefiqs::face {

inline constexpr int kCoarseSide = 320;
inline constexpr int kFineSide = 640;        // of networks of open size; others: what their canvas takes
inline constexpr int kLastResortSide = 160;  // centred
inline constexpr int kCropSide = 160;        // centred, on kCropCanvas
inline constexpr Canvas kCropCanvas{192, 192};
// Faces found at the coarse scale with at least this many canvas pixels on their longer side are kept from there.
inline constexpr int kCoarseFace = 128;

// The canvases of a network of open size: few, so that few plans are compiled, and of the usual shapes of photographs.
// By rising area.
inline constexpr Canvas kCanvases[] = {{320, 320}, {640, 384}, {384, 640}, {640, 512}, {512, 640}, {640, 640}};

struct SearchScales {
  Placement coarse;
  std::optional<Placement> fine;
  Placement last_resort;
};
SearchScales ScalesFor(int picture_width, int picture_height, const std::optional<Canvas>& fixed_canvas);

// One list of both scales' faces, in picture coordinates: `coarse` ones that are large enough, then `fine` ones, then
// the rest of `coarse`; of two that overlap by more than `max_iou` the former.
std::vector<Face> MergeScales(const std::vector<Face>& coarse, const std::vector<Face>& fine, float large_side,
                              float max_iou);

// Places the picture, its longer side scaled to `long_side` (less where that exceeds `canvas`), both sides by the same
// factor up to rounding; in the top left corner or centred.
Placement Place(int picture_width, int picture_height, Canvas canvas, int long_side, bool centred);

// Of an aligned crop, for telling whether it shows a face. Measured on 1535 faces and 1004 pictures of none, among 12
// pairs of a canvas and a side: at 320 of 320 every sixth face was refused, for lack of a border.
Placement CropPlacement(int crop_width, int crop_height, const std::optional<Canvas>& fixed_canvas);

// The smallest of kCanvases that takes the picture scaled so; the largest where none does.
Canvas CanvasFor(int picture_width, int picture_height, int long_side);

}  // namespace prefiqs::face

#endif  // PREFIQS_FACE_SCALE_H_
