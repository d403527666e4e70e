// Faces in a photograph: boxes and five landmarks, found by a detector network of the user's choice.
#ifndef PREFIQS_DETECTOR_H_
#define PREFIQS_DETECTOR_H_

#include <array>
#include <memory>
#include <string>
#include <vector>

#include <prefiqs/error.h>
#include <prefiqs/image.h>

namespace prefiqs {

// Pixel coordinates: (0, 0) is the centre of the top left pixel, x to the right, y down.
struct Point {
  float x = 0, y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};

struct Box {
  float x = 0, y = 0, width = 0, height = 0;  // may reach over the picture's border
  friend bool operator==(const Box&, const Box&) = default;
};

// Order as in ArcFace's template; left and right as seen in the picture.
using Landmarks = std::array<Point, 5>;  // left eye, right eye, nose, left mouth corner, right mouth corner

struct Face {
  Box box;
  Landmarks landmarks{};
  float confidence = 0;  // of the detector, in [0, 1]
};

struct DetectorOptions {
  float min_confidence = 0.5f;
  float nms_iou = 0.4f;  // of two boxes that overlap by more, the less confident goes
};

// Cheap to copy (shared, immutable); detect() may be called from any thread and itself uses one.
class PREFIQS_API Detector {
 public:
  // An ONNX network of the YuNet, SCRFD or RetinaFace family, recognised by its outputs. Throws Error(kIo) or
  // Error(kModel).
  static Detector load(const std::string& path, const DetectorOptions& options = {});

  // All faces, the one to assess first: largest box area; of those within 10 % of the largest, the one whose centre is
  // nearest to the picture's. Empty when there is none. The same bits for the same picture on any thread.
  std::vector<Face> detect(const Image& image) const;

  const std::string& family() const;  // "yunet", "scrfd", "retinaface"
  const std::string& content_hash() const;

  struct Impl;
  explicit Detector(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

}  // namespace prefiqs

#endif  // PREFIQS_DETECTOR_H_
