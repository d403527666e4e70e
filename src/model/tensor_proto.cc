#include "model/tensor_proto.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "base/denormals.h"
#include "base/half.h"

namespace prefiqs::model {
namespace {

static_assert(std::endian::native == std::endian::little, "raw tensor data is little-endian and read as it lies");

using graph::DataType;
using graph::Tensor;
using onnx::TensorProto;

// 16-bit floats are told apart from 16-bit integers by types of their own.
struct Half {
  std::uint16_t bits;
};
struct Brain {
  std::uint16_t bits;
};
struct Bool {
  std::uint8_t byte;
};

float ToFloat(Half half) { return HalfToFloat(half.bits); }
float ToFloat(Brain brain) { return std::bit_cast<float>(static_cast<std::uint32_t>(brain.bits) << 16); }

[[noreturn]] void Fail(const std::string& cause) { throw Error(ErrorCode::kModel, cause); }

template <typename To, typename From>
To Widen(From value) {
  if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, Brain>) {
    return ToFloat(value);
  } else if constexpr (std::is_same_v<From, Bool>) {
    return value.byte != 0;
  } else if constexpr (std::is_same_v<From, std::uint64_t>) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      Fail(fmt::format("{} does not fit a signed 64-bit integer", value));
    }
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);  // integers to wider ones; double to the nearest float, or infinity
  }
}

// A run of bytes of `source`.
struct Place {
  const ByteSource* source = nullptr;
  std::int64_t offset = 0;
  std::int64_t length = 0;
};

// `place` has as many elements as `tensor`.
template <typename To, typename From>
void FromRaw(const Place& place, Tensor& tensor) {
  if constexpr (std::is_same_v<To, From>) {
    place.source->Read(place.offset, {reinterpret_cast<std::uint8_t*>(tensor.bytes()), tensor.byte_count()});
  } else {
    constexpr std::size_t kChunk = 1 << 14;  // elements
    auto out = tensor.values<To>();
    std::vector<std::uint8_t> chunk(std::min(kChunk, out.size()) * sizeof(From));
    for (std::size_t begin = 0; begin < out.size(); begin += kChunk) {
      const std::size_t count = std::min(kChunk, out.size() - begin);
      place.source->Read(place.offset + static_cast<std::int64_t>(begin * sizeof(From)),
                         std::span(chunk).first(count * sizeof(From)));
      for (std::size_t i = 0; i < count; ++i) {
        From value;
        std::memcpy(&value, chunk.data() + i * sizeof(From), sizeof(From));
        out[begin + i] = Widen<To>(value);
      }
    }
  }
}

// `Field` is the number type protobuf keeps `From` in; `field` has as many elements as `tensor`.
template <typename To, typename From, typename Field>
void FromTyped(const google::protobuf::RepeatedField<Field>& field, Tensor& tensor) {
  auto out = tensor.values<To>();
  if (static_cast<std::size_t>(field.size()) != out.size()) Fail("its data is of another type than its elements");
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Field value = field[static_cast<int>(i)];
    if constexpr (std::is_same_v<From, Bool>) {
      out[i] = value != 0;
    } else if constexpr (std::is_class_v<From>) {
      if (value < 0 || value > 0xffff) Fail(fmt::format("{} is no 16-bit pattern", value));
      out[i] = Widen<To>(From{static_cast<std::uint16_t>(value)});
    } else {
      const From narrow = static_cast<From>(value);
      if constexpr (std::is_integral_v<From>) {
        if (static_cast<Field>(narrow) != value) Fail(fmt::format("{} does not fit its element type", value));
      }
      out[i] = Widen<To>(narrow);
    }
  }
}

// Calls `use` with a value of the type that elements of `onnx_type` have in raw data, and one of the type they are
// widened to.
template <typename Use>
void WithTypes(std::int32_t onnx_type, Use use) {
  switch (onnx_type) {
    case TensorProto::FLOAT:
      return use(float{}, float{});
    case TensorProto::DOUBLE:
      return use(double{}, float{});
    case TensorProto::FLOAT16:
      return use(Half{}, float{});
    case TensorProto::BFLOAT16:
      return use(Brain{}, float{});
    case TensorProto::INT8:
      return use(std::int8_t{}, std::int32_t{});
    case TensorProto::UINT8:
      return use(std::uint8_t{}, std::int32_t{});
    case TensorProto::INT16:
      return use(std::int16_t{}, std::int32_t{});
    case TensorProto::UINT16:
      return use(std::uint16_t{}, std::int32_t{});
    case TensorProto::INT32:
      return use(std::int32_t{}, std::int32_t{});
    case TensorProto::UINT32:
      return use(std::uint32_t{}, std::int64_t{});
    case TensorProto::INT64:
      return use(std::int64_t{}, std::int64_t{});
    case TensorProto::UINT64:
      return use(std::uint64_t{}, std::int64_t{});
    case TensorProto::BOOL:
      return use(Bool{}, bool{});
    default:
      return;
  }
}

template <typename From, typename To>
void FromFields(const TensorProto& proto, Tensor& tensor) {
  if constexpr (std::is_same_v<From, float>) {
    FromTyped<To, From>(proto.float_data(), tensor);
  } else if constexpr (std::is_same_v<From, double>) {
    FromTyped<To, From>(proto.double_data(), tensor);
  } else if constexpr (std::is_same_v<From, std::int64_t>) {
    FromTyped<To, From>(proto.int64_data(), tensor);
  } else if constexpr (std::is_same_v<From, std::uint32_t> || std::is_same_v<From, std::uint64_t>) {
    FromTyped<To, From>(proto.uint64_data(), tensor);
  } else {
    FromTyped<To, From>(proto.int32_data(), tensor);
  }
}

std::int64_t ParseNumber(std::string_view text, std::string_view key) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    Fail(fmt::format("external data: {} is '{}', not a number", key, text));
  }
  return value;
}

Place ExternalPlace(const TensorProto& proto, std::int64_t wanted_bytes, ExternalData& external) {
  std::string location;
  Place place{.length = wanted_bytes};
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") place.offset = ParseNumber(entry.value(), "offset");
    if (entry.key() == "length") place.length = ParseNumber(entry.value(), "length");
  }
  try {
    place.source = &external.Open(location);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("external data '{}': {}", location, error.what()));
  }
  if (place.offset > place.source->size() || place.length > place.source->size() - place.offset) {
    Fail(fmt::format("external data '{}': {} bytes at {} are wanted, but it has {}", location, place.length,
                     place.offset, place.source->size()));
  }
  return place;
}

std::size_t OnnxElementBytes(std::int32_t onnx_type) {
  std::size_t size = 0;
  WithTypes(onnx_type, [&](auto from, auto) { size = sizeof(from); });
  return size;
}

bool IsNotWidened(std::int32_t onnx_type) {
  bool same = false;
  WithTypes(onnx_type, [&](auto from, auto to) { same = std::is_same_v<decltype(from), decltype(to)>; });
  return same;
}

// Integers of four bits, two a byte, the first in the lower half. Newer than the proto this may be built with.
constexpr std::int32_t kUint4 = 21, kInt4 = 22;
bool IsFourBit(std::int32_t onnx_type) { return onnx_type == kUint4 || onnx_type == kInt4; }

std::int32_t FourBit(std::int32_t onnx_type, unsigned bits) {
  const auto value = static_cast<std::int32_t>(bits & 0xfu);
  return onnx_type == kInt4 && value >= 8 ? value - 16 : value;
}

// `byte(i)`: the byte of elements 2 i and 2 i + 1.
template <typename Byte>
void FromFourBits(std::int32_t onnx_type, Tensor& tensor, Byte byte) {
  const auto out = tensor.values<std::int32_t>();
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = FourBit(onnx_type, byte(i / 2) >> (i % 2 * 4));
}

Tensor DecodeFourBits(const TensorProto& proto, const std::vector<Place>& places, graph::Shape shape) {
  Tensor tensor = Tensor::Unset(DataType::kInt32, std::move(shape));
  if (places.empty()) {
    FromFourBits(proto.data_type(), tensor, [&](std::size_t i) {
      const std::int32_t value = proto.int32_data(static_cast<int>(i));
      if (value < -128 || value > 255) Fail(fmt::format("{} is no byte", value));
      return static_cast<unsigned>(value) & 0xffu;
    });
    return tensor;
  }
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(places[0].length));
  places[0].source->Read(places[0].offset, bytes);
  FromFourBits(proto.data_type(), tensor, [&](std::size_t i) { return unsigned{bytes[i]}; });
  return tensor;
}

Tensor Decode(const TensorProto& proto, const DataSources& sources, ConstantBudget& budget, DenormalCount& denormals) {
  const bool four_bit = IsFourBit(proto.data_type());
  const std::optional<DataType> type = four_bit ? DataType::kInt32 : Widened(proto.data_type());
  if (!type) {
    Fail(fmt::format("elements of type {} are not supported; export the network in float32",
                     TypeName(proto.data_type())));
  }
  graph::Shape shape(proto.dims().begin(), proto.dims().end());
  const std::int64_t count = graph::ElementCount(shape);
  const std::int64_t wanted_bytes =
      four_bit ? (count + 1) / 2 : count * static_cast<std::int64_t>(OnnxElementBytes(proto.data_type()));
  const std::int64_t wanted_fields = four_bit ? wanted_bytes : count;

  const std::int64_t typed = std::int64_t{proto.float_data_size()} + proto.double_data_size() +
                             proto.int32_data_size() + proto.int64_data_size() + proto.uint64_data_size() +
                             proto.string_data_size();
  const MemorySource inside({reinterpret_cast<const std::uint8_t*>(proto.raw_data().data()), proto.raw_data().size()});
  std::vector<Place> places;
  if (proto.data_location() == TensorProto::EXTERNAL)
    places.push_back(ExternalPlace(proto, wanted_bytes, sources.external));
  if (proto.has_segment()) {
    places.push_back({&sources.file, proto.segment().begin(), proto.segment().end() - proto.segment().begin()});
  }
  if (proto.has_raw_data()) places.push_back({&inside, 0, inside.size()});
  if (places.size() + (typed != 0 ? 1 : 0) > 1) Fail("its data is given more than once");

  // All before the tensor is allocated, so that a shape alone takes no memory.
  if (places.empty() && typed != wanted_fields) {
    Fail(fmt::format("its shape {} wants {} elements, its data has {}", graph::ToString(shape), wanted_fields, typed));
  }
  if (!places.empty() && places[0].length != wanted_bytes) {
    Fail(fmt::format("its shape {} wants {} bytes of data, it has {}", graph::ToString(shape), wanted_bytes,
                     places[0].length));
  }
  const std::int64_t bytes = count * static_cast<std::int64_t>(graph::SizeOf(*type));
  if (bytes > budget.bytes_left) Fail("the constants together are larger than the limit");
  budget.bytes_left -= bytes;

  if (four_bit) {
    if (places.empty() && proto.int32_data_size() != typed) Fail("its data is of another type than its elements");
    return DecodeFourBits(proto, places, std::move(shape));
  }
  if (!places.empty() && wanted_bytes >= kStaysInFile && IsNotWidened(proto.data_type())) {
    const Place& place = places[0];
    if (auto file = place.source->Lasting(); file != nullptr && place.offset + place.length <= file->size()) {
      const auto element = static_cast<std::int64_t>(graph::SizeOf(*type));
      const bool floats = *type == DataType::kFloat32;
      if (floats) denormals.AddPlace(file, place.offset, count);
      return Tensor::Deferred(
          *type, std::move(shape),
          [file = std::move(file), offset = place.offset, element, floats](std::int64_t first, std::int64_t n,
                                                                           std::byte* out) {
            const auto elements = static_cast<std::size_t>(n);
            file->ReadLater(offset + first * element,
                            {reinterpret_cast<std::uint8_t*>(out), elements * static_cast<std::size_t>(element)});
            if (floats) ZeroDenormals({reinterpret_cast<float*>(out), elements});
          });
    }
  }
  Tensor tensor = Tensor::Unset(*type, std::move(shape));
  WithTypes(proto.data_type(), [&](auto from, auto to) {
    using From = decltype(from);
    using To = decltype(to);
    if (places.empty()) {
      FromFields<From, To>(proto, tensor);
    } else {
      FromRaw<To, From>(places[0], tensor);
    }
  });
  if (tensor.type() == DataType::kFloat32) denormals.Add(ZeroDenormals(tensor.values<float>()));
  return tensor;
}

}  // namespace

std::optional<DataType> Widened(std::int32_t onnx_type) {
  std::optional<DataType> type;
  WithTypes(onnx_type, [&](auto, auto to) { type = graph::TypeOf<decltype(to)>(); });
  return type;
}

std::int32_t OnnxType(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return TensorProto::FLOAT;
    case DataType::kInt64:
      return TensorProto::INT64;
    case DataType::kInt32:
      return TensorProto::INT32;
    case DataType::kBool:
      return TensorProto::BOOL;
  }
  throw Error(ErrorCode::kInternal, "a data type outside its enumeration");
}

std::string TypeName(std::int32_t onnx_type) {
  // Newer than the proto this is built with.
  switch (onnx_type) {
    case 17:
      return "FLOAT8E4M3FN";
    case 18:
      return "FLOAT8E4M3FNUZ";
    case 19:
      return "FLOAT8E5M2";
    case 20:
      return "FLOAT8E5M2FNUZ";
    case 21:
      return "UINT4";
    case 22:
      return "INT4";
    case 23:
      return "FLOAT4E2M1";
    default:
      break;
  }
  if (!TensorProto::DataType_IsValid(onnx_type)) return fmt::format("number {}", onnx_type);
  return TensorProto::DataType_Name(static_cast<TensorProto::DataType>(onnx_type));
}

Tensor TakeTensor(TensorProto& proto, std::string_view what, const DataSources& sources, ConstantBudget& budget,
                  DenormalCount& denormals) {
  try {
    Tensor tensor = Decode(proto, sources, budget, denormals);
    TensorProto().Swap(&proto);
    return tensor;
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", what, error.what()));
  }
}

TensorProto ToProto(const Tensor& tensor, const std::string& name) {
  TensorProto proto;
  proto.set_name(name);
  proto.set_data_type(OnnxType(tensor.type()));
  for (const std::int64_t dim : tensor.shape()) proto.add_dims(dim);
  proto.set_raw_data(tensor.bytes(), tensor.byte_count());
  return proto;
}

}  // namespace prefiqs::model
