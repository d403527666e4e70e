#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "image/jpeg_reader.h"
#include "image/large.h"

namespace prefiqs::image {
namespace {

// A reduced picture has at most this many pixels, unless an eighth still has more. Detectors look at 640 pixels of the
// longer side; this leaves 3000 and more.
constexpr std::uint64_t kReducedPixels = 16 * 1000 * 1000;
constexpr int kMostReduced = 8;  // libjpeg's

// A face that fills a picture of 200 megapixels takes 600 MB. One canvas of more than this is filled at a time, so that
// two threads stay under 1 GiB together.
constexpr std::size_t kManyBytes = std::size_t{192} << 20;
std::mutex& MutexOfManyBytes() {
  static std::mutex mutex;
  return mutex;
}

int Denominator(std::uint64_t width, std::uint64_t height) {
  int denominator = 2;
  const auto divided = [&](std::uint64_t side) { return (side + denominator - 1) / denominator; };
  while (denominator < kMostReduced && divided(width) * divided(height) > kReducedPixels) denominator *= 2;
  return denominator;
}

Image ReadReduced(JpegReader& reader, int denominator, std::string& note) {
  reader.Start(denominator);
  // Formats that libjpeg cannot reduce come in full size.
  if (reader.row_width() > (reader.width() + 1) / 2 || reader.rows() > (reader.height() + 1) / 2) {
    throw Failure(Status::kTooLarge, "JPEG: it is too large to be decoded whole, and cannot be decoded reduced");
  }
  Image picture = Blank(reader.row_width(), reader.rows());
  for (std::size_t y = 0; y < reader.rows(); ++y) reader.ReadRow(&picture.rgb[y * reader.row_width() * 3]);
  note = reader.Finish();
  return Upright(std::move(picture), reader.orientation());
}

Rect Clipped(const Rect& part, int width, int height) {
  const auto clip = [](std::int64_t value, int side) {
    return static_cast<int>(std::clamp<std::int64_t>(value, 0, side));
  };
  const int x = clip(part.x, width), y = clip(part.y, height);
  return {x, y, clip(std::int64_t{part.x} + part.width, width) - x,
          clip(std::int64_t{part.y} + part.height, height) - y};
}

// A part of the upright picture in the stored one.
Rect Stored(const Rect& upright, const Turn& turn, int upright_width, int upright_height) {
  const int along_x = turn.mirror_x ? upright_width - upright.x - upright.width : upright.x;
  const int along_y = turn.mirror_y ? upright_height - upright.y - upright.height : upright.y;
  if (turn.transpose) return {along_y, along_x, upright.height, upright.width};
  return {along_x, along_y, upright.width, upright.height};
}

}  // namespace

Canvas::Canvas(int width, int height, std::size_t filled) : width_(width), height_(height) {
  if (filled > kManyBytes) turn_ = std::unique_lock(MutexOfManyBytes());
  const std::size_t bytes = static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3;
  pixels_ = AllocateBlock(bytes);
  if (bytes < kLargePage) {
    std::memset(pixels_.get(), 0, bytes);
  } else {
    // Large pages would be filled where a few pixels are written. Where this is refused they cost memory alone.
    ::madvise(pixels_.get(), bytes, MADV_NOHUGEPAGE);
  }
}

std::shared_ptr<const LargeJpeg> LargeJpeg::Open(JpegReader& reader, Bytes bytes, const ImageLimits& limits,
                                                 std::shared_ptr<const std::vector<std::uint8_t>> owned,
                                                 std::string& note) {
  const std::uint64_t pixels = std::uint64_t{reader.width()} * reader.height();
  if (reader.has_several_scans() ||
      pixels <= static_cast<std::uint64_t>(std::max<std::int64_t>(limits.whole_jpeg_pixels, 0)))
    return nullptr;
  CheckJpegSize(reader, limits);
  std::shared_ptr<LargeJpeg> large(new LargeJpeg);
  const int width = static_cast<int>(reader.width()), height = static_cast<int>(reader.height());
  large->orientation_ = reader.orientation();
  const bool transpose = TurnOf(large->orientation_).transpose;
  large->width_ = transpose ? height : width;
  large->height_ = transpose ? width : height;
  large->denominator_ = Denominator(reader.width(), reader.height());
  large->reduced_ = ReadReduced(reader, large->denominator_, note);
  large->bytes_ =
      owned ? std::move(owned) : std::make_shared<const std::vector<std::uint8_t>>(bytes.begin(), bytes.end());
  return large;
}

// A pixel k of the reduced picture stands for the pixels k * d to k * d + d - 1 of the stored one, counted from its
// left and upper border. Where the picture is mirrored, they are counted from the other border, and d may not divide
// the side.
Point LargeJpeg::ToWhole(Point point) const {
  const Turn turn = TurnOf(orientation_);
  const auto scale = static_cast<float>(denominator_);
  const auto map = [&](float at, bool mirrored, int whole, int side) {
    const int start = mirrored ? whole - side * denominator_ : 0;
    return (at + 0.5f) * scale - 0.5f + static_cast<float>(start);
  };
  return {map(point.x, turn.mirror_x, width_, reduced_.width), map(point.y, turn.mirror_y, height_, reduced_.height)};
}

Face LargeJpeg::ToWhole(const Face& face) const {
  const auto scale = static_cast<float>(denominator_);
  Face whole = face;
  const Point corner = ToWhole(Point{face.box.x, face.box.y});
  whole.box = {corner.x, corner.y, face.box.width * scale, face.box.height * scale};
  for (Point& point : whole.landmarks) point = ToWhole(point);
  return whole;
}

Canvas LargeJpeg::Read(std::span<const Rect> parts) const {
  const Turn turn = TurnOf(orientation_);
  std::vector<Rect> stored;
  constexpr std::size_t kPage = 4096;  // of memory, which each row of a part begins and ends within
  std::size_t filled = 0;
  int rows = 0;  // to be read
  for (const Rect& part : parts) {
    const Rect clipped = Clipped(part, width_, height_);
    if (clipped.width < 1 || clipped.height < 1) continue;
    stored.push_back(Stored(clipped, turn, width_, height_));
    filled += (static_cast<std::size_t>(clipped.width) * 3 + kPage) * static_cast<std::size_t>(clipped.height);
    rows = std::max(rows, stored.back().y + stored.back().height);
  }
  Canvas canvas(width_, height_, filled);
  if (rows == 0) return canvas;
  auto* const target = reinterpret_cast<std::uint8_t*>(canvas.pixels_.get());
  JpegReader reader(*bytes_);
  reader.Start();
  std::vector<std::uint8_t> row(std::size_t{reader.row_width()} * 3);
  // Every row is decoded, whole: what libjpeg makes of a pixel depends on its neighbours, and so it gives the bits that
  // a decode of the picture gives.
  for (int y = 0; y < rows; ++y) {
    reader.ReadRow(row.data());
    for (const Rect& part : stored) {
      if (y < part.y || y >= part.y + part.height) continue;
      for (int x = part.x; x < part.x + part.width; ++x) {
        const int along_x = turn.transpose ? y : x, along_y = turn.transpose ? x : y;
        const auto to_x = static_cast<std::size_t>(turn.mirror_x ? width_ - 1 - along_x : along_x);
        const auto to_y = static_cast<std::size_t>(turn.mirror_y ? height_ - 1 - along_y : along_y);
        std::copy_n(&row[static_cast<std::size_t>(x) * 3], 3,
                    target + (to_y * static_cast<std::size_t>(width_) + to_x) * 3);
      }
    }
  }
  return canvas;
}

}  // namespace prefiqs::image
