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

}  // namespace

StoredSettings SettingsFromMetadata(const std::map<std::string, std::string>& metadata, const std::string& path) {
  StoredSettings settings;
  if (const auto it = metadata.find(kPreprocessingKey); it != metadata.end()) {
    settings.preprocessing = Named(fmt::format("{}: metadata {}", Printable(path), kPreprocessingKey),
                                   [&] { return Preprocessing::from_json(it->second); });
  }
  if (const auto it = metadata.find(kRecipeKey); it != metadata.end()) {
    settings.recipe = Named(fmt::format("{}: metadata {}", Printable(path), kRecipeKey),
                            [&] { return Recipe::from_json(it->second); });
  }
  return settings;
}

StoredSettings SettingsFromSidecar(const std::string& path) {
  const std::string sidecar = path + ".json";
  StoredSettings settings;
  std::error_code ignored;
  if (!std::filesystem::exists(sidecar, ignored)) return settings;
  const auto bytes = ReadFile(sidecar, kMaxSidecarBytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  Named(Printable(sidecar), [&] {
    const nlohmann::json object = ParseObject(text, {"preprocessing", "recipe", "channels", "mean", "scale"},
                                              ErrorCode::kModel, "settings of a network");
    if (object.contains("channels") || object.contains("mean") || object.contains("scale")) {
      settings.preprocessing = Preprocessing::from_json(text);
      return;
    }
    if (object.contains("preprocessing")) {
      settings.preprocessing = Preprocessing::from_json(object["preprocessing"].dump());
    }
    if (object.contains("recipe")) settings.recipe = Recipe::from_json(object["recipe"].dump());
  });
  return settings;
}

}  // namespace prefiqs::pipeline
