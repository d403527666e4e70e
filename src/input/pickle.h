// Reads Python pickles (protocols 0 to 5) of lists, tuples, bytes, text, integers, booleans, None, and NumPy arrays of
// uint8 or bool; nothing is ever executed or looked up by name: every other opcode and global is an error.
//
// Opcodes: Python's Lib/pickletools.py. NumPy's part: ndarray.__reduce__ and __reduce_ex__.
#ifndef PREFIQS_INPUT_PICKLE_H_
#define PREFIQS_INPUT_PICKLE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "input/byte_reader.h"

namespace prefiqs::input {

// What stands on the machine's stack. Small and copied freely; contents are owned by the Pickle.
struct PickleValue {
  enum class Kind : std::uint8_t {
    kNone,
    kBool,       // a
    kInt,        // a
    kRawBytes,   // b bytes at offset a of the source
    kHeldBytes,  // held(a)
    kRawText,    // b bytes of UTF-8 at offset a of the source
    kHeldText,   // held(a), Latin-1
    kList,       // items(a)
    kTuple,      // items(a)
    kArray,      // array(a)
    kDtype,      // a: 0 uint8, 1 bool
    kGlobal,     // a: one of the few known names
  };
  Kind kind = Kind::kNone;
  std::int64_t a = 0, b = 0;
};

struct PickleArray {
  bool is_bool = false;
  std::vector<std::int64_t> shape;
  PickleValue data;  // kRawBytes or kHeldBytes of just the product of `shape`; kNone before the array got its state
};

// Offset and cause; whoever knows the file's name adds it.
class PickleError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct PickleLimits {
  // Values ever put on the stack or in the memo, some 80 bytes each at most. A set of 12,000 NumPy arrays takes 0.3
  // million.
  std::int64_t max_values = 4'000'000;
};

// A pickle, read. Lists may contain themselves: look only as deep as is needed. Memory is bounded by the limits and by
// twice the size of the source.
class Pickle {
 public:
  // Throws PickleError for what the bytes hold, Error(kIo) when the source cannot be read.
  explicit Pickle(const RandomAccess& source, const PickleLimits& limits = {});

  const PickleValue& root() const { return root_; }
  const std::vector<PickleValue>& items(const PickleValue& value) const { return nodes_[Index(value)]; }
  const PickleArray& array(const PickleValue& value) const { return arrays_[Index(value)]; }
  std::shared_ptr<const std::vector<std::uint8_t>> held(const PickleValue& value) const { return held_[Index(value)]; }

 private:
  friend class PickleMachine;
  static std::size_t Index(const PickleValue& value) { return static_cast<std::size_t>(value.a); }

  PickleValue root_;
  std::deque<std::vector<PickleValue>> nodes_;  // of lists and tuples; owned here, so that cycles are no leak
  std::deque<PickleArray> arrays_;
  std::vector<std::shared_ptr<const std::vector<std::uint8_t>>> held_;
};

}  // namespace prefiqs::input

#endif  // PREFIQS_INPUT_PICKLE_H_
