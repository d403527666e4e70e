#include <fmt/format.h>
#include <prefiqs/error.h>
#include <prefiqs/preprocessing.h>

#include <cmath>
#include <vector>

#include "base/json.h"

namespace prefiqs {
namespace {

constexpr int kMaxSide = 2048;  // as the interface of networks has it

constexpr std::array<float, 3> All(float value) { return {value, value, value}; }

// Families and values: design notes of the project, METHOD §5. Scaling by x/255 statistics is written for 0-255 pixels.
const std::array<PreprocessingPreset, 6> kPresets{{
    {"arcface",
     "InsightFace ArcFace and buffalo packs, ElasticFace, CurricularFace, CR-FIQA",
     {ChannelOrder::kRgb, All(127.5f), All(127.5f)}},
    {"raw", "ArcFace LResNet100E-IR from MXNet (normalises inside the graph)", {ChannelOrder::kRgb, All(0), All(1)}},
    {"magface", "MagFace", {ChannelOrder::kBgr, All(0), All(255)}},
    {"adaface", "AdaFace", {ChannelOrder::kBgr, All(127.5f), All(127.5f)}},
    {"imagenet",
     "foamliu MobileFaceNet and others trained with ImageNet statistics",
     {ChannelOrder::kRgb, {0.485f * 255, 0.456f * 255, 0.406f * 255}, {0.229f * 255, 0.224f * 255, 0.225f * 255}}},
    {"mobilefacenet128",
     "MobileFaceNet of Xiaoccer and others that divide by 128",
     {ChannelOrder::kRgb, All(127.5f), All(128)}},
}};

nlohmann::json Numbers(const std::array<float, 3>& values) {
  const bool equal = values[0] == values[1] && values[1] == values[2];
  return equal ? nlohmann::json(values[0]) : nlohmann::json(values);
}

std::array<float, 3> ReadNumbers(const nlohmann::json& value, std::string_view key) {
  const auto bad = [&]() -> Error {
    return Error(ErrorCode::kModel, fmt::format("preprocessing: \"{}\" must be one number or three", key));
  };
  std::array<float, 3> numbers{};
  if (value.is_number()) {
    numbers.fill(value.get<float>());
  } else if (value.is_array() && value.size() == 3) {
    for (std::size_t i = 0; i < 3; ++i) {
      if (!value[i].is_number()) throw bad();
      numbers[i] = value[i].get<float>();
    }
  } else {
    throw bad();
  }
  for (float number : numbers) {
    if (!std::isfinite(number)) throw Error(ErrorCode::kModel, fmt::format("preprocessing: \"{}\" is not finite", key));
  }
  return numbers;
}

PictureSize ReadSize(const nlohmann::json& value) {
  const auto is_side = [](const nlohmann::json& side) {
    return side.is_number_integer() && side >= 1 && side <= kMaxSide;
  };
  if (!value.is_array() || value.size() != 2 || !is_side(value[0]) || !is_side(value[1])) {
    throw Error(ErrorCode::kModel,
                fmt::format("preprocessing: \"size\" must be [width, height], each from 1 to {}", kMaxSide));
  }
  return {value[0].get<int>(), value[1].get<int>()};
}

}  // namespace

std::string Preprocessing::to_json() const {
  nlohmann::ordered_json object;
  object["channels"] = channels == ChannelOrder::kRgb ? "rgb" : "bgr";
  object["mean"] = Numbers(mean);
  object["scale"] = Numbers(scale);
  if (crop_template != CropTemplate::kInsightFace) object["template"] = info(crop_template).name;
  if (size != PictureSize{}) object["size"] = {size.width, size.height};
  return object.dump();
}

Preprocessing Preprocessing::from_json(std::string_view text) {
  const nlohmann::json object =
      ParseObject(text, {"channels", "mean", "scale", "template", "size"}, ErrorCode::kModel, "preprocessing");
  Preprocessing result;
  if (auto it = object.find("channels"); it != object.end()) {
    if (*it == "rgb") {
      result.channels = ChannelOrder::kRgb;
    } else if (*it == "bgr") {
      result.channels = ChannelOrder::kBgr;
    } else {
      throw Error(ErrorCode::kModel, "preprocessing: \"channels\" must be \"rgb\" or \"bgr\"");
    }
  }
  if (auto it = object.find("mean"); it != object.end()) result.mean = ReadNumbers(*it, "mean");
  if (auto it = object.find("scale"); it != object.end()) result.scale = ReadNumbers(*it, "scale");
  if (auto it = object.find("template"); it != object.end()) {
    try {
      result.crop_template = prefiqs::crop_template(it->is_string() ? it->get<std::string>() : it->dump());
    } catch (const Error& error) {
      throw Error(ErrorCode::kModel, fmt::format("preprocessing: \"template\": {}", error.what()));
    }
  }
  if (auto it = object.find("size"); it != object.end()) result.size = ReadSize(*it);
  for (float value : result.scale) {
    if (value == 0) throw Error(ErrorCode::kModel, "preprocessing: \"scale\" must not be 0; pixels are divided by it");
  }
  return result;
}

std::span<const PreprocessingPreset> preprocessing_presets() { return kPresets; }

Preprocessing Preprocessing::preset(std::string_view name) {
  std::vector<std::string_view> names;
  for (const PreprocessingPreset& preset : kPresets) {
    if (preset.name == name) return preset.preprocessing;
    names.push_back(preset.name);
  }
  throw Error(ErrorCode::kUsage, fmt::format("no preset \"{}\"; there are {}", name, fmt::join(names, ", ")));
}

}  // namespace prefiqs
