// Raw outputs of a detector network -> candidate faces. One decoder a family; recognised by the outputs' shapes, since
// exporters rename outputs at will and declared shapes are often stale.
#ifndef PREFIQS_FACE_DECODER_H_
#define PREFIQS_FACE_DECODER_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include <prefiqs/detector.h>

#include "graph/tensor.h"

namespace prefiqs::face {

// Size of the network's input in pixels.
struct Canvas {
  int width = 0, height = 0;
  friend bool operator==(const Canvas&, const Canvas&) = default;
};

// What the network gets: (x - mean) * scale of 0-255 values, channels in the order named.
struct InputFormat {
  bool bgr = false;
  std::array<float, 3> mean{};  // in the network's channel order
  float scale = 1;
};

// Made for one canvas; immutable.
class Decoder {
 public:
  virtual ~Decoder() = default;
  virtual std::string_view family() const = 0;
  virtual InputFormat input() const = 0;
  // Below it are mostly things that are no faces: chosen on LFW and CFP (see each family) at little cost in faces
  // found.
  virtual float default_min_confidence() const = 0;

  // Faces with at least `min_confidence`, in canvas coordinates as the network was trained: (0, 0) is the top left
  // corner of the top left pixel. Not suppressed yet, in a fixed order. `outputs` have the shapes the decoder was made
  // for. What is not finite, not a box, or far outside the canvas is left out.
  virtual std::vector<Face> Decode(std::span<const graph::Tensor> outputs, float min_confidence) const = 0;
};

// Null when the shapes are not those of the family for this canvas.
std::unique_ptr<const Decoder> MakeYuNetDecoder(std::span<const graph::Shape> outputs, Canvas canvas);
std::unique_ptr<const Decoder> MakeScrfdDecoder(std::span<const graph::Shape> outputs, Canvas canvas);
std::unique_ptr<const Decoder> MakeRetinaFaceDecoder(std::span<const graph::Shape> outputs, Canvas canvas);
// The one of them that fits, or null.
std::unique_ptr<const Decoder> MakeDecoder(std::span<const graph::Shape> outputs, Canvas canvas);

// Outputs are tables with one row a location; exporters keep or drop the batch dimension: [1, N, K] or [N, K].
struct Table {
  std::int64_t rows = 0, columns = 0;
};
// {0, 0} when `shape` is no such table.
Table AsTable(const graph::Shape& shape);

// Columns of the tables below.
inline constexpr std::int64_t kBoxColumns = 4;
inline constexpr std::int64_t kLandmarkColumns = 10;

// Locations of a feature map whose convolutions pad: the last, partial cell counts.
inline std::int64_t Cells(int side, int stride) { return (side + stride - 1) / stride; }

// Finite, a box of positive size, and nothing further from the canvas than its longer side.
bool IsPlausible(const Face& face, Canvas canvas);

}  // namespace prefiqs::face

#endif  // PREFIQS_FACE_DECODER_H_
