#include "image/encode_for_test.h"

#include <cstddef>
#include <cstdio>
// jpeglib.h needs the two before it.
#include <jpeglib.h>
#include <openjpeg.h>
#include <png.h>
#include <webp/encode.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

namespace prefiqs::image {
namespace {

std::size_t RowValues(const Samples& samples) {
  return static_cast<std::size_t>(samples.width) * static_cast<std::size_t>(samples.channels);
}

// A row of 8-bit samples, or 16-bit ones with the high byte first.
ByteVector Row(const Samples& samples, int y, bool two_bytes = false) {
  ByteVector row;
  const std::uint16_t* values = &samples.values[static_cast<std::size_t>(y) * RowValues(samples)];
  for (std::size_t i = 0; i < RowValues(samples); ++i) {
    if (two_bytes) row.push_back(static_cast<std::uint8_t>(values[i] >> 8));
    row.push_back(static_cast<std::uint8_t>(values[i]));
  }
  return row;
}

void Append(ByteVector& bytes, std::uint64_t value, int size, bool big_endian) {
  for (int i = 0; i < size; ++i)
    bytes.push_back(static_cast<std::uint8_t>(value >> 8 * (big_endian ? size - 1 - i : i)));
}

// OpenJPEG's output stream; its codecs seek back to fill in lengths.
struct Sink {
  ByteVector bytes;
  std::size_t at = 0;
};

OPJ_SIZE_T Write(void* data, OPJ_SIZE_T size, void* user) {
  auto* sink = static_cast<Sink*>(user);
  sink->bytes.resize(std::max(sink->bytes.size(), sink->at + size));
  std::memcpy(&sink->bytes[sink->at], data, size);
  sink->at += size;
  return size;
}

OPJ_OFF_T Skip(OPJ_OFF_T size, void* user) {
  static_cast<Sink*>(user)->at += static_cast<std::size_t>(size);
  return size;
}

OPJ_BOOL Seek(OPJ_OFF_T to, void* user) {
  static_cast<Sink*>(user)->at = static_cast<std::size_t>(to);
  return OPJ_TRUE;
}

OPJ_COLOR_SPACE ColourOf(Jpeg2000Options::Colour colour) {
  switch (colour) {
    case Jpeg2000Options::Colour::kGrey:
      return OPJ_CLRSPC_GRAY;
    case Jpeg2000Options::Colour::kRgb:
      return OPJ_CLRSPC_SRGB;
    case Jpeg2000Options::Colour::kYcc:
      return OPJ_CLRSPC_SYCC;
    case Jpeg2000Options::Colour::kUnspecified:
      break;
  }
  return OPJ_CLRSPC_UNSPECIFIED;
}

opj_image_t* MakeImage(const Samples& samples, const Jpeg2000Options& options) {
  const auto step = [&](int c) { return c == 1 || c == 2 ? options.chroma_step : 1; };
  std::array<opj_image_cmptparm_t, 4> components{};
  for (int c = 0; c < samples.channels; ++c) {
    opj_image_cmptparm_t& component = components[static_cast<std::size_t>(c)];
    component.dx = component.dy = static_cast<OPJ_UINT32>(step(c));
    component.w = static_cast<OPJ_UINT32>((samples.width + step(c) - 1) / step(c));
    component.h = static_cast<OPJ_UINT32>((samples.height + step(c) - 1) / step(c));
    component.x0 = static_cast<OPJ_UINT32>(options.x0 / step(c));
    component.y0 = static_cast<OPJ_UINT32>(options.y0 / step(c));
    component.prec = static_cast<OPJ_UINT32>(options.depth);
    component.sgnd = options.is_signed ? 1 : 0;
  }
  opj_image_t* image =
      opj_image_create(static_cast<OPJ_UINT32>(samples.channels), components.data(), ColourOf(options.colour));
  image->x0 = static_cast<OPJ_UINT32>(options.x0);
  image->y0 = static_cast<OPJ_UINT32>(options.y0);
  image->x1 = image->x0 + static_cast<OPJ_UINT32>(samples.width);
  image->y1 = image->y0 + static_cast<OPJ_UINT32>(samples.height);
  for (int c = 0; c < samples.channels; ++c) {
    OPJ_INT32* data = image->comps[c].data;
    for (int y = 0; y < samples.height; y += step(c)) {
      for (int x = 0; x < samples.width; x += step(c)) {
        const auto at = static_cast<std::size_t>((y * samples.width + x) * samples.channels + c);
        *data++ = samples.values[at] - (options.is_signed ? 1 << (options.depth - 1) : 0);
      }
    }
  }
  return image;
}

}  // namespace

Samples Ramps(int width, int height, int channels, int max) {
  Samples samples{width, height, channels, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double across = (x + 0.5) / width, down = (y + 0.5) / height;
      const double values[] = {across, down, 1 - across, 0.25 + (across + down) / 3};
      for (int c = 0; c < channels; ++c) samples.values.push_back(static_cast<std::uint16_t>(values[c] * max + 0.5));
    }
  }
  return samples;
}

ByteVector ExifBlock(int orientation, bool big_endian) {
  ByteVector block = big_endian ? ByteVector{'M', 'M'} : ByteVector{'I', 'I'};
  const auto append = [&](std::uint64_t value, int size) { Append(block, value, size, big_endian); };
  append(42, 2);
  append(8, 4);  // offset of the directory
  append(2, 2);  // entries: tag, type, count, value
  append(0x0100, 2), append(4, 2), append(1, 4), append(77, 4);
  append(0x0112, 2), append(3, 2), append(1, 4), append(static_cast<std::uint64_t>(orientation), 2), append(0, 2);
  append(0, 4);  // no further directory
  return block;
}

ByteVector EncodeJpeg(const Samples& samples, const JpegOptions& options) {
  using Colour = JpegOptions::Colour;
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &data, &size);
  info.image_width = static_cast<JDIMENSION>(samples.width);
  info.image_height = static_cast<JDIMENSION>(samples.height);
  info.input_components = samples.channels;
  info.in_color_space = samples.channels == 1 ? JCS_GRAYSCALE : samples.channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  switch (options.colour) {
    case Colour::kGrey:
      jpeg_set_colorspace(&info, JCS_GRAYSCALE);
      break;
    case Colour::kYcc:
      jpeg_set_colorspace(&info, JCS_YCbCr);
      break;
    case Colour::kRgb:
      jpeg_set_colorspace(&info, JCS_RGB);
      break;
    case Colour::kCmyk:
      jpeg_set_colorspace(&info, JCS_CMYK);
      break;
    case Colour::kYcck:
      jpeg_set_colorspace(&info, JCS_YCCK);
      break;
  }
  jpeg_set_quality(&info, 100, TRUE);
  const int factor = options.subsampled ? 2 : 1;
  info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = factor;
  if (options.colour == Colour::kYcck) {
    for (int c = 1; c < 4; ++c) info.comp_info[c].h_samp_factor = info.comp_info[c].v_samp_factor = 1;
  }
  if (options.progressive) jpeg_simple_progression(&info);
  info.restart_in_rows = options.restart_rows;
  std::vector<jpeg_scan_info> scans;
  if (options.scan_each_component) {
    for (int c = 0; c < info.num_components; ++c) {
      scans.push_back({.comps_in_scan = 1, .component_index = {c}, .Ss = 0, .Se = DCTSIZE2 - 1, .Ah = 0, .Al = 0});
    }
    info.scan_info = scans.data();
    info.num_scans = info.num_components;
  }
  info.arith_code = options.arithmetic ? TRUE : FALSE;
  if (!options.adobe) info.write_Adobe_marker = FALSE;
  jpeg_start_compress(&info, TRUE);
  if (!options.exif.empty()) {
    ByteVector marker = {'E', 'x', 'i', 'f', 0, 0};
    marker.insert(marker.end(), options.exif.begin(), options.exif.end());
    jpeg_write_marker(&info, JPEG_APP0 + 1, marker.data(), static_cast<unsigned>(marker.size()));
  }
  for (int y = 0; y < samples.height; ++y) {
    ByteVector row = Row(samples, y);
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&info, &pointer, 1);
  }
  jpeg_finish_compress(&info);
  ByteVector bytes(data, data + size);
  jpeg_destroy_compress(&info);
  std::free(data);
  return bytes;
}

ByteVector EncodePng(const Samples& samples, const PngOptions& options) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  ByteVector bytes;
  const auto write = [](png_structp writer, png_bytep data, std::size_t size) {
    auto* target = static_cast<ByteVector*>(png_get_io_ptr(writer));
    target->insert(target->end(), data, data + size);
  };
  png_set_write_fn(png, &bytes, write, [](png_structp) {});
  constexpr int kTypes[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                            PNG_COLOR_TYPE_RGB_ALPHA};
  const int type = options.palette.empty() ? kTypes[samples.channels - 1] : PNG_COLOR_TYPE_PALETTE;
  png_set_IHDR(png, info, static_cast<png_uint_32>(samples.width), static_cast<png_uint_32>(samples.height),
               options.depth, type, options.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  std::vector<png_color> palette;
  for (const auto& colour : options.palette) palette.push_back({colour[0], colour[1], colour[2]});
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  png_color_16 transparent{};
  if (options.transparent) {
    const auto& value = *options.transparent;
    transparent = {.index = 0, .red = value[0], .green = value[1], .blue = value[2], .gray = value[0]};
    png_set_tRNS(png, info, nullptr, 0, &transparent);
  }
  if (!options.palette_alpha.empty()) {
    png_set_tRNS(png, info, options.palette_alpha.data(), static_cast<int>(options.palette_alpha.size()), nullptr);
  }
  ByteVector exif = options.exif;
  if (!exif.empty()) png_set_eXIf_1(png, info, static_cast<png_uint_32>(exif.size()), exif.data());
  png_write_info(png, info);
  if (options.only_header) {
    for (const char* chunk : {"IDAT", "IEND"})
      png_write_chunk(png, reinterpret_cast<png_const_bytep>(chunk), nullptr, 0);
  } else {
    png_set_packing(png);
    const int passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; ++pass) {
      for (int y = 0; y < samples.height; ++y) png_write_row(png, Row(samples, y, options.depth == 16).data());
    }
    png_write_end(png, info);
  }
  png_destroy_write_struct(&png, &info);
  return bytes;
}

ByteVector EncodeWebp(const Samples& samples, const WebpOptions& options) {
  ByteVector pixels;
  for (const std::uint16_t value : samples.values) pixels.push_back(static_cast<std::uint8_t>(value));
  const bool alpha = samples.channels == 4;
  const int stride = static_cast<int>(RowValues(samples));
  constexpr float kQuality = 100;
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  const std::uint8_t* rgb = pixels.data();
  if (options.lossless) {
    const auto encode = alpha ? WebPEncodeLosslessRGBA : WebPEncodeLosslessRGB;
    size = encode(rgb, samples.width, samples.height, stride, &data);
  } else {
    const auto encode = alpha ? WebPEncodeRGBA : WebPEncodeRGB;
    size = encode(rgb, samples.width, samples.height, stride, kQuality, &data);
  }
  ByteVector bytes(data, data + size);
  WebPFree(data);
  if (options.exif.empty()) return bytes;

  // An extended file: the header chunk, the picture's chunk as it is, then Exif.
  constexpr std::uint8_t kExifFlag = 8;
  ByteVector extended = ToBytes("WEBPVP8X");
  Append(extended, 10, 4, false);
  Append(extended, kExifFlag, 4, false);
  Append(extended, static_cast<std::uint64_t>(samples.width - 1), 3, false);
  Append(extended, static_cast<std::uint64_t>(samples.height - 1), 3, false);
  extended.insert(extended.end(), bytes.begin() + 12, bytes.end());
  for (const char c : {'E', 'X', 'I', 'F'}) extended.push_back(static_cast<std::uint8_t>(c));
  Append(extended, options.exif.size(), 4, false);
  extended.insert(extended.end(), options.exif.begin(), options.exif.end());
  if (options.exif.size() % 2 != 0) extended.push_back(0);
  ByteVector file = ToBytes("RIFF");
  Append(file, extended.size(), 4, false);
  file.insert(file.end(), extended.begin(), extended.end());
  return file;
}

ByteVector EncodeJpeg2000(const Samples& samples, const Jpeg2000Options& options) {
  Sink sink;
  opj_image_t* image = MakeImage(samples, options);
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.tcp_numlayers = 1;
  parameters.cp_disto_alloc = 1;
  parameters.numresolution = std::min(samples.width, samples.height) >= 8 ? 3 : 1;  // each halves the sides
  parameters.tcp_mct = samples.channels >= 3 && options.chroma_step == 1 ? 1 : 0;
  if (options.tile_size > 0) {
    parameters.tile_size_on = OPJ_TRUE;
    parameters.cp_tdx = parameters.cp_tdy = options.tile_size;
  }
  opj_codec_t* codec = opj_create_compress(options.codestream ? OPJ_CODEC_J2K : OPJ_CODEC_JP2);
  opj_stream_t* stream = opj_stream_default_create(OPJ_FALSE);
  opj_stream_set_user_data(stream, &sink, nullptr);
  opj_stream_set_write_function(stream, Write);
  opj_stream_set_skip_function(stream, Skip);
  opj_stream_set_seek_function(stream, Seek);
  const bool good = opj_setup_encoder(codec, &parameters, image) != OPJ_FALSE &&
                    opj_start_compress(codec, image, stream) != OPJ_FALSE && opj_encode(codec, stream) != OPJ_FALSE &&
                    opj_end_compress(codec, stream) != OPJ_FALSE;
  opj_stream_destroy(stream);
  opj_destroy_codec(codec);
  opj_image_destroy(image);
  if (!good) throw std::runtime_error("OpenJPEG does not encode this");
  return sink.bytes;
}

ByteVector EncodePnm(const Samples& samples, int max) {
  const std::string sizes[] = {std::to_string(samples.width), std::to_string(samples.height), std::to_string(max)};
  std::string header;
  if ((samples.channels == 1 || samples.channels == 3) && max < 256) {
    header = (samples.channels == 1 ? "P5\n" : "P6\n") + sizes[0] + " " + sizes[1] + "\n" + sizes[2] + "\n";
  } else {
    header = "P7\nWIDTH " + sizes[0] + "\nHEIGHT " + sizes[1] + "\nDEPTH " + std::to_string(samples.channels) +
             "\nMAXVAL " + sizes[2] + "\nTUPLTYPE OTHER\nENDHDR\n";
  }
  ByteVector bytes = ToBytes(header);
  for (int y = 0; y < samples.height; ++y) {
    const ByteVector row = Row(samples, y, max > 255);
    bytes.insert(bytes.end(), row.begin(), row.end());
  }
  return bytes;
}

}  // namespace prefiqs::image
