#include "pipeline/stored_settings.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/file.h"
#include "base/json.h"
#include "pipeline/network_impl.h"

namespace prefiqs::pipeline {
namespace {

constexpr std::int64_t kMaxSidecarBytes = 1 << 20;

// `parse`, with `where` in front of what it complains of.
template <typename Parse>
auto Named(const std::string& where, Parse&& parse) {
  try {
    return parse();
  } catch (const Error& e) {
    throw Error(e.code(), fmt::format("{}: {}", where, e.what()));
  }
}

std::string ReadText(const std::string& path) {
  const auto bytes = ReadFile(path, kMaxSidecarBytes);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

nlohmann::json ParseSettings(const std::string& text) {
  return ParseObject(text,
                     {"preprocessing", "recipe", "calibration", "calibrated_network", "output", "channels", "mean",
                      "scale", "template", "size"},
                     ErrorCode::kModel, "settings of a network");
}

template <typename Json>
bool SaysPixels(const Json& object) {
  return object.contains("channels") || object.contains("mean") || object.contains("scale");
}

template <typename Json>
bool IsPreprocessing(const Json& object) {
  return SaysPixels(object) || object.contains("template") || object.contains("size");
}

void TakePreprocessing(const std::string& text, StoredSettings& settings) {
  const Preprocessing preprocessing = Preprocessing::from_json(text);
  const nlohmann::json object = nlohmann::json::parse(text);
  if (object.contains("size")) settings.size = preprocessing.size;
  if (SaysPixels(object) || !IsPreprocessing(object)) {
    settings.preprocessing = preprocessing;
  } else if (object.contains("template")) {
    settings.crop_template = preprocessing.crop_template;
  }
}

}  // namespace

StoredSettings SettingsFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path) {
  StoredSettings settings;
  if (const auto it = metadata.find(kPreprocessingKey); it != metadata.end()) {
    Named(fmt::format("{}: metadata {}", Printable(path), kPreprocessingKey),
          [&] { TakePreprocessing(it->second, settings); });
  }
  if (const auto it = metadata.find(kRecipeKey); it != metadata.end()) {
    settings.recipe = Named(fmt::format("{}: metadata {}", Printable(path), kRecipeKey),
                            [&] { return Recipe::from_json(it->second); });
  }
  if (const auto it = metadata.find(kCalibrationKey); it != metadata.end()) {
    settings.calibration = Named(fmt::format("{}: metadata {}", Printable(path), kCalibrationKey),
                                 [&] { return Calibration::from_json(it->second); });
  }
  return settings;
}

std::string SidecarBeside(const std::string& network) { return network + ".json"; }

StoredSettings SettingsFromSidecar(const std::string& sidecar, const std::string& network,
                                   const std::string& content_hash, bool calibrates_anew) {
  StoredSettings settings;
  std::error_code ignored;
  if (!std::filesystem::exists(sidecar, ignored)) return settings;
  const std::string text = ReadText(sidecar);
  Named(Printable(sidecar), [&] {
    nlohmann::json object = ParseSettings(text);
    if (const auto it = object.find("output"); it != object.end()) {
      if (!it->is_string()) throw Error(ErrorCode::kModel, "\"output\" must be the name of an output");
      settings.output = it->get<std::string>();
      object.erase(it);
    }
    if (IsPreprocessing(object)) {
      TakePreprocessing(object.dump(), settings);
      return;
    }
    if (object.contains("preprocessing")) TakePreprocessing(object["preprocessing"].dump(), settings);
    if (object.contains("recipe")) settings.recipe = Recipe::from_json(object["recipe"].dump());
    if (object.contains("calibration")) {
      if (object.value("calibrated_network", nlohmann::json()) != content_hash) {
        if (calibrates_anew) return;
        throw Error(
            ErrorCode::kModel,
            fmt::format("its calibration is of another network than {}: remove \"calibration\" from it, or name "
                        "another file with --sidecar, then run prefiqs calibrate",
                        Printable(network)));
      }
      settings.calibration = Calibration::from_json(object["calibration"].dump());
    }
  });
  return settings;
}

std::string StoreCalibration(const std::string& base, const std::string& sidecar, const std::string& content_hash,
                             const Calibration& calibration, bool and_recipe,
                             const std::optional<Preprocessing>& preprocessing) {
  nlohmann::ordered_json object = nlohmann::ordered_json::object();
  std::error_code ignored;
  if (std::filesystem::exists(base, ignored)) {
    const std::string text = ReadText(base);
    Named(Printable(base), [&] { ParseSettings(text); });
    object = nlohmann::ordered_json::parse(text);
    if (IsPreprocessing(object)) {
      const auto output = object.find("output");
      const nlohmann::ordered_json name = output != object.end() ? *output : nlohmann::ordered_json();
      object.erase("output");
      object = {{"preprocessing", object}};
      if (!name.is_null()) object["output"] = name;
    }
  }
  if (preprocessing) object["preprocessing"] = nlohmann::ordered_json::parse(preprocessing->to_json());
  if (and_recipe) object["recipe"] = nlohmann::ordered_json::parse(calibration.recipe.to_json());
  object["calibrated_network"] = content_hash;
  object["calibration"] = nlohmann::ordered_json::parse(calibration.to_json());
  const std::string text = object.dump(1) + "\n";
  WriteFileAtomically(sidecar, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return sidecar;
}

}  // namespace prefiqs::pipeline
