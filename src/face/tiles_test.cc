#include "face/tiles.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <utility>

#include "face/nms.h"
#include "face/scale.h"

namespace prefiqs::face {
namespace {

TEST(TileStarts, CoverTheSideAndOverlap) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    const int tile = 1 + static_cast<int>(random() % 700), overlap = static_cast<int>(random() % tile);
    const int side = 1 + static_cast<int>(random() % 9000);
    const std::vector<int> starts = TileStarts(side, tile, overlap);
    ASSERT_EQ(starts.front(), 0);
    if (side <= tile) {
      ASSERT_EQ(starts.size(), 1u);
      continue;
    }
    ASSERT_EQ(starts.back() + tile, side);
    for (std::size_t i = 1; i < starts.size(); ++i) {
      ASSERT_GT(starts[i], starts[i - 1]);
      ASSERT_GE(starts[i - 1] + tile - starts[i], overlap) << side << " " << tile << " " << overlap;
    }
    // Not one more than it takes.
    const int step = tile - overlap;
    ASSERT_LT(static_cast<int>(starts.size() - 2) * step + tile, side);
  }
}

std::int64_t CanvasPixels(const std::vector<Level>& levels) {
  std::int64_t pixels = 0;
  for (const Level& level : levels) {
    pixels += std::ssize(level.tiles) * level.canvas.width * level.canvas.height;
  }
  return pixels;
}

TEST(LevelsFor, EndAtThePicturesOwnSize) {
  const std::vector<Level> levels = LevelsFor(6000, 4000, std::nullopt);
  ASSERT_EQ(levels.size(), 3u);
  const int widths[] = {1500, 3000, 6000};
  const std::size_t tiles[] = {3 * 2, 6 * 4, 13 * 8};
  for (std::size_t i = 0; i < levels.size(); ++i) {
    EXPECT_EQ(levels[i].width, widths[i]);
    EXPECT_EQ(levels[i].height, widths[i] * 2 / 3);
    EXPECT_EQ(levels[i].tiles.size(), tiles[i]);
    EXPECT_EQ(levels[i].canvas, (Canvas{640, 640}));
  }
  EXPECT_EQ(LevelsFor(960, 720, std::nullopt).size(), 1u);
  EXPECT_EQ(LevelsFor(6000, 4000, Canvas{320, 240}).size(), 4u);
}

TEST(LevelsFor, AddNothingToSmallPictures) {
  for (const auto& [width, height] : {std::pair{1, 1}, {250, 250}, {640, 480}, {959, 720}, {5000, 2}, {15, 100000}}) {
    EXPECT_TRUE(LevelsFor(width, height, std::nullopt).empty()) << width << "x" << height;
  }
}

TEST(LevelsFor, CoverThePictureWithBoundedWork) {
  std::mt19937 random(2);
  const auto side = [&] { return static_cast<int>(std::exp(std::uniform_real_distribution(0.0, 16.0)(random))) + 1; };
  const std::optional<Canvas> canvases[] = {std::nullopt, Canvas{640, 640}, Canvas{320, 240}, Canvas{64, 96},
                                            Canvas{4, 4}};
  std::vector<std::pair<int, int>> sizes{{100000000, 16}, {16, 100000000}, {100000, 100000}, {2147483647, 17}};
  for (int i = 0; i < 30; ++i) sizes.emplace_back(side(), side());
  for (const auto& [width, height] : sizes) {
    for (const std::optional<Canvas>& fixed : canvases) {
      SCOPED_TRACE(testing::Message() << width << "x" << height << " on " << (fixed ? fixed->width : 0));
      const std::vector<Level> levels = LevelsFor(width, height, fixed);
      EXPECT_LE(CanvasPixels(levels), kMostCanvasPixels);
      for (const Level& level : levels) EXPECT_LE(std::ssize(level.tiles), kMostCanvasPixels / kLeastCanvasPixels);
      for (const Level& level : levels) {
        std::map<int, int> ends;  // of the rows of tiles: start -> how far tiles without a gap reach
        int covered = 0;
        for (const Tile& tile : level.tiles) {
          ASSERT_TRUE(tile.x >= 0 && tile.y >= 0 && tile.x + tile.width <= level.width &&
                      tile.y + tile.height <= level.height);
          ASSERT_TRUE(tile.width <= level.canvas.width && tile.height <= level.canvas.height);
          if (tile.x == 0) {
            ASSERT_LE(tile.y, covered);
            covered = tile.y + tile.height;
          }
          int& end = ends[tile.y];
          ASSERT_LE(tile.x, end);
          end = tile.x + tile.width;
        }
        ASSERT_EQ(covered, level.height);
        for (const auto& [start, end] : ends) ASSERT_EQ(end, level.width);
      }
    }
  }
}

TEST(LevelsFor, ReachTheOwnSizeOfAHundredMegapixels) {
  for (const auto& [width, height] : {std::pair{10000, 10000}, {11547, 8660}, {8660, 11547}, {13333, 7500}}) {
    const std::vector<Level> levels = LevelsFor(width, height, std::nullopt);
    ASSERT_FALSE(levels.empty());
    EXPECT_EQ(levels.back().width, width);
  }
}

Face At(float x, float y, float width, float height, float confidence = 0.9f) {
  return {.box = {x, y, width, height}, .landmarks = {}, .confidence = confidence};
}

// A black picture with squares. Each has a red of its own, and red and green add up to 255: pixels in which a resize
// mixes a square and black do not.
struct Squares {
  Image picture;
  std::vector<Face> faces;
};

Squares Draw(int width, int height, const std::vector<Tile>& squares) {
  Squares drawn{{width, height, std::vector<std::uint8_t>(static_cast<std::size_t>(width * height) * 3)}, {}};
  for (std::size_t i = 0; i < squares.size(); ++i) {
    const Tile& square = squares[i];
    for (int y = square.y; y < square.y + square.height; ++y) {
      for (int x = square.x; x < square.x + square.width; ++x) {
        std::uint8_t* const pixel = &drawn.picture.rgb[static_cast<std::size_t>((y * width + x) * 3)];
        pixel[0] = static_cast<std::uint8_t>(250 - i);
        pixel[1] = static_cast<std::uint8_t>(255 - pixel[0]);
      }
    }
    drawn.faces.push_back(At(static_cast<float>(square.x) - 0.5f, static_cast<float>(square.y) - 0.5f,
                             static_cast<float>(square.width), static_cast<float>(square.height)));
  }
  return drawn;
}

// Stands for a detector: boxes of everything that has one red, cut or not, of at most half of the canvas.
std::vector<Face> FindSquares(const Image& tile, const Placement& placement) {
  EXPECT_EQ(tile.width, placement.width);
  EXPECT_EQ(tile.height, placement.height);
  EXPECT_TRUE(placement.x == 0 && placement.y == 0);
  struct Extent {
    int left = 1 << 20, top = 1 << 20, right = -1, bottom = -1;
  };
  std::map<int, Extent> extents;
  for (int y = 0; y < tile.height; ++y) {
    for (int x = 0; x < tile.width; ++x) {
      const std::uint8_t* const pixel = &tile.rgb[static_cast<std::size_t>((y * tile.width + x) * 3)];
      const int red = pixel[0];
      if (red < 150 || red + pixel[1] != 255) continue;
      Extent& extent = extents[red];
      extent = {std::min(extent.left, x), std::min(extent.top, y), std::max(extent.right, x),
                std::max(extent.bottom, y)};
    }
  }
  std::vector<Face> faces;
  for (const auto& [red, e] : extents) {
    const int width = e.right - e.left + 1, height = e.bottom - e.top + 1;
    if (std::max(width, height) > placement.canvas.width / 2 || std::min(width, height) < 8) continue;
    faces.push_back(At(static_cast<float>(e.left) - 0.5f, static_cast<float>(e.top) - 0.5f, static_cast<float>(width),
                       static_cast<float>(height)));
    faces.back().landmarks.fill({static_cast<float>(e.left), static_cast<float>(e.bottom)});
  }
  return faces;
}

TEST(SearchTiles, FindsEachFaceOnceWhereverTilesMeet) {
  // Squares of 12 to 250 pixels all over the picture, and at its corners.
  std::mt19937 random(3);
  for (const std::optional<Canvas>& fixed : {std::optional<Canvas>{}, std::optional(Canvas{320, 320})}) {
    for (int round = 0; round < 3; ++round) {
      std::vector<Tile> squares;
      for (int row = 0; row < 5; ++row) {
        for (int column = 0; column < 7; ++column) {
          const int side = static_cast<int>(12 * std::pow(20.8, std::uniform_real_distribution(0.0, 1.0)(random)));
          const auto shift = [&] { return static_cast<int>(random() % static_cast<unsigned>(300 - side)); };
          squares.push_back({column * 311 + shift(), row * 311 + shift(), side, side});
        }
      }
      squares.front() = {0, 0, 40, 40};
      squares.back() = {2177 - 40, 1555 - 40, 40, 40};
      const Squares drawn = Draw(2177, 1555, squares);
      const std::vector<Face> found = SearchTiles(drawn.picture, {}, fixed, 0.4f, FindSquares);
      EXPECT_EQ(found.size(), squares.size());
      for (const Face& square : drawn.faces) {
        const auto near = [&](const Face& face) { return Iou(face.box, square.box) > 0.85f; };
        ASSERT_EQ(std::ranges::count_if(found, near), 1)
            << square.box.x << " " << square.box.y << " " << square.box.width;
        const Face& face = *std::ranges::find_if(found, near);
        // Small ones come from the level of the picture's own size: exactly.
        if (square.box.width < kWellSeen / 2) {
          EXPECT_EQ(face.box, square.box);
          EXPECT_EQ(face.landmarks[0], (Point{square.box.x + 0.5f, square.box.y + square.box.height - 0.5f}));
        }
      }
    }
  }
}

TEST(SearchTiles, LeavesSmallPicturesToTheSearchOfTheWhole) {
  const Squares drawn = Draw(640, 480, {{10, 10, 30, 30}});
  const std::vector<Face> whole{At(1, 2, 3, 4), At(100, 100, 50, 50, 0.95f)};
  const auto found = SearchTiles(drawn.picture, whole, std::nullopt, 0.4f, [](const Image&, const Placement&) {
    ADD_FAILURE() << "searched";
    return std::vector<Face>{};
  });
  ASSERT_EQ(found.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(found[i].box, whole[i].box);
}

TEST(SearchTiles, FindsNothingInNothing) {
  const Squares drawn = Draw(2000, 1000, {});
  EXPECT_TRUE(SearchTiles(drawn.picture, {}, std::nullopt, 0.4f, FindSquares).empty());
}

TEST(MergeLevels, TakesAFaceFromTheCoarsestLevelThatSeesItWell) {
  // Of 200 pixels: 20, 50, 100 and 200 of the canvas.
  const Face box[] = {At(1, 0, 200, 200), At(2, 0, 200, 200), At(3, 0, 200, 200), At(4, 0, 200, 200)};
  const std::vector<Face> found =
      MergeLevels({{0.1f, {box[0]}}, {0.25f, {box[1]}}, {0.5f, {box[2]}}, {1, {box[3]}}}, 0.4f);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].box.x, 3);
}

TEST(MergeLevels, TakesASmallFaceFromTheFinestLevel) {
  const std::vector<Face> found =
      MergeLevels({{0.25f, {At(1, 0, 40, 40)}}, {0.5f, {At(2, 0, 40, 40)}}, {1, {At(3, 0, 40, 40)}}}, 0.4f);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].box.x, 3);
}

TEST(MergeLevels, KeepsAPartOfAFaceOnlyWhereItIsSurer) {
  const auto merge = [](float whole, float part) {
    return MergeLevels({{0.25f, {At(0, 0, 400, 400, whole)}}, {1, {At(100, 100, 60, 60, part)}}}, 0.4f).size();
  };
  EXPECT_EQ(merge(0.9f, 0.7f), 1u);
  EXPECT_EQ(merge(0.9f, 0.9f), 1u);
  EXPECT_EQ(merge(0.6f, 0.9f), 2u);
  // Half of it lies beside.
  EXPECT_EQ(MergeLevels({{0.25f, {At(0, 0, 400, 400)}}, {1, {At(370, 100, 60, 60, 0.7f)}}}, 0.4f).size(), 2u);
}

TEST(MergeLevels, DoesNotDependOnTheOrderOfALevel) {
  std::mt19937 random(4);
  std::vector<LevelFaces> levels{{0.25f, {}}, {1, {}}};
  for (int i = 0; i < 300; ++i) {
    const auto at = [&] { return static_cast<float>(random() % 1000); };
    levels[random() % 2].faces.push_back(
        At(at(), at(), 20 + at() / 4, 20 + at() / 4, 0.5f + static_cast<float>(i) / 1000));
  }
  const std::vector<Face> expected = MergeLevels(levels, 0.4f);
  EXPECT_LT(expected.size(), 300u);
  for (int round = 0; round < 5; ++round) {
    for (LevelFaces& level : levels) std::ranges::shuffle(level.faces, random);
    const std::vector<Face> found = MergeLevels(levels, 0.4f);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].box, expected[i].box);
  }
}

TEST(MergeLevels, BoundsWhatAHostileNetworkFinds) {
  std::vector<LevelFaces> levels(4);
  for (std::size_t level = 0; level < levels.size(); ++level) {
    levels[level].scale = 1;
    for (int i = 0; i < 20000; ++i) {
      levels[level].faces.push_back(At(static_cast<float>(i * 40), static_cast<float>(level) * 40, 20, 20));
    }
  }
  EXPECT_EQ(MergeLevels(std::move(levels), 0.4f).size(), kMaxCandidates);
}

}  // namespace
}  // namespace prefiqs::face
