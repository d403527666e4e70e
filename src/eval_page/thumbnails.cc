#include "eval_page/thumbnails.h"

#include <prefiqs/error.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "align/align.h"
#include "base/parallel.h"
#include "eval/table_file.h"
#include "image/encode.h"
#include "image/large.h"
#include "input/source.h"
#include "input/verification_bin.h"

namespace prefiqs::eval_page {
namespace {

constexpr int kJpegQuality = 80;
constexpr int kFaceSide = 84;  // of a thumbnail, which shows a little more than networks see
constexpr int kFiner = 4;      // warping takes single pixels of a large face; averaging so many times more does not
constexpr std::array<std::string_view, 10> kLandmarkColumns{
    "left_eye_x", "left_eye_y",   "right_eye_x",  "right_eye_y",   "nose_x",
    "nose_y",     "left_mouth_x", "left_mouth_y", "right_mouth_x", "right_mouth_y"};

using LandmarksByPath = std::unordered_map<std::string, Landmarks>;

// The first row of a path counts, as everywhere. Nothing where the file has no such columns, as other tools' have not.
LandmarksByPath ReadLandmarks(const std::string& rows, const std::vector<std::string>& paths) {
  const eval::Table table = eval::ReadTable(rows);
  std::array<std::size_t, kLandmarkColumns.size()> columns{};
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const auto found = table.Find(kLandmarkColumns[k]);
    if (!found) return {};
    columns[k] = *found;
  }
  std::unordered_map<std::string_view, std::size_t> row;
  const std::size_t name = eval::NameColumn(table);
  for (std::size_t i = 0; i < table.rows.size(); ++i) row.emplace(table.rows[i][name], i);
  LandmarksByPath landmarks;
  for (const std::string& path : paths) {
    const auto found = row.find(path);
    if (found == row.end()) continue;
    const auto number = [&](std::size_t k) {
      return static_cast<float>(eval::NumberIn(table, found->second, columns[k]));
    };
    Landmarks points;
    for (std::size_t k = 0; k < points.size(); ++k) points[k] = {number(2 * k), number(2 * k + 1)};
    landmarks.emplace(path, points);
  }
  return landmarks;
}

// FILE of FILE#INDEX, whatever the file's suffix.
std::optional<std::string> VerificationSetOf(const std::string& path) {
  const std::size_t hash = path.rfind('#');
  if (hash == std::string::npos || hash == 0 || hash + 1 == path.size()) return std::nullopt;
  const bool index = path.find_first_not_of("0123456789", hash + 1) == std::string::npos;
  const std::string file = path.substr(0, hash);
  return index && input::IsVerificationSet(file) ? std::optional(file) : std::nullopt;
}

std::vector<input::Item> Items(const std::vector<std::string>& paths) {
  std::map<std::string, std::unordered_map<std::string, input::Item>> sets;
  std::vector<input::Item> items;
  for (const std::string& path : paths) {
    items.push_back({.name = path, .regular_only = true});
    const auto set = VerificationSetOf(path);
    if (!set) continue;
    const auto [entry, is_new] = sets.try_emplace(*set);
    if (is_new) {
      try {
        for (input::Item& item : input::ListItems({*set})) entry->second.emplace(item.name, item);
      } catch (const Error&) {  // then its pictures cannot be read, which each of them says
      }
    }
    if (const auto found = entry->second.find(path); found != entry->second.end()) items.back() = found->second;
  }
  return items;
}

// Rows may be of another picture by now, or say anything.
bool IsNear(int width, int height, const Landmarks& landmarks) {
  return std::ranges::all_of(landmarks, [&](const Point& point) {
    const auto near = [](float at, int side) { return std::abs(at) <= 2.0f * static_cast<float>(side); };
    return near(point.x, width) && near(point.y, height);
  });
}

// Of a large picture, the part that the face lies on.
Image FaceIn(const DecodedImage& picture, const Landmarks* landmarks) {
  const int width = picture.large ? picture.large->width() : picture.image.width;
  const int height = picture.large ? picture.large->height() : picture.image.height;
  if (landmarks != nullptr && IsNear(width, height, *landmarks)) {
    constexpr float kRoom = kFiner * (kThumbnailSide - kFaceSide) / 2.0f;
    constexpr int kSide = kFiner * kThumbnailSide;
    Landmarks target = align::Template(kFiner * kFaceSide, kFiner * kFaceSide, CropTemplate::kScaled);
    for (Point& point : target) point = {point.x + kRoom, point.y + kRoom};
    if (const auto transform = align::FitSimilarity(*landmarks, target)) {
      return align::CentralSquare(align::Warp(picture, *transform, kSide, kSide), kThumbnailSide);
    }
  }
  return align::CentralSquare(picture.large ? picture.large->reduced() : picture.image, kThumbnailSide);
}

Thumbnail Read(const input::Item& item, const LandmarksByPath& landmarks, const ImageLimits& limits) {
  const auto read = [&]() -> Thumbnail {
    const DecodedImage decoded = input::Read(item, limits);
    if (decoded.status != Status::kOk) return {.jpeg = {}, .trouble = decoded.detail};
    const auto found = landmarks.find(item.name);
    const Image face = FaceIn(decoded, found == landmarks.end() ? nullptr : &found->second);
    return {.jpeg = image::ToJpeg(face, kJpegQuality), .trouble = {}};
  };
  return image::OrSay(read,
                      [](Status, std::string detail) { return Thumbnail{.jpeg = {}, .trouble = std::move(detail)}; });
}

}  // namespace

std::vector<Thumbnail> ReadThumbnails(const std::string& rows, const std::vector<std::string>& paths, int threads,
                                      const ImageLimits& limits) {
  const LandmarksByPath landmarks = ReadLandmarks(rows, paths);
  const std::vector<input::Item> items = Items(paths);
  std::vector<Thumbnail> thumbnails(items.size());
  ParallelFor(items.size(), threads, [&](std::size_t i) { thumbnails[i] = Read(items[i], landmarks, limits); });
  return thumbnails;
}

}  // namespace prefiqs::eval_page
