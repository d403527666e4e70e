#include "graph/tensor.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace prefiqs::graph {
namespace {

constexpr std::align_val_t kAlignment{64};  // a cache line, and the widest vector register

std::byte* Allocate(std::size_t bytes) {
  return static_cast<std::byte*>(::operator new(std::max<std::size_t>(bytes, 1), kAlignment));
}

}  // namespace

std::size_t SizeOf(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return 4;
    case DataType::kInt64:
      return 8;
    case DataType::kInt32:
      return 4;
    case DataType::kBool:
      return 1;
  }
  throw Error(ErrorCode::kInternal, "tensor: a data type outside its enumeration");
}

std::string_view Name(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return "float32";
    case DataType::kInt64:
      return "int64";
    case DataType::kInt32:
      return "int32";
    case DataType::kBool:
      return "bool";
  }
  return "?";
}

std::int64_t ElementCount(const Shape& shape) {
  constexpr std::int64_t kMax = std::int64_t{1} << 40;
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) {
    // One zero makes the product zero whatever the rest, but a negative dimension is wrong even then.
    for (std::int64_t d : shape) {
      if (d < 0) throw Error(ErrorCode::kModel, fmt::format("shape {} has a negative dimension", ToString(shape)));
    }
    return 0;
  }
  std::int64_t count = 1;
  for (std::int64_t d : shape) {
    if (d < 0) throw Error(ErrorCode::kModel, fmt::format("shape {} has a negative dimension", ToString(shape)));
    if (d > kMax / count) throw Error(ErrorCode::kModel, fmt::format("shape {} is too large", ToString(shape)));
    count *= d;
  }
  return count;
}

std::string ToString(const Shape& shape) {
  if (shape.empty()) return "scalar";
  std::string text;
  for (std::int64_t d : shape) {
    if (!text.empty()) text += 'x';
    text += d == kUnknown ? "?" : std::to_string(d);
  }
  return text;
}

void Tensor::Free::operator()(std::byte* p) const { ::operator delete(p, kAlignment); }

Tensor::Tensor(DataType type, Shape shape)
    : type_(type), shape_(std::move(shape)), count_(ElementCount(shape_)), bytes_(Allocate(byte_count())) {
  std::memset(bytes_.get(), 0, byte_count());
}

Tensor::Tensor(const Tensor& other)
    : type_(other.type_), shape_(other.shape_), count_(other.count_), bytes_(Allocate(other.byte_count())) {
  std::memcpy(bytes_.get(), other.bytes_.get(), byte_count());
}

Tensor& Tensor::operator=(const Tensor& other) {
  if (this != &other) *this = Tensor(other);
  return *this;
}

Tensor Tensor::FromInt64s(std::span<const std::int64_t> values) {
  return From<std::int64_t>({static_cast<std::int64_t>(values.size())}, values);
}

Tensor Tensor::Scalar(float value) { return From<float>({}, std::span<const float>(&value, 1)); }

std::vector<std::int64_t> Tensor::ToInt64s() const {
  std::vector<std::int64_t> result(static_cast<std::size_t>(count_));
  switch (type_) {
    case DataType::kInt64:
      std::ranges::copy(values<std::int64_t>(), result.begin());
      break;
    case DataType::kInt32:
      std::ranges::copy(values<std::int32_t>(), result.begin());
      break;
    case DataType::kBool:
      std::ranges::copy(values<bool>(), result.begin());
      break;
    case DataType::kFloat32:
      throw Error(ErrorCode::kModel, "expected an integer tensor, found float32");
  }
  return result;
}

void Tensor::Reshape(Shape shape) {
  if (ElementCount(shape) != count_) {
    throw Error(ErrorCode::kInternal, fmt::format("cannot view {} as {}", ToString(shape_), ToString(shape)));
  }
  shape_ = std::move(shape);
}

void Tensor::CheckType(DataType wanted) const {
  if (type_ != wanted) {
    throw Error(ErrorCode::kInternal, fmt::format("tensor is {}, read as {}", Name(type_), Name(wanted)));
  }
}

void Tensor::CheckCount(std::size_t wanted) const {
  if (static_cast<std::size_t>(count_) != wanted) {
    throw Error(ErrorCode::kInternal, fmt::format("{} values for a tensor of shape {}", wanted, ToString(shape_)));
  }
}

bool Identical(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() && a.shape() == b.shape() && std::memcmp(a.bytes(), b.bytes(), a.byte_count()) == 0;
}

}  // namespace prefiqs::graph
