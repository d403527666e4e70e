// Whole files in and out, without half-written results.
#ifndef PREFIQS_BASE_FILE_H_
#define PREFIQS_BASE_FILE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <prefiqs/error.h>

namespace prefiqs {

// What ReadFile throws for a file of more bytes than it may read.
class FileTooLarge : public Error {
 public:
  explicit FileTooLarge(const std::string& message) : Error(ErrorCode::kIo, message) {}
};

// The whole file. Throws Error(kIo) naming path and cause, for a folder too; FileTooLarge for one larger than
// `max_bytes`, before it is read where its size is known.
std::vector<std::uint8_t> ReadFile(const std::string& path, std::int64_t max_bytes);

// A regular file open for reading at any place, as large as it was when it was opened. Thread-safe.
class RegularFile {
 public:
  // Null for what is there but no regular file: never waits for a pipe. This and Read throw Error(kIo) with the cause
  // alone: those who call name the file in their own way.
  static std::unique_ptr<const RegularFile> Open(const std::string& path);
  ~RegularFile();
  RegularFile(const RegularFile&) = delete;
  RegularFile& operator=(const RegularFile&) = delete;

  std::int64_t size() const { return size_; }
  // Fills `out`; requires 0 <= offset and offset + out.size() <= size().
  void Read(std::int64_t offset, std::span<std::uint8_t> out) const;
  // Whether nobody wrote to it since it was opened, as far as its size and time of modification tell. Another file in
  // its place (by renaming) is no change: this is the old one.
  bool unchanged() const;

 private:
  RegularFile(int fd, std::int64_t size, std::int64_t modified) : fd_(fd), size_(size), modified_(modified) {}

  int fd_;
  std::int64_t size_;
  std::int64_t modified_;  // nanoseconds
};

// Writes `bytes` to a temporary file beside `path` (beside what it leads to, of a link), syncs and renames; to a device
// or pipe it just writes. Throws Error(kIo) (full disk, no permission) and leaves no temporary file and any old `path`
// as it was.
void WriteFileAtomically(const std::string& path, std::span<const std::uint8_t> bytes);
void WriteFileAtomically(const std::string& path, std::string_view text);

// Throws Error(kIo), as WriteFileAtomically would, where `path` cannot be written: a folder, or in one that is not
// there or not writable. Leaves everything as it was. For what is written at the end of long work.
void CheckWritable(const std::string& path);

// Bytes of a path made fit for a message: control characters as \xNN, the rest as it is.
std::string Printable(std::string_view path);

}  // namespace prefiqs

#endif  // PREFIQS_BASE_FILE_H_
