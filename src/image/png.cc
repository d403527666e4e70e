// PNG by libpng: all colour types and depths, interlaced or not; gamma and colour profiles are ignored.
#include <fmt/format.h>
#include <png.h>

#include <csetjmp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "base/file.h"
#include "image/format.h"

namespace prefiqs::image {
namespace {

constexpr char kFormat[] = "PNG";

// libpng reports errors by a function that must not return: it jumps to the last setjmp(). Only member functions of the
// classes derived from this call libpng, and none has a local with a destructor, so that a jump skips none.
class ErrorTrap {
 public:
  const char* message() const { return message_; }

 protected:
  static void OnError(png_structp png, png_const_charp message) {
    auto* trap = static_cast<ErrorTrap*>(png_get_error_ptr(png));
    std::snprintf(trap->message_, sizeof(trap->message_), "%s", message);
    std::longjmp(trap->jump_, 1);
  }
  static void OnWarning(png_structp, png_const_charp) {}

  std::jmp_buf jump_;
  char message_[200] = "out of memory";
};

class Reader : public ErrorTrap {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // These return false on an error; message() holds it.
  bool ReadHeader() {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, static_cast<ErrorTrap*>(this), OnError, OnWarning);
    if (png_ == nullptr || setjmp(jump_) != 0) return false;
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    // The caller has limits of its own; libpng's default of a million a side would come first.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // Compressed texts and profiles are of no use here and may unpack to anything.
    static constexpr png_byte kSkipped[] = "iCCP\0iTXt\0tEXt\0zTXt\0sPLT";
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, kSkipped, sizeof(kSkipped) / 5);
    png_set_read_fn(png_, this, OnRead);
    png_read_info(png_, info_);
    width = png_get_image_width(png_, info_);
    height = png_get_image_height(png_, info_);
    return true;
  }

  // Palette to colours, 1, 2 and 4 bits to 8, transparent colours to an alpha channel.
  bool Start() {
    if (setjmp(jump_) != 0) return false;
    png_set_expand(png_);
    passes = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    row_bytes = png_get_rowbytes(png_, info_);
    channels = png_get_channels(png_, info_);
    depth = png_get_bit_depth(png_, info_);
    return true;
  }

  bool ReadRow(std::uint8_t* row) {
    if (setjmp(jump_) != 0) return false;
    png_read_row(png_, row, nullptr);
    return true;
  }

  // Up to the last chunk, so that a file that breaks off is noticed.
  bool Finish() {
    if (setjmp(jump_) != 0) return false;
    png_read_end(png_, info_);
    return true;
  }

  int Orientation() const {
    png_uint_32 size = 0;
    png_bytep data = nullptr;
    if (png_get_eXIf_1(png_, info_, &size, &data) == 0) return 1;
    return ExifOrientation({data, size});
  }

  std::size_t width = 0, height = 0, row_bytes = 0;
  int passes = 0, channels = 0, depth = 0;

 private:
  static void OnRead(png_structp png, png_bytep target, std::size_t size) {
    auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
    if (size > reader->rest_.size()) png_error(png, "the file is truncated");
    std::memcpy(target, reader->rest_.data(), size);
    reader->rest_ = reader->rest_.subspan(size);
  }

  Bytes rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

// libpng allocates what a chunk says its length is before it reads it, and takes its own limit for a warning. Chunks:
// length, type, data, checksum; the last one is IEND.
void CheckChunks(Bytes bytes) {
  constexpr std::size_t kMagicSize = 8, kAroundData = 12;
  for (bytes = bytes.subspan(kMagicSize);;) {
    if (bytes.size() < kAroundData) throw Undecodable(kFormat, "the file is truncated");
    const std::size_t length = png_get_uint_32(bytes.data());
    if (length > bytes.size() - kAroundData) throw Undecodable(kFormat, "a chunk is longer than the file");
    if (std::memcmp(bytes.data() + 4, "IEND", 4) == 0) return;
    bytes = bytes.subspan(kAroundData + length);
  }
}

// A row of grey, grey + alpha, RGB or RGB + alpha samples to RGB.
template <std::size_t kSampleBytes>
void ConvertRow(const std::uint8_t* source, int channels, std::size_t width, std::uint8_t* rgb,
                LargestSample& largest) {
  constexpr std::uint32_t kMax = kSampleBytes == 1 ? 255 : 65535;
  const auto sample = [&](int channel) -> std::uint32_t {
    const std::uint8_t* bytes = source + static_cast<std::size_t>(channel) * kSampleBytes;
    return kSampleBytes == 1 ? bytes[0] : static_cast<std::uint32_t>(bytes[0]) << 8 | bytes[1];
  };
  const bool grey = channels <= 2;
  const bool transparent = channels % 2 == 0;
  for (std::size_t x = 0; x < width; ++x, source += static_cast<std::size_t>(channels) * kSampleBytes, rgb += 3) {
    const std::uint32_t alpha = transparent ? sample(channels - 1) : kMax;
    for (int c = 0; c < 3; ++c) {
      const std::uint32_t value = sample(grey ? 0 : c);
      if constexpr (kSampleBytes == 2) largest.See(value);
      rgb[c] = alpha == kMax ? To8Bit(value, kMax) : OverBlack(value, alpha, kMax);
    }
  }
}

class Writer : public ErrorTrap {
 public:
  Writer() = default;
  ~Writer() { png_destroy_write_struct(&png_, &info_); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  bool Write(const Image& image) {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, static_cast<ErrorTrap*>(this), OnError, OnWarning);
    if (png_ == nullptr || setjmp(jump_) != 0) return false;
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    png_set_write_fn(png_, this, OnWrite, [](png_structp) {});
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(image.width), static_cast<png_uint_32>(image.height), 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    for (int y = 0; y < image.height; ++y) {
      png_write_row(png_, &image.rgb[static_cast<std::size_t>(y) * static_cast<std::size_t>(image.width) * 3]);
    }
    png_write_end(png_, info_);
    return true;
  }

  const std::vector<std::uint8_t>& bytes() const { return bytes_; }

 private:
  static bool Append(std::vector<std::uint8_t>& bytes, png_bytep data, std::size_t size) {
    try {
      bytes.insert(bytes.end(), data, data + size);
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }
  static void OnWrite(png_structp png, png_bytep data, std::size_t size) {
    if (!Append(static_cast<Writer*>(png_get_io_ptr(png))->bytes_, data, size)) png_error(png, "out of memory");
  }

  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace

Image DecodePng(Bytes bytes, const ImageLimits& limits, std::string& note) {
  CheckChunks(bytes);
  const auto reader = std::make_unique<Reader>(bytes);
  const auto check = [&](bool good) {
    if (!good) throw Undecodable(kFormat, reader->message());
  };
  check(reader->ReadHeader());
  CheckSize(kFormat, reader->width, reader->height, limits);
  check(reader->Start());
  Image picture = Blank(reader->width, reader->height);
  // An interlaced picture is whole only after its last pass.
  const bool interlaced = reader->passes > 1;
  std::vector<std::uint8_t> rows(reader->row_bytes * (interlaced ? reader->height : 1));
  LargestSample largest;
  for (int pass = 1; pass <= reader->passes; ++pass) {
    for (std::size_t y = 0; y < reader->height; ++y) {
      std::uint8_t* row = &rows[interlaced ? y * reader->row_bytes : 0];
      check(reader->ReadRow(row));
      if (pass < reader->passes) continue;
      const auto convert = reader->depth == 16 ? ConvertRow<2> : ConvertRow<1>;
      convert(row, reader->channels, reader->width, &picture.rgb[y * reader->width * 3], largest);
    }
  }
  check(reader->Finish());
  if (reader->depth == 16) note = largest.Note(65535);
  return Upright(std::move(picture), reader->Orientation());
}

}  // namespace prefiqs::image

namespace prefiqs {

void write_png(const Image& image, const std::string& path) {
  if (image.empty())
    throw Error(ErrorCode::kIo, fmt::format("{}: an empty picture cannot be written", Printable(path)));
  const bool consistent =
      image.width > 0 && image.height > 0 && image.rgb.size() % 3 == 0 &&
      image.rgb.size() / 3 == static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  if (!consistent) {
    throw Error(ErrorCode::kIo, fmt::format("{}: {} bytes are not the pixels of a {}x{} picture", Printable(path),
                                            image.rgb.size(), image.width, image.height));
  }
  const auto writer = std::make_unique<image::Writer>();
  if (!writer->Write(image)) {
    throw Error(ErrorCode::kIo, fmt::format("{}: cannot write PNG: {}", Printable(path), writer->message()));
  }
  WriteFileAtomically(path, writer->bytes());
}

}  // namespace prefiqs
