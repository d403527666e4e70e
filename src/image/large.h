// Pictures that are too large to be kept whole: seen reduced, and read in full where it matters.
#ifndef PREFIQS_IMAGE_LARGE_H_
#define PREFIQS_IMAGE_LARGE_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include <prefiqs/detector.h>
#include <prefiqs/image.h>

#include "base/block.h"
#include "image/format.h"

namespace prefiqs::image {

// Pixels that belong to somebody else, laid out as in Image.
struct View {
  View(int the_width, int the_height, const std::uint8_t* the_rgb)
      : width(the_width), height(the_height), rgb(the_rgb) {}
  View(const Image& image) : View(image.width, image.height, image.empty() ? nullptr : image.rgb.data()) {}

  bool empty() const { return rgb == nullptr; }

  int width, height;
  const std::uint8_t* rgb;
};

struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
};

// A picture of the full size in which only some parts are filled in; the rest is black. The rest takes address space,
// but no memory: pages come into being when they are written. So what works on the whole picture works on this one with
// the same arguments, and gives the same bits as long as it looks at those parts alone.
class Canvas {
 public:
  View view() const { return {width_, height_, reinterpret_cast<const std::uint8_t*>(pixels_.get())}; }

 private:
  friend class LargeJpeg;
  // `filled`: bytes that will be written. Throws std::bad_alloc.
  Canvas(int width, int height, std::size_t filled);

  int width_, height_;
  std::unique_lock<std::mutex> turn_;
  Block pixels_;
};

class JpegReader;

// A JPEG of a single scan. Immutable; every const function may be called from any thread.
class LargeJpeg {
 public:
  // Null where the picture is to be decoded whole: of at most limits.whole_jpeg_pixels, or of several scans. Else
  // decodes it once, reduced, and keeps the bytes (`owned` where that is not null, else a copy). `reader` is of
  // `bytes`, and not started, which it still is not where the result is null. `note`: as of the decoders (format.h).
  // Throws Failure.
  static std::shared_ptr<const LargeJpeg> Open(JpegReader& reader, Bytes bytes, const ImageLimits& limits,
                                               std::shared_ptr<const std::vector<std::uint8_t>> owned,
                                               std::string& note);

  // Of the whole picture, upright.
  int width() const { return width_; }
  int height() const { return height_; }

  // Upright; both sides divided by 2, 4 or 8 and rounded up.
  const Image& reduced() const { return reduced_; }
  // From coordinates of reduced() to those of the whole picture.
  Face ToWhole(const Face& face) const;

  // Decodes the picture down to the last of these parts (of the upright picture; what is outside of it is ignored).
  // Where parts are very large, waits until no other thread has such a canvas: do not hold two. Throws Failure.
  Canvas Read(std::span<const Rect> parts) const;

 private:
  LargeJpeg() = default;
  Point ToWhole(Point point) const;

  std::shared_ptr<const std::vector<std::uint8_t>> bytes_;
  int width_ = 0, height_ = 0;
  int orientation_ = 1;
  int denominator_ = 1;
  Image reduced_;
};

}  // namespace prefiqs::image

#endif  // PREFIQS_IMAGE_LARGE_H_
