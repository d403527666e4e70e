// JPEG, decoded whole.
#include "image/jpeg_reader.h"

namespace prefiqs::image {

void CheckJpegSize(const JpegReader& reader, const ImageLimits& limits) {
  if (!reader.has_several_scans()) {
    return CheckSize(kJpeg, reader.width(), reader.height(), limits.max_pixels.value_or(ImageLimits::kMaxJpegPixels));
  }
  CheckSize(kJpeg, reader.width(), reader.height(), limits.max_pixels.value_or(ImageLimits::kMaxPixels),
            "; it has several scans (is progressive), and such a picture has to be in memory whole");
}

Image DecodeJpeg(JpegReader& reader, const ImageLimits& limits, std::string& note) {
  CheckJpegSize(reader, limits);
  Image picture = Blank(reader.width(), reader.height());
  reader.Start();
  for (std::size_t y = 0; y < reader.rows(); ++y) reader.ReadRow(&picture.rgb[y * reader.row_width() * 3]);
  note = reader.Finish();
  return Upright(std::move(picture), reader.orientation());
}

}  // namespace prefiqs::image
