// What decode.cc and the decoders of the single formats share.
#ifndef PREFIQS_IMAGE_FORMAT_H_
#define PREFIQS_IMAGE_FORMAT_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <utility>

#include <prefiqs/error.h>
#include <prefiqs/image.h>

namespace prefiqs::image {

using Bytes = std::span<const std::uint8_t>;

// Why a picture has no pixels. Image::decode turns it into the result's status and detail; who reads parts of a large
// picture (large.h) does the same.
class Failure : public std::exception {
 public:
  Failure(Status status, std::string detail) : status_(status), detail_(std::move(detail)) {}
  Status status() const { return status_; }
  const std::string& detail() const { return detail_; }
  const char* what() const noexcept override { return detail_.c_str(); }

 private:
  Status status_;
  std::string detail_;
};

// What `work` returns. Where it throws about the picture, Failure or std::bad_alloc, what `say` returns for the status
// and the detail. Other exceptions pass.
template <typename Work, typename Say>
auto OrSay(Work&& work, Say&& say) -> decltype(work()) {
  try {
    return work();
  } catch (const Failure& failure) {
    return say(failure.status(), failure.detail());
  } catch (const std::bad_alloc&) {
    return say(Status::kTooLarge, std::string("not enough memory for this picture"));
  }
}

// kUndecodable with "FORMAT: cause".
Failure Undecodable(const char* format, const std::string& cause);

// The decoders below take a whole encoded picture, check the header's size with CheckSize() before they allocate
// pixels, and return the upright picture or throw Failure (std::bad_alloc when memory runs out). No more than about 20
// bytes are allocated for each pixel the header declares. `note`, empty before, says what a DecodedImage's detail says
// of a picture that was decoded.
Image DecodePng(Bytes bytes, const ImageLimits& limits, std::string& note);
Image DecodeWebp(Bytes bytes, const ImageLimits& limits);
Image DecodeJpeg2000(Bytes bytes, const ImageLimits& limits, std::string& note);
Image DecodePnm(Bytes bytes, const ImageLimits& limits, std::string& note);

// Whether these first bytes are those of a picture, also of a format that has no decoder here. 12 bytes are enough.
inline constexpr std::size_t kBytesThatTell = 12;
bool BeginsAsPicture(Bytes bytes);

// Throws Failure when a side is zero or beyond what int holds, or when there are more pixels than `max_pixels`, with
// `reason` at the end of the message.
void CheckSize(const char* format, std::uint64_t width, std::uint64_t height, std::int64_t max_pixels,
               const char* reason = "");
// The same with the limit of pictures that are decoded whole.
void CheckSize(const char* format, std::uint64_t width, std::uint64_t height, const ImageLimits& limits);

// A black picture of a size that CheckSize() let pass.
Image Blank(std::uint64_t width, std::uint64_t height);

// Notices pictures of 16 bits a sample whose samples have 12 bits or fewer, stored as they are: in 8 bits such a
// picture is nearly black.
class LargestSample {
 public:
  // A colour of the picture, not its opacity.
  void See(std::uint32_t value) { largest_ = value > largest_ ? value : largest_; }
  // `max`: what a sample of the file can be. Empty unless that takes 16 bits and all samples seen lie below 2^12; also
  // for a picture that is all black.
  std::string Note(std::uint32_t max) const;

 private:
  std::uint32_t largest_ = 0;
};

// round(value * 255 / max), halves up; value <= max < 2^16.
constexpr std::uint8_t To8Bit(std::uint32_t value, std::uint32_t max) {
  return static_cast<std::uint8_t>((value * 255 + max / 2) / max);
}

// The same of a sample with an opacity over black: round(value / max * alpha / max * 255).
constexpr std::uint8_t OverBlack(std::uint32_t value, std::uint32_t alpha, std::uint32_t max) {
  const std::uint64_t square = std::uint64_t{max} * max;
  return static_cast<std::uint8_t>((std::uint64_t{value} * alpha * 255 + square / 2) / square);
}

// 1 to 8 from a TIFF block as Exif has it (with or without the leading "Exif\0\0"); 1 when there is none or it is
// malformed: a picture is not refused for its metadata.
int ExifOrientation(Bytes exif);

// How a picture of that orientation becomes upright: its axes are exchanged, then left and right, top and bottom.
struct Turn {
  bool transpose = false, mirror_x = false, mirror_y = false;
};
Turn TurnOf(int orientation);

// The picture turned and mirrored so that it is upright.
Image Upright(Image picture, int orientation);

}  // namespace prefiqs::image

#endif  // PREFIQS_IMAGE_FORMAT_H_
