#include "eval/npz_archive.h"

#include <fmt/format.h>
#include <prefiqs/error.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>

// The format: PKWARE's APPNOTE.TXT. All numbers are little-endian.
namespace prefiqs::eval {
namespace {

constexpr std::uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50, kEnd64Locator = 0x07064b50,
                        kEnd64 = 0x06064b50;
constexpr std::size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kEnd64LocatorSize = 20, kEnd64Size = 56;
constexpr std::uint64_t kMostDirectoryBytes = 16 << 20, kMostComment = 0xFFFF;
constexpr std::uint32_t k32 = 0xFFFFFFFF;  // the number stands in the zip64 field
constexpr std::uint16_t kStored = 0, kDeflated = 8, kZip64Field = 1, kEncrypted = 1;
constexpr std::string_view kSuffix = ".npy";
constexpr std::size_t kBuffer = 64 << 10;
constexpr int kRaw = -MAX_WBITS;  // zlib: no header in front
// Deflate cannot say more bytes than this by one (RFC 1951: 258 by two codes of a bit each).
constexpr std::uint64_t kMostRatio = 1032;

Error Fail(std::string_view cause) { return Error(ErrorCode::kIo, std::string(cause)); }

using Bytes = std::span<const std::uint8_t>;

std::uint64_t Number(Bytes bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value |= std::uint64_t{bytes[at + i]} << (8 * i);
  return value;
}
std::uint16_t U16(Bytes bytes, std::size_t at) { return static_cast<std::uint16_t>(Number(bytes, at, 2)); }
std::uint32_t U32(Bytes bytes, std::size_t at) { return static_cast<std::uint32_t>(Number(bytes, at, 4)); }

std::vector<std::uint8_t> ReadAt(const RegularFile& file, std::uint64_t at, std::uint64_t size) {
  const auto whole = static_cast<std::uint64_t>(file.size());
  if (at > whole || size > whole - at) throw Fail("the zip file is cut off");
  std::vector<std::uint8_t> bytes(size);
  file.Read(static_cast<std::int64_t>(at), bytes);
  return bytes;
}

struct Directory {
  std::uint64_t start = 0, size = 0;
};

Directory FindDirectory(const RegularFile& file) {
  const auto whole = static_cast<std::uint64_t>(file.size());
  const std::uint64_t looked = std::min<std::uint64_t>(whole, kEndSize + kMostComment);
  const std::vector<std::uint8_t> tail = ReadAt(file, whole - looked, looked);
  std::optional<std::size_t> end;
  for (std::size_t i = tail.size() < kEndSize ? 0 : tail.size() - kEndSize + 1; i > 0 && !end; --i) {
    if (U32(tail, i - 1) == kEnd) end = i - 1;
  }
  if (!end) throw Fail("the zip file has no directory: it is cut off");
  Directory directory{U32(tail, *end + 16), U32(tail, *end + 12)};
  if (*end >= kEnd64LocatorSize && U32(tail, *end - kEnd64LocatorSize) == kEnd64Locator) {
    const std::vector<std::uint8_t> end64 = ReadAt(file, Number(tail, *end - kEnd64LocatorSize + 8, 8), kEnd64Size);
    if (U32(end64, 0) != kEnd64) throw Fail("the zip file's directory is damaged");
    directory = {Number(end64, 48, 8), Number(end64, 40, 8)};
  }
  if (directory.size > kMostDirectoryBytes) throw Fail("the zip file's directory is too large");
  return directory;
}

// Numbers of 64 bits that stand in a field of their own, in this order, each only where its 32 bits say so.
void TakeZip64(Bytes extra, std::array<std::uint64_t*, 3> numbers) {
  while (extra.size() >= 4) {
    const std::uint16_t id = U16(extra, 0);
    const std::size_t size = U16(extra, 2);
    if (size > extra.size() - 4) break;
    Bytes field = extra.subspan(4, size);
    extra = extra.subspan(4 + size);
    if (id != kZip64Field) continue;
    for (std::uint64_t* const number : numbers) {
      if (*number != k32) continue;
      if (field.size() < 8) throw Fail("the zip file's directory is damaged");
      *number = Number(field, 0, 8);
      field = field.subspan(8);
    }
  }
}

}  // namespace

bool IsZip(const RegularFile& file) {
  std::array<std::uint8_t, 4> start{};
  if (file.size() < static_cast<std::int64_t>(start.size())) return false;
  file.Read(0, start);
  return U32(start, 0) == kLocal || U32(start, 0) == kEnd;
}

std::vector<NpzMember> ListNpz(const RegularFile& file) {
  const Directory place = FindDirectory(file);
  const std::vector<std::uint8_t> directory = ReadAt(file, place.start, place.size);
  std::vector<NpzMember> members;
  Bytes rest(directory);
  while (rest.size() >= kCentralSize && U32(rest, 0) == kCentral) {
    const std::size_t name_size = U16(rest, 28), extra_size = U16(rest, 30), comment_size = U16(rest, 32);
    if (rest.size() - kCentralSize < name_size + extra_size + comment_size) break;
    const Bytes entry = rest;
    rest = rest.subspan(kCentralSize + name_size + extra_size + comment_size);
    std::string name(reinterpret_cast<const char*>(entry.data()) + kCentralSize, name_size);
    if (!name.ends_with(kSuffix)) continue;
    name.resize(name.size() - kSuffix.size());
    if ((U16(entry, 8) & kEncrypted) != 0) throw Fail(fmt::format("its array {} is encrypted", Printable(name)));
    const std::uint16_t method = U16(entry, 10);
    if (method != kStored && method != kDeflated) {
      throw Fail(
          fmt::format("its array {} is compressed by method {}; NumPy stores or deflates", Printable(name), method));
    }
    std::uint64_t stored = U32(entry, 20), bytes = U32(entry, 24), header = U32(entry, 42);
    TakeZip64(entry.subspan(kCentralSize + name_size, extra_size), {&bytes, &stored, &header});
    const std::vector<std::uint8_t> local = ReadAt(file, header, kLocalSize);
    if (U32(local, 0) != kLocal) throw Fail("the zip file's directory is damaged");
    const std::uint64_t start = header + kLocalSize + U16(local, 26) + U16(local, 28);
    const auto whole = static_cast<std::uint64_t>(file.size());
    if (start > whole || stored > whole - start) throw Fail("the zip file is cut off");
    if (method == kStored ? bytes != stored : bytes / kMostRatio > stored) {
      throw Fail(
          fmt::format("its array {} claims {} bytes, more than its {} can hold", Printable(name), bytes, stored));
    }
    members.push_back({.name = std::move(name),
                       .deflated = method == kDeflated,
                       .start = static_cast<std::int64_t>(start),
                       .stored_bytes = stored,
                       .bytes = bytes,
                       .checksum = U32(entry, 16)});
  }
  if (!rest.empty()) throw Fail("the zip file's directory is damaged");
  return members;
}

struct NpzInflater::Stream {
  Stream(const RegularFile& the_file, const NpzMember& the_member)
      : file(the_file), member(the_member), in(kBuffer), next(the_member.start), left(the_member.stored_bytes) {
    if (inflateInit2(&zlib, kRaw) != Z_OK) throw Fail("not enough memory to inflate it");
  }
  ~Stream() { inflateEnd(&zlib); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // As many bytes as there are, up to out.size().
  std::size_t Some(std::span<std::uint8_t> out) {
    zlib.next_out = out.data();
    zlib.avail_out = static_cast<uInt>(out.size());
    while (zlib.avail_out > 0 && !ended) {
      if (zlib.avail_in == 0 && left > 0) {
        const std::size_t size = std::min<std::uint64_t>(left, in.size());
        file.Read(next, std::span(in).first(size));
        next += static_cast<std::int64_t>(size);
        left -= size;
        zlib.next_in = in.data();
        zlib.avail_in = static_cast<uInt>(size);
      }
      const int result = inflate(&zlib, Z_NO_FLUSH);
      ended = result == Z_STREAM_END;
      if (result != Z_OK && !ended) throw Fail("its deflated data are damaged or cut off");
    }
    const std::size_t size = out.size() - zlib.avail_out;
    checksum = static_cast<std::uint32_t>(crc32(checksum, out.data(), static_cast<uInt>(size)));
    total += size;
    return size;
  }

  const RegularFile& file;
  NpzMember member;
  std::vector<std::uint8_t> in;
  std::int64_t next = 0;   // of the file
  std::uint64_t left = 0;  // of the member, behind it
  std::uint64_t total = 0;
  std::uint32_t checksum = 0;
  bool ended = false;
  z_stream zlib{};
};

NpzInflater::NpzInflater(const RegularFile& file, const NpzMember& member)
    : stream_(std::make_unique<Stream>(file, member)) {}

NpzInflater::~NpzInflater() = default;

void NpzInflater::Read(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const std::size_t got = stream_->Some(out.first(std::min(out.size(), kBuffer)));
    if (got == 0) throw Fail("its deflated data end early");
    out = out.subspan(got);
  }
}

void NpzInflater::Finish() {
  std::array<std::uint8_t, 4096> rest{};
  while (stream_->Some(rest) > 0) {
    if (stream_->total > stream_->member.bytes) throw Fail("its deflated data are longer than the zip file says");
  }
  if (stream_->checksum != stream_->member.checksum || stream_->total != stream_->member.bytes) {
    throw Fail("its deflated data are damaged: their checksum is another");
  }
}

}  // namespace prefiqs::eval
