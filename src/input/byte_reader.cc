#include "input/byte_reader.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>

#include "base/file.h"

namespace prefiqs::input {
namespace {

class File : public RandomAccess {
 public:
  explicit File(const std::string& path) : path_(path) {
    Named([&] { file_ = RegularFile::Open(path); });
    if (file_ == nullptr) {
      throw Error(ErrorCode::kIo, fmt::format("{}: cannot read: not a regular file", Printable(path)));
    }
  }

  std::int64_t size() const override { return file_->size(); }
  void Read(std::int64_t offset, std::span<std::uint8_t> target) const override {
    Named([&] { file_->Read(offset, target); });
  }

 private:
  // `work` with the path in front of what it says.
  template <typename Work>
  void Named(Work work) const {
    try {
      work();
    } catch (const Error& error) {
      throw Error(error.code(), fmt::format("{}: {}", Printable(path_), error.what()));
    }
  }

  std::string path_;
  std::unique_ptr<const RegularFile> file_;
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
