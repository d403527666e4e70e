// PBM, PGM, PPM (plain and raw) and PAM, as netpbm's manual pages define them. Of several pictures in a file the first.
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>

#include "image/format.h"

namespace prefiqs::image {
namespace {

constexpr char kFormat[] = "PNM";

bool IsSpace(std::uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Moves over the bytes; throws Failure where they end too early.
class Scanner {
 public:
  explicit Scanner(Bytes bytes) : bytes_(bytes) {}

  std::uint8_t Byte() {
    if (at_ >= bytes_.size()) throw Undecodable(kFormat, "the file is truncated");
    return bytes_[at_++];
  }
  std::size_t left() const { return bytes_.size() - at_; }

  // White space and comments (from # to the end of the line), then a number of at most nine digits.
  std::uint32_t Number() {
    SkipSpace();
    std::uint32_t value = 0;
    int digits = 0;
    for (; at_ < bytes_.size() && bytes_[at_] >= '0' && bytes_[at_] <= '9'; ++at_, ++digits) {
      if (digits == 9) throw Undecodable(kFormat, "a number is too long");
      value = value * 10 + (bytes_[at_] - '0');
    }
    if (digits == 0) {
      throw Undecodable(kFormat, left() == 0 ? "the file is truncated" : "something else stands where a number should");
    }
    return value;
  }

  // Plain PBM may write its digits without space between.
  std::uint32_t Digit() {
    SkipSpace();
    const std::uint8_t c = Byte();
    if (c != '0' && c != '1') throw Undecodable(kFormat, "a bit is neither 0 nor 1");
    return c - '0';
  }

  std::string Word() {
    SkipSpace();
    std::string word;
    while (at_ < bytes_.size() && !IsSpace(bytes_[at_])) {
      if (word.size() == 32) throw Undecodable(kFormat, "a word of the header is too long");
      word += static_cast<char>(bytes_[at_++]);
    }
    return word;
  }

  void SkipLine() {
    while (Byte() != '\n') {
    }
  }

 private:
  void SkipSpace() {
    for (; at_ < bytes_.size(); ++at_) {
      if (bytes_[at_] == '#') {
        while (at_ < bytes_.size() && bytes_[at_] != '\n' && bytes_[at_] != '\r') ++at_;
        if (at_ == bytes_.size()) return;
      } else if (!IsSpace(bytes_[at_])) {
        return;
      }
    }
  }

  Bytes bytes_;
  std::size_t at_ = 0;
};

struct Header {
  std::uint32_t width = 0, height = 0;
  std::uint32_t channels = 1, max = 1;
  bool plain = false;  // numbers as text
  bool bits = false;   // PBM: 1 is black; raw rows are padded to whole bytes
};

Header ReadPam(Scanner& scanner) {
  Header header;
  std::optional<std::uint32_t> depth;
  for (std::string word = scanner.Word(); word != "ENDHDR"; word = scanner.Word()) {
    if (word == "WIDTH") {
      header.width = scanner.Number();
    } else if (word == "HEIGHT") {
      header.height = scanner.Number();
    } else if (word == "DEPTH") {
      depth = scanner.Number();
    } else if (word == "MAXVAL") {
      header.max = scanner.Number();
    } else if (word == "TUPLTYPE") {
      scanner.SkipLine();
    } else {
      throw Undecodable(kFormat, word.empty() ? "the file is truncated" : "an unknown line in the PAM header");
    }
  }
  scanner.SkipLine();
  header.channels = depth.value_or(0);
  return header;
}

Header ReadHeader(Scanner& scanner) {
  scanner.Byte();
  const int type = scanner.Byte() - '0';
  if (type == 7) return ReadPam(scanner);
  Header header;
  header.plain = type <= 3;
  header.bits = type == 1 || type == 4;
  header.channels = type % 3 == 0 ? 3 : 1;
  header.width = scanner.Number();
  header.height = scanner.Number();
  if (!header.bits) header.max = scanner.Number();
  if (!header.plain && !IsSpace(scanner.Byte())) throw Undecodable(kFormat, "no white space after the header");
  return header;
}

// Reads bits of raw PBM, a row at a time.
class BitRow {
 public:
  std::uint32_t Next(Scanner& scanner, std::uint32_t x) {
    if (x % 8 == 0) byte_ = scanner.Byte();
    return byte_ >> (7 - x % 8) & 1u;
  }

 private:
  std::uint32_t byte_ = 0;
};

std::uint64_t LeastDataBytes(const Header& header) {
  const std::uint64_t samples = std::uint64_t{header.width} * header.height * header.channels;
  if (header.bits && !header.plain) return (std::uint64_t{header.width} + 7) / 8 * header.height;
  if (header.bits) return samples;
  if (header.plain) return samples * 2 - 1;  // a digit each and the space between
  return samples * (header.max > 255 ? 2 : 1);
}

}  // namespace

Image DecodePnm(Bytes bytes, const ImageLimits& limits, std::string& note) {
  Scanner scanner(bytes);
  const Header header = ReadHeader(scanner);
  CheckSize(kFormat, header.width, header.height, limits);
  if (header.channels < 1 || header.channels > 4) {
    throw Undecodable(kFormat, fmt::format("{} channels are not supported", header.channels));
  }
  if (header.max < 1 || header.max > 65535) {
    throw Undecodable(kFormat, fmt::format("a maximum of {} is not within 1 to 65535", header.max));
  }
  if (scanner.left() < LeastDataBytes(header)) throw Undecodable(kFormat, "the file is truncated");

  BitRow bit_row;
  const auto sample = [&](std::uint32_t x) -> std::uint32_t {
    if (header.bits) return 1 - (header.plain ? scanner.Digit() : bit_row.Next(scanner, x));
    std::uint32_t value = 0;
    if (header.plain) {
      value = scanner.Number();
    } else {
      value = scanner.Byte();
      if (header.max > 255) value = value << 8 | scanner.Byte();
    }
    if (value > header.max) throw Undecodable(kFormat, "a sample is above the maximum in the header");
    return value;
  };

  LargestSample largest;
  Image picture = Blank(header.width, header.height);
  std::uint8_t* rgb = picture.rgb.data();
  const bool grey = header.channels <= 2;
  const bool transparent = header.channels % 2 == 0;
  for (std::uint32_t y = 0; y < header.height; ++y) {
    for (std::uint32_t x = 0; x < header.width; ++x, rgb += 3) {
      std::uint32_t values[4];
      for (std::uint32_t c = 0; c < header.channels; ++c) {
        values[c] = sample(x);
        if (c + 1 < header.channels || !transparent) largest.See(values[c]);
      }
      const std::uint32_t alpha = transparent ? values[header.channels - 1] : header.max;
      for (int c = 0; c < 3; ++c) rgb[c] = OverBlack(values[grey ? 0 : c], alpha, header.max);
    }
  }
  note = largest.Note(header.max);
  return picture;
}

}  // namespace prefiqs::image
