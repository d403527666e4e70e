// Faces in a photograph: boxes and five landmarks, found by a detector network of the user's choice.
#ifndef PREFIQS_DETECTOR_H_
#define PREFIQS_DETECTOR_H_

#include <array>
#include <memory>
#include <optional>
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
  // In [0, 1]. Unset: the family's own, since families differ in how sure they say they are: YuNet 0.6, SCRFD 0.5,
  // RetinaFace 0.8.
  std::optional<float> min_confidence = std::nullopt;
  // In [0, 1]: of two boxes that overlap (intersection over union) by more, the less confident goes.
  float nms_iou = 0.4f;
};

// Cheap to copy (shared, immutable); detect() may be called from any thread and itself uses one.
class PREFIQS_API Detector {
 public:
  // An ONNX network of the YuNet, SCRFD or RetinaFace family, recognised by the shapes of its outputs. Throws
  // Error(kIo), Error(kUsage) for options out of range, or Error(kModel) for what is no such network; so detectors that
  // find boxes without landmarks.
  static Detector load(const std::string& path, const DetectorOptions& options = {});

  // All faces, the one to assess first: the largest box area; of those within 10 % of the largest, the one whose centre
  // is nearest to the picture's. The others follow by falling area. Empty when there is none. The same bits for the
  // same picture on any thread; starts none.
  //
  // Scales: the picture's longer side is brought to 320 pixels, enlarged where it is shorter; pictures larger than that
  // are also searched at 640 (or at their own size where that is less; a network of fixed size: at most its own). Large
  // faces are taken from the first, small ones from the second. Where nothing is found, 160 pixels amid a border are
  // tried. So a face should cover 1/60 of the longer side or more.
  //
  // Throws Error(kUsage) when width, height and rgb of the image disagree, Error(kModel) where the network stops while
  // it runs, e.g. at an integer division by zero.
  std::vector<Face> detect(const Image& image) const;

  // The faces in an aligned crop, which one face should fill, in crop coordinates, the most confident first: the guard
  // against pictures of no face. A single cheap pass, the crop's longer side at 160 of 192 pixels; where no
  // min_confidence was set, five sixths of the family's own are enough. Errors and threads as for detect().
  std::vector<Face> detect_in_crop(const Image& crop) const;
  // Whether detect_in_crop() finds any.
  bool sees_face(const Image& crop) const;

  const std::string& family() const;  // "yunet", "scrfd", "retinaface"
  const std::string& content_hash() const;

  struct Impl;
  explicit Detector(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

 private:
  std::shared_ptr<const Impl> impl_;
};

// Path of the detector that comes with this library. Throws Error(kIo) where it is not installed.
PREFIQS_API std::string default_detector();

}  // namespace prefiqs

#endif  // PREFIQS_DETECTOR_H_
