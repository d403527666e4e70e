#include <fmt/format.h>

#include <limits>
#include <string_view>

#include "base/file.h"
#include "input/pickle_machine.h"

namespace prefiqs::input {
namespace {

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

bool IsBoolDtype(const PickleValue& value) {
  if (value.kind != PickleValue::Kind::kDtype) throw PickleError("an array without a type");
  return value.a == 1;
}

}  // namespace

void PickleMachine::PushGlobal(const std::string& module, const std::string& name) {
  for (const GlobalName& known : kGlobals) {
    if (known.module == module && known.name == name) return Push(Kind::kGlobal, known.global);
  }
  throw PickleError(
      fmt::format("it asks for {}.{}, which has no place in a verification set", Printable(module), Printable(name)));
}

const std::vector<PickleValue>& PickleMachine::TupleItems(const PickleValue& value, std::size_t least) const {
  if (value.kind != Kind::kTuple || pickle_.items(value).size() < least) throw PickleError("a tuple is missing");
  return pickle_.items(value);
}

std::vector<std::int64_t> PickleMachine::ShapeOf(const PickleValue& value) const {
  std::vector<std::int64_t> shape;
  for (const PickleValue& dim : TupleItems(value, 0)) {
    if (dim.kind != Kind::kInt || dim.a < 0 || shape.size() == 8) throw PickleError("a malformed shape of an array");
    shape.push_back(dim.a);
  }
  return shape;
}

std::int64_t PickleMachine::SizeOf(const PickleValue& bytes) const {
  if (bytes.kind == Kind::kRawBytes) return bytes.b;
  if (bytes.kind == Kind::kHeldBytes) return static_cast<std::int64_t>(pickle_.held_[Pickle::Index(bytes)]->size());
  throw PickleError("the data of an array are not bytes");
}

PickleArray PickleMachine::MakeArray(const PickleValue& shape, const PickleValue& dtype,
                                     const PickleValue& data) const {
  PickleArray array{IsBoolDtype(dtype), ShapeOf(shape), data};
  const std::int64_t size = SizeOf(data);
  std::int64_t count = 1;
  for (const std::int64_t dim : array.shape) {
    if (dim > 0 && count > std::numeric_limits<std::int64_t>::max() / dim)
      throw PickleError("the shape of an array overflows");
    count *= dim;
  }
  if (count != size) throw PickleError("the data of an array do not fit its shape");
  return array;
}

void PickleMachine::Reduce() {
  const PickleValue arguments = Pop();
  const PickleValue callable = Pop();
  if (callable.kind != Kind::kGlobal) throw PickleError("a call of what cannot be called");
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
        throw PickleError(fmt::format("an array of {}; only uint8 and bool can be read", Printable(name)));
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
      const std::string byte = SizeOf(items[1]) == 1 ? Name(items[1]) : throw PickleError("a malformed NumPy scalar");
      return Push(IsBoolDtype(items[0]) ? Kind::kBool : Kind::kInt, static_cast<std::uint8_t>(byte[0]));
    }
  }
  throw PickleError("a call of what cannot be called");
}

void PickleMachine::Encode(const std::vector<PickleValue>& arguments) {
  const std::string codec = Name(arguments[1]);
  if (codec != "latin1" && codec != "latin-1")
    throw PickleError(fmt::format("an unknown encoding {}", Printable(codec)));
  const PickleValue& text = arguments[0];
  if (text.kind == Kind::kHeldText) return Push(Kind::kHeldBytes, text.a);
  if (text.kind != Kind::kRawText) throw PickleError("what is not text is to be encoded");
  PushHeld(Kind::kHeldBytes, Latin1(text));
}

// __setstate__ of an array, (version, shape, dtype, Fortran order, bytes), or of a dtype, where it adds nothing for
// types of one byte.
void PickleMachine::Build() {
  const PickleValue state = Pop();
  const PickleValue object = Top();
  if (object.kind == Kind::kDtype) return;
  if (object.kind != Kind::kArray) throw PickleError("a state for what has none");
  const std::vector<PickleValue>& items = TupleItems(state, 5);
  pickle_.arrays_[Pickle::Index(object)] = MakeArray(items[1], items[2], items[4]);
}

}  // namespace prefiqs::input
