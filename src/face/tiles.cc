#include "face/tiles.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

#include "align/resize.h"
#include "face/nms.h"
#include "face/scale.h"

namespace prefiqs::face {
namespace {

float LongerSide(const Box& box) { return std::max(box.width, box.height); }

// Of the smaller box, the part that lies in the other.
float SharedPart(const Box& a, const Box& b) {
  const float width = std::min(a.x + a.width, b.x + b.width) - std::max(a.x, b.x);
  const float height = std::min(a.y + a.height, b.y + b.height) - std::max(a.y, b.y);
  if (width <= 0 || height <= 0) return 0;
  return width * height / std::min(a.width * a.height, b.width * b.height);
}

// How many canvas pixels the search of the whole picture has for a pixel of the picture.
double WholeScale(int picture_width, int picture_height, const std::optional<Canvas>& fixed_canvas) {
  const SearchScales scales = ScalesFor(picture_width, picture_height, fixed_canvas);
  const Placement& finest = scales.fine ? *scales.fine : scales.coarse;
  return std::max(static_cast<double>(finest.width) / picture_width,
                  static_cast<double>(finest.height) / picture_height);
}

std::int64_t TileCount(int side, int tile, int overlap) {
  if (side <= tile) return 1;
  const int step = tile - overlap;
  return 1 + (std::int64_t{side} - tile + step - 1) / step;
}

int OverlapOf(int tile) { return static_cast<int>(tile * kTileOverlap); }

bool IsCut(const Box& box, const Tile& tile, const Level& level) {
  const auto cut = [](float low, float high, int start, int length, int side) {
    return (start > 0 && low < kCutMargin) || (start + length < side && high > static_cast<float>(length) - kCutMargin);
  };
  return cut(box.x, box.x + box.width, tile.x, tile.width, level.width) ||
         cut(box.y, box.y + box.height, tile.y, tile.height, level.height);
}

Image Part(const Image& picture, const Tile& tile) {
  Image part{.width = tile.width, .height = tile.height, .rgb = {}};
  const auto row_bytes = std::ptrdiff_t{3} * tile.width;
  part.rgb.reserve(static_cast<std::size_t>(row_bytes) * static_cast<std::size_t>(tile.height));
  for (int y = tile.y; y < tile.y + tile.height; ++y) {
    const auto row = picture.rgb.begin() + (std::ptrdiff_t{y} * picture.width + tile.x) * 3;
    part.rgb.insert(part.rgb.end(), row, row + row_bytes);
  }
  return part;
}

// From a tile's coordinates to those of the picture, which the level shows resized.
Face FromTile(const Face& face, const Tile& tile, const Level& level, int picture_width, int picture_height) {
  const float scale_x = static_cast<float>(picture_width) / static_cast<float>(level.width);
  const float scale_y = static_cast<float>(picture_height) / static_cast<float>(level.height);
  const auto map = [&](Point point) {
    return Point{(point.x + static_cast<float>(tile.x) + 0.5f) * scale_x - 0.5f,
                 (point.y + static_cast<float>(tile.y) + 0.5f) * scale_y - 0.5f};
  };
  Face result = face;
  const Point corner = map({face.box.x, face.box.y});
  result.box = {corner.x, corner.y, face.box.width * scale_x, face.box.height * scale_y};
  std::transform(face.landmarks.begin(), face.landmarks.end(), result.landmarks.begin(), map);
  return result;
}

std::vector<Face> SearchLevel(const Image& picture, const Level& level, const SearchTile& search) {
  const bool own_size = level.width == picture.width && level.height == picture.height;
  const Image resized = own_size ? Image{} : align::Resize(picture, level.width, level.height);
  std::vector<Face> faces;
  for (const Tile& tile : level.tiles) {
    const Placement placement{.canvas = level.canvas, .width = tile.width, .height = tile.height};
    for (const Face& face : search(Part(own_size ? picture : resized, tile), placement)) {
      if (IsCut(face.box, tile, level)) continue;
      faces.push_back(FromTile(face, tile, level, picture.width, picture.height));
    }
  }
  return faces;
}

}  // namespace

std::vector<int> TileStarts(int side, int tile, int overlap) {
  const std::int64_t count = TileCount(side, tile, overlap);
  std::vector<int> starts{0};
  for (std::int64_t i = 1; i < count; ++i) {
    starts.push_back(static_cast<int>((std::int64_t{side} - tile) * i / (count - 1)));
  }
  return starts;
}

std::vector<Level> LevelsFor(int picture_width, int picture_height, const std::optional<Canvas>& fixed_canvas) {
  const double least_scale = kLeastStep * WholeScale(picture_width, picture_height, fixed_canvas);
  std::vector<Level> levels;
  for (double scale = 1; scale >= least_scale; scale /= 2) {
    Level level;
    level.width = static_cast<int>(std::lround(picture_width * scale));
    level.height = static_cast<int>(std::lround(picture_height * scale));
    if (std::min(level.width, level.height) < kLeastSide) break;
    levels.insert(levels.begin(), std::move(level));
  }
  std::int64_t pixels = 0;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    Level& level = levels[i];
    const Canvas most = fixed_canvas.value_or(Canvas{kFineSide, kFineSide});
    const int width = std::min(level.width, most.width), height = std::min(level.height, most.height);
    level.canvas = fixed_canvas.value_or(CanvasFor(width, height, std::max(width, height)));
    const std::int64_t canvas_pixels = std::int64_t{level.canvas.width} * level.canvas.height;
    pixels += TileCount(level.width, width, OverlapOf(width)) * TileCount(level.height, height, OverlapOf(height)) *
              std::max(canvas_pixels, kLeastCanvasPixels);
    if (pixels > kMostCanvasPixels) {
      levels.resize(i);
      break;
    }
    for (const int y : TileStarts(level.height, height, OverlapOf(height))) {
      for (const int x : TileStarts(level.width, width, OverlapOf(width))) level.tiles.push_back({x, y, width, height});
    }
  }
  return levels;
}

std::vector<Face> MergeLevels(std::vector<LevelFaces> levels, float max_iou) {
  for (LevelFaces& level : levels) {
    std::ranges::stable_sort(level.faces, [](const Face& a, const Face& b) { return a.confidence > b.confidence; });
    if (level.faces.size() > kMaxCandidates) level.faces.resize(kMaxCandidates);
  }
  std::vector<Face> merged;
  const auto add = [&](const LevelFaces& level, bool well_seen) {
    for (const Face& face : level.faces) {
      if (merged.size() == kMaxCandidates) return;
      if ((LongerSide(face.box) * level.scale >= kWellSeen) != well_seen) continue;
      const bool is_new = std::ranges::none_of(merged, [&](const Face& other) {
        return Iou(face.box, other.box) > max_iou ||
               (other.confidence >= face.confidence && SharedPart(face.box, other.box) > kInside);
      });
      if (is_new) merged.push_back(face);
    }
  };
  for (const LevelFaces& level : levels) add(level, true);
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) add(*level, false);
  return merged;
}

std::vector<Face> SearchTiles(const Image& picture, std::vector<Face> whole, const std::optional<Canvas>& fixed_canvas,
                              float max_iou, const SearchTile& search) {
  const std::vector<Level> levels = LevelsFor(picture.width, picture.height, fixed_canvas);
  if (levels.empty()) return whole;
  std::vector<LevelFaces> found;
  found.push_back({static_cast<float>(WholeScale(picture.width, picture.height, fixed_canvas)), std::move(whole)});
  for (const Level& level : levels) {
    found.push_back(
        {static_cast<float>(level.width) / static_cast<float>(picture.width), SearchLevel(picture, level, search)});
  }
  return MergeLevels(std::move(found), max_iou);
}

}  // namespace prefiqs::face
