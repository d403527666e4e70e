#include "image/library_versions.h"

// jpeglib.h uses FILE and size_t without declaring them.
#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <fmt/format.h>
#include <openjpeg.h>
#include <png.h>
#include <webp/decode.h>

namespace prefiqs::image {
namespace {

std::string JpegVersion() {
#ifdef LIBJPEG_TURBO_VERSION_NUMBER  // MMMNNNRRR in decimal digits
  constexpr int kVersion = LIBJPEG_TURBO_VERSION_NUMBER;
  return fmt::format("libjpeg-turbo {}.{}.{}", kVersion / 1000000, kVersion / 1000 % 1000, kVersion % 1000);
#else
  return fmt::format("libjpeg {}", JPEG_LIB_VERSION);
#endif
}

// 0xMMNNRR
std::string WebpVersion() {
  const int version = WebPGetDecoderVersion();
  return fmt::format("libwebp {}.{}.{}", version >> 16, version >> 8 & 0xff, version & 0xff);
}

}  // namespace

std::vector<std::string> LibraryVersions() {
  return {JpegVersion(), fmt::format("libpng {}", png_get_libpng_ver(nullptr)), WebpVersion(),
          fmt::format("openjpeg {}", opj_version())};
}

}  // namespace prefiqs::image
