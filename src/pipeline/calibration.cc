#include <fmt/format.h>
#include <prefiqs/network.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>

#include "base/hash.h"
#include "base/json.h"

namespace prefiqs {
namespace {

std::string Today() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm date{};
  gmtime_r(&now, &date);
  return fmt::format("{:04}-{:02}-{:02}", date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
}

Error Bad(std::string_view key, std::string_view what) {
  return Error(ErrorCode::kModel, fmt::format("calibration: \"{}\" {}", key, what));
}

}  // namespace

Calibration Calibration::of(std::vector<float> qualities, const Recipe& recipe, const Preprocessing& preprocessing) {
  if (qualities.size() < kMinFaces) {
    throw Error(ErrorCode::kUsage, fmt::format("too few faces to calibrate with: {}, and {} or more are needed",
                                               qualities.size(), kMinFaces));
  }
  if (!std::all_of(qualities.begin(), qualities.end(), [](float q) { return std::isfinite(q); })) {
    throw Error(ErrorCode::kUsage, "a quality to calibrate with is not finite");
  }
  std::sort(qualities.begin(), qualities.end());
  Calibration result;
  result.recipe = recipe;
  result.preprocessing = preprocessing;
  result.faces = static_cast<std::int64_t>(qualities.size());
  result.date = Today();
  const std::size_t last = qualities.size() - 1;
  for (std::size_t p = 0; p < result.quality.size(); ++p) {
    const double place = static_cast<double>(p * last) / 100;
    const auto below = static_cast<std::size_t>(place);
    const double rest = place - static_cast<double>(below);
    const double low = qualities[below];
    const double high = qualities[std::min(below + 1, last)];
    result.quality[p] = static_cast<float>(low + rest * (high - low));
  }
  return result;
}

int Calibration::scalar(float value) const {
  // The first percentile that is not below: with equal ones the lowest, so that ties do not flatter.
  const auto at = std::lower_bound(quality.begin(), quality.end(), value);
  if (at == quality.begin()) return 0;
  if (at == quality.end()) return 100;
  const double low = *(at - 1);
  const double rest = (value - low) / (*at - low);
  return static_cast<int>(std::lround(static_cast<double>(at - 1 - quality.begin()) + rest));
}

std::string Calibration::content_hash() const {
  // Their shortest decimal forms: the same floats have the same, on every machine.
  const std::string text = fmt::format("{}", fmt::join(quality, ","));
  constexpr std::size_t kDigits = 16;
  ContentHash hash;
  hash.Add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  return hash.Hex().substr(0, kDigits);
}

std::string Calibration::to_json() const {
  nlohmann::ordered_json object;
  object["date"] = date;
  object["source"] = source;
  object["faces"] = faces;
  object["recipe"] = nlohmann::ordered_json::parse(recipe.to_json());
  object["preprocessing"] = nlohmann::ordered_json::parse(preprocessing.to_json());
  object["preprocessing"]["template"] = info(preprocessing.crop_template).name;
  auto& list = object["quality"] = nlohmann::ordered_json::array();
  // As doubles of the floats' shortest forms: shorter to read, and the same floats come back.
  for (const float q : quality) list.push_back(std::stod(fmt::format("{}", q)));
  return object.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Calibration Calibration::from_json(std::string_view json) {
  const nlohmann::json object = ParseObject(json, {"date", "source", "faces", "recipe", "preprocessing", "quality"},
                                            ErrorCode::kModel, "calibration");
  const auto get = [&](std::string_view key) -> const nlohmann::json& {
    const auto it = object.find(key);
    if (it == object.end()) throw Bad(key, "is missing");
    return *it;
  };
  const auto text = [&](std::string_view key) {
    const nlohmann::json& value = get(key);
    if (!value.is_string()) throw Bad(key, "must be a text");
    return value.get<std::string>();
  };
  Calibration result;
  result.date = text("date");
  result.source = text("source");
  if (!get("faces").is_number_integer()) throw Bad("faces", "must be a whole number");
  result.faces = get("faces").get<std::int64_t>();
  result.recipe = Recipe::from_json(get("recipe").dump());
  result.preprocessing = Preprocessing::from_json(get("preprocessing").dump());
  // Versions without templates scaled, and named none.
  if (!get("preprocessing").contains("template")) result.preprocessing.crop_template = CropTemplate::kScaled;
  const nlohmann::json& list = get("quality");
  if (!list.is_array() || list.size() != result.quality.size()) throw Bad("quality", "must be a list of 101 numbers");
  for (std::size_t p = 0; p < result.quality.size(); ++p) {
    if (!list[p].is_number()) throw Bad("quality", "must be a list of 101 numbers");
    result.quality[p] = list[p].get<float>();
    const bool rises = p == 0 || result.quality[p] >= result.quality[p - 1];
    if (!std::isfinite(result.quality[p]) || !rises) throw Bad("quality", "must never fall");
  }
  return result;
}

}  // namespace prefiqs
