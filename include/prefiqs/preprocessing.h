// How pixels become network input: where a face lies in the crop, and how 0-255 values become numbers. A wrong channel
// order or scale is the most common mistake with face recognition networks, so it is a value of its own that is stored
// with the network, printed, and checked.
#ifndef PREFIQS_PREPROCESSING_H_
#define PREFIQS_PREPROCESSING_H_

#include <array>
#include <span>
#include <string>
#include <string_view>

#include <prefiqs/version.h>

namespace prefiqs {

enum class ChannelOrder { kRgb, kBgr };

// Where the five points of a face lie in the crop that a network sees. A matter of detected faces: crops that are given
// as aligned stay as they are.
enum class CropTemplate { kInsightFace, kScaled };

struct CropTemplateInfo {
  CropTemplate value;
  std::string_view name;  // as in JSON, rows and options
  std::string_view rule;  // by what the points are scaled, for people
  // By what ArcFace's points in a 112×112 crop are multiplied, for a crop of that size. The middle of the 112 columns
  // goes to the middle of the crop; the upper edge stays the upper edge.
  float (*scale)(int width, int height);
};
// The first is the default.
PREFIQS_API std::span<const CropTemplateInfo> crop_templates();
PREFIQS_API const CropTemplateInfo& info(CropTemplate crop_template);
// Throws Error(kUsage) listing the names.
PREFIQS_API CropTemplate crop_template(std::string_view name);

// Of the pictures that a network sees, in pixels.
struct PictureSize {
  static constexpr int kUsualSide = 112;  // the side that the field aligns faces to
  int width = 0, height = 0;              // both 0: not said

  friend bool operator==(const PictureSize&, const PictureSize&) = default;
};

// input[c] = (pixel[c] - mean[c]) / scale[c], c counted in the network's own channel order. A network of one channel
// gets grey: the luma of BT.601, 0.299 R + 0.587 G + 0.114 B rounded to 0-255, with mean[0] and scale[0].
struct PREFIQS_API Preprocessing {
  ChannelOrder channels = ChannelOrder::kRgb;
  std::array<float, 3> mean{127.5f, 127.5f, 127.5f};
  std::array<float, 3> scale{127.5f, 127.5f, 127.5f};  // none may be 0
  CropTemplate crop_template = CropTemplate::kInsightFace;
  // For a network whose file leaves height and width open; not said: 112×112. A file that fixes them goes first.
  PictureSize size{};

  // {"channels":"rgb","mean":[..3..],"scale":[..3..],"template":"scaled","size":[width,height]}; a mean or scale may
  // be one number in place of three; a template that is the default, and a size that is not said, are left out.
  // from_json throws Error(kModel) naming the key at fault; unknown keys are refused.
  std::string to_json() const;
  static Preprocessing from_json(std::string_view json);

  // A named family, e.g. "arcface" (RGB, 127.5/127.5). Throws Error(kUsage) listing the names.
  static Preprocessing preset(std::string_view name);

  friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

struct PreprocessingPreset {
  std::string_view name;
  std::string_view families;  // the networks it fits, for people
  Preprocessing preprocessing;
};
PREFIQS_API std::span<const PreprocessingPreset> preprocessing_presets();

}  // namespace prefiqs

#endif  // PREFIQS_PREPROCESSING_H_
