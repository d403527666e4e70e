#include "model/byte_source.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace prefiqs::model {

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

void FileSource::ReadLater(std::int64_t offset, std::span<std::uint8_t> out) const {
  const auto fail = [&](const char* cause) {
    throw Error(ErrorCode::kIo, fmt::format("{}: {}", Printable(path_), cause));
  };
  try {
    Read(offset, out);
  } catch (const Error& error) {
    fail(error.what());
  }
  if (!file_->unchanged()) fail("was changed since it was loaded; load it again");
}

std::shared_ptr<const ByteSource> OpenRegularFile(const std::string& path) {
  auto file = RegularFile::Open(path);
  if (file == nullptr) return nullptr;
  return std::make_shared<const FileSource>(std::move(file), path);
}

}  // namespace prefiqs::model
