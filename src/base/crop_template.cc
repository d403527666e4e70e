#include <fmt/format.h>
#include <prefiqs/error.h>
#include <prefiqs/preprocessing.h>

#include <array>
#include <vector>

namespace prefiqs {
namespace {

constexpr int kArcFaceSide = 112;

float Scaled(int /*width*/, int height) { return static_cast<float>(height) / kArcFaceSide; }

// estimate_norm() of insightface/utils/face_align.py. It takes square crops of two kinds: of multiples of 112, scaled
// by side / 112, and of other multiples of 128, scaled by side / 128 and moved right by 8 * side / 128, which puts the
// middle of the 112 columns into the middle of the crop. Other crops are ours to place.
float InsightFace(int width, int height) {
  constexpr int kWideSide = 128;
  const bool wide = width == height && height % kArcFaceSide != 0 && height % kWideSide == 0;
  return wide ? static_cast<float>(height) / kWideSide : Scaled(width, height);
}

constexpr std::array<CropTemplateInfo, 2> kRows{{
    {CropTemplate::kInsightFace, "insightface",
     "by the height / 112; square crops of a multiple of 128, and not of 112, by the side / 128, as InsightFace does",
     InsightFace},
    {CropTemplate::kScaled, "scaled", "by the height / 112, whatever the size", Scaled},
}};

}  // namespace

std::span<const CropTemplateInfo> crop_templates() { return kRows; }

const CropTemplateInfo& info(CropTemplate crop_template) {
  for (const CropTemplateInfo& row : kRows) {
    if (row.value == crop_template) return row;
  }
  throw Error(ErrorCode::kInternal, "a crop template outside its table");
}

CropTemplate crop_template(std::string_view name) {
  std::vector<std::string_view> names;
  for (const CropTemplateInfo& row : kRows) {
    if (row.name == name) return row.value;
    names.push_back(row.name);
  }
  throw Error(ErrorCode::kUsage, fmt::format("no template \"{}\"; there are {}", name, fmt::join(names, ", ")));
}

}  // namespace prefiqs
