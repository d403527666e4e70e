#include "image/codestream.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace prefiqs::image {
namespace {

constexpr char kFormat[] = "JPEG 2000";

// Tiles of 256×256 make 1,600 of 100 million pixels.
constexpr std::uint64_t kMaxTiles = 4096;
// Encoders write precincts of 128×128 and more; each costs OpenJPEG some hundred bytes.
constexpr unsigned kMinPrecinctLog2 = 4;

enum Marker : unsigned {
  kSoc = 0xFF4F,
  kSiz = 0xFF51,
  kCod = 0xFF52,
  kCoc = 0xFF53,
  kSot = 0xFF90,
  kSod = 0xFF93,
  kEoc = 0xFFD9,
};

// Big-endian numbers; throws where the bytes end.
class Cursor {
 public:
  explicit Cursor(Bytes bytes) : bytes_(bytes) {}
  std::size_t left() const { return bytes_.size(); }

  Bytes Take(std::uint64_t size) {
    if (size > bytes_.size()) throw Undecodable(kFormat, "the file is truncated");
    const Bytes taken = bytes_.first(static_cast<std::size_t>(size));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }
  std::uint64_t Number(int size) {
    std::uint64_t value = 0;
    for (const std::uint8_t byte : Take(static_cast<std::uint64_t>(size))) value = value << 8 | byte;
    return value;
  }

 private:
  Bytes bytes_;
};

struct Box {
  std::uint64_t type = 0;
  Bytes data;
};

constexpr std::uint64_t BoxType(const char (&name)[5]) {
  std::uint64_t type = 0;
  for (int i = 0; i < 4; ++i) type = type << 8 | static_cast<std::uint8_t>(name[i]);
  return type;
}

Box NextBox(Cursor& cursor) {
  Box box;
  std::uint64_t size = cursor.Number(4);
  std::uint64_t header = 8;
  box.type = cursor.Number(4);
  if (size == 1) {
    size = cursor.Number(8);
    header = 16;
  }
  if (size == 0) size = cursor.left() + header;  // up to the end of the file
  if (size < header) throw Undecodable(kFormat, "a box is shorter than its header");
  box.data = cursor.Take(size - header);
  return box;
}

void CheckHeaderBox(Bytes data) {
  for (Cursor boxes(data); boxes.left() > 0;) {
    if (NextBox(boxes).type == BoxType("pclr")) throw Undecodable(kFormat, "palettes are not supported");
  }
}

Bytes FindCodestream(Bytes bytes) {
  if (bytes[0] == 0xFF) return bytes;
  for (Cursor boxes(bytes); boxes.left() > 0;) {
    const Box box = NextBox(boxes);
    if (box.type == BoxType("jp2h")) CheckHeaderBox(box.data);
    if (box.type == BoxType("jp2c")) return box.data;
  }
  throw Undecodable(kFormat, "there is no codestream in the file");
}

// Returns the number of components.
std::uint64_t CheckSiz(Bytes segment, const ImageLimits& limits) {
  Cursor siz(segment);
  siz.Number(2);  // capabilities
  const std::uint64_t x1 = siz.Number(4), y1 = siz.Number(4), x0 = siz.Number(4), y0 = siz.Number(4);
  const std::uint64_t tile_width = siz.Number(4), tile_height = siz.Number(4);
  const std::uint64_t tile_x0 = siz.Number(4), tile_y0 = siz.Number(4);
  const std::uint64_t components = siz.Number(2);
  CheckSize(kFormat, x1 > x0 ? x1 - x0 : 0, y1 > y0 ? y1 - y0 : 0, limits);
  if (components < 1 || components > 4) {
    throw Undecodable(kFormat, fmt::format("{} components are not supported", components));
  }
  if (tile_width == 0 || tile_height == 0 || tile_x0 > x0 || tile_y0 > y0) {
    throw Undecodable(kFormat, "tiles of no size or outside the picture");
  }
  const auto count = [](std::uint64_t length, std::uint64_t step) { return (length + step - 1) / step; };
  const std::uint64_t columns = count(x1 - tile_x0, tile_width), rows = count(y1 - tile_y0, tile_height);
  if (columns > kMaxTiles || rows > kMaxTiles || columns * rows > kMaxTiles) {
    throw Failure(Status::kTooLarge,
                  fmt::format("{}: {}x{} tiles are more than the limit of {}", kFormat, columns, rows, kMaxTiles));
  }
  for (std::uint64_t i = 0; i < components; ++i) {
    const std::uint64_t precision = (siz.Number(1) & 0x7F) + 1;
    const std::uint64_t dx = siz.Number(1), dy = siz.Number(1);
    if (precision > 16) throw Undecodable(kFormat, fmt::format("{} bits a sample are not supported", precision));
    if (dx == 0 || dy == 0) throw Undecodable(kFormat, "a component of no size");
  }
  return components;
}

// Coding style of all components (COD) or of one (COC): its precincts.
void CheckCodingStyle(Bytes segment, bool of_one_component) {
  Cursor style(segment);
  if (of_one_component) style.Number(1);  // which; one byte, for there are at most four
  const bool has_precincts = (style.Number(1) & 1) != 0;
  if (!of_one_component) style.Number(4);  // progression, layers, colour transform
  const std::uint64_t levels = style.Number(1);
  style.Number(4);  // code block size and style, wavelet
  if (!has_precincts) return;
  for (std::uint64_t level = 0; level <= levels; ++level) {
    const std::uint64_t log2_sizes = style.Number(1);
    if ((log2_sizes & 15) < kMinPrecinctLog2 || log2_sizes >> 4 < kMinPrecinctLog2)
      throw Undecodable(kFormat, "precincts smaller than 16x16 are not supported");
  }
}

// A main or tile-part header from its first marker segment to the marker `end`, which is taken.
void CheckHeader(Cursor& cursor, unsigned end, const ImageLimits& limits) {
  for (bool first = true;; first = false) {
    const auto marker = static_cast<unsigned>(cursor.Number(2));
    if (marker == end && !first) return;
    if (marker == end && end == kSod) return;
    if (marker < 0xFF00 || marker == kSoc || marker == kSot || marker == kSod || marker == kEoc)
      throw Undecodable(kFormat, "the codestream is malformed");
    if (end == kSot && first != (marker == kSiz)) throw Undecodable(kFormat, "the size does not come first");
    const std::uint64_t length = cursor.Number(2);
    if (length < 2) throw Undecodable(kFormat, "the codestream is malformed");
    const Bytes segment = cursor.Take(length - 2);
    if (marker == kSiz) CheckSiz(segment, limits);
    if (marker == kCod || marker == kCoc) CheckCodingStyle(segment, marker == kCoc);
  }
}

}  // namespace

void CheckJpeg2000(Bytes bytes, const ImageLimits& limits) {
  Cursor cursor(FindCodestream(bytes));
  if (cursor.Number(2) != kSoc) throw Undecodable(kFormat, "the codestream is malformed");
  CheckHeader(cursor, kSot, limits);
  for (;;) {
    // Here a start-of-tile-part marker has just been taken: length, tile, bytes from that marker on, part, parts.
    if (cursor.Number(2) != 10) throw Undecodable(kFormat, "the codestream is malformed");
    cursor.Number(2);
    const std::uint64_t part_size = cursor.Number(4);
    cursor.Number(2);
    constexpr std::uint64_t kSotSize = 12;
    const bool to_the_end = part_size == 0;
    if (!to_the_end && part_size < kSotSize + 2) throw Undecodable(kFormat, "the codestream is malformed");
    Cursor part(cursor.Take(to_the_end ? cursor.left() : part_size - kSotSize));
    CheckHeader(part, kSod, limits);
    if (to_the_end || cursor.left() < 2) return;  // encoders have been seen to leave out the end marker
    const auto marker = static_cast<unsigned>(cursor.Number(2));
    if (marker != kSot) return;
  }
}

}  // namespace prefiqs::image
