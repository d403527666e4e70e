#include <prefiqs/detector.h>

#include <fmt/format.h>

#include <cmath>

#include "base/file.h"
#include "face/network.h"
#include "face/scale.h"
#include "face/selection.h"
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
  check("min_confidence", options.min_confidence);
  check("nms_iou", options.nms_iou);
  return Detector(std::make_shared<const Impl>(model::ReadOnnxFile(path), path, options));
}

std::vector<Face> Detector::detect(const Image& image) const {
  if (image.width < 1 || image.height < 1) return {};
  for (const face::Placement& placement : face::Placements(image.width, image.height, impl_->network.fixed_canvas())) {
    std::vector<Face> faces = impl_->network.Run(image, placement, impl_->options);
    if (faces.empty()) continue;
    face::OrderFaces(faces, image.width, image.height);
    return faces;
  }
  return {};
}

const std::string& Detector::family() const { return impl_->network.family(); }
const std::string& Detector::content_hash() const { return impl_->content_hash; }

}  // namespace prefiqs
