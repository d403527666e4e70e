#include "eval/landmark_cfp.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <span>
#include <string_view>
#include <system_error>

#include "base/count.h"
#include "base/file.h"
#include "eval/table_file.h"
#include "eval/word_lines.h"

namespace prefiqs::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kEye = 12, kEyePoints = 6, kBridge = 18, kTip = 21, kCorner = 25, kUpperLip = 27, kLowerLip = 29;
constexpr float kBeyondFrontal = 2, kBeyondProfile = 1.2f;
constexpr std::string_view kFrontal = "frontal", kProfile = "profile";

Point Mean(std::span<const Point> points) {
  Point sum;
  for (const Point& point : points) sum.x += point.x, sum.y += point.y;
  const auto count = static_cast<float>(points.size());
  return {sum.x / count, sum.y / count};
}

std::vector<fs::path> SortedEntries(const fs::path& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    paths.push_back(entry->path());
  }
  if (error) throw Error(ErrorCode::kIo, fmt::format("{}: {}", Printable(folder.string()), error.message()));
  std::ranges::sort(paths);
  return paths;
}

CfpPoints ReadPoints(const std::string& path) {
  CfpPoints points;
  std::size_t count = 0;
  ForEachLine(path, ", \t\r", [&](std::size_t line, std::span<const std::string_view> words) {
    const auto x = NumberOf(words[0]), y = words.size() == 2 ? NumberOf(words[1]) : std::nullopt;
    if (!x || !y || !std::isfinite(*x) || !std::isfinite(*y)) FailAtLine(path, line, "no two numbers X,Y");
    if (count < kCfpPoints) points[count] = {static_cast<float>(*x), static_cast<float>(*y)};
    ++count;
  });
  if (count == kCfpPoints) return points;
  throw Error(ErrorCode::kIo,
              fmt::format("{}: {}, CFP's fiducials have {}", Printable(path), Count(count, "point"), kCfpPoints));
}

}  // namespace

Landmarks FromCfp(const CfpPoints& points, bool is_profile) {
  const std::span<const Point> all(points);
  const Point eye = Mean(all.subspan(kEye, kEyePoints)), corner = points[kCorner], top = points[kBridge];
  const Point lips = Mean(std::array{points[kUpperLip], points[kLowerLip]});
  // Across the face, from its middle to the half that has the points.
  const float length = std::hypot(lips.x - top.x, lips.y - top.y);
  const Point across{-(lips.y - top.y) / length, (lips.x - top.x) / length};
  const float beyond = is_profile ? kBeyondProfile : kBeyondFrontal;
  const auto other = [&](Point point) {
    const float away = (point.x - top.x) * across.x + (point.y - top.y) * across.y;
    return Point{point.x - beyond * away * across.x, point.y - beyond * away * across.y};
  };
  const bool is_left = (eye.x - top.x) * across.x + (eye.y - top.y) * across.y > 0;  // as seen in the picture
  if (is_left) return {eye, other(eye), points[kTip], corner, other(corner)};
  return {other(eye), eye, points[kTip], other(corner), corner};
}

bool IsCfpFolder(const std::string& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

std::vector<LandmarkRow> ReadCfpFiducials(const std::string& folder) {
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  std::vector<LandmarkRow> rows;
  for (const fs::path& person : SortedEntries(folder)) {
    for (const std::string_view kind : {kFrontal, kProfile}) {
      std::error_code ignored;
      if (!fs::is_directory(person / kind, ignored)) continue;
      for (const fs::path& file : SortedEntries(person / kind)) {
        if (file.extension() != ".txt") continue;
        Face face{{kNone, kNone, kNone, kNone}, {}, kNone};
        face.landmarks = FromCfp(ReadPoints(file.string()), kind == kProfile);
        const bool finite = std::ranges::all_of(
            face.landmarks, [](const Point& point) { return std::isfinite(point.x) && std::isfinite(point.y); });
        if (!finite) throw Error(ErrorCode::kIo, fmt::format("{}: its points coincide", Printable(file.string())));
        rows.push_back({fmt::format("{}/{}/{}", person.filename().string(), kind, file.stem().string()), face, 0});
      }
    }
  }
  return rows;
}

}  // namespace prefiqs::eval
