// SCRFD: Guo, Deng, Lattas, Zafeiriou, "Sample and computation redistribution for efficient face detection", ICLR 2022;
// distances from anchor points at strides 8, 16 and 32 (64 and 128 too in some), as in InsightFace's scrfd.py.
#include <algorithm>
#include <array>

#include "face/decoder.h"

namespace prefiqs::face {
namespace {

constexpr std::array kStrides = {8, 16, 32, 64, 128};
constexpr std::size_t kOutputsPerLevel = 3;

struct Level {
  int stride = 0;
  std::int64_t columns = 0;  // of the feature map
  std::int64_t anchors = 0;  // a location; all at the same point
  int scores = -1, boxes = -1, landmarks = -1;
};

class ScrfdDecoder final : public Decoder {
 public:
  ScrfdDecoder(std::vector<Level> levels, Canvas canvas) : levels_(std::move(levels)), canvas_(canvas) {}
  std::string_view family() const override { return "scrfd"; }
  InputFormat input() const override { return {.bgr = false, .mean = {127.5f, 127.5f, 127.5f}, .scale = 1.0f / 128}; }

  std::vector<Face> Decode(std::span<const graph::Tensor> outputs, float min_confidence) const override {
    std::vector<Face> faces;
    for (const Level& level : levels_) DecodeLevel(level, outputs, min_confidence, faces);
    return faces;
  }
  // As in InsightFace; 17 of 1000 CFP profiles lie between 0.5 and 0.6.
  float default_min_confidence() const override { return 0.5f; }

 private:
  void DecodeLevel(const Level& level, std::span<const graph::Tensor> outputs, float min_confidence,
                   std::vector<Face>& faces) const {
    auto values = [&](int output) { return outputs[static_cast<std::size_t>(output)].values<float>(); };
    const auto scores = values(level.scores);
    const auto boxes = values(level.boxes);
    const auto landmarks = values(level.landmarks);
    const auto stride = static_cast<float>(level.stride);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (!(scores[i] >= min_confidence)) continue;
      const std::int64_t location = static_cast<std::int64_t>(i) / level.anchors;
      const float x = static_cast<float>(location % level.columns) * stride;
      const float y = static_cast<float>(location / level.columns) * stride;
      Face face;
      face.confidence = std::min(scores[i], 1.0f);
      const float* distance = &boxes[i * kBoxColumns];  // left, top, right, bottom
      face.box = {x - distance[0] * stride, y - distance[1] * stride, (distance[0] + distance[2]) * stride,
                  (distance[1] + distance[3]) * stride};
      const float* offsets = &landmarks[i * kLandmarkColumns];
      for (std::size_t p = 0; p < face.landmarks.size(); ++p) {
        face.landmarks[p] = {x + offsets[2 * p] * stride, y + offsets[2 * p + 1] * stride};
      }
      if (IsPlausible(face, canvas_)) faces.push_back(face);
    }
  }

  std::vector<Level> levels_;
  Canvas canvas_;
};

// The level whose three tables have the wanted number of rows; scores -1 when there is none.
Level FindLevel(std::span<const graph::Shape> outputs, Canvas canvas, int stride, std::int64_t anchors) {
  Level level{.stride = stride, .columns = Cells(canvas.width, stride), .anchors = anchors};
  const std::int64_t rows = level.columns * Cells(canvas.height, stride) * anchors;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const Table table = AsTable(outputs[o]);
    if (table.rows != rows) continue;
    const int index = static_cast<int>(o);
    if (table.columns == 1) level.scores = index;
    if (table.columns == kBoxColumns) level.boxes = index;
    if (table.columns == kLandmarkColumns) level.landmarks = index;
  }
  if (level.boxes < 0 || level.landmarks < 0) level.scores = -1;
  return level;
}

}  // namespace

std::unique_ptr<const Decoder> MakeScrfdDecoder(std::span<const graph::Shape> outputs, Canvas canvas) {
  const std::size_t level_count = outputs.size() / kOutputsPerLevel;
  if (outputs.size() % kOutputsPerLevel != 0 || (level_count != 3 && level_count != kStrides.size())) return nullptr;
  for (const std::int64_t anchors : {2, 1}) {
    std::vector<Level> levels;
    for (std::size_t l = 0; l < level_count; ++l) {
      const Level level = FindLevel(outputs, canvas, kStrides[l], anchors);
      if (level.scores >= 0) levels.push_back(level);
    }
    if (levels.size() == level_count) return std::make_unique<ScrfdDecoder>(std::move(levels), canvas);
  }
  return nullptr;
}

}  // namespace prefiqs::face
