// Pictures: 8-bit RGB in memory, read from JPEG, PNG, WebP, JPEG 2000 and PNM.
#ifndef PREFIQS_IMAGE_H_
#define PREFIQS_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <prefiqs/error.h>

namespace prefiqs {

// Bounds on what a picture may cost before it is refused with Status::kTooLarge.
struct ImageLimits {
  std::size_t max_file_bytes = std::size_t{256} << 20;
  // Checked against the size in the header, before anything is allocated for pixels.
  std::int64_t max_pixels = std::int64_t{100} * 1000 * 1000;
};

struct DecodedImage;

// Row-major, interleaved R, G, B, no padding: pixel (x, y) starts at rgb[(y * width + x) * 3].
// A plain value: copying copies the pixels.
struct PREFIQS_API Image {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;

  bool empty() const { return rgb.empty(); }

  // Reads and decodes a file / an encoded picture in memory. Never throws for what the bytes hold: the status says what
  // is wrong. Grey is spread to R = G = B, 16-bit is reduced to 8 by rounding, CMYK is converted, transparent pixels
  // are composed over black, and the EXIF orientation is applied, so that the picture is upright. `path` may be any
  // bytes.
  static DecodedImage open(const std::string& path, const ImageLimits& limits = {});
  static DecodedImage decode(std::span<const std::uint8_t> bytes, const ImageLimits& limits = {});
};

struct DecodedImage {
  Image image;  // empty unless status is kOk
  Status status = Status::kUndecodable;
  std::string detail;  // cause, for people; empty when kOk

  // Lets `assessor.assess(Image::open(path))` read as it should; the status travels into the assessment.
};

// Writes an 8-bit RGB PNG, atomically (a temporary file beside it, then a rename). Throws Error(kIo).
PREFIQS_API void write_png(const Image& image, const std::string& path);

}  // namespace prefiqs

#endif  // PREFIQS_IMAGE_H_
