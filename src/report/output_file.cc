#include "report/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <prefiqs/error.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"

namespace prefiqs::report {
namespace {

// Writes at the file position. Zero or errno.
int WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

}  // namespace

OutputFile::OutputFile() : path_("standard output"), fd_(::dup(STDOUT_FILENO)) {
  if (fd_ < 0) Fail("write", errno);
}

OutputFile::OutputFile(std::string path, OpenMode mode, bool without_lock) : path_(std::move(path)) {
  const int flags = O_CREAT | O_CLOEXEC;
  fd_ = ::open(path_.c_str(), O_RDWR | flags | (mode == OpenMode::kNew ? O_EXCL : 0), 0666);
  if (fd_ < 0 && mode == OpenMode::kNew && errno == EEXIST) {
    struct stat status {};
    if (::stat(path_.c_str(), &status) != 0) Fail("open", errno);
    if (S_ISREG(status.st_mode)) {
      throw Error(ErrorCode::kIo,
                  fmt::format("{}: exists already; --force overwrites it, --resume continues it", Printable(path_)));
    }
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);  // a pipe is opened for writing only, to wait for its reader
  }
  if (fd_ < 0) Fail("open for writing", errno);
  struct stat status {};
  if (::fstat(fd_, &status) != 0) Fail("open", errno);
  regular_ = S_ISREG(status.st_mode);
  if (!regular_) {
    if (mode == OpenMode::kContinue) {
      throw Error(ErrorCode::kIo, fmt::format("{}: not a regular file, so it cannot be continued; leave --resume out",
                                              Printable(path_)));
    }
    return;
  }
  Lock(mode, without_lock);
  size_ = status.st_size;
  if (mode == OpenMode::kOverwrite) Truncate(0);
  if (::lseek(fd_, size_, SEEK_SET) < 0) Fail("write", errno);
}

void OutputFile::Lock(OpenMode mode, bool without_lock) {
  int failed = 0;
  do {
    failed = ::flock(fd_, LOCK_EX | LOCK_NB);
  } while (failed != 0 && errno == EINTR);
  if (failed == 0) return;
  if (errno == EWOULDBLOCK) {
    throw Error(ErrorCode::kIo, fmt::format("{}: another process is writing it", Printable(path_)));
  }
  lock_failure_ = std::strerror(errno);
  if (mode != OpenMode::kContinue || without_lock) return;
  throw Error(ErrorCode::kIo,
              fmt::format("{}: cannot be continued: it cannot be locked ({}), so another run that writes it would not "
                          "be noticed and rows would be lost; make sure that there is none and add --without-lock, or "
                          "use a file on another file system",
                          Printable(path_), lock_failure_));
}

void OutputFile::CheckUnchanged() const {
  struct stat status {};
  if (::fstat(fd_, &status) != 0) Fail("write", errno);
  if (status.st_size == size_) return;
  throw Error(ErrorCode::kIo,
              fmt::format("{}: another process writes it too: it has {} bytes, this run left {}; wait for the other to "
                          "end, or write to a file of this run's own",
                          Printable(path_), static_cast<std::int64_t>(status.st_size), size_));
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
}

void OutputFile::Fail(const char* verb, int error) const {
  if (error == EPIPE) {
    throw Error(ErrorCode::kReaderGone, fmt::format("{}: cannot {}: whoever read it has gone", Printable(path_), verb));
  }
  std::string advice;
  if (error == ENOSPC || error == EDQUOT) advice = "; make room, then --resume goes on from here";
  throw Error(ErrorCode::kIo, fmt::format("{}: cannot {}: {}{}", Printable(path_), verb, std::strerror(error), advice));
}

void OutputFile::Append(std::string_view bytes) {
  if (!lock_failure_.empty()) CheckUnchanged();
  const int error = WriteAll(fd_, bytes);
  if (error != 0) {
    // Nothing better can be done when cutting fails too: resuming drops a row that was cut off.
    if (regular_ && ::ftruncate(fd_, size_) == 0) (void)::lseek(fd_, size_, SEEK_SET);
    Fail("write", error);
  }
  size_ += static_cast<std::int64_t>(bytes.size());
}

std::size_t OutputFile::ReadAt(std::int64_t offset, std::span<char> bytes) const {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = ::pread(fd_, bytes.data() + done, bytes.size() - done, offset + static_cast<std::int64_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) Fail("read", errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

void OutputFile::WriteAt(std::int64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) Fail("write", errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += n;
  }
}

void OutputFile::Truncate(std::int64_t size) {
  if (::ftruncate(fd_, size) != 0) Fail("shorten", errno);
  size_ = size;
  if (::lseek(fd_, size_, SEEK_SET) < 0) Fail("write", errno);
}

void OutputFile::Finish() {
  if (regular_ && ::fsync(fd_) != 0 && errno != EINVAL) Fail("write", errno);
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) Fail("write", errno);
}

}  // namespace prefiqs::report
