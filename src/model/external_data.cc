#include "model/external_data.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <prefiqs/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <span>

namespace prefiqs::model {
namespace {

namespace fs = std::filesystem;

Error Refused(const std::string& location, std::string_view cause) {
  return Error(ErrorCode::kModel, fmt::format("external data '{}': {}", location, cause));
}

Error Unreadable(const std::string& location, int error) {
  return Error(ErrorCode::kIo, fmt::format("external data '{}': {}", location, std::strerror(error)));
}

void ReadExactly(int fd, std::span<std::uint8_t> out, std::int64_t offset, const std::string& location) {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd, out.data(), out.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Unreadable(location, errno);
    if (n == 0) throw Refused(location, "became shorter while it was read");
    out = out.subspan(static_cast<std::size_t>(n));
    offset += n;
  }
}

}  // namespace

struct ExternalData::File {
  int fd = -1;
  std::int64_t size = 0;
  ~File() {
    if (fd >= 0) ::close(fd);
  }
};

ExternalData::ExternalData(std::string folder) : folder_(std::move(folder)) {}
ExternalData::~ExternalData() = default;

const ExternalData::File& ExternalData::Open(const std::string& location) {
  if (folder_.empty()) throw Refused(location, "a network that is not read from a file cannot have any");
  if (location.empty() || location.find('\0') != std::string::npos) throw Refused(location, "not a file name");
  const fs::path relative = fs::path(location).lexically_normal();
  const bool climbs = std::any_of(relative.begin(), relative.end(), [](const fs::path& part) { return part == ".."; });
  if (relative.is_absolute() || climbs) throw Refused(location, "must lie in the network's folder or below it");
  if (const auto known = files_.find(relative.string()); known != files_.end()) return *known->second;

  std::error_code error;
  const fs::path folder = fs::canonical(folder_, error);
  if (error) throw Unreadable(location, error.value());
  const fs::path path = fs::canonical(folder / relative, error);
  if (error) throw Unreadable(location, error.value());
  if (std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first != folder.end()) {
    throw Refused(location, "a symbolic link leads out of the network's folder; put the file itself there");
  }
  auto opened = std::make_unique<File>();
  opened->fd =
      ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);  // O_NONBLOCK: a FIFO must not hang us
  if (opened->fd < 0) throw Unreadable(location, errno);
  struct stat status {};
  if (::fstat(opened->fd, &status) != 0) throw Unreadable(location, errno);
  if (!S_ISREG(status.st_mode)) throw Refused(location, "not a regular file");
  opened->size = status.st_size;
  return *files_.emplace(relative.string(), std::move(opened)).first->second;
}

std::vector<std::uint8_t> ExternalData::Read(const std::string& location, std::int64_t offset, std::int64_t length) {
  const File& file = Open(location);
  if (offset < 0 || offset > file.size || (length >= 0 && length > file.size - offset)) {
    throw Refused(location, fmt::format("bytes {}+{} are wanted, but it has {}", offset,
                                        std::max<std::int64_t>(length, 0), file.size));
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(length < 0 ? file.size - offset : length));
  ReadExactly(file.fd, bytes, offset, location);
  return bytes;
}

void ExternalData::AddTo(ContentHash& hash) const {
  constexpr std::int64_t kChunk = 1 << 20;
  std::vector<std::uint8_t> chunk(kChunk);
  for (const auto& [location, file] : files_) {
    for (std::int64_t offset = 0; offset < file->size; offset += kChunk) {
      const auto part = std::span(chunk).first(static_cast<std::size_t>(std::min(kChunk, file->size - offset)));
      ReadExactly(file->fd, part, offset, location);
      hash.Add(part);
    }
  }
}

}  // namespace prefiqs::model
