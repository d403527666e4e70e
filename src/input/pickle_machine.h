// The machine that runs a pickle's opcodes. Its parts: pickle.cc is the table of opcodes, pickle_machine.cc stack and
// memo, pickle_objects.cc the few names a pickle may ask for and what is made with them.
#ifndef PREFIQS_INPUT_PICKLE_MACHINE_H_
#define PREFIQS_INPUT_PICKLE_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "input/byte_reader.h"
#include "input/pickle.h"

namespace prefiqs::input {

// A name longer than this is none that a verification set has.
inline constexpr std::size_t kMaxNameBytes = 100;

// Fills `pickle`. Every member throws PickleError, without the offset, which Run() adds.
class PickleMachine {
 public:
  PickleMachine(const RandomAccess& source, const PickleLimits& limits, Pickle& pickle)
      : source_(source), reader_(source), limits_(limits), pickle_(pickle) {}

  void Run();

 private:
  using Kind = PickleValue::Kind;
  using HeldVector = std::vector<std::uint8_t>;

  // One opcode with its arguments; false after the last one.
  bool Step(std::uint8_t opcode);
  void PopOne();
  void PushIntLine();
  void PushLongLine();

  // Reading. Lengths are checked against what is left before anything is done with them.
  void Need(std::uint64_t count) const;
  std::uint64_t Little(int bytes);
  std::int64_t LongOf(std::uint64_t bytes);
  HeldVector Line();
  std::string NameLine();
  std::uint64_t IndexLine();

  // The stack.
  void Count();
  void Push(const PickleValue& value);
  void Push(Kind kind, std::int64_t a = 0, std::int64_t b = 0) { Push(PickleValue{kind, a, b}); }
  PickleValue& Top();
  PickleValue Pop();
  std::vector<PickleValue> PopToMark();
  void PushNode(Kind kind, std::vector<PickleValue> items);
  void PushTuple(std::size_t size);
  void Append(const std::vector<PickleValue>& values);

  // Bytes and text stay in the file where they are as they should be, and are held where they had to be decoded.
  void PushRaw(Kind kind, std::uint64_t size);
  void PushHeld(Kind kind, HeldVector bytes);
  HeldVector Latin1(const PickleValue& raw_text) const;
  std::string Name(const PickleValue& value) const;

  // The memo.
  void Put(std::uint64_t index);
  void Get(std::uint64_t index);

  // Globals and what is made with them.
  void PushGlobal(const std::string& module, const std::string& name);
  void Reduce();
  void Encode(const std::vector<PickleValue>& arguments);
  void Build();
  const std::vector<PickleValue>& TupleItems(const PickleValue& value, std::size_t least) const;
  std::vector<std::int64_t> ShapeOf(const PickleValue& value) const;
  std::int64_t SizeOf(const PickleValue& bytes) const;
  PickleArray MakeArray(const PickleValue& shape, const PickleValue& dtype, const PickleValue& data) const;

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

}  // namespace prefiqs::input

#endif  // PREFIQS_INPUT_PICKLE_MACHINE_H_
