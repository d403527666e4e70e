#include "model/external_data.h"

#include <prefiqs/error.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace prefiqs::model {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Refuse(const char* cause) { throw Error(ErrorCode::kModel, cause); }

fs::path Canonical(const fs::path& path) {
  std::error_code error;
  fs::path canonical = fs::canonical(path, error);
  if (error) throw Error(ErrorCode::kIo, "cannot open: " + error.message());
  return canonical;
}

}  // namespace

const ByteSource& ExternalData::Open(const std::string& location) {
  if (folder_.empty()) Refuse("a network that is not read from a file cannot have any");
  if (location.empty() || location.find('\0') != std::string::npos) Refuse("not a file name");
  const fs::path relative = fs::path(location).lexically_normal();
  const bool climbs = std::any_of(relative.begin(), relative.end(), [](const fs::path& part) { return part == ".."; });
  if (relative.is_absolute() || climbs) Refuse("must lie in the network's folder or below it");
  if (const auto known = files_.find(relative.string()); known != files_.end()) return *known->second;

  const fs::path folder = Canonical(folder_);
  const fs::path path = Canonical(folder / relative);
  if (std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first != folder.end()) {
    Refuse("a symbolic link leads out of the network's folder; put the file itself there");
  }
  std::shared_ptr<const ByteSource> file = OpenRegularFile(path.string());
  if (file == nullptr) Refuse("not a regular file");
  return *files_.emplace(relative.string(), std::move(file)).first->second;
}

void ExternalData::AddTo(ContentHash& hash) const {
  for (const auto& [location, file] : files_) file->AddTo(hash);
}

}  // namespace prefiqs::model
