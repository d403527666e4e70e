#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <prefiqs/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

namespace prefiqs {
namespace {

Error IoError(const char* verb, const std::string& path, int error) {
  return Error(ErrorCode::kIo, fmt::format("{}: cannot {}: {}", Printable(path), verb, std::strerror(error)));
}

Error Unreadable(int error) { return Error(ErrorCode::kIo, fmt::format("cannot read: {}", std::strerror(error))); }

std::int64_t Modified(const struct stat& status) {
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }
  // Zero, or the error of close(2): that is where some file systems report a full disk.
  int Close() {
    const int result = ::close(fd_);
    fd_ = -1;
    return result == 0 ? 0 : errno;
  }

 private:
  int fd_;
};

// Zero or errno.
int WriteAll(int fd, std::span<const std::uint8_t> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    done += static_cast<std::size_t>(n);
  }
  return ::fsync(fd) == 0 || errno == EINVAL ? 0 : errno;  // EINVAL: a pipe or device has nothing to sync
}

}  // namespace

std::vector<std::uint8_t> ReadFile(const std::string& path, std::int64_t max_bytes) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw IoError("open", path, errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw IoError("read", path, errno);
  if (S_ISDIR(status.st_mode)) throw IoError("read", path, EISDIR);
  const auto too_large = [&] {
    return FileTooLarge(fmt::format("{}: larger than the limit of {} bytes", Printable(path), max_bytes));
  };
  if (status.st_size > max_bytes) throw too_large();
  // The size is a hint only: pipes report 0, and a file may grow under us.
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(status.st_size) + 1);
  std::size_t size = 0;
  for (;;) {
    if (size == bytes.size()) bytes.resize(bytes.size() * 2);
    const ssize_t n = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw IoError("read", path, errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
    if (size > static_cast<std::size_t>(max_bytes)) throw too_large();
  }
  bytes.resize(size);
  return bytes;
}

std::unique_ptr<const RegularFile> RegularFile::Open(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) throw Unreadable(errno);
  if (!S_ISREG(status.st_mode)) return nullptr;
  return std::unique_ptr<const RegularFile>(new RegularFile(file.Release(), status.st_size, Modified(status)));
}

bool RegularFile::unchanged() const {
  struct stat status {};
  return ::fstat(fd_, &status) == 0 && status.st_size == size_ && Modified(status) == modified_;
}

RegularFile::~RegularFile() { ::close(fd_); }

void RegularFile::Read(std::int64_t offset, std::span<std::uint8_t> out) const {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd_, out.data(), out.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Unreadable(errno);
    if (n == 0) throw Error(ErrorCode::kIo, "became shorter while it was read");
    out = out.subspan(static_cast<std::size_t>(n));
    offset += n;
  }
}

namespace {

// A device or pipe is written to: a file must not take its place. False: there is nothing such there.
bool WriteToSpecial(const std::string& path, std::span<const std::uint8_t> bytes) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) return false;
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) throw IoError("write", path, errno);
  int error = WriteAll(file.get(), bytes);
  if (const int close_error = file.Close(); error == 0) error = close_error;
  if (error != 0) throw IoError("write", path, error);
  return true;
}

// Where a link leads, so that the link stays; the path itself where it is none, or leads nowhere.
std::string Target(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_symlink(path, error)) return path;
  const std::filesystem::path target = std::filesystem::canonical(path, error);
  return error ? path : target.string();
}

}  // namespace

namespace {

// Beside `path`, of no other writer.
std::string TemporaryName(const std::string& path) {
  static std::atomic<unsigned> counter{0};
  return fmt::format("{}.{}.{}.part", path, ::getpid(), counter.fetch_add(1));
}

}  // namespace

void WriteFileAtomically(const std::string& named, std::span<const std::uint8_t> bytes) {
  if (WriteToSpecial(named, bytes)) return;
  const std::string path = Target(named);
  const std::string temporary = TemporaryName(path);
  FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.get() < 0) throw IoError("write", path, errno);
  int error = WriteAll(file.get(), bytes);
  if (const int close_error = file.Close(); error == 0) error = close_error;
  if (error == 0 && ::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    ::unlink(temporary.c_str());
    throw IoError("write", path, error);
  }
}

void WriteFileAtomically(const std::string& path, std::string_view text) {
  WriteFileAtomically(path, std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

void CheckWritable(const std::string& named) {
  struct stat status {};
  const std::string path = Target(named);
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) throw IoError("write", path, EISDIR);
    if (!S_ISREG(status.st_mode)) {  // opening a pipe would wait for its reader
      if (::access(path.c_str(), W_OK) != 0) throw IoError("write", path, errno);
      return;
    }
  }
  const std::string temporary = TemporaryName(path);
  const FileDescriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  if (file.get() < 0) throw IoError("write", path, errno);
  ::unlink(temporary.c_str());
}

std::string Printable(std::string_view path) {
  std::string text;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      text += fmt::format("\\x{:02x}", byte);
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace prefiqs
