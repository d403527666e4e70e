#include <prefiqs/detector.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/file.h"
#include "base/shipped.h"
#include "face/network.h"
#include "face/scale.h"
#include "face/selection.h"
#include "face/tiles.h"
#include "model/onnx_reader.h"

namespace prefiqs {

struct Detector::Impl {
  Impl(model::ReadResult read, const std::string& path, const DetectorOptions& wanted)
      : network(std::move(read.graph), Printable(path), engine::CompileOneDnn),
        options(wanted),
        content_hash(std::move(read.content_hash)) {}

  face::DetectorNetwork network;
  DetectorOptions options;
  std::string content_hash;
};

Detector Detector::load(const std::string& path, const DetectorOptions& options) {
  auto check = [](const char* option, float value) {
    if (!(value >= 0 && value <= 1)) {
      throw Error(ErrorCode::kUsage, fmt::format("{} of the detector must be in [0, 1], not {}", option, value));
    }
  };
  if (options.min_confidence) check("min_confidence", *options.min_confidence);
  check("nms_iou", options.nms_iou);
  return Detector(std::make_shared<const Impl>(model::ReadOnnxFile(path), path, options));
}

namespace {

void CheckSize(const Image& image) {
  if (image.width < 1 || image.height < 1 ||
      image.rgb.size() != static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * 3) {
    throw Error(ErrorCode::kUsage,
                fmt::format("the detector was given a picture of {}x{} pixels that holds {} bytes instead of 3 a pixel",
                            image.width, image.height, image.rgb.size()));
  }
}

}  // namespace

std::vector<Face> Detector::detect(const Image& image, Search search) const {
  if (image.empty()) return {};
  CheckSize(image);
  const DetectorOptions& options = impl_->options;
  auto run = [&](const face::Placement& placement) { return impl_->network.Run(image, placement, options); };
  const face::SearchScales scales = face::ScalesFor(image.width, image.height, impl_->network.fixed_canvas());
  std::vector<Face> faces = run(scales.coarse);
  if (scales.fine) {
    const float zoom = static_cast<float>(std::max(image.width, image.height)) /
                       static_cast<float>(std::max(scales.coarse.width, scales.coarse.height));
    faces = face::MergeScales(faces, run(*scales.fine), zoom * face::kCoarseFace, options.nms_iou);
  }
  if (faces.empty()) faces = run(scales.last_resort);
  if (search == Search::kFine) {
    faces = face::SearchTiles(image, std::move(faces), impl_->network.fixed_canvas(), options.nms_iou,
                              [&](const Image& tile, const face::Placement& placement) {
                                return impl_->network.Run(tile, placement, options);
                              });
  }
  face::OrderFaces(faces, image.width, image.height);
  return faces;
}

namespace {

// Where one place is looked at and not thousands, less is enough: chosen on CFP's crops and the guard's pictures of no
// face (models/README.md).
constexpr float kOfConfidence = 5.0f / 6;

}  // namespace

std::vector<Face> Detector::detect_in_crop(const Image& crop) const {
  if (crop.empty()) return {};
  CheckSize(crop);
  const face::Placement placement = face::CropPlacement(crop.width, crop.height, impl_->network.fixed_canvas());
  return impl_->network.Run(crop, placement, impl_->options, kOfConfidence);
}

bool Detector::sees_face(const Image& crop) const { return !detect_in_crop(crop).empty(); }

const std::string& Detector::family() const { return impl_->network.family(); }
const std::string& Detector::content_hash() const { return impl_->content_hash; }

namespace {

// Indexed by the enumerators.
constexpr std::array<SearchInfo, 2> kSearches{{
    {Search::kNormal, "normal", "the whole picture at one or two scales"},
    {Search::kFine, "fine", "also up to the picture's own scale, in tiles"},
}};

}  // namespace

const SearchInfo& info(Search search) { return kSearches.at(static_cast<std::size_t>(search)); }
std::span<const SearchInfo> searches() { return kSearches; }

std::string default_detector() { return ShippedFile("models/prefiqs_detector.onnx"); }

}  // namespace prefiqs
