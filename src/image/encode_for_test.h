// Encoders for tests and for the seeds of the fuzzers: small pictures in every form that the decoders know.
#ifndef PREFIQS_IMAGE_ENCODE_FOR_TEST_H_
#define PREFIQS_IMAGE_ENCODE_FOR_TEST_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace prefiqs::image {

using ByteVector = std::vector<std::uint8_t>;

// Interleaved samples of any depth.
struct Samples {
  int width = 0, height = 0, channels = 0;
  std::vector<std::uint16_t> values;
};

// Ramps from 0 to `max`, each channel in another direction: smooth, so that lossy formats keep them, and different
// under every turn and mirroring.
Samples Ramps(int width, int height, int channels, int max = 255);

// A TIFF block with one directory: a decoy tag, then the orientation.
ByteVector ExifBlock(int orientation, bool big_endian);

struct JpegOptions {
  enum class Colour { kGrey, kYcc, kRgb, kCmyk, kYcck };  // as stored; channels of the samples have to fit
  Colour colour = Colour::kYcc;
  bool progressive = false;
  bool subsampled = false;  // 2x2; kYcc only
  bool arithmetic = false;
  int restart_rows = 0;              // a restart marker after so many rows of blocks; 0: none
  bool scan_each_component = false;  // one scan for each, none progressive
  bool adobe = true;                 // the marker, where libjpeg writes one
  ByteVector exif = {};              // without the leading "Exif\0\0"
};
ByteVector EncodeJpeg(const Samples& samples, const JpegOptions& options = {});

struct PngOptions {
  int depth = 8;
  bool interlaced = false;
  std::vector<std::array<std::uint8_t, 3>> palette = {};  // not empty: the samples are indices
  ByteVector palette_alpha = {};
  std::optional<std::array<std::uint16_t, 3>> transparent = std::nullopt;  // tRNS of grey (first value) or RGB
  ByteVector exif = {};
  bool only_header = false;  // no pixels; the samples need no values
};
ByteVector EncodePng(const Samples& samples, const PngOptions& options = {});

struct WebpOptions {
  bool lossless = false;
  ByteVector exif = {};  // not empty: in an extended (VP8X) file
};
ByteVector EncodeWebp(const Samples& samples, const WebpOptions& options = {});

struct Jpeg2000Options {
  enum class Colour { kUnspecified, kGrey, kRgb, kYcc };
  bool codestream = false;  // raw, without the JP2 boxes
  Colour colour = Colour::kUnspecified;
  int depth = 8;
  int chroma_step = 1;  // components 1 and 2 keep every n-th sample of the given ones in both directions
  bool is_signed = false;
  int x0 = 0, y0 = 0;  // where the picture lies on the reference grid
  int tile_size = 0;   // 0: one tile
};
ByteVector EncodeJpeg2000(const Samples& samples, const Jpeg2000Options& options = {});  // lossless

// Raw PGM or PPM (1 or 3 channels, max below 256) and PAM for all else.
ByteVector EncodePnm(const Samples& samples, int max = 255);

inline ByteVector ToBytes(const std::string& text) { return {text.begin(), text.end()}; }

}  // namespace prefiqs::image

#endif  // PREFIQS_IMAGE_ENCODE_FOR_TEST_H_
