// Pickles as Python and NumPy write them, put together by hand from opcodes.
#ifndef PREFIQS_INPUT_PICKLE_FOR_TEST_H_
#define PREFIQS_INPUT_PICKLE_FOR_TEST_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace prefiqs::input {

// Who wrote it: each has its own way to write bytes and arrays.
enum class Dialect {
  kPython2Text,  // protocol 0: lines of text
  kPython2,      // protocol 2: byte strings
  kProtocol2,    // Python 3: bytes as Latin-1 text and a call of _codecs.encode
  kProtocol3,
  kProtocol4,
  kProtocol5,
};
inline constexpr Dialect kDialects[] = {Dialect::kPython2Text, Dialect::kPython2,   Dialect::kProtocol2,
                                        Dialect::kProtocol3,   Dialect::kProtocol4, Dialect::kProtocol5};

inline std::string LittleEndian(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> 8 * i);
  return bytes;
}

// BINUNICODE of text that stands for bytes.
inline std::string Latin1Text(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text += c;
    } else {
      text += static_cast<char>(0xC0 | byte >> 6);
      text += static_cast<char>(0x80 | (byte & 0x3F));
    }
  }
  return "X" + LittleEndian(text.size(), 4) + text;
}

// Memo opcodes stand where Python writes them, for readers must take them.
class PickleWriter {
 public:
  explicit PickleWriter(Dialect dialect) : dialect_(dialect) {}

  std::string Proto() const {
    switch (dialect_) {
      case Dialect::kPython2Text:
        return "";
      case Dialect::kPython2:
      case Dialect::kProtocol2:
        return "\x80\x02";
      case Dialect::kProtocol3:
        return "\x80\x03";
      case Dialect::kProtocol4:
        return "\x80\x04";
      case Dialect::kProtocol5:
        return "\x80\x05";
    }
    return "";
  }

  std::string Memo() {
    if (dialect_ >= Dialect::kProtocol4) return "\x94";
    if (dialect_ == Dialect::kPython2Text) return "p" + std::to_string(memo_++) + "\n";
    return "q" + LittleEndian(memo_++ % 256, 1);
  }

  std::string Bytes(std::string_view bytes) {
    switch (dialect_) {
      case Dialect::kPython2Text:
        return "S" + Repr(bytes) + "\n" + Memo();
      case Dialect::kPython2:
        if (bytes.size() < 256) return "U" + LittleEndian(bytes.size(), 1) + std::string(bytes) + Memo();
        return "T" + LittleEndian(bytes.size(), 4) + std::string(bytes) + Memo();
      case Dialect::kProtocol2:
        return "c_codecs\nencode\n" + Memo() + Latin1Text(bytes) + Memo() + Latin1Text("latin1") + Memo() + "\x86" +
               Memo() + "R" + Memo();
      default:
        if (bytes.size() < 256) return "C" + LittleEndian(bytes.size(), 1) + std::string(bytes) + Memo();
        return "B" + LittleEndian(bytes.size(), 4) + std::string(bytes) + Memo();
    }
  }

  std::string Text(std::string_view ascii) {
    if (dialect_ <= Dialect::kPython2) return Bytes(ascii);
    if (dialect_ >= Dialect::kProtocol4) return "\x8C" + LittleEndian(ascii.size(), 1) + std::string(ascii) + Memo();
    return Latin1Text(ascii) + Memo();
  }

  std::string Global(const std::string& module, const std::string& name) {
    if (dialect_ < Dialect::kProtocol4) return "c" + module + "\n" + name + "\n" + Memo();
    return Text(module) + Text(name) + "\x93" + Memo();
  }

  std::string Int(std::uint64_t value) const {
    if (dialect_ == Dialect::kPython2Text) return "I" + std::to_string(value) + "\n";
    if (value < 256) return "K" + LittleEndian(value, 1);
    if (value < 65536) return "M" + LittleEndian(value, 2);
    return "J" + LittleEndian(value, 4);
  }

  std::string Bool(bool value) const {
    if (dialect_ == Dialect::kPython2Text) return value ? "I01\n" : "I00\n";
    return value ? "\x88" : "\x89";
  }

  std::string Tuple(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text += item;
    if (dialect_ != Dialect::kPython2Text && items.size() >= 1 && items.size() <= 3)
      return text + static_cast<char>(0x84 + items.size()) + Memo();
    return "(" + text + "t" + Memo();
  }

  std::string List(const std::vector<std::string>& items) {
    std::string text = dialect_ == Dialect::kPython2Text ? "(l" + Memo() : "]" + Memo();
    if (dialect_ == Dialect::kPython2Text) {
      for (const std::string& item : items) text += item + "a";
      return text;
    }
    text += "(";
    for (const std::string& item : items) text += item;
    return text + "e";
  }

  std::string Dtype(const std::string& name) {
    const std::string none = "N", minus_one = dialect_ == Dialect::kPython2Text ? "I-1\n" : "J\xFF\xFF\xFF\xFF";
    return Global("numpy", "dtype") + Tuple({Text(name), Bool(false), Bool(true)}) + "R" + Memo() +
           Tuple({Int(3), Text("|"), none, none, none, minus_one, minus_one, Int(0)}) + "b";
  }

  std::string Array(const std::string& dtype, std::string_view bytes) {
    if (dialect_ == Dialect::kProtocol5) {
      const std::string data = "\x96" + LittleEndian(bytes.size(), 8) + std::string(bytes) + Memo();
      return Global("numpy._core.numeric", "_frombuffer") +
             Tuple({data, Dtype(dtype), Tuple({Int(bytes.size())}), Text("C")}) + "R" + Memo();
    }
    return Global("numpy.core.multiarray", "_reconstruct") +
           Tuple({Global("numpy", "ndarray"), Tuple({Int(0)}), Bytes("b")}) + "R" + Memo() +
           Tuple({Int(1), Tuple({Int(bytes.size())}), Dtype(dtype), Bool(false), Bytes(bytes)}) + "b";
  }

  std::string Scalar(const std::string& dtype, std::string_view byte) {
    return Global("numpy.core.multiarray", "scalar") + Tuple({Dtype(dtype), Bytes(byte)}) + "R" + Memo();
  }

  std::string Set(const std::vector<std::string>& pictures, const std::string& same) {
    const std::string body = Tuple({List(pictures), same}) + ".";
    const bool framed = dialect_ >= Dialect::kProtocol4;
    return Proto() + (framed ? "\x95" + LittleEndian(body.size(), 8) : "") + body;
  }

 private:
  static std::string Repr(std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text = "'";
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '\'' || c == '\\') {
        text += std::string("\\") + c;
      } else if (c == '\n') {
        text += "\\n";
      } else if (byte < 0x20 || byte >= 0x7F) {
        text += std::string("\\x") + kDigits[byte >> 4] + kDigits[byte & 15];
      } else {
        text += c;
      }
    }
    return text + "'";
  }

  Dialect dialect_;
  std::uint64_t memo_ = 0;
};

}  // namespace prefiqs::input

#endif  // PREFIQS_INPUT_PICKLE_FOR_TEST_H_
