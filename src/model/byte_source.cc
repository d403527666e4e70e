#include "model/byte_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <prefiqs/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace prefiqs::model {
namespace {

Error Unreadable(int error) { return Error(ErrorCode::kIo, fmt::format("cannot read: {}", std::strerror(error))); }

}  // namespace

void ByteSource::Read(std::int64_t offset, std::span<std::uint8_t> out) const {
  if (offset < 0 || offset > size() || static_cast<std::int64_t>(out.size()) > size() - offset) {
    throw Error(ErrorCode::kModel, fmt::format("{} bytes at {} are wanted, but it has {}", out.size(), offset, size()));
  }
  ReadInRange(offset, out);
}

void ByteSource::AddTo(ContentHash& hash) const {
  constexpr std::int64_t kChunk = 1 << 17;  // stays in the second-level cache between reading and hashing
  std::vector<std::uint8_t> chunk(static_cast<std::size_t>(std::min(kChunk, size())));
  for (std::int64_t offset = 0; offset < size(); offset += kChunk) {
    const auto part = std::span(chunk).first(static_cast<std::size_t>(std::min(kChunk, size() - offset)));
    Read(offset, part);
    hash.Add(part);
  }
}

void MemorySource::ReadInRange(std::int64_t offset, std::span<std::uint8_t> out) const {
  std::copy_n(bytes_.begin() + offset, out.size(), out.begin());
}

FileSource::~FileSource() { ::close(fd_); }

void FileSource::ReadInRange(std::int64_t offset, std::span<std::uint8_t> out) const {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd_, out.data(), out.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Unreadable(errno);
    if (n == 0) throw Error(ErrorCode::kIo, "became shorter while it was read");
    out = out.subspan(static_cast<std::size_t>(n));
    offset += n;
  }
}

std::unique_ptr<ByteSource> OpenRegularFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // O_NONBLOCK: a FIFO must not hang us
  if (fd < 0) throw Unreadable(errno);
  struct stat status {};
  const int error = ::fstat(fd, &status) == 0 ? 0 : errno;
  if (error != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    if (error != 0) throw Unreadable(error);
    return nullptr;
  }
  return std::make_unique<FileSource>(fd, status.st_size);
}

}  // namespace prefiqs::model
