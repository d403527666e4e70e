// The one way in for picture bytes: limits, the format by its first bytes, and no exception out.
#include <fmt/format.h>
#include <prefiqs/image.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "image/format.h"
#include "image/jpeg_reader.h"
#include "image/large.h"

namespace prefiqs {
namespace image {

Failure Undecodable(const char* format, const std::string& cause) {
  return {Status::kUndecodable, fmt::format("{}: {}", format, cause)};
}

void CheckSize(const char* format, std::uint64_t width, std::uint64_t height, const ImageLimits& limits) {
  CheckSize(format, width, height, limits.max_pixels.value_or(ImageLimits::kMaxPixels));
}

void CheckSize(const char* format, std::uint64_t width, std::uint64_t height, std::int64_t max_pixels,
               const char* reason) {
  if (width == 0 || height == 0) throw Undecodable(format, fmt::format("size {}x{} in the header", width, height));
  constexpr std::uint64_t kMaxSide = std::numeric_limits<int>::max();
  const auto most = static_cast<std::uint64_t>(std::max<std::int64_t>(max_pixels, 0));
  if (width > kMaxSide || height > kMaxSide || width * height > most) {
    throw Failure(Status::kTooLarge, fmt::format("{}: {}x{} is more than the limit of {} pixels (--max-pixels){}",
                                                 format, width, height, max_pixels, reason));
  }
}

std::string LargestSample::Note(std::uint32_t max) const {
  constexpr std::uint32_t kBits12 = 1u << 12, kBits15 = 1u << 15;
  if (max < kBits15 || largest_ == 0 || largest_ >= kBits12) return {};
  return fmt::format(
      "the picture is nearly black: its largest sample is {} of {}, as of {} bits stored in 16; scale the samples to "
      "the "
      "whole range",
      largest_, max, std::max(8, static_cast<int>(std::bit_width(largest_))));
}

Image Blank(std::uint64_t width, std::uint64_t height) {
  Image picture{.width = static_cast<int>(width), .height = static_cast<int>(height), .rgb = {}};
  picture.rgb.resize(width * height * 3);
  return picture;
}

namespace {

bool StartsWith(Bytes bytes, std::string_view magic, std::size_t offset = 0) {
  return bytes.size() >= offset + magic.size() && std::memcmp(bytes.data() + offset, magic.data(), magic.size()) == 0;
}

using namespace std::string_view_literals;
constexpr std::string_view kJpegMagic = "\xFF\xD8\xFF"sv;
constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1a\n"sv;
constexpr std::string_view kJp2Magic = "\0\0\0\x0CjP  \r\n\x87\n"sv;
constexpr std::string_view kCodestreamMagic = "\xFF\x4F\xFF\x51"sv;

// Known, so that the message can say what it is.
const char* OtherFormat(Bytes bytes) {
  if (StartsWith(bytes, "GIF8")) return "GIF";
  if (StartsWith(bytes, "BM")) return "BMP";
  if (StartsWith(bytes, "II*\0"sv) || StartsWith(bytes, "MM\0*"sv)) return "TIFF";
  if (StartsWith(bytes, "ftyp", 4)) return "HEIF, AVIF or a video";
  if (StartsWith(bytes, "\xFF\x0A"sv) || StartsWith(bytes, "\0\0\0\x0CJXL "sv)) return "JPEG XL";
  return nullptr;
}

// `note`: what DecodedImage::detail says of a picture that was decoded.
using Decoder = Image (*)(Bytes, const ImageLimits&, std::string& note);

// By the first bytes; null for JPEGs, which may be large, and for what none of the decoders takes.
Decoder DecoderOf(Bytes bytes) {
  if (StartsWith(bytes, kPngMagic)) return DecodePng;
  if (StartsWith(bytes, "RIFF") && StartsWith(bytes, "WEBP", 8)) {
    return [](Bytes webp, const ImageLimits& limits, std::string&) { return DecodeWebp(webp, limits); };
  }
  if (StartsWith(bytes, kJp2Magic) || StartsWith(bytes, kCodestreamMagic)) return DecodeJpeg2000;
  if (bytes.size() >= 2 && bytes[0] == 'P' && bytes[1] >= '1' && bytes[1] <= '7') return DecodePnm;
  return nullptr;
}

Image DecodeWhole(Bytes bytes, const ImageLimits& limits, std::string& note) {
  if (bytes.empty()) throw Failure(Status::kUndecodable, "the file is empty");
  if (const Decoder decode = DecoderOf(bytes)) return decode(bytes, limits, note);
  if (const char* name = OtherFormat(bytes)) {
    throw Failure(
        Status::kUndecodable,
        fmt::format("{} is not supported; convert it to PNG or another of JPEG, PNG, WebP, JPEG 2000, PNM", name));
  }
  throw Failure(Status::kUndecodable, "not a picture: neither JPEG, PNG, WebP, JPEG 2000 nor PNM");
}

DecodedImage Failed(Status status, std::string detail) { return {{}, status, std::move(detail)}; }

// `owned`: what holds the bytes, or null.
DecodedImage DecodeAny(Bytes bytes, const ImageLimits& limits, std::shared_ptr<const std::vector<std::uint8_t>> owned) {
  try {
    if (bytes.size() > limits.max_file_bytes) {
      throw Failure(Status::kTooLarge,
                    fmt::format("{} bytes are more than the limit of {}", bytes.size(), limits.max_file_bytes));
    }
    std::string note;
    if (StartsWith(bytes, kJpegMagic)) {
      JpegReader reader(bytes);
      auto large = LargeJpeg::Open(reader, bytes, limits, std::move(owned), note);
      if (large) return {{}, Status::kOk, std::move(note), std::move(large)};
      Image picture = DecodeJpeg(reader, limits, note);
      return {std::move(picture), Status::kOk, std::move(note)};
    }
    Image picture = DecodeWhole(bytes, limits, note);
    return {std::move(picture), Status::kOk, std::move(note)};
  } catch (const Failure& failure) {
    return Failed(failure.status(), failure.detail());
  } catch (const std::bad_alloc&) {
    return Failed(Status::kTooLarge, "not enough memory for its pixels");
  } catch (const std::length_error&) {  // of a vector, where the caller's limits allow any size
    return Failed(Status::kTooLarge, "not enough memory for its pixels");
  }
}

}  // namespace

bool BeginsAsPicture(Bytes bytes) {
  return StartsWith(bytes, kJpegMagic) || DecoderOf(bytes) != nullptr || OtherFormat(bytes) != nullptr;
}

}  // namespace image

DecodedImage Image::decode(std::span<const std::uint8_t> bytes, const ImageLimits& limits) {
  return image::DecodeAny(bytes, limits, nullptr);
}

DecodedImage Image::open(const std::string& path, const ImageLimits& limits) {
  const auto max_bytes = static_cast<std::int64_t>(
      std::min<std::uint64_t>(limits.max_file_bytes, std::numeric_limits<std::int64_t>::max() / 4));
  // Else the system would open what stands before that byte.
  if (path.find('\0') != std::string::npos)
    return image::Failed(Status::kUnreadable, "a zero byte cannot be part of a path");
  try {
    const auto bytes = std::make_shared<const std::vector<std::uint8_t>>(ReadFile(path, max_bytes));
    return image::DecodeAny(*bytes, limits, bytes);
  } catch (const FileTooLarge& error) {
    return image::Failed(Status::kTooLarge, error.what());
  } catch (const Error& error) {
    return image::Failed(Status::kUnreadable, error.what());
  } catch (const std::bad_alloc&) {
    return image::Failed(Status::kTooLarge, "not enough memory for its bytes");
  }
}

}  // namespace prefiqs
