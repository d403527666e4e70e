// The one thing taken from Exif: tag 0x0112 of the first image directory (Exif 2.32, 4.6.4; TIFF 6.0, section 2).
#include <algorithm>
#include <cstring>
#include <optional>

#include "image/format.h"

namespace prefiqs::image {
namespace {

// Reads in the byte order of the block; nothing outside of it.
class Tiff {
 public:
  Tiff(Bytes bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  std::optional<std::uint32_t> Read(std::size_t offset, std::size_t size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < size) return std::nullopt;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes_[offset + (big_endian_ ? i : size - 1 - i)];
    return value;
  }

 private:
  Bytes bytes_;
  bool big_endian_;
};

}  // namespace

int ExifOrientation(Bytes exif) {
  constexpr std::uint8_t kPrefix[] = {'E', 'x', 'i', 'f', 0, 0};
  if (exif.size() >= sizeof(kPrefix) && std::memcmp(exif.data(), kPrefix, sizeof(kPrefix)) == 0)
    exif = exif.subspan(sizeof(kPrefix));
  if (exif.size() < 8) return 1;
  const bool big_endian = exif[0] == 'M' && exif[1] == 'M';
  if (!big_endian && !(exif[0] == 'I' && exif[1] == 'I')) return 1;

  const Tiff tiff(exif, big_endian);
  if (tiff.Read(2, 2) != 42u) return 1;
  const std::size_t directory = *tiff.Read(4, 4);
  const std::uint32_t entries = tiff.Read(directory, 2).value_or(0);
  for (std::uint32_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + std::size_t{12} * i;  // tag, type, count, value or offset
    const std::optional<std::uint32_t> tag = tiff.Read(entry, 2);
    if (!tag) return 1;
    if (*tag != 0x0112) continue;
    constexpr std::uint32_t kShort = 3;
    const std::uint32_t value = tiff.Read(entry + 8, 2).value_or(1);
    return tiff.Read(entry + 2, 2) == kShort && value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

// Where the stored picture's first row and first column lie in the upright one.
Turn TurnOf(int orientation) {
  return {.transpose = orientation >= 5 && orientation <= 8,
          .mirror_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7,
          .mirror_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8};
}

Image Upright(Image picture, int orientation) {
  if (orientation <= 1 || orientation > 8) return picture;
  const auto [transpose, mirror_x, mirror_y] = TurnOf(orientation);
  Image upright;
  upright.width = transpose ? picture.height : picture.width;
  upright.height = transpose ? picture.width : picture.height;
  upright.rgb.resize(picture.rgb.size());
  const std::ptrdiff_t row_bytes = std::ptrdiff_t{3} * picture.width;
  const std::ptrdiff_t step_x = (transpose ? row_bytes : 3) * (mirror_x ? -1 : 1);
  const std::ptrdiff_t step_y = (transpose ? 3 : row_bytes) * (mirror_y ? -1 : 1);
  const std::uint8_t* first = picture.rgb.data();
  if (mirror_x) first -= step_x * (upright.width - 1);
  if (mirror_y) first -= step_y * (upright.height - 1);
  std::uint8_t* target = upright.rgb.data();
  for (std::ptrdiff_t y = 0; y < upright.height; ++y) {
    for (std::ptrdiff_t x = 0; x < upright.width; ++x, target += 3)
      std::copy_n(first + y * step_y + x * step_x, 3, target);
  }
  return upright;
}

}  // namespace prefiqs::image
