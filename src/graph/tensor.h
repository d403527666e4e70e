// Dense row-major tensors: the constants of a graph and the inputs and outputs of a run.
#ifndef PREFIQS_GRAPH_TENSOR_H_
#define PREFIQS_GRAPH_TENSOR_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/block.h"

namespace prefiqs::graph {

// The types values have while a network runs. Files may hold more (float16, bfloat16, double, 8- and 16-bit integers);
// the reader widens them to the nearest of these.
enum class DataType : std::uint8_t { kFloat32, kInt64, kInt32, kBool };

std::size_t SizeOf(DataType type);
std::string_view Name(DataType type);

// Dimensions, outermost first. In a graph that is not specialised yet, kUnknown stands for an open dimension; a Tensor
// has none.
using Shape = std::vector<std::int64_t>;
inline constexpr std::int64_t kUnknown = -1;

// Product of the dimensions (1 for a scalar). Throws Error(kModel) on a negative dimension or when it exceeds 2^40.
std::int64_t ElementCount(const Shape& shape);
std::string ToString(const Shape& shape);  // "1x3x112x112", "scalar"; open dimensions as "?"

template <typename T>
constexpr DataType TypeOf();
template <>
constexpr DataType TypeOf<float>() {
  return DataType::kFloat32;
}
template <>
constexpr DataType TypeOf<std::int64_t>() {
  return DataType::kInt64;
}
template <>
constexpr DataType TypeOf<std::int32_t>() {
  return DataType::kInt32;
}
template <>
constexpr DataType TypeOf<bool>() {
  return DataType::kBool;
}

// Owns its elements, aligned to 64 bytes, zero at first. Copies are deep; share constants as shared_ptr<const Tensor>.
// Reading is thread-safe.
class Tensor {
 public:
  Tensor() : Tensor(DataType::kFloat32, {0}) {}
  // Throws Error(kModel) where ElementCount does.
  Tensor(DataType type, Shape shape);
  Tensor(const Tensor& other);
  Tensor(Tensor&&) noexcept = default;
  Tensor& operator=(const Tensor& other);
  Tensor& operator=(Tensor&&) noexcept = default;

  template <typename T>
  static Tensor From(Shape shape, std::span<const T> values);
  // To be written whole by who asks for it: its elements are not set to anything.
  static Tensor Unset(DataType type, Shape shape);
  // Makes `count` elements from `first` on, all of them, at `out`.
  using Write = std::function<void(std::int64_t first, std::int64_t count, std::byte* out)>;
  // A tensor of elements that `write` makes. It is called when they are first looked at, and whenever some of them are
  // copied before that (CopyTo), from any thread, and must make the same ones each time. So a changed copy of another
  // tensor takes no memory until somebody wants to keep it. `origin`, where given, is that other tensor: who looks at
  // both had better do so part by part, one after the other.
  static Tensor Deferred(DataType type, Shape shape, Write write, std::shared_ptr<const Tensor> origin = nullptr);
  static Tensor FromInt64s(std::span<const std::int64_t> values);  // one-dimensional
  static Tensor Scalar(float value);

  DataType type() const { return type_; }
  const Shape& shape() const { return shape_; }
  std::int64_t count() const { return count_; }
  std::size_t byte_count() const { return static_cast<std::size_t>(count_) * SizeOf(type_); }

  // T must be the tensor's type (checked: a mismatch throws Error(kInternal)).
  template <typename T>
  std::span<T> values() {
    CheckType(TypeOf<T>());
    return {reinterpret_cast<T*>(bytes()), static_cast<std::size_t>(count_)};
  }
  template <typename T>
  std::span<const T> values() const {
    CheckType(TypeOf<T>());
    return {reinterpret_cast<const T*>(bytes()), static_cast<std::size_t>(count_)};
  }
  std::byte* bytes() {
    if (deferral_ != nullptr) Make();
    return bytes_.get();
  }
  const std::byte* bytes() const {
    if (deferral_ != nullptr) Make();
    return bytes_.get();
  }
  // All elements to `out`, which is aligned as elements are. Of a deferred tensor nothing stays.
  void CopyTo(std::byte* out) const { CopyTo(0, count_, out); }
  // The `count` elements from `first` on. They must be there.
  void CopyTo(std::int64_t first, std::int64_t count, std::byte* out) const;
  // Made by Deferred(), whether or not they are there by now.
  bool deferred() const { return deferral_ != nullptr; }
  // What it was made from in the end, by one Deferred() after the other; itself where that was nothing.
  const Tensor& origin() const;

  // Any integer or bool tensor as int64s: for axes, shapes and sizes.
  std::vector<std::int64_t> ToInt64s() const;

  // Same elements, another shape of the same element count.
  void Reshape(Shape shape);

 private:
  friend class Scratch;
  struct Deferral {
    Write write;
    std::shared_ptr<const Tensor> origin;
    std::once_flag once;
    std::atomic<bool> made = false;
  };
  struct Bare {};  // without elements
  Tensor(Bare, DataType type, Shape shape);
  void Make() const;
  void CheckType(DataType wanted) const;
  void CheckCount(std::size_t wanted) const;

  DataType type_;
  Shape shape_;
  std::int64_t count_ = 0;
  mutable Block bytes_;  // of a deferred tensor empty at first
  std::unique_ptr<Deferral> deferral_;
};

using TensorPtr = std::shared_ptr<const Tensor>;

// For looking at one tensor after the other without deferred ones keeping their elements.
class Scratch {
 public:
  // Valid until the next call, and as long as the tensor lives.
  template <typename T>
  std::span<const T> Values(const Tensor& tensor) {
    return Values<T>(tensor, 0, tensor.count());
  }
  // The `count` elements from `first` on. They must be there.
  template <typename T>
  std::span<const T> Values(const Tensor& tensor, std::int64_t first, std::int64_t count) {
    tensor.CheckType(TypeOf<T>());
    return {reinterpret_cast<const T*>(Bytes(tensor, first, count)), static_cast<std::size_t>(count)};
  }
  const std::byte* Bytes(const Tensor& tensor, std::int64_t first, std::int64_t count);

  Block block_;
  std::size_t size_ = 0;
};

// Same type, shape and bits.
bool Identical(const Tensor& a, const Tensor& b);

template <typename T>
Tensor Tensor::From(Shape shape, std::span<const T> values) {
  Tensor tensor(TypeOf<T>(), std::move(shape));
  auto out = tensor.values<T>();
  tensor.CheckCount(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = values[i];
  return tensor;
}

}  // namespace prefiqs::graph

#endif  // PREFIQS_GRAPH_TENSOR_H_
