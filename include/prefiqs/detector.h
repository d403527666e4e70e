// Faces in a photograph: boxes and five landmarks, found by a detector network of the user's choice.
#ifndef PREFIQS_DETECTOR_H_
#define PREFIQS_DETECTOR_H_

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
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

// Which faces of a picture are assessed.
enum class FaceSelection {
  kBest,     // the one that the picture is most likely of: large, near the middle, inside (see Detector::detect)
  kLargest,  // the one with the largest box; of those within 10 % of that area the nearest to the middle
  kCentral,  // the one whose box has its centre nearest to the middle
  kAll,      // all, the best first
};

// What the outside sees of a FaceSelection. The only table of its kind.
struct FaceSelectionInfo {
  FaceSelection selection;
  std::string_view name;  // stable token, e.g. "best"
  std::string_view text;  // a few words for people
};
PREFIQS_API const FaceSelectionInfo& info(FaceSelection selection);
PREFIQS_API std::span<const FaceSelectionInfo> face_selections();  // all of them

// How finely a picture is searched for faces.
enum class Search {
  kNormal,  // the whole picture at one or two scales
  kFine,    // also at finer scales up to the picture's own, in tiles: for small faces in large pictures
};

// What the outside sees of a Search. The only table of its kind.
struct SearchInfo {
  Search search;
  std::string_view name;  // stable token, e.g. "normal"
  std::string_view text;  // a few words for people
};
PREFIQS_API const SearchInfo& info(Search search);
PREFIQS_API std::span<const SearchInfo> searches();  // all of them

// Landmarks that came with the pictures, in place of a detector's. Cheap to copy (shared, immutable); every const
// function may be called from any thread.
class PREFIQS_API GivenLandmarks {
 public:
  // IJB's name_5pts_score.txt (NAME X1 Y1 … X5 Y5 SCORE), CelebA's lists of landmarks, a table with a column path and
  // the columns left_eye_x … right_mouth_y as rows of prefiqs have them, or the folder of CFP's fiducials. Coordinates
  // are those of the upright picture. Throws Error(kIo) or Error(kUsage) naming file, line and column: for what is of
  // no such form, a number that is not finite, two rows of one picture that differ (unless a column face numbers them),
  // points of which most do not lie as a face's do.
  static GivenLandmarks load(const std::string& path);

  // The faces of that picture, in the order of the rows; none where it has no row. A row belongs to the picture if one
  // of the two names is the end of the other, folder by folder; the suffix of a picture does not matter unless
  // several rows differ by it alone. Of several such rows it is the one with the longest name. Throws Error(kUsage)
  // where two rows are equally near. A box is NaN where the file has none; so is a confidence.
  std::span<const Face> find(std::string_view picture) const;

  // How many of the named pictures have no row, and how many faces of the file are of none of these pictures. Throws as
  // find().
  struct Coverage {
    std::size_t without_row = 0, unused = 0;
  };
  Coverage coverage(std::span<const std::string_view> pictures) const;

  const std::string& path() const;
  const std::string& form() const;          // what the file was taken for, for people
  std::size_t faces() const;                // in the file
  const std::string& content_hash() const;  // of names and numbers

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
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

  // All faces, the one to assess first. A face comes before another if it has the larger value of
  //   (area of its box inside the picture) * exp(-3 * d^2),
  // where d is the distance of the box's centre from the picture's middle: 1 in the middle of an edge, in each
  // direction. So size and place count, whatever the picture's size in pixels (docs/faces.md says what this is measured
  // on). Empty when there is none. The same bits for the same picture on any thread; starts none.
  //
  // Scales: the picture's longer side is brought to 320 pixels, enlarged where it is shorter; pictures larger than that
  // are also searched at 640 (or at their own size where that is less; a network of fixed size: at most its own). Large
  // faces are taken from the first, small ones from the second. Where nothing is found, 160 pixels amid a border are
  // tried. How large a face has to be depends on the detector: the default one finds 95 % of faces whose longer side
  // is 1/17 of the picture's longer side (docs/faces.md has a table).
  //
  // Search::kFine adds the picture at its own size, at half of it and so on, each cut into tiles of 640 pixels (or of
  // the network's fixed size) that overlap by a quarter. It finds faces of 40 pixels in pictures of any size. The time
  // grows with the picture: 24 megapixels are 136 passes of the network in place of two. The work is bounded; of
  // pictures of more than about 100 megapixels the finest scales are left out. Pictures under 960 pixels are
  // searched as by Search::kNormal. A face that both find may have another box, from the scale that shows it best.
  //
  // Throws Error(kUsage) when width, height and rgb of the image disagree, Error(kModel) where the network stops while
  // it runs, e.g. at an integer division by zero.
  std::vector<Face> detect(const Image& image, Search search = Search::kNormal) const;

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
