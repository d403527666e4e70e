#include "model/tensor_proto.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

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

float ToFloat(Half half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half.bits & 0x8000u) << 16;
  const std::uint32_t exponent = (half.bits >> 10) & 0x1fu;
  const std::uint32_t fraction = half.bits & 0x3ffu;
  if (exponent == 0) {  // zero and subnormals: fraction * 2^-24, exact in a float
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t wide = exponent == 31 ? 0xffu : exponent + (127 - 15);
  return std::bit_cast<float>(sign | (wide << 23) | (fraction << 13));
}

float ToFloat(Brain brain) { return std::bit_cast<float>(static_cast<std::uint32_t>(brain.bits) << 16); }

template <typename To, typename From>
To Widen(From value, std::string_view what) {
  if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, Brain>) {
    return ToFloat(value);
  } else if constexpr (std::is_same_v<From, Bool>) {
    return value.byte != 0;
  } else if constexpr (std::is_same_v<From, std::uint64_t>) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      throw Error(ErrorCode::kModel, fmt::format("{}: {} does not fit a signed 64-bit integer", what, value));
    }
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);  // integers to wider ones; double to the nearest float, or infinity
  }
}

[[noreturn]] void Fail(std::string_view what, std::string_view cause) {
  throw Error(ErrorCode::kModel, fmt::format("{}: {}", what, cause));
}

void CheckCount(std::size_t have, const Tensor& tensor, std::string_view what, std::string_view unit) {
  if (have != static_cast<std::size_t>(tensor.count())) {
    Fail(what, fmt::format("its shape {} wants {} elements, its data has {}{}", graph::ToString(tensor.shape()),
                           tensor.count(), have, unit));
  }
}

template <typename To, typename From>
void FromRaw(std::span<const std::uint8_t> raw, Tensor& tensor, std::string_view what) {
  if (raw.size() % sizeof(From) != 0)
    Fail(what, fmt::format("{} bytes of raw data are no whole number of elements", raw.size()));
  CheckCount(raw.size() / sizeof(From), tensor, what, "");
  auto out = tensor.values<To>();
  if constexpr (std::is_same_v<To, From>) {
    if (!raw.empty()) std::memcpy(out.data(), raw.data(), raw.size());
  } else {
    for (std::size_t i = 0; i < out.size(); ++i) {
      From value;
      std::memcpy(&value, raw.data() + i * sizeof(From), sizeof(From));
      out[i] = Widen<To>(value, what);
    }
  }
}

// `Field` is the number type protobuf keeps `From` in.
template <typename To, typename From, typename Field>
void FromTyped(const google::protobuf::RepeatedField<Field>& field, Tensor& tensor, std::string_view what) {
  CheckCount(static_cast<std::size_t>(field.size()), tensor, what, "");
  auto out = tensor.values<To>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Field value = field[static_cast<int>(i)];
    if constexpr (std::is_class_v<From>) {
      if (value < 0 || value > 0xffff) Fail(what, fmt::format("{} is no 16-bit pattern", value));
      From pattern;
      if constexpr (std::is_same_v<From, Bool>) {
        pattern.byte = value != 0;
      } else {
        pattern.bits = static_cast<std::uint16_t>(value);
      }
      out[i] = Widen<To>(pattern, what);
    } else {
      const From narrow = static_cast<From>(value);
      if constexpr (std::is_integral_v<From>) {
        if (static_cast<Field>(narrow) != value) Fail(what, fmt::format("{} does not fit its element type", value));
      }
      out[i] = Widen<To>(narrow, what);
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
void FromFields(const TensorProto& proto, Tensor& tensor, std::string_view what) {
  if constexpr (std::is_same_v<From, float>) {
    FromTyped<To, From>(proto.float_data(), tensor, what);
  } else if constexpr (std::is_same_v<From, double>) {
    FromTyped<To, From>(proto.double_data(), tensor, what);
  } else if constexpr (std::is_same_v<From, std::int64_t>) {
    FromTyped<To, From>(proto.int64_data(), tensor, what);
  } else if constexpr (std::is_same_v<From, std::uint32_t> || std::is_same_v<From, std::uint64_t>) {
    FromTyped<To, From>(proto.uint64_data(), tensor, what);
  } else {
    FromTyped<To, From>(proto.int32_data(), tensor, what);
  }
}

std::int64_t ParseNumber(std::string_view text, std::string_view what, std::string_view key) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    Fail(what, fmt::format("external data: {} is '{}', not a number", key, text));
  }
  return value;
}

std::vector<std::uint8_t> ReadExternal(const TensorProto& proto, std::int64_t wanted_bytes, std::string_view what,
                                       ExternalData& external) {
  std::string location;
  std::int64_t offset = 0;
  std::int64_t length = wanted_bytes;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = ParseNumber(entry.value(), what, "offset");
    if (entry.key() == "length") length = ParseNumber(entry.value(), what, "length");
  }
  if (length != wanted_bytes) {
    Fail(what, fmt::format("external data: its shape wants {} bytes, the file says {}", wanted_bytes, length));
  }
  try {
    return external.Read(location, offset, length);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", what, error.what()));
  }
}

std::size_t OnnxElementBytes(std::int32_t onnx_type) {
  std::size_t size = 0;
  WithTypes(onnx_type, [&](auto from, auto) { size = sizeof(from); });
  return size;
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

Tensor TakeTensor(TensorProto& proto, std::string_view what, ExternalData& external, ConstantBudget& budget) {
  const auto type = Widened(proto.data_type());
  if (!type)
    Fail(what, fmt::format("elements of type {} are not supported; export the network in float32",
                           TypeName(proto.data_type())));
  if (proto.has_segment()) Fail(what, "data in segments is not supported");
  graph::Shape shape(proto.dims().begin(), proto.dims().end());
  std::int64_t count = 0;
  try {
    count = graph::ElementCount(shape);
  } catch (const Error& error) {
    Fail(what, error.what());
  }
  const bool is_external = proto.data_location() == TensorProto::EXTERNAL;
  const bool is_raw = proto.has_raw_data();
  const std::int64_t typed = std::int64_t{proto.float_data_size()} + proto.double_data_size() +
                             proto.int32_data_size() + proto.int64_data_size() + proto.uint64_data_size() +
                             proto.string_data_size();
  if ((is_external ? 1 : 0) + (is_raw ? 1 : 0) + (typed != 0 ? 1 : 0) > 1)
    Fail(what, "its data is given more than once");

  const auto element_bytes = static_cast<std::int64_t>(OnnxElementBytes(proto.data_type()));
  // Before the tensor is allocated, so that a shape alone takes no memory.
  if (is_raw && static_cast<std::int64_t>(proto.raw_data().size()) != count * element_bytes) {
    Fail(what, fmt::format("its shape {} wants {} bytes of data, it has {}", graph::ToString(shape),
                           count * element_bytes, proto.raw_data().size()));
  }
  if (!is_raw && !is_external && typed != count) {
    Fail(what, fmt::format("its shape {} wants {} elements, its data has {}", graph::ToString(shape), count, typed));
  }
  const std::int64_t bytes = count * static_cast<std::int64_t>(graph::SizeOf(*type));
  if (bytes > budget.bytes_left) Fail(what, "the constants together are larger than the limit");
  budget.bytes_left -= bytes;

  const std::vector<std::uint8_t> outside =
      is_external ? ReadExternal(proto, count * element_bytes, what, external) : std::vector<std::uint8_t>();
  Tensor tensor(*type, std::move(shape));
  WithTypes(proto.data_type(), [&](auto from, auto to) {
    using From = decltype(from);
    using To = decltype(to);
    if (is_external) {
      FromRaw<To, From>(outside, tensor, what);
    } else if (is_raw) {
      const std::string& raw = proto.raw_data();
      FromRaw<To, From>({reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()}, tensor, what);
    } else {
      FromFields<From, To>(proto, tensor, what);
    }
  });
  TensorProto().Swap(&proto);
  return tensor;
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
