#include "input/byte_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <prefiqs/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file.h"

namespace prefiqs::input {
namespace {

class File : public RandomAccess {
 public:
  explicit File(const std::string& path) : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ < 0) throw Failed(errno);
    struct stat status {};
    const bool regular = ::fstat(fd_, &status) == 0 && S_ISREG(status.st_mode);
    if (!regular) {
      ::close(fd_);
      throw Error(ErrorCode::kIo, fmt::format("{}: cannot read: not a regular file", Printable(path)));
    }
    size_ = status.st_size;
  }
  ~File() override { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::int64_t size() const override { return size_; }

  void Read(std::int64_t offset, std::span<std::uint8_t> target) const override {
    while (!target.empty()) {
      const ssize_t count = ::pread(fd_, target.data(), target.size(), offset);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw Failed(errno);
      if (count == 0)
        throw Error(ErrorCode::kIo, fmt::format("{}: became shorter while it was read", Printable(path_)));
      target = target.subspan(static_cast<std::size_t>(count));
      offset += count;
    }
  }

 private:
  Error Failed(int error) const {
    return Error(ErrorCode::kIo, fmt::format("{}: cannot read: {}", Printable(path_), std::strerror(error)));
  }

  std::string path_;
  int fd_;
  std::int64_t size_ = 0;
};

class Memory : public RandomAccess {
 public:
  explicit Memory(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(bytes_.size()); }
  void Read(std::int64_t offset, std::span<std::uint8_t> target) const override {
    const auto part = bytes_.subspan(static_cast<std::size_t>(offset), target.size());
    std::copy(part.begin(), part.end(), target.begin());
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

}  // namespace

std::unique_ptr<RandomAccess> OpenFile(const std::string& path) { return std::make_unique<File>(path); }
std::unique_ptr<RandomAccess> OpenBytes(std::span<const std::uint8_t> bytes) { return std::make_unique<Memory>(bytes); }

std::uint8_t ByteReader::Byte() {
  const auto end = buffer_start_ + static_cast<std::int64_t>(buffer_.size());
  if (offset_ < buffer_start_ || offset_ >= end) {
    // Between the pictures of a set lie some ten bytes: a large buffer would read the pictures too.
    constexpr std::int64_t kBufferBytes = 4096;
    buffer_.resize(static_cast<std::size_t>(std::min(kBufferBytes, left())));
    buffer_start_ = offset_;
    source_.Read(offset_, buffer_);
  }
  return buffer_[static_cast<std::size_t>(offset_++ - buffer_start_)];
}

}  // namespace prefiqs::input
