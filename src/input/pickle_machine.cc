#include "input/pickle_machine.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "input/pickle_text.h"

namespace prefiqs::input {

void PickleMachine::Need(std::uint64_t count) const {
  if (count > static_cast<std::uint64_t>(reader_.left())) throw PickleError("the file is truncated");
}

std::uint64_t PickleMachine::Little(int bytes) {
  Need(static_cast<std::uint64_t>(bytes));
  std::uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value |= std::uint64_t{reader_.Byte()} << 8 * i;
  return value;
}

PickleMachine::HeldVector PickleMachine::Line() {
  HeldVector line;
  for (;;) {
    Need(1);
    const std::uint8_t byte = reader_.Byte();
    if (byte == '\n') return line;
    line.push_back(byte);
  }
}

std::string PickleMachine::NameLine() {
  const HeldVector line = Line();
  if (line.size() > kMaxNameBytes) throw PickleError("a name is too long");
  return {line.begin(), line.end()};
}

std::int64_t PickleMachine::LongOf(std::uint64_t bytes) {
  if (bytes > 8) throw PickleError("an integer is longer than 8 bytes");
  if (bytes == 0) return 0;
  const int shift = static_cast<int>(64 - 8 * bytes);
  return static_cast<std::int64_t>(Little(static_cast<int>(bytes)) << shift) >> shift;
}

std::uint64_t PickleMachine::IndexLine() {
  const std::int64_t index = ParseNumber(NameLine());
  if (index < 0) throw PickleError("a negative index");
  return static_cast<std::uint64_t>(index);
}

void PickleMachine::Count() {
  if (++values_ > limits_.max_values) throw PickleError(fmt::format("more than {} values", limits_.max_values));
}

void PickleMachine::Push(const PickleValue& value) {
  Count();
  stack_.push_back(value);
}

PickleValue& PickleMachine::Top() {
  const std::size_t floor = marks_.empty() ? 0 : marks_.back();
  if (stack_.size() <= floor) throw PickleError("the stack is empty");
  return stack_.back();
}

PickleValue PickleMachine::Pop() {
  const PickleValue value = Top();
  stack_.pop_back();
  return value;
}

std::vector<PickleValue> PickleMachine::PopToMark() {
  if (marks_.empty()) throw PickleError("there is no mark on the stack");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleValue> values(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return values;
}

void PickleMachine::PushNode(Kind kind, std::vector<PickleValue> items) {
  pickle_.nodes_.push_back(std::move(items));
  Push(kind, static_cast<std::int64_t>(pickle_.nodes_.size()) - 1);
}

void PickleMachine::PushTuple(std::size_t size) {
  std::vector<PickleValue> items(size);
  for (std::size_t i = size; i-- > 0;) items[i] = Pop();
  PushNode(Kind::kTuple, std::move(items));
}

void PickleMachine::Append(const std::vector<PickleValue>& values) {
  PickleValue& list = Top();
  if (list.kind != Kind::kList) throw PickleError("something is appended to what is not a list");
  std::vector<PickleValue>& items = pickle_.nodes_[Pickle::Index(list)];
  items.insert(items.end(), values.begin(), values.end());
}

void PickleMachine::PushRaw(Kind kind, std::uint64_t size) {
  Need(size);
  Push(kind, reader_.offset(), static_cast<std::int64_t>(size));
  reader_.Skip(static_cast<std::int64_t>(size));
}

void PickleMachine::PushHeld(Kind kind, HeldVector bytes) {
  // Each byte of the file is decoded at most once in an honest pickle: what is used twice comes from the memo.
  held_bytes_ += static_cast<std::int64_t>(bytes.size());
  if (held_bytes_ > source_.size()) throw PickleError("text is decoded over and over");
  bytes.shrink_to_fit();
  pickle_.held_.push_back(std::make_shared<const HeldVector>(std::move(bytes)));
  Push(kind, static_cast<std::int64_t>(pickle_.held_.size()) - 1);
}

std::string PickleMachine::Name(const PickleValue& value) const {
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
  throw PickleError("a short text is missing");
}

PickleMachine::HeldVector PickleMachine::Latin1(const PickleValue& raw_text) const {
  if (raw_text.b > 2 * (source_.size() - held_bytes_)) throw PickleError("text is decoded over and over");
  HeldVector bytes(static_cast<std::size_t>(raw_text.b));
  source_.Read(raw_text.a, bytes);
  return Utf8ToLatin1(std::move(bytes));
}

void PickleMachine::Put(std::uint64_t index) {
  Count();
  memo_[index] = Top();
}

void PickleMachine::Get(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) throw PickleError(fmt::format("nothing was put under {}", index));
  Push(found->second);
}

}  // namespace prefiqs::input
