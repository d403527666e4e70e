#include "input/pickle.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/file.h"

namespace prefiqs::input {
namespace {

using Kind = PickleValue::Kind;
using HeldVector = std::vector<std::uint8_t>;

enum Global : std::int64_t { kEncode, kReconstruct, kScalar, kFromBuffer, kNdarray, kDtypeType, kBytesType };

struct GlobalName {
  std::string_view module, name;
  Global global;
};

// The only names there are. NumPy 2 renamed core to _core.
constexpr GlobalName kGlobals[] = {
    {"_codecs", "encode", kEncode},
    {"numpy.core.multiarray", "_reconstruct", kReconstruct},
    {"numpy._core.multiarray", "_reconstruct", kReconstruct},
    {"numpy.core.multiarray", "scalar", kScalar},
    {"numpy._core.multiarray", "scalar", kScalar},
    {"numpy.core.numeric", "_frombuffer", kFromBuffer},
    {"numpy._core.numeric", "_frombuffer", kFromBuffer},
    {"numpy", "ndarray", kNdarray},
    {"numpy", "dtype", kDtypeType},
    {"builtins", "bytes", kBytesType},
    {"__builtin__", "bytes", kBytesType},
};

constexpr std::size_t kMaxNameBytes = 100;

enum Opcode : std::uint8_t {
  kMark = '(',
  kStop = '.',
  kPop = '0',
  kPopMark = '1',
  kDup = '2',
  kProto = 0x80,
  kFrame = 0x95,
  kNone = 'N',
  kNewTrue = 0x88,
  kNewFalse = 0x89,
  kInt = 'I',
  kBinInt = 'J',
  kBinInt1 = 'K',
  kBinInt2 = 'M',
  kLong = 'L',
  kLong1 = 0x8A,
  kLong4 = 0x8B,
  kString = 'S',
  kBinString = 'T',
  kShortBinString = 'U',
  kBinBytes = 'B',
  kShortBinBytes = 'C',
  kBinBytes8 = 0x8E,
  kByteArray8 = 0x96,
  kUnicode = 'V',
  kBinUnicode = 'X',
  kShortBinUnicode = 0x8C,
  kBinUnicode8 = 0x8D,
  kEmptyList = ']',
  kList = 'l',
  kAppend = 'a',
  kAppends = 'e',
  kEmptyTuple = ')',
  kTuple = 't',
  kTuple1 = 0x85,
  kTuple2 = 0x86,
  kTuple3 = 0x87,
  kGet = 'g',
  kBinGet = 'h',
  kLongBinGet = 'j',
  kPut = 'p',
  kBinPut = 'q',
  kLongBinPut = 'r',
  kMemoize = 0x94,
  kGlobal = 'c',
  kStackGlobal = 0x93,
  kReduce = 'R',
  kBuild = 'b',
  kReadonlyBuffer = 0x98,
};

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

class PickleMachine {
 public:
  PickleMachine(const RandomAccess& source, const PickleLimits& limits, Pickle& pickle)
      : source_(source), reader_(source), limits_(limits), pickle_(pickle) {}

  void Run() {
    try {
      do {
        opcode_offset_ = reader_.offset();
      } while (Step(reader_.left() > 0 ? reader_.Byte() : throw Fault("the file is truncated")));
    } catch (const Fault& fault) {
      throw PickleError(fmt::format("byte {}: {}", opcode_offset_, fault.what()));
    }
  }

 private:
  struct Fault : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  // Reading. Lengths are checked against what is left before anything is done with them.
  void Need(std::uint64_t count) const {
    if (count > static_cast<std::uint64_t>(reader_.left())) throw Fault("the file is truncated");
  }
  std::uint64_t Little(int bytes) {
    Need(static_cast<std::uint64_t>(bytes));
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= std::uint64_t{reader_.Byte()} << 8 * i;
    return value;
  }
  HeldVector Line() {
    HeldVector line;
    for (;;) {
      Need(1);
      const std::uint8_t byte = reader_.Byte();
      if (byte == '\n') return line;
      line.push_back(byte);
    }
  }
  std::string NameLine() {
    const HeldVector line = Line();
    if (line.size() > kMaxNameBytes) throw Fault("a name is too long");
    return {line.begin(), line.end()};
  }
  std::int64_t Number(std::string_view digits) const {
    const bool negative = digits.starts_with('-');
    if (negative) digits.remove_prefix(1);
    if (digits.empty() || digits.size() > 18 || digits.find_first_not_of("0123456789") != std::string_view::npos)
      throw Fault("not a number of at most 18 digits");
    std::int64_t value = 0;
    for (const char digit : digits) value = value * 10 + (digit - '0');
    return negative ? -value : value;
  }
  std::int64_t LongOf(std::uint64_t bytes) {
    if (bytes > 8) throw Fault("an integer is longer than 8 bytes");
    if (bytes == 0) return 0;
    const int shift = static_cast<int>(64 - 8 * bytes);
    return static_cast<std::int64_t>(Little(static_cast<int>(bytes)) << shift) >> shift;
  }

  // The stack.
  void Count() {
    if (++values_ > limits_.max_values) throw Fault(fmt::format("more than {} values", limits_.max_values));
  }
  void Push(const PickleValue& value) {
    Count();
    stack_.push_back(value);
  }
  void Push(Kind kind, std::int64_t a = 0, std::int64_t b = 0) { Push(PickleValue{kind, a, b}); }
  std::size_t Floor() const { return marks_.empty() ? 0 : marks_.back(); }
  PickleValue& Top() {
    if (stack_.size() <= Floor()) throw Fault("the stack is empty");
    return stack_.back();
  }
  PickleValue Pop() {
    const PickleValue value = Top();
    stack_.pop_back();
    return value;
  }
  std::vector<PickleValue> PopToMark() {
    if (marks_.empty()) throw Fault("there is no mark on the stack");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<PickleValue> values(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return values;
  }
  void PushNode(Kind kind, std::vector<PickleValue> items) {
    pickle_.nodes_.push_back(std::move(items));
    Push(kind, static_cast<std::int64_t>(pickle_.nodes_.size()) - 1);
  }
  void PushTuple(std::size_t size) {
    std::vector<PickleValue> items(size);
    for (std::size_t i = size; i-- > 0;) items[i] = Pop();
    PushNode(Kind::kTuple, std::move(items));
  }
  void Append(const std::vector<PickleValue>& values) {
    PickleValue& list = Top();
    if (list.kind != Kind::kList) throw Fault("something is appended to what is not a list");
    std::vector<PickleValue>& items = pickle_.nodes_[Pickle::Index(list)];
    items.insert(items.end(), values.begin(), values.end());
  }

  // Bytes and text stay in the file where they are as they should be.
  void PushRaw(Kind kind, std::uint64_t size) {
    Need(size);
    Push(kind, reader_.offset(), static_cast<std::int64_t>(size));
    reader_.Skip(static_cast<std::int64_t>(size));
  }
  void PushHeld(Kind kind, HeldVector bytes) {
    // Each byte of the file is decoded at most once in an honest pickle: what is used twice comes from the memo.
    held_bytes_ += static_cast<std::int64_t>(bytes.size());
    if (held_bytes_ > source_.size()) throw Fault("text is decoded over and over");
    bytes.shrink_to_fit();
    pickle_.held_.push_back(std::make_shared<const HeldVector>(std::move(bytes)));
    Push(kind, static_cast<std::int64_t>(pickle_.held_.size()) - 1);
  }
  std::string Name(const PickleValue& value) const {
    if (value.kind == Kind::kHeldBytes || value.kind == Kind::kHeldText) {
      const HeldVector& bytes = *pickle_.held_[Pickle::Index(value)];
      if (bytes.size() <= kMaxNameBytes) return {bytes.begin(), bytes.end()};
    } else if (value.kind == Kind::kRawBytes || value.kind == Kind::kRawText) {
      if (static_cast<std::uint64_t>(value.b) <= kMaxNameBytes) {
        HeldVector bytes(static_cast<std::size_t>(value.b));
        source_.Read(value.a, bytes);
        return {bytes.begin(), bytes.end()};
      }
    }
    throw Fault("a short text is missing");
  }

  // A string of Python 2 as repr() writes it: 'text' or "text" with \xNN, \n, \r, \t, \\, \' and \".
  static HeldVector Unquoted(const HeldVector& line) {
    if (line.size() < 2 || (line[0] != '\'' && line[0] != '"') || line.back() != line[0])
      throw Fault("a string without quotes");
    HeldVector bytes;
    const std::size_t end = line.size() - 1;
    for (std::size_t i = 1; i < end; ++i) {
      if (line[i] != '\\') {
        bytes.push_back(line[i]);
        continue;
      }
      if (++i == end) throw Fault("a string ends within an escape");
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
          if (!value || i + 2 >= end) throw Fault("a malformed escape in a string");
          bytes.push_back(static_cast<std::uint8_t>(*value));
          i += 2;
          break;
        }
        default:
          throw Fault("an unknown escape in a string");
      }
    }
    return bytes;
  }

  // Python's raw-unicode-escape: Latin-1 but for \uNNNN and \UNNNNNNNN. Here it stands for bytes, so no more than 255.
  static HeldVector FromRawUnicodeEscape(const HeldVector& line) {
    HeldVector text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool escape = line[i] == '\\' && i + 1 < line.size() && (line[i + 1] == 'u' || line[i + 1] == 'U');
      if (!escape) {
        text.push_back(line[i]);
        continue;
      }
      const std::size_t digits = line[i + 1] == 'u' ? 4 : 8;
      const std::optional<std::uint32_t> value = Hex(line, i + 2, digits);
      if (!value || *value > 255) throw Fault("text that does not stand for bytes");
      text.push_back(static_cast<std::uint8_t>(*value));
      i += 1 + digits;
    }
    return text;
  }

  HeldVector Latin1(const PickleValue& raw_text) const {
    if (raw_text.b > 2 * (source_.size() - held_bytes_)) throw Fault("text is decoded over and over");
    HeldVector bytes(static_cast<std::size_t>(raw_text.b));
    source_.Read(raw_text.a, bytes);
    std::size_t size = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      std::uint32_t value = bytes[i];
      if (value >= 0x80) {  // U+0080 to U+00FF: C2 or C3, then a continuation
        if ((value != 0xC2 && value != 0xC3) || ++i == bytes.size() || (bytes[i] & 0xC0) != 0x80)
          throw Fault("text that does not stand for bytes");
        value = (value & 3) << 6 | (bytes[i] & 0x3F);
      }
      bytes[size++] = static_cast<std::uint8_t>(value);
    }
    bytes.resize(size);
    return bytes;
  }

  // The memo.
  void Put(std::uint64_t index) {
    Count();
    memo_[index] = Top();
  }
  void Get(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) throw Fault(fmt::format("nothing was put under {}", index));
    Push(found->second);
  }
  std::uint64_t IndexLine() {
    const std::int64_t index = Number(NameLine());
    if (index < 0) throw Fault("a negative index");
    return static_cast<std::uint64_t>(index);
  }

  // Globals and what is made with them.
  void PushGlobal(const std::string& module, const std::string& name) {
    for (const GlobalName& known : kGlobals) {
      if (known.module == module && known.name == name) return Push(Kind::kGlobal, known.global);
    }
    throw Fault(
        fmt::format("it asks for {}.{}, which has no place in a verification set", Printable(module), Printable(name)));
  }
  const std::vector<PickleValue>& TupleItems(const PickleValue& value, std::size_t least) const {
    if (value.kind != Kind::kTuple || pickle_.items(value).size() < least) throw Fault("a tuple is missing");
    return pickle_.items(value);
  }
  bool IsBoolDtype(const PickleValue& value) const {
    if (value.kind != Kind::kDtype) throw Fault("an array without a type");
    return value.a == 1;
  }
  std::vector<std::int64_t> ShapeOf(const PickleValue& value) const {
    std::vector<std::int64_t> shape;
    for (const PickleValue& dim : TupleItems(value, 0)) {
      if (dim.kind != Kind::kInt || dim.a < 0 || shape.size() == 8) throw Fault("a malformed shape of an array");
      shape.push_back(dim.a);
    }
    return shape;
  }
  std::int64_t SizeOf(const PickleValue& bytes) const {
    if (bytes.kind == Kind::kRawBytes) return bytes.b;
    if (bytes.kind == Kind::kHeldBytes) return static_cast<std::int64_t>(pickle_.held_[Pickle::Index(bytes)]->size());
    throw Fault("the data of an array are not bytes");
  }
  PickleArray MakeArray(const PickleValue& shape, const PickleValue& dtype, const PickleValue& data) const {
    PickleArray array{IsBoolDtype(dtype), ShapeOf(shape), data};
    const std::int64_t size = SizeOf(data);
    std::int64_t count = 1;
    for (const std::int64_t dim : array.shape) {
      if (dim > 0 && count > std::numeric_limits<std::int64_t>::max() / dim)
        throw Fault("the shape of an array overflows");
      count *= dim;
    }
    if (count != size) throw Fault("the data of an array do not fit its shape");
    return array;
  }

  void Reduce() {
    const PickleValue arguments = Pop();
    const PickleValue callable = Pop();
    if (callable.kind != Kind::kGlobal) throw Fault("a call of what cannot be called");
    switch (callable.a) {
      case kEncode:
        return Encode(TupleItems(arguments, 2));
      case kBytesType:
        if (!TupleItems(arguments, 0).empty()) break;
        return PushHeld(Kind::kHeldBytes, {});
      case kDtypeType: {
        const std::string name = Name(TupleItems(arguments, 1)[0]);
        const bool is_bool = name == "b1" || name == "|b1" || name == "bool";
        if (!is_bool && name != "u1" && name != "|u1" && name != "uint8")
          throw Fault(fmt::format("an array of {}; only uint8 and bool can be read", Printable(name)));
        return Push(Kind::kDtype, is_bool ? 1 : 0);
      }
      case kReconstruct:
        pickle_.arrays_.emplace_back();
        return Push(Kind::kArray, static_cast<std::int64_t>(pickle_.arrays_.size()) - 1);
      case kFromBuffer: {
        const std::vector<PickleValue>& items = TupleItems(arguments, 3);
        pickle_.arrays_.push_back(MakeArray(items[2], items[1], items[0]));
        return Push(Kind::kArray, static_cast<std::int64_t>(pickle_.arrays_.size()) - 1);
      }
      case kScalar: {
        const std::vector<PickleValue>& items = TupleItems(arguments, 2);
        const std::string byte = SizeOf(items[1]) == 1 ? Name(items[1]) : throw Fault("a malformed NumPy scalar");
        return Push(IsBoolDtype(items[0]) ? Kind::kBool : Kind::kInt, static_cast<std::uint8_t>(byte[0]));
      }
    }
    throw Fault("a call of what cannot be called");
  }

  void Encode(const std::vector<PickleValue>& arguments) {
    const std::string codec = Name(arguments[1]);
    if (codec != "latin1" && codec != "latin-1") throw Fault(fmt::format("an unknown encoding {}", Printable(codec)));
    const PickleValue& text = arguments[0];
    if (text.kind == Kind::kHeldText) return Push(Kind::kHeldBytes, text.a);
    if (text.kind != Kind::kRawText) throw Fault("what is not text is to be encoded");
    PushHeld(Kind::kHeldBytes, Latin1(text));
  }

  // __setstate__ of an array, (version, shape, dtype, Fortran order, bytes), or of a dtype, where it adds nothing for
  // types of one byte.
  void Build() {
    const PickleValue state = Pop();
    const PickleValue object = Top();
    if (object.kind == Kind::kDtype) return;
    if (object.kind != Kind::kArray) throw Fault("a state for what has none");
    const std::vector<PickleValue>& items = TupleItems(state, 5);
    pickle_.arrays_[Pickle::Index(object)] = MakeArray(items[1], items[2], items[4]);
  }

  void PopOne() {
    if (!marks_.empty() && marks_.back() == stack_.size()) {
      marks_.pop_back();
    } else {
      Pop();
    }
  }

  void PushIntLine() {
    const std::string line = NameLine();
    if (line == "00" || line == "01") return Push(Kind::kBool, line == "01" ? 1 : 0);
    Push(Kind::kInt, Number(line));
  }
  void PushLongLine() {
    std::string line = NameLine();
    if (line.ends_with('L')) line.pop_back();
    Push(Kind::kInt, Number(line));
  }

  // False after the last one.
  bool Step(std::uint8_t opcode) {
    switch (opcode) {
      case kProto:
        if (const std::uint64_t protocol = Little(1); protocol > 5)
          throw Fault(fmt::format("pickle protocol {} is not known", protocol));
        break;
      case kFrame:
        Need(Little(8));
        break;
      case kStop:
        pickle_.root_ = Pop();
        return false;
      case kMark:
        Count();
        marks_.push_back(stack_.size());
        break;
      case kPop:
        PopOne();
        break;
      case kPopMark:
        PopToMark();
        break;
      case kDup:
        Push(PickleValue(Top()));
        break;
      case kNone:
        Push(Kind::kNone);
        break;
      case kNewTrue:
        Push(Kind::kBool, 1);
        break;
      case kNewFalse:
        Push(Kind::kBool, 0);
        break;
      case kInt:
        PushIntLine();
        break;
      case kBinInt:
        Push(Kind::kInt, LongOf(4));
        break;
      case kBinInt1:
        Push(Kind::kInt, static_cast<std::int64_t>(Little(1)));
        break;
      case kBinInt2:
        Push(Kind::kInt, static_cast<std::int64_t>(Little(2)));
        break;
      case kLong:
        PushLongLine();
        break;
      case kLong1:
        Push(Kind::kInt, LongOf(Little(1)));
        break;
      case kLong4:
        Push(Kind::kInt, LongOf(Little(4)));
        break;
      case kString:
        PushHeld(Kind::kHeldBytes, Unquoted(Line()));
        break;
      case kBinString:
      case kBinBytes:
        PushRaw(Kind::kRawBytes, Little(4));
        break;
      case kShortBinString:
      case kShortBinBytes:
        PushRaw(Kind::kRawBytes, Little(1));
        break;
      case kBinBytes8:
      case kByteArray8:
        PushRaw(Kind::kRawBytes, Little(8));
        break;
      case kUnicode:
        PushHeld(Kind::kHeldText, FromRawUnicodeEscape(Line()));
        break;
      case kShortBinUnicode:
        PushRaw(Kind::kRawText, Little(1));
        break;
      case kBinUnicode:
        PushRaw(Kind::kRawText, Little(4));
        break;
      case kBinUnicode8:
        PushRaw(Kind::kRawText, Little(8));
        break;
      case kEmptyList:
        PushNode(Kind::kList, {});
        break;
      case kList:
        PushNode(Kind::kList, PopToMark());
        break;
      case kAppend:
        Append({Pop()});
        break;
      case kAppends:
        Append(PopToMark());
        break;
      case kEmptyTuple:
        PushTuple(0);
        break;
      case kTuple:
        PushNode(Kind::kTuple, PopToMark());
        break;
      case kTuple1:
        PushTuple(1);
        break;
      case kTuple2:
        PushTuple(2);
        break;
      case kTuple3:
        PushTuple(3);
        break;
      case kGet:
        Get(IndexLine());
        break;
      case kBinGet:
        Get(Little(1));
        break;
      case kLongBinGet:
        Get(Little(4));
        break;
      case kPut:
        Put(IndexLine());
        break;
      case kBinPut:
        Put(Little(1));
        break;
      case kLongBinPut:
        Put(Little(4));
        break;
      case kMemoize:
        Put(memo_.size());
        break;
      case kGlobal: {
        const std::string module = NameLine();
        PushGlobal(module, NameLine());
        break;
      }
      case kStackGlobal: {
        const std::string name = Name(Pop());
        PushGlobal(Name(Pop()), name);
        break;
      }
      case kReduce:
        Reduce();
        break;
      case kBuild:
        Build();
        break;
      case kReadonlyBuffer:
        break;
      default:
        throw Fault(fmt::format("opcode 0x{:02x} has no place in a verification set", opcode));
    }
    return true;
  }

  const RandomAccess& source_;
  ByteReader reader_;
  PickleLimits limits_;
  Pickle& pickle_;
  std::vector<PickleValue> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint64_t, PickleValue> memo_;
  std::int64_t values_ = 0;
  std::int64_t held_bytes_ = 0;
  std::int64_t opcode_offset_ = 0;
};

Pickle::Pickle(const RandomAccess& source, const PickleLimits& limits) { PickleMachine(source, limits, *this).Run(); }

}  // namespace prefiqs::input
