// Bytes that can be read at any place: a file, or memory.
#ifndef PREFIQS_MODEL_BYTE_SOURCE_H_
#define PREFIQS_MODEL_BYTE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/hash.h"

namespace prefiqs::model {

class FileSource;

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Itself, where its bytes can be read for as long as somebody holds it; else null.
  virtual std::shared_ptr<const FileSource> Lasting() const { return nullptr; }
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

class FileSource : public ByteSource, public std::enable_shared_from_this<FileSource> {
 public:
  FileSource(std::unique_ptr<const RegularFile> file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  std::int64_t size() const override { return file_->size(); }
  std::shared_ptr<const FileSource> Lasting() const override { return weak_from_this().lock(); }

  // As Read(), at any later time: throws Error(kIo), naming the file, too where it was changed meanwhile.
  void ReadLater(std::int64_t offset, std::span<std::uint8_t> out) const;

 protected:
  void ReadInRange(std::int64_t offset, std::span<std::uint8_t> out) const override { file_->Read(offset, out); }

 private:
  std::unique_ptr<const RegularFile> file_;
  std::string path_;
};

// Opens `path`; null for what is there but no regular file. Throws as RegularFile::Open does.
std::shared_ptr<const ByteSource> OpenRegularFile(const std::string& path);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_BYTE_SOURCE_H_
