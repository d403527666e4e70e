// The fine search: the picture at its own size, at half of it and so on, cut into tiles that overlap.
#ifndef PREFIQS_FACE_TILES_H_
#define PREFIQS_FACE_TILES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "face/letterbox.h"

namespace prefiqs::face {

// Neighbouring tiles share this part of the canvas's side or more. A smaller face lies whole in at least one tile; a
// larger one is found at a coarser level.
inline constexpr double kTileOverlap = 0.25;
// A box that comes nearer than this to a tile's edge amid the picture may be cut. In pixels of the canvas.
inline constexpr float kCutMargin = 8;
// The coarsest level has at least this many times the scale of the search of the whole picture, and less than twice
// that.
inline constexpr double kLeastStep = 1.5;
// A level whose shorter side has fewer pixels shows no face.
inline constexpr int kLeastSide = 16;
// Bound on the work, in pixels of canvases: enough for 100 megapixels of a usual shape at their own size.
inline constexpr std::int64_t kMostCanvasPixels = std::int64_t{1} << 28;
// A smaller canvas counts as one of this many pixels: a pass of the network has costs beside those of the pixels.
inline constexpr std::int64_t kLeastCanvasPixels = std::int64_t{1} << 16;
// A face of this many canvas pixels on its longer side is seen well enough: of several levels the coarsest counts at
// which it has them.
inline constexpr float kWellSeen = 64;
// A box of which more than this part lies in a surer one is a part of that face.
inline constexpr float kInside = 0.6f;

// A part of a picture. In pixels.
struct Tile {
  int x = 0, y = 0, width = 0, height = 0;
  friend bool operator==(const Tile&, const Tile&) = default;
};

// The picture resized to width × height, and the tiles that cover it, row by row. All have the same size.
struct Level {
  int width = 0, height = 0;
  Canvas canvas;  // takes a tile without scaling
  std::vector<Tile> tiles;
};

// Positions of tiles of `tile` pixels along a side, rising, evenly spread: the first begins at 0, the last ends with
// the side, and neighbours share `overlap` pixels or more. One where the side is no longer than the tile. Requires
// 0 <= overlap < tile.
std::vector<int> TileStarts(int side, int tile, int overlap);

// From coarse to fine, each twice as fine as the one before, the last at the picture's own size; none for a picture
// that the search of the whole picture sees at nearly its own size. Finer levels that would exceed kMostCanvasPixels in
// total are left out.
std::vector<Level> LevelsFor(int picture_width, int picture_height, const std::optional<Canvas>& fixed_canvas);

// The faces of one search of the whole picture, in picture coordinates.
struct LevelFaces {
  float scale = 1;  // canvas pixels per pixel of the picture
  std::vector<Face> faces;
};

// One list of all levels' faces, which are given from coarse to fine. Of two that are the same face (boxes overlap by
// more than `max_iou`, or one lies in a surer one) the one goes first that is seen well at the coarser level, else that
// of the finer level. The result does not depend on the order within a level, but for equal confidences. At most
// kMaxCandidates faces.
std::vector<Face> MergeLevels(std::vector<LevelFaces> levels, float max_iou);

// Finds the faces of a tile, in its coordinates.
using SearchTile = std::function<std::vector<Face>(const Image& tile, const Placement& placement)>;

// `whole`: what the search of the whole picture found. Adds what the tiles show. Faces that a tile's edge cuts are left
// to the neighbouring tile or to a coarser level.
std::vector<Face> SearchTiles(const Image& picture, std::vector<Face> whole, const std::optional<Canvas>& fixed_canvas,
                              float max_iou, const SearchTile& search);

}  // namespace prefiqs::face

#endif  // PREFIQS_FACE_TILES_H_
