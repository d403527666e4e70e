#include "pipeline/crop_folder.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <charconv>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/file.h"

namespace prefiqs::pipeline {
namespace {

// File systems allow 255 bytes; number, face, extension and the name of a temporary file take their part.
constexpr std::size_t kMaxStemBytes = 120;

}  // namespace

CropFolder::CropFolder(std::string path) : path_(std::move(path)) {
  std::error_code error;
  std::filesystem::create_directories(path_, error);
  std::filesystem::directory_iterator entries(path_, error);
  if (error) {
    throw Error(ErrorCode::kIo, fmt::format("{}: cannot keep crops there: {}", Printable(path_), error.message()));
  }
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (failed == std::errc() && end != name.data() + name.size() && *end == '-') numbers_.insert(number);
  }
}

void CropFolder::CheckFree(std::int64_t number) const {
  if (!numbers_.contains(number)) return;
  throw Error(ErrorCode::kIo,
              fmt::format("{}: holds a crop of picture {} already; --force overwrites it", Printable(path_), number));
}

std::string CropFolder::FileName(std::int64_t number, int face, std::string_view source) {
  std::string_view stem = source.substr(source.find_last_of('/') + 1);  // npos + 1 is 0
  if (const std::size_t dot = stem.find_last_of('.'); dot != std::string_view::npos && dot > 0) {
    // A row of a set is FILE.bin#INDEX: what follows the dot is not an extension alone.
    const std::size_t hash = stem.find('#', dot);
    if (hash == std::string_view::npos) stem = stem.substr(0, dot);
  }
  return fmt::format("{:06}-{}-{}.png", number, face, stem.substr(0, kMaxStemBytes));
}

void CropFolder::Write(const Image& crop, std::int64_t number, int face, std::string_view source) const {
  write_png(crop, path_ + "/" + FileName(number, face, source));
}

}  // namespace prefiqs::pipeline
