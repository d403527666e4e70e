// A file that grows, and is whole up to its last append whatever happens.
#ifndef PREFIQS_REPORT_OUTPUT_FILE_H_
#define PREFIQS_REPORT_OUTPUT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace prefiqs::report {

enum class OpenMode {
  kNew,        // must not exist yet; devices and pipes may
  kOverwrite,  // starts empty
  kContinue,   // keeps what is there; starts the file if there is none
};

// Unbuffered: what Append has taken survives the end of the process, however it comes. One writer at a time: a regular
// file is locked (flock) while it is open here. Some network file systems have no locks: there Append refuses to go on
// when the file's size is not what it left, which notices most other writers, but not all. Not thread-safe.
class OutputFile {
 public:
  // Throws Error(kIo) naming the path: it exists (kNew), cannot be opened, is written by another process, or cannot be
  // continued (kContinue) because it is a device or a pipe, or cannot be locked (unless `without_lock`).
  OutputFile(std::string path, OpenMode mode, bool without_lock = false);
  static OutputFile StandardOutput() { return OutputFile(); }
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  bool regular() const { return regular_; }
  const std::string& path() const { return path_; }
  // Why a regular file could not be locked; empty where it is.
  const std::string& lock_failure() const { return lock_failure_; }
  std::int64_t size() const { return size_; }  // of a regular file; else bytes appended

  // All or nothing for a regular file: after a full disk it ends where it ended before. Throws Error(kIo), also where
  // another process changed a file that is not locked, or Error(kReaderGone) for a pipe.
  void Append(std::string_view bytes);
  // Of a regular file: bytes at `offset`, fewer at its end; overwriting; cutting. Throw Error(kIo).
  std::size_t ReadAt(std::int64_t offset, std::span<char> bytes) const;
  void WriteAt(std::int64_t offset, std::string_view bytes);
  void Truncate(std::int64_t size);

  // Syncs and closes; where a late write error shows. Throws Error(kIo).
  void Finish();

 private:
  OutputFile();
  void Lock(OpenMode mode, bool without_lock);
  void CheckUnchanged() const;
  [[noreturn]] void Fail(const char* verb, int error) const;

  std::string path_;
  int fd_ = -1;
  bool regular_ = false;
  std::string lock_failure_;
  std::int64_t size_ = 0;
};

}  // namespace prefiqs::report

#endif  // PREFIQS_REPORT_OUTPUT_FILE_H_
