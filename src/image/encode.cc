#include "image/encode.h"

#include <fmt/format.h>

#include <cstdio>  // jpeglib.h wants it before

#include <jpeglib.h>

#include <cstdlib>
#include <memory>

namespace prefiqs::image {
namespace {

// libjpeg does not come back from an error; there is none to expect but memory that ran out.
[[noreturn]] void OnError(j_common_ptr info) {
  char message[JMSG_LENGTH_MAX];
  info->err->format_message(info, message);
  throw Error(ErrorCode::kInternal, fmt::format("JPEG encoder: {}", message));
}

}  // namespace

std::vector<std::uint8_t> ToJpeg(const Image& image, int quality) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  errors.error_exit = OnError;
  jpeg_create_compress(&info);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const auto clean = [&](jpeg_compress_struct* what) {
    jpeg_destroy_compress(what);
    std::free(bytes);
  };
  const std::unique_ptr<jpeg_compress_struct, decltype(clean)> guard(&info, clean);
  jpeg_mem_dest(&info, &bytes, &size);
  info.image_width = static_cast<JDIMENSION>(image.width);
  info.image_height = static_cast<JDIMENSION>(image.height);
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  info.dct_method = JDCT_ISLOW;
  jpeg_start_compress(&info, TRUE);
  const std::size_t row = static_cast<std::size_t>(image.width) * 3;
  for (int y = 0; y < image.height; ++y) {
    auto* line = const_cast<JSAMPROW>(&image.rgb[static_cast<std::size_t>(y) * row]);  // libjpeg only reads it
    jpeg_write_scanlines(&info, &line, 1);
  }
  jpeg_finish_compress(&info);
  return {bytes, bytes + size};
}

}  // namespace prefiqs::image
