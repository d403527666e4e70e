// WebP by libwebp: lossy, lossless and alpha; animations are refused.
#include <webp/decode.h>

#include <cstdint>
#include <vector>

#include "image/format.h"

namespace prefiqs::image {
namespace {

constexpr char kFormat[] = "WebP";

const char* Text(VP8StatusCode code) {
  switch (code) {
    case VP8_STATUS_NOT_ENOUGH_DATA:
      return "the file is truncated";
    case VP8_STATUS_OUT_OF_MEMORY:
      return "out of memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
      return "unsupported feature";
    default:
      return "corrupt data";
  }
}

// Chunks of the RIFF container: four letters, size in little endian, data, padding to even ("WebP container
// specification").
int Orientation(Bytes bytes) {
  for (std::size_t at = 12; at <= bytes.size() && bytes.size() - at >= 8;) {
    const std::uint8_t* p = &bytes[at];
    const std::size_t size = p[4] | std::size_t{p[5]} << 8 | std::size_t{p[6]} << 16 | std::size_t{p[7]} << 24;
    const std::size_t left = bytes.size() - at - 8;
    if (size > left) return 1;
    if (p[0] == 'E' && p[1] == 'X' && p[2] == 'I' && p[3] == 'F') return ExifOrientation(bytes.subspan(at + 8, size));
    at += 8 + size + size % 2;
  }
  return 1;
}

}  // namespace

Image DecodeWebp(Bytes bytes, const ImageLimits& limits) {
  WebPDecoderConfig config;
  if (WebPInitDecoderConfig(&config) == 0) throw Undecodable(kFormat, "this libwebp is not the one compiled for");
  VP8StatusCode code = WebPGetFeatures(bytes.data(), bytes.size(), &config.input);
  if (code != VP8_STATUS_OK) throw Undecodable(kFormat, Text(code));
  if (config.input.has_animation != 0) throw Undecodable(kFormat, "animations are not supported");
  const auto width = static_cast<std::size_t>(config.input.width);
  const auto height = static_cast<std::size_t>(config.input.height);
  CheckSize(kFormat, width, height, limits);

  Image picture = Blank(width, height);
  const bool alpha = config.input.has_alpha != 0;
  std::vector<std::uint8_t> rgba(alpha ? width * height * 4 : 0);
  std::vector<std::uint8_t>& target = alpha ? rgba : picture.rgb;
  config.output.colorspace = alpha ? MODE_RGBA : MODE_RGB;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = target.data();
  config.output.u.RGBA.size = target.size();
  config.output.u.RGBA.stride = static_cast<int>(width * (alpha ? 4 : 3));
  code = WebPDecode(bytes.data(), bytes.size(), &config);
  WebPFreeDecBuffer(&config.output);
  if (code == VP8_STATUS_SUSPENDED) code = VP8_STATUS_NOT_ENOUGH_DATA;
  if (code != VP8_STATUS_OK) throw Undecodable(kFormat, Text(code));
  for (std::size_t i = 0; alpha && i < width * height; ++i) {
    for (std::size_t c = 0; c < 3; ++c) picture.rgb[i * 3 + c] = OverBlack(rgba[i * 4 + c], rgba[i * 4 + 3], 255);
  }
  return Upright(std::move(picture), Orientation(bytes));
}

}  // namespace prefiqs::image
