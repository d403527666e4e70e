// The rows of a JPEG, one after the other: what decoding whole and decoding parts have in common.
#ifndef PREFIQS_IMAGE_JPEG_READER_H_
#define PREFIQS_IMAGE_JPEG_READER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "image/format.h"

namespace prefiqs::image {

inline constexpr char kJpeg[] = "JPEG";

// All functions throw Failure(kUndecodable) for bytes that are no good JPEG. Rows are RGB and as the file has them: the
// orientation is not applied.
class JpegReader {
 public:
  // Reads the header. `bytes` must outlive this.
  explicit JpegReader(Bytes bytes);
  ~JpegReader();
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;

  std::uint32_t width() const;  // of the whole picture
  std::uint32_t height() const;
  int orientation() const;  // Exif's, 1 to 8
  // Progressive, or a scan for each component: libjpeg keeps the coefficients of the whole picture, two bytes each.
  bool has_several_scans() const;

  // To be called once, before rows are read. Both sides are divided by `denominator`, 1, 2, 4 or 8, and rounded up: a
  // pixel stands for that many in each direction.
  void Start(int denominator = 1);
  std::uint32_t row_width() const;  // of the reduced picture
  std::uint32_t rows() const;
  void ReadRow(std::uint8_t* rgb);  // row_width() pixels
  // After the last row: reads on to the end of the picture, so that one that breaks off there is noticed. Returns what
  // a DecodedImage's detail says of the picture: nothing, or that its end marker is missing. Such a picture is taken
  // where all that stands before the marker is there.
  std::string Finish();

 private:
  class Decompressor;
  std::unique_ptr<Decompressor> decompressor_;
  int orientation_ = 1;
  std::vector<std::uint8_t> cmyk_row_;
};

// Throws Failure where the picture has more pixels than `limits` allow.
void CheckJpegSize(const JpegReader& reader, const ImageLimits& limits);

// The whole picture, upright. `reader`: not started. `note`: as of the other decoders (format.h).
Image DecodeJpeg(JpegReader& reader, const ImageLimits& limits, std::string& note);

}  // namespace prefiqs::image

#endif  // PREFIQS_IMAGE_JPEG_READER_H_
