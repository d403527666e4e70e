// Pictures: 8-bit RGB in memory, read from JPEG, PNG, WebP, JPEG 2000 and PNM.
#ifndef PREFIQS_IMAGE_H_
#define PREFIQS_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <prefiqs/error.h>

namespace prefiqs {

// Bounds on what a picture may cost before it is refused with Status::kTooLarge.
struct ImageLimits {
  // A picture is kept whole up to kMaxPixels: 300 MB, and several times that while some formats are decoded. Phones
  // write JPEGs of 108 and 200 megapixels; these need not be kept whole (DecodedImage::large), so that they stay under
  // 1 GiB. JPEGs of several scans (progressive ones) have to be whole while they are decoded, and count as the others.
  static constexpr std::int64_t kMaxPixels = std::int64_t{100} * 1000 * 1000;
  static constexpr std::int64_t kMaxJpegPixels = std::int64_t{16384} * 12288;  // the larger of two sizes called 200

  std::size_t max_file_bytes = std::size_t{256} << 20;
  // For all formats. Unset: kMaxJpegPixels for JPEGs of one scan, kMaxPixels for everything else. Checked against the
  // size in the header, before anything is allocated for pixels.
  std::optional<std::int64_t> max_pixels{};
  // JPEGs of one scan that have more pixels than this are not kept whole.
  std::int64_t whole_jpeg_pixels = kMaxPixels;
};

struct DecodedImage;
namespace image {
class LargeJpeg;
}

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
  Image image;  // empty unless status is kOk, and for a large picture
  Status status = Status::kUndecodable;
  // For people. Cause where status is not kOk. With kOk nearly always empty: names a picture of 16 bits a sample that
  // is nearly black because its samples have fewer bits (as of a camera of 12 bits), and a JPEG without its end marker
  // all of whose rows are there.
  std::string detail;
  // Set for a JPEG of more than ImageLimits::whole_jpeg_pixels. It holds the encoded bytes and the picture at a half, a
  // quarter or an eighth of its size. An Assessor searches that for faces, and then decodes the parts where they are in
  // full: boxes and landmarks are those of the whole picture, and a crop has the bits that the whole picture gives with
  // the same landmarks. An aligned crop of that size is taken from the reduced picture,
  // whose shape is what has to fit.
  std::shared_ptr<const image::LargeJpeg> large{};

  // Lets `assessor.assess(Image::open(path))` read as it should; the status travels into the assessment.
};

// Writes an 8-bit RGB PNG, atomically (a temporary file beside it, then a rename). Throws Error(kIo).
PREFIQS_API void write_png(const Image& image, const std::string& path);

}  // namespace prefiqs

#endif  // PREFIQS_IMAGE_H_
