#include "input/pickle_text.h"

#include <cstddef>
#include <optional>

#include "input/pickle.h"

namespace prefiqs::input {
namespace {

using HeldVector = std::vector<std::uint8_t>;

int HexDigit(std::uint8_t c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// `digits` hexadecimal digits of `text` from `at`; empty when they are not there.
std::optional<std::uint32_t> Hex(const HeldVector& text, std::size_t at, std::size_t digits) {
  if (text.size() - at < digits) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    const int digit = HexDigit(text[at + i]);
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<std::uint32_t>(digit);
  }
  return value;
}

}  // namespace

std::int64_t ParseNumber(std::string_view digits) {
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  if (digits.empty() || digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string_view::npos)
    throw PickleError("not a number of at most 18 digits");
  std::int64_t value = 0;
  for (const char digit : digits) value = value * 10 + (digit - '0');
  return negative ? -value : value;
}

HeldVector Unquoted(const HeldVector& line) {
  if (line.size() < 2 || (line[0] != '\'' && line[0] != '"') || line.back() != line[0])
    throw PickleError("a string without quotes");
  HeldVector bytes;
  const std::size_t end = line.size() - 1;
  for (std::size_t i = 1; i < end; ++i) {
    if (line[i] != '\\') {
      bytes.push_back(line[i]);
      continue;
    }
    if (++i == end) throw PickleError("a string ends within an escape");
    switch (line[i]) {
      case 'n':
        bytes.push_back('\n');
        break;
      case 'r':
        bytes.push_back('\r');
        break;
      case 't':
        bytes.push_back('\t');
        break;
      case '\\':
      case '\'':
      case '"':
        bytes.push_back(line[i]);
        break;
      case 'x': {
        const std::optional<std::uint32_t> value = Hex(line, i + 1, 2);
        if (!value || i + 2 >= end) throw PickleError("a malformed escape in a string");
        bytes.push_back(static_cast<std::uint8_t>(*value));
        i += 2;
        break;
      }
      default:
        throw PickleError("an unknown escape in a string");
    }
  }
  return bytes;
}

HeldVector FromRawUnicodeEscape(const HeldVector& line) {
  HeldVector text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool escape = line[i] == '\\' && i + 1 < line.size() && (line[i + 1] == 'u' || line[i + 1] == 'U');
    if (!escape) {
      text.push_back(line[i]);
      continue;
    }
    const std::size_t digits = line[i + 1] == 'u' ? 4 : 8;
    const std::optional<std::uint32_t> value = Hex(line, i + 2, digits);
    if (!value || *value > 255) throw PickleError("text that does not stand for bytes");
    text.push_back(static_cast<std::uint8_t>(*value));
    i += 1 + digits;
  }
  return text;
}

HeldVector Utf8ToLatin1(HeldVector bytes) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::uint32_t value = bytes[i];
    if (value >= 0x80) {  // U+0080 to U+00FF: C2 or C3, then a continuation
      if ((value != 0xC2 && value != 0xC3) || ++i == bytes.size() || (bytes[i] & 0xC0) != 0x80)
        throw PickleError("text that does not stand for bytes");
      value = (value & 3) << 6 | (bytes[i] & 0x3F);
    }
    bytes[size++] = static_cast<std::uint8_t>(value);
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace prefiqs::input
