#include "input/pickle.h"

#include <fmt/format.h>

#include <string>

#include "input/pickle_machine.h"
#include "input/pickle_text.h"

namespace prefiqs::input {
namespace {

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

}  // namespace

void PickleMachine::Run() {
  try {
    do {
      opcode_offset_ = reader_.offset();
    } while (Step(reader_.left() > 0 ? reader_.Byte() : throw PickleError("the file is truncated")));
  } catch (const PickleError& error) {
    throw PickleError(fmt::format("byte {}: {}", opcode_offset_, error.what()));
  }
}

void PickleMachine::PopOne() {
  if (!marks_.empty() && marks_.back() == stack_.size()) {
    marks_.pop_back();
  } else {
    Pop();
  }
}

void PickleMachine::PushIntLine() {
  const std::string line = NameLine();
  if (line == "00" || line == "01") return Push(Kind::kBool, line == "01" ? 1 : 0);
  Push(Kind::kInt, ParseNumber(line));
}

void PickleMachine::PushLongLine() {
  std::string line = NameLine();
  if (line.ends_with('L')) line.pop_back();
  Push(Kind::kInt, ParseNumber(line));
}

bool PickleMachine::Step(std::uint8_t opcode) {
  switch (opcode) {
    case kProto:
      if (const std::uint64_t protocol = Little(1); protocol > 5)
        throw PickleError(fmt::format("pickle protocol {} is not known", protocol));
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
      throw PickleError(fmt::format("opcode 0x{:02x} has no place in a verification set", opcode));
  }
  return true;
}

Pickle::Pickle(const RandomAccess& source, const PickleLimits& limits) { PickleMachine(source, limits, *this).Run(); }

}  // namespace prefiqs::input
