// YuNet: Wu, Peng, Yu, "YuNet: a tiny millisecond-level face detector", MIR 2023; anchor-free, strides 8, 16 and 32.
// Decoding as in OpenCV's FaceDetectorYN.
#include <array>
#include <cmath>

#include "face/decoder.h"

namespace prefiqs::face {
namespace {

constexpr std::array kStrides = {8, 16, 32};

struct Level {
  int stride = 0;
  std::int64_t columns = 0, rows = 0;  // of the feature map
  // Indices of the outputs. Class and objectness are told apart by nothing but their names and enter the score alike.
  std::array<int, 2> scores = {-1, -1};
  int boxes = -1, landmarks = -1;
};

class YuNetDecoder final : public Decoder {
 public:
  YuNetDecoder(std::array<Level, 3> levels, Canvas canvas) : levels_(levels), canvas_(canvas) {}
  std::string_view family() const override { return "yunet"; }
  InputFormat input() const override { return {.bgr = true, .mean = {0, 0, 0}, .scale = 1}; }
  // 8 of 1000 CFP profiles are less sure, no frontal face and none of LFW is.
  float default_min_confidence() const override { return 0.6f; }

  std::vector<Face> Decode(std::span<const graph::Tensor> outputs, float min_confidence) const override {
    std::vector<Face> faces;
    for (const Level& level : levels_) DecodeLevel(level, outputs, min_confidence, faces);
    return faces;
  }

 private:
  void DecodeLevel(const Level& level, std::span<const graph::Tensor> outputs, float min_confidence,
                   std::vector<Face>& faces) const {
    auto values = [&](int output) { return outputs[static_cast<std::size_t>(output)].values<float>(); };
    const auto score_a = values(level.scores[0]);
    const auto score_b = values(level.scores[1]);
    const auto boxes = values(level.boxes);
    const auto landmarks = values(level.landmarks);
    const auto stride = static_cast<float>(level.stride);
    for (std::size_t i = 0; i < score_a.size(); ++i) {
      const float product = std::min(score_a[i], 1.0f) * std::min(score_b[i], 1.0f);
      // Two negatives must not make a positive; NaN fails both.
      if (!(score_a[i] >= 0 && product >= min_confidence * min_confidence)) continue;
      const auto column = static_cast<float>(static_cast<std::int64_t>(i) % level.columns);
      const auto row = static_cast<float>(static_cast<std::int64_t>(i) / level.columns);
      Face face;
      face.confidence = std::sqrt(product);
      const float* box = &boxes[i * kBoxColumns];
      face.box.width = std::exp(box[2]) * stride;
      face.box.height = std::exp(box[3]) * stride;
      face.box.x = (column + box[0]) * stride - face.box.width / 2;
      face.box.y = (row + box[1]) * stride - face.box.height / 2;
      // The network's "right eye" is the person's, which the picture shows on the left: our order already.
      const float* offsets = &landmarks[i * kLandmarkColumns];
      for (std::size_t p = 0; p < face.landmarks.size(); ++p) {
        face.landmarks[p] = {(column + offsets[2 * p]) * stride, (row + offsets[2 * p + 1]) * stride};
      }
      if (IsPlausible(face, canvas_)) faces.push_back(face);
    }
  }

  std::array<Level, 3> levels_;
  Canvas canvas_;
};

}  // namespace

std::unique_ptr<const Decoder> MakeYuNetDecoder(std::span<const graph::Shape> outputs, Canvas canvas) {
  if (outputs.size() != 4 * kStrides.size()) return nullptr;
  std::array<Level, kStrides.size()> levels;
  for (std::size_t l = 0; l < levels.size(); ++l) {
    Level& level = levels[l];
    level.stride = kStrides[l];
    level.columns = Cells(canvas.width, level.stride);
    level.rows = Cells(canvas.height, level.stride);
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const Table table = AsTable(outputs[o]);
      if (table.rows != level.columns * level.rows) continue;
      const int index = static_cast<int>(o);
      if (table.columns == 1) (level.scores[0] < 0 ? level.scores[0] : level.scores[1]) = index;
      if (table.columns == kBoxColumns) level.boxes = index;
      if (table.columns == kLandmarkColumns) level.landmarks = index;
    }
    if (level.scores[1] < 0 || level.boxes < 0 || level.landmarks < 0) return nullptr;
  }
  return std::make_unique<YuNetDecoder>(levels, canvas);
}

}  // namespace prefiqs::face
