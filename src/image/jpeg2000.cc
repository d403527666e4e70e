// JPEG 2000 (JP2 files and raw codestreams) by OpenJPEG: grey, RGB, sYCC, with or without alpha, up to 16 bits,
// components of different resolution. No palettes, no CMYK; colour profiles are ignored, and Exif in a UUID box too.
#include <openjpeg.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "image/codestream.h"
#include "image/format.h"

namespace prefiqs::image {
namespace {

constexpr char kFormat[] = "JPEG 2000";

// OpenJPEG's stream over bytes in memory. It does not run destructors over callbacks, and these do not throw.
struct Source {
  Bytes bytes;
  std::size_t at = 0;
};

constexpr OPJ_SIZE_T kEnd = static_cast<OPJ_SIZE_T>(-1);

OPJ_SIZE_T Read(void* target, OPJ_SIZE_T size, void* user) {
  auto* source = static_cast<Source*>(user);
  const std::size_t count = std::min<std::size_t>(size, source->bytes.size() - source->at);
  if (count == 0) return kEnd;
  std::memcpy(target, source->bytes.data() + source->at, count);
  source->at += count;
  return count;
}

OPJ_OFF_T Skip(OPJ_OFF_T size, void* user) {
  auto* source = static_cast<Source*>(user);
  if (size < 0) return -1;
  const std::size_t left = source->bytes.size() - source->at;
  if (static_cast<std::uint64_t>(size) > left) {
    source->at = source->bytes.size();
    return left == 0 ? -1 : static_cast<OPJ_OFF_T>(left);
  }
  source->at += static_cast<std::size_t>(size);
  return size;
}

OPJ_BOOL Seek(OPJ_OFF_T to, void* user) {
  auto* source = static_cast<Source*>(user);
  if (to < 0 || static_cast<std::uint64_t>(to) > source->bytes.size()) return OPJ_FALSE;
  source->at = static_cast<std::size_t>(to);
  return OPJ_TRUE;
}

// OpenJPEG's streams and codecs are both void*: a deleter for each.
struct FreeStream {
  void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
};
struct FreeCodec {
  void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
struct FreeImage {
  void operator()(opj_image_t* image) const { opj_image_destroy(image); }
};
using ImagePointer = std::unique_ptr<opj_image_t, FreeImage>;

void KeepFirst(const char* message, void* user) {
  auto* first = static_cast<std::array<char, 200>*>(user);
  if ((*first)[0] != '\0') return;
  const std::size_t length = std::min(std::strcspn(message, "\n"), first->size() - 1);
  std::memcpy(first->data(), message, length);
  (*first)[length] = '\0';
}

ImagePointer Decode(Bytes bytes, const ImageLimits& limits) {
  Source source{bytes};
  const std::unique_ptr<opj_stream_t, FreeStream> stream(opj_stream_default_create(OPJ_TRUE));
  const std::unique_ptr<opj_codec_t, FreeCodec> codec(
      opj_create_decompress(bytes[0] == 0xFF ? OPJ_CODEC_J2K : OPJ_CODEC_JP2));
  if (stream == nullptr || codec == nullptr) throw std::bad_alloc();
  opj_stream_set_user_data(stream.get(), &source, nullptr);
  opj_stream_set_user_data_length(stream.get(), bytes.size());
  opj_stream_set_read_function(stream.get(), Read);
  opj_stream_set_skip_function(stream.get(), Skip);
  opj_stream_set_seek_function(stream.get(), Seek);

  // Of a codec only: without handlers OpenJPEG is silent.
  std::array<char, 200> cause{};
  opj_set_error_handler(codec.get(), KeepFirst, &cause);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  const auto check = [&](OPJ_BOOL good) {
    if (good == OPJ_FALSE) throw Undecodable(kFormat, cause[0] != '\0' ? cause.data() : "corrupt data");
  };
  check(opj_setup_decoder(codec.get(), &parameters));
  check(opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE));
  opj_image_t* header = nullptr;
  const OPJ_BOOL read = opj_read_header(stream.get(), codec.get(), &header);
  ImagePointer image(header);
  check(read);
  CheckSize(kFormat, image->x1 - image->x0, image->y1 - image->y0, limits);
  check(opj_decode(codec.get(), stream.get(), image.get()));
  check(opj_end_decompress(codec.get(), stream.get()));
  return image;
}

// One component, read at positions of the picture's grid (that of component 0).
class Plane {
 public:
  Plane(const opj_image_comp_t& component, const opj_image_comp_t& grid)
      : component_(component),
        grid_(grid),
        offset_(component.sgnd != 0 ? std::int64_t{1} << (component.prec - 1) : 0),
        max_((1u << component.prec) - 1) {}

  std::uint32_t max() const { return max_; }

  // The nearest sample at or before the position, as decoders of subsampled colour have it.
  std::uint32_t At(std::uint32_t x, std::uint32_t y) const {
    const std::uint64_t column = Position(x, grid_.x0, grid_.dx, component_.x0, component_.dx, component_.w);
    const std::uint64_t row = Position(y, grid_.y0, grid_.dy, component_.y0, component_.dy, component_.h);
    const std::int64_t value = component_.data[row * component_.w + column] + offset_;
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, max_));
  }

 private:
  static std::uint64_t Position(std::uint64_t at, std::uint64_t grid_start, std::uint64_t grid_step,
                                std::uint64_t start, std::uint64_t step, std::uint64_t size) {
    const std::uint64_t reference = (grid_start + at) * grid_step / step;
    return reference <= start ? 0 : std::min(reference - start, size - 1);
  }

  const opj_image_comp_t& component_;
  const opj_image_comp_t& grid_;
  std::int64_t offset_;
  std::uint32_t max_;
};

// ITU-R BT.601 as sYCC (IEC 61966-2-1, amendment 1) uses it; all in 0..255 of any precision.
std::array<std::uint8_t, 3> FromYcc(double y, double cb, double cr) {
  const auto round = [](double value) { return static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0)); };
  return {round(y + 1.402 * cr), round(y - 0.344136 * cb - 0.714136 * cr), round(y + 1.772 * cb)};
}

}  // namespace

Image DecodeJpeg2000(Bytes bytes, const ImageLimits& limits, std::string& note) {
  CheckJpeg2000(bytes, limits);
  const ImagePointer image = Decode(bytes, limits);
  if (image->numcomps < 1 || image->numcomps > 4) throw Undecodable(kFormat, "number of components");
  std::vector<Plane> planes;
  for (std::uint32_t i = 0; i < image->numcomps; ++i) {
    const opj_image_comp_t& component = image->comps[i];
    if (component.data == nullptr || component.w == 0 || component.h == 0 || component.prec < 1 || component.prec > 16)
      throw Undecodable(kFormat, "a component is missing");
    planes.emplace_back(component, image->comps[0]);
  }
  const opj_image_comp_t& grid = image->comps[0];
  if (image->color_space == OPJ_CLRSPC_CMYK || image->color_space == OPJ_CLRSPC_EYCC)
    throw Undecodable(kFormat, "CMYK and e-YCC are not supported");
  // A raw codestream does not name its colours; subsampled ones are luma and chroma.
  const bool ycc =
      planes.size() >= 3 && (image->color_space == OPJ_CLRSPC_SYCC ||
                             (image->color_space != OPJ_CLRSPC_SRGB && grid.dx == grid.dy && image->comps[1].dx != 1));
  const bool grey = planes.size() <= 2;
  const Plane* alpha = planes.size() % 2 == 0 ? &planes.back() : nullptr;

  LargestSample largest;  // of a picture in luma and chroma: its luma
  Image picture = Blank(grid.w, grid.h);
  std::uint8_t* rgb = picture.rgb.data();
  for (std::uint32_t y = 0; y < grid.h; ++y) {
    for (std::uint32_t x = 0; x < grid.w; ++x, rgb += 3) {
      if (ycc) {
        largest.See(planes[0].At(x, y));
        const auto level = [&](std::size_t i) { return planes[i].At(x, y) * 255.0 / planes[i].max(); };
        const auto chroma = [&](std::size_t i) {
          const double middle = (planes[i].max() + 1) / 2;
          return (planes[i].At(x, y) - middle) * 255.0 / planes[i].max();
        };
        const std::array<std::uint8_t, 3> colour = FromYcc(level(0), chroma(1), chroma(2));
        std::copy(colour.begin(), colour.end(), rgb);
      } else {
        for (std::size_t c = 0; c < 3; ++c) {
          const Plane& plane = planes[grey ? 0 : c];
          largest.See(plane.At(x, y));
          rgb[c] = To8Bit(plane.At(x, y), plane.max());
        }
      }
      if (alpha != nullptr) {
        for (int c = 0; c < 3; ++c) rgb[c] = To8Bit(rgb[c] * alpha->At(x, y), 255 * alpha->max());
      }
    }
  }
  note = largest.Note(planes[0].max());
  return picture;
}

}  // namespace prefiqs::image
