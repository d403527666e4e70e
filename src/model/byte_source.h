// Bytes that can be read at any place: a file, or memory.
#ifndef PREFIQS_MODEL_BYTE_SOURCE_H_
#define PREFIQS_MODEL_BYTE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"

namespace prefiqs::model {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual std::int64_t size() const = 0;
  // Fills `out` from `offset` on. Throws Error(kModel) when that goes beyond the end, Error(kIo) when reading fails.
  void Read(std::int64_t offset, std::span<std::uint8_t> out) const;
  void AddTo(ContentHash& hash) const;

 protected:
  virtual void ReadInRange(std::int64_t offset, std::span<std::uint8_t> out) const = 0;
};

// Does not own its bytes.
class MemorySource : public ByteSource {
 public:
  explicit MemorySource(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  std::int64_t size() const override { return static_cast<std::int64_t>(bytes_.size()); }

 protected:
  void ReadInRange(std::int64_t offset, std::span<std::uint8_t> out) const override;

 private:
  std::span<const std::uint8_t> bytes_;
};

// A regular file, as large as it was when it was opened.
class FileSource : public ByteSource {
 public:
  // Takes `fd`, which it closes.
  FileSource(int fd, std::int64_t size) : fd_(fd), size_(size) {}
  ~FileSource() override;
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  std::int64_t size() const override { return size_; }

 protected:
  void ReadInRange(std::int64_t offset, std::span<std::uint8_t> out) const override;

 private:
  int fd_;
  std::int64_t size_;
};

// Opens `path`; null for what is there but no regular file (a pipe). Throws Error(kIo) without naming the path.
std::unique_ptr<ByteSource> OpenRegularFile(const std::string& path);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_BYTE_SOURCE_H_
