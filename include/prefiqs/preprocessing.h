// How 0-255 pixels become network input. A wrong channel order or scale is the most common mistake with face
// recognition networks, so it is a value of its own that is stored with the network, printed, and checked.
#ifndef PREFIQS_PREPROCESSING_H_
#define PREFIQS_PREPROCESSING_H_

#include <array>
#include <span>
#include <string>
#include <string_view>

#include <prefiqs/version.h>

namespace prefiqs {

enum class ChannelOrder { kRgb, kBgr };

// input[c] = (pixel[c] - mean[c]) / scale[c], c counted in the network's own channel order.
struct PREFIQS_API Preprocessing {
  ChannelOrder channels = ChannelOrder::kRgb;
  std::array<float, 3> mean{127.5f, 127.5f, 127.5f};
  std::array<float, 3> scale{127.5f, 127.5f, 127.5f};  // none may be 0

  // {"channels":"rgb","mean":[..3..],"scale":[..3..]}; a mean or scale may be one number in place of three.
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
