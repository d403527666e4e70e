// RetinaFace with prior boxes: Deng et al., "RetinaFace: single-shot multi-level face localisation in the wild",
// CVPR 2020, in the form of the widespread PyTorch implementation (MobileNet-0.25 and ResNet-50).
#include <algorithm>
#include <array>
#include <cmath>

#include "face/decoder.h"

namespace prefiqs::face {
namespace {

constexpr std::array kStrides = {8, 16, 32};
constexpr std::size_t kPriorsPerLocation = 2;
constexpr float kPriorSides[kStrides.size()][kPriorsPerLocation] = {{16, 32}, {64, 128}, {256, 512}};  // pixels
constexpr float kCentreVariance = 0.1f;
constexpr float kSizeVariance = 0.2f;
constexpr std::int64_t kClassColumns = 2;  // background, face

class RetinaFaceDecoder final : public Decoder {
 public:
  RetinaFaceDecoder(int boxes, int scores, int landmarks, Canvas canvas)
      : boxes_(boxes), scores_(scores), landmarks_(landmarks), canvas_(canvas) {}
  std::string_view family() const override { return "retinaface"; }
  InputFormat input() const override { return {.bgr = true, .mean = {104, 117, 123}, .scale = 1}; }
  // Phantoms between two neighbouring faces reach 0.79; 3 of 3500 CFP faces stay below.
  float default_min_confidence() const override { return 0.8f; }

  std::vector<Face> Decode(std::span<const graph::Tensor> outputs, float min_confidence) const override {
    auto values = [&](int output) { return outputs[static_cast<std::size_t>(output)].values<float>(); };
    const auto scores = values(scores_);
    const auto boxes = values(boxes_);
    const auto landmarks = values(landmarks_);
    std::vector<Face> faces;
    std::size_t i = 0;
    for (std::size_t l = 0; l < kStrides.size(); ++l) {
      const std::int64_t columns = Cells(canvas_.width, kStrides[l]);
      const std::int64_t rows = Cells(canvas_.height, kStrides[l]);
      for (std::int64_t location = 0; location < columns * rows; ++location) {
        const Point centre = {(static_cast<float>(location % columns) + 0.5f) * static_cast<float>(kStrides[l]),
                              (static_cast<float>(location / columns) + 0.5f) * static_cast<float>(kStrides[l])};
        for (const float side : kPriorSides[l]) {
          const float score = scores[i * kClassColumns + 1];
          if (score >= min_confidence) {
            const Face face = DecodeOne(centre, side, score, &boxes[i * kBoxColumns], &landmarks[i * kLandmarkColumns]);
            if (IsPlausible(face, canvas_)) faces.push_back(face);
          }
          ++i;
        }
      }
    }
    return faces;
  }

 private:
  static Face DecodeOne(Point centre, float side, float score, const float* box, const float* offsets) {
    Face face;
    face.confidence = std::min(score, 1.0f);
    const float step = kCentreVariance * side;
    face.box.width = side * std::exp(box[2] * kSizeVariance);
    face.box.height = side * std::exp(box[3] * kSizeVariance);
    face.box.x = centre.x + box[0] * step - face.box.width / 2;
    face.box.y = centre.y + box[1] * step - face.box.height / 2;
    for (std::size_t p = 0; p < face.landmarks.size(); ++p) {
      face.landmarks[p] = {centre.x + offsets[2 * p] * step, centre.y + offsets[2 * p + 1] * step};
    }
    return face;
  }

  int boxes_, scores_, landmarks_;
  Canvas canvas_;
};

}  // namespace

std::unique_ptr<const Decoder> MakeRetinaFaceDecoder(std::span<const graph::Shape> outputs, Canvas canvas) {
  if (outputs.size() != 3) return nullptr;
  std::int64_t priors = 0;
  for (const int stride : kStrides) {
    priors +=
        Cells(canvas.width, stride) * Cells(canvas.height, stride) * static_cast<std::int64_t>(kPriorsPerLocation);
  }
  int boxes = -1, scores = -1, landmarks = -1;
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const Table table = AsTable(outputs[o]);
    if (table.rows != priors) return nullptr;
    const int index = static_cast<int>(o);
    if (table.columns == kBoxColumns) boxes = index;
    if (table.columns == kClassColumns) scores = index;
    if (table.columns == kLandmarkColumns) landmarks = index;
  }
  if (boxes < 0 || scores < 0 || landmarks < 0) return nullptr;
  return std::make_unique<RetinaFaceDecoder>(boxes, scores, landmarks, canvas);
}

}  // namespace prefiqs::face
