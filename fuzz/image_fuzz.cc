// Encoded bytes to a picture. An exception, a status that Image does not name, or a picture that is not what it says
// is a bug.
#include <prefiqs/image.h>
#include <sanitizer/allocator_interface.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "image/large.h"

namespace {

void Require(bool condition) {
  if (!condition) __builtin_trap();
}

bool decoding = false;

// A decoder gets by with some 20 bytes a pixel, and the libraries with buffers of a few MiB.
void OnMalloc(const volatile void*, std::size_t size) {
  constexpr std::size_t kMaxBlock = 16 << 20;
  if (decoding) Require(size <= kMaxBlock);
}

void OnFree(const volatile void*) {}

prefiqs::DecodedImage Decode(const std::uint8_t* data, std::size_t size, const prefiqs::ImageLimits& limits) {
  decoding = true;
  prefiqs::DecodedImage decoded = prefiqs::Image::decode({data, size}, limits);
  decoding = false;
  return decoded;
}

// The same JPEG as a large one: what is decoded reduced can be decoded in full.
void CheckLarge(const std::uint8_t* data, std::size_t size, prefiqs::ImageLimits limits) {
  limits.whole_jpeg_pixels = 1;
  const prefiqs::DecodedImage decoded = Decode(data, size, limits);
  if (!decoded.large) return;
  const prefiqs::image::LargeJpeg& large = *decoded.large;
  Require(decoded.status == prefiqs::Status::kOk && decoded.image.empty());
  Require(std::int64_t{large.width()} * large.height() <= *limits.max_pixels);
  const prefiqs::image::Rect part{large.width() / 3, large.height() / 2, large.width(), large.height()};
  decoding = true;
  const prefiqs::image::Canvas canvas = large.Read({&part, 1});
  decoding = false;
  Require(canvas.view().width == large.width() && canvas.view().height == large.height());
}

std::uint32_t BigEndian(const std::uint8_t* bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

// PNG 3, annex D.
std::uint32_t Crc(const std::uint8_t* bytes, std::size_t size) {
  std::uint32_t crc = ~0u;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= bytes[i];
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

// Chunks of PNG: length, type, data, checksum of type and data. libpng drops one whose checksum is wrong, so that
// without this hardly any change would get further.
void RepairPng(std::uint8_t* data, std::size_t size) {
  constexpr std::uint8_t kMagic[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  if (size < sizeof(kMagic) || std::memcmp(data, kMagic, sizeof(kMagic)) != 0) return;
  for (std::size_t at = sizeof(kMagic); size - at >= 12;) {
    const std::size_t length = BigEndian(data + at);
    if (length > size - at - 12) return;
    const std::uint32_t crc = Crc(data + at + 4, length + 4);
    for (std::size_t i = 0; i < 4; ++i) data[at + 8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    at += 12 + length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  Require(__sanitizer_install_malloc_and_free_hooks(OnMalloc, OnFree) != 0);
  return 0;
}

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  size = LLVMFuzzerMutate(data, size, max_size);
  constexpr unsigned kLeaveOneIn = 16;  // a wrong checksum is a path too
  if (seed % kLeaveOneIn != 0) RepairPng(data, size);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using prefiqs::Status;
  // Small, so that a run is short and memory that escapes the limits shows as an out-of-memory report.
  constexpr prefiqs::ImageLimits kLimits{.max_file_bytes = 1 << 14, .max_pixels = 1 << 14};
  CheckLarge(data, size, kLimits);
  const prefiqs::DecodedImage decoded = Decode(data, size, kLimits);
  const prefiqs::Image& image = decoded.image;
  if (decoded.status == Status::kOk) {
    Require(size <= kLimits.max_file_bytes &&
            (decoded.detail.empty() || decoded.detail.starts_with("the picture is nearly black") ||
             decoded.detail.starts_with("the JPEG has no end marker")));
    Require(image.width > 0 && image.height > 0);
    const auto pixels = std::int64_t{image.width} * image.height;
    Require(pixels <= *kLimits.max_pixels && image.rgb.size() == static_cast<std::size_t>(pixels) * 3);
    // What was never written would differ.
    Require(Decode(data, size, kLimits).image.rgb == image.rgb);
  } else {
    Require(decoded.status == Status::kUndecodable || decoded.status == Status::kTooLarge);
    Require(size <= kLimits.max_file_bytes || decoded.status == Status::kTooLarge);
    Require(image.empty() && image.width == 0 && image.height == 0);
    Require(!decoded.detail.empty() && decoded.detail.find('\n') == std::string::npos);
  }
  return 0;
}
