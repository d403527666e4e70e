#include "graph/tensor.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <cstring>

namespace prefiqs::graph {

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

Tensor::Tensor(Bare, DataType type, Shape shape)
    : type_(type), shape_(std::move(shape)), count_(ElementCount(shape_)) {}

Tensor::Tensor(DataType type, Shape shape) : Tensor(Unset(type, std::move(shape))) {
  if (byte_count() < kLargePage) std::memset(bytes_.get(), 0, byte_count());  // larger ones are zero
}

Tensor::Tensor(const Tensor& other) : Tensor(Unset(other.type_, other.shape_)) { other.CopyTo(bytes_.get()); }

Tensor Tensor::Unset(DataType type, Shape shape) {
  Tensor tensor(Bare(), type, std::move(shape));
  tensor.bytes_ = AllocateBlock(tensor.byte_count());
  return tensor;
}

Tensor Tensor::Deferred(DataType type, Shape shape, Write write, std::shared_ptr<const Tensor> origin) {
  Tensor tensor(Bare(), type, std::move(shape));
  tensor.deferral_ = std::make_unique<Deferral>();
  tensor.deferral_->write = std::move(write);
  tensor.deferral_->origin = std::move(origin);
  return tensor;
}

void Tensor::Make() const {
  std::call_once(deferral_->once, [this] {
    Block made = AllocateBlock(byte_count());
    deferral_->write(0, count_, made.get());
    bytes_ = std::move(made);
    deferral_->made.store(true, std::memory_order_release);
  });
}

void Tensor::CopyTo(std::int64_t first, std::int64_t count, std::byte* out) const {
  if (deferral_ != nullptr && !deferral_->made.load(std::memory_order_acquire)) {
    return deferral_->write(first, count, out);
  }
  const std::size_t size = SizeOf(type_);
  std::memcpy(out, bytes_.get() + static_cast<std::size_t>(first) * size, static_cast<std::size_t>(count) * size);
}

const Tensor& Tensor::origin() const {
  const Tensor* tensor = this;
  while (tensor->deferral_ != nullptr && tensor->deferral_->origin != nullptr) {
    tensor = tensor->deferral_->origin.get();
  }
  return *tensor;
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

const std::byte* Scratch::Bytes(const Tensor& tensor, std::int64_t first, std::int64_t count) {
  const std::size_t element = SizeOf(tensor.type()), bytes = static_cast<std::size_t>(count) * element;
  if (!tensor.deferred()) return tensor.bytes() + static_cast<std::size_t>(first) * element;
  if (bytes > size_ || block_ == nullptr) {
    block_.reset();  // before there are two
    block_ = AllocateBlock(bytes);
    size_ = bytes;
  }
  tensor.CopyTo(first, count, block_.get());
  return block_.get();
}

bool Identical(const Tensor& a, const Tensor& b) {
  return a.type() == b.type() && a.shape() == b.shape() && std::memcmp(a.bytes(), b.bytes(), a.byte_count()) == 0;
}

}  // namespace prefiqs::graph
