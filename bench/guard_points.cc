// What the guard sees in crops: the material for the threshold of Status::kNotAligned (bench/records, "not aligned").
//
//   guard_points GUARD.onnx|default DETECTOR.onnx|default|none WIDTHxHEIGHT PICTURES.txt [--mirror]
//
// Takes the best face of each picture that the list names (none: the picture itself), aligns it as `score` does, and
// asks the guard. One CSV line a crop: path, confidence of the detector, number of faces that the guard sees, and of
// the one that lies best its confidence and its five points, x and y, in pixels of the crop.
#include <prefiqs/detector.h>

#include <cmath>
#include <cstdio>
#include <exception>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "align/align.h"
#include "align/deviation.h"
#include "image/format.h"

namespace {

using prefiqs::Detector;
using prefiqs::Face;
using prefiqs::Image;

Detector Load(const std::string& path) {
  return Detector::load(path == "default" ? prefiqs::default_detector() : path);
}

void Look(const Detector& guard, const std::optional<Detector>& detector, int width, int height, bool mirror,
          const std::string& path) {
  const prefiqs::DecodedImage decoded = Image::open(path);
  if (decoded.status != prefiqs::Status::kOk) throw prefiqs::Error(prefiqs::ErrorCode::kIo, path + ": not a picture");
  std::optional<Image> crop;
  float confidence = std::numeric_limits<float>::quiet_NaN();
  if (detector) {
    const std::vector<Face> faces = detector->detect(decoded.image);
    if (faces.empty()) return;
    confidence = faces[0].confidence;
    crop = prefiqs::align::AlignFace(decoded.image, faces[0].landmarks, width, height);
  } else {
    crop = prefiqs::align::FitCrop(decoded.image, width, height);
  }
  if (!crop) return;
  if (mirror) crop = prefiqs::image::Upright(std::move(*crop), 2);
  const std::vector<Face> seen = guard.detect_in_crop(*crop);
  std::printf("%s,%.6f,%zu", path.c_str(), confidence, seen.size());
  if (const Face* best = prefiqs::align::BestAligned(seen, prefiqs::align::Template(width, height))) {
    std::printf(",%.6f", best->confidence);
    for (const prefiqs::Point& point : best->landmarks) std::printf(",%.3f,%.3f", point.x, point.y);
  }
  std::printf("\n");
}

}  // namespace

int main(int count, char** words) {
  int width = 0, height = 0;
  if (count < 5 || std::sscanf(words[3], "%dx%d", &width, &height) != 2) {
    std::fprintf(stderr, "guard_points GUARD|default DETECTOR|default|none WIDTHxHEIGHT PICTURES.txt [--mirror]\n");
    return 2;
  }
  try {
    const Detector guard = Load(words[1]);
    std::optional<Detector> detector;
    if (std::string(words[2]) != "none") detector = Load(words[2]);
    std::ifstream list(words[4]);
    for (std::string path; std::getline(list, path);) Look(guard, detector, width, height, count > 5, path);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "guard_points: %s\n", error.what());
    return 1;
  }
}
