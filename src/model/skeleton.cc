#include "model/skeleton.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace prefiqs::model {
namespace {

// The messages of onnx.proto that repeat or nest; every other length-delimited field is bulk (text or raw bytes) or
// small.
enum class Message {
  kModel,
  kGraph,
  kNode,
  kAttribute,
  kTensor,
  kValueInfo,
  kType,
  kTensorType,
  kShape,
  kPair,
  kFunction,
  kOther
};

struct Child {
  Message parent;
  std::uint32_t field;
  Message child;
};
constexpr Child kChildren[] = {
    {Message::kModel, 7, Message::kGraph},         {Message::kModel, 8, Message::kOther},
    {Message::kModel, 14, Message::kPair},         {Message::kModel, 20, Message::kOther},
    {Message::kModel, 25, Message::kFunction},     {Message::kGraph, 1, Message::kNode},
    {Message::kGraph, 5, Message::kTensor},        {Message::kGraph, 11, Message::kValueInfo},
    {Message::kGraph, 12, Message::kValueInfo},    {Message::kGraph, 13, Message::kValueInfo},
    {Message::kGraph, 14, Message::kOther},        {Message::kGraph, 15, Message::kOther},
    {Message::kNode, 5, Message::kAttribute},      {Message::kAttribute, 5, Message::kTensor},
    {Message::kAttribute, 6, Message::kGraph},     {Message::kAttribute, 10, Message::kTensor},
    {Message::kAttribute, 11, Message::kGraph},    {Message::kTensor, 13, Message::kPair},
    {Message::kValueInfo, 2, Message::kType},      {Message::kType, 1, Message::kTensorType},
    {Message::kType, 4, Message::kOther},          {Message::kType, 5, Message::kOther},
    {Message::kTensorType, 2, Message::kShape},    {Message::kShape, 1, Message::kOther},
    {Message::kFunction, 7, Message::kNode},       {Message::kFunction, 9, Message::kOther},
    {Message::kFunction, 11, Message::kAttribute},
};

// Packed numbers, and the bytes each takes in memory.
constexpr Child kPacked[] = {
    {Message::kAttribute, 7, Message::kOther}, {Message::kAttribute, 8, Message::kOther},
    {Message::kTensor, 1, Message::kOther},    {Message::kTensor, 4, Message::kOther},
    {Message::kTensor, 5, Message::kOther},    {Message::kTensor, 7, Message::kOther},
    {Message::kTensor, 10, Message::kOther},   {Message::kTensor, 11, Message::kOther},
};
constexpr std::int64_t kPackedElementBytes = 8;

// A node of the real networks we know has about 20 fields with all that belongs to it, initialisers included; this
// allows for verbose ones, and bounds what protobuf allocates to a few gigabytes at the default limit.
constexpr std::int64_t kFieldsPerNode = 100;
constexpr std::int64_t kFieldsAtLeast = 100000;
// Protobuf's own limit for nesting.
constexpr int kMaxDepth = 100;

const Child* FindRow(std::span<const Child> rows, Message parent, std::uint32_t field) {
  for (const Child& row : rows) {
    if (row.parent == parent && row.field == field) return &row;
  }
  return nullptr;
}

void AppendVarint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  out += static_cast<char>(value);
}

void AppendBytes(std::uint64_t field, std::string_view content, std::string& out) {
  AppendVarint(field << 3 | 2, out);
  AppendVarint(content.size(), out);
  out += content;
}

[[noreturn]] void Fail(std::string cause) { throw Error(ErrorCode::kModel, cause); }

// Reads forward, through a small window, and skips without reading.
class Cursor {
 public:
  explicit Cursor(const ByteSource& source) : source_(source) {}
  std::int64_t position() const { return position_; }

  std::uint8_t Byte() {
    if (position_ >= window_end_) Refill();
    return window_[static_cast<std::size_t>(position_++ - window_begin_)];
  }

  void Append(std::int64_t count, std::string& out) {
    while (count > 0) {
      if (position_ >= window_end_) Refill();
      const std::int64_t part = std::min(count, window_end_ - position_);
      out.append(reinterpret_cast<const char*>(window_.data()) + (position_ - window_begin_),
                 static_cast<std::size_t>(part));
      position_ += part;
      count -= part;
    }
  }

  void Skip(std::int64_t count) { position_ += count; }

 private:
  void Refill() {
    const auto wanted = std::min<std::int64_t>(static_cast<std::int64_t>(window_.size()), source_.size() - position_);
    if (wanted <= 0) Fail("not an ONNX file, or a truncated one");
    source_.Read(position_, std::span(window_).first(static_cast<std::size_t>(wanted)));
    window_begin_ = position_;
    window_end_ = position_ + wanted;
  }

  const ByteSource& source_;
  std::int64_t position_ = 0;
  std::int64_t window_begin_ = 0;
  std::int64_t window_end_ = 0;
  std::array<std::uint8_t, 4096> window_;
};

class Scanner {
 public:
  Scanner(const ByteSource& source, const ReadLimits& limits)
      : cursor_(source), limits_(limits), max_fields_(kFieldsAtLeast + kFieldsPerNode * limits.max_nodes) {}

  // The message that ends at `end`, without its bulk.
  std::string Scan(std::int64_t end, Message message, int depth) {
    if (depth > kMaxDepth) Fail("its messages nest too deeply");
    std::string out;
    while (cursor_.position() < end) {
      const std::uint64_t tag = Varint(end);
      const std::uint64_t field = tag >> 3;
      if (field == 0 || field >= (std::uint64_t{1} << 29)) Fail("not an ONNX file");
      if (++fields_ > max_fields_) {
        Fail(fmt::format("more than {} protobuf fields, too many for a network of at most {} nodes", max_fields_,
                         limits_.max_nodes));
      }
      const std::uint64_t kind = tag & 7;
      if (kind == 2) {
        const std::uint64_t size = Varint(end);
        if (size > static_cast<std::uint64_t>(end - cursor_.position())) Fail("not an ONNX file, or a truncated one");
        Content(message, static_cast<std::uint32_t>(field), static_cast<std::int64_t>(size), depth, out);
      } else {
        AppendVarint(tag, out);
        if (kind == 0) {
          AppendVarint(Varint(end), out);
        } else if (kind == 1 || kind == 5) {
          const std::int64_t size = kind == 1 ? 8 : 4;
          if (size > end - cursor_.position()) Fail("not an ONNX file, or a truncated one");
          cursor_.Append(size, out);
        } else {  // groups: no field of ONNX is one
          Fail("not an ONNX file");
        }
      }
    }
    return out;
  }

 private:
  std::uint64_t Varint(std::int64_t end) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (cursor_.position() >= end) Fail("not an ONNX file, or a truncated one");
      const std::uint8_t byte = cursor_.Byte();
      if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    Fail("not an ONNX file");
  }

  void Content(Message message, std::uint32_t field, std::int64_t size, int depth, std::string& out) {
    if (message == Message::kGraph && field == 1 && ++nodes_ > limits_.max_nodes) {
      Fail(fmt::format("more than {} nodes", limits_.max_nodes));
    }
    if (message == Message::kTensor && field == kSegmentField) Fail("tensors in segments are not supported");
    if (message == Message::kTensor && field == kRawDataField && size >= kBulkBytes) {
      std::string segment;
      AppendVarint(1 << 3, segment);
      AppendVarint(static_cast<std::uint64_t>(cursor_.position()), segment);
      AppendVarint(2 << 3, segment);
      AppendVarint(static_cast<std::uint64_t>(cursor_.position() + size), segment);
      AppendBytes(kSegmentField, segment, out);
      cursor_.Skip(size);
      return;
    }
    if (const Child* row = FindRow(kChildren, message, field); row != nullptr) {
      AppendBytes(field, Scan(cursor_.position() + size, row->child, depth + 1), out);
      return;
    }
    if (FindRow(kPacked, message, field) != nullptr) {
      packed_bytes_ += size * kPackedElementBytes;
      if (packed_bytes_ > limits_.max_constant_bytes) {
        Fail(fmt::format("constants of more than {} bytes", limits_.max_constant_bytes));
      }
    }
    AppendVarint(std::uint64_t{field} << 3 | 2, out);
    AppendVarint(static_cast<std::uint64_t>(size), out);
    cursor_.Append(size, out);
  }

  static constexpr std::uint32_t kSegmentField = 3;
  static constexpr std::uint32_t kRawDataField = 9;

  Cursor cursor_;
  const ReadLimits& limits_;
  const std::int64_t max_fields_;
  std::int64_t fields_ = 0;
  std::int64_t nodes_ = 0;
  std::int64_t packed_bytes_ = 0;
};

}  // namespace

std::string ReadSkeleton(const ByteSource& source, const ReadLimits& limits) {
  return Scanner(source, limits).Scan(source.size(), Message::kModel, 0);
}

}  // namespace prefiqs::model
