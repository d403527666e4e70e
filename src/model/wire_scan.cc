#include "model/wire_scan.h"

#include <fmt/format.h>
#include <prefiqs/error.h>

#include <iterator>

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
    {Message::kModel, 7, Message::kGraph},      {Message::kModel, 8, Message::kOther},
    {Message::kModel, 14, Message::kPair},      {Message::kModel, 20, Message::kOther},
    {Message::kModel, 25, Message::kFunction},  {Message::kGraph, 1, Message::kNode},
    {Message::kGraph, 5, Message::kTensor},     {Message::kGraph, 11, Message::kValueInfo},
    {Message::kGraph, 12, Message::kValueInfo}, {Message::kGraph, 13, Message::kValueInfo},
    {Message::kGraph, 14, Message::kOther},     {Message::kGraph, 15, Message::kOther},
    {Message::kNode, 5, Message::kAttribute},   {Message::kAttribute, 5, Message::kTensor},
    {Message::kAttribute, 6, Message::kGraph},  {Message::kAttribute, 10, Message::kTensor},
    {Message::kAttribute, 11, Message::kGraph}, {Message::kTensor, 13, Message::kPair},
    {Message::kValueInfo, 2, Message::kType},   {Message::kType, 1, Message::kTensorType},
    {Message::kType, 4, Message::kOther},       {Message::kType, 5, Message::kOther},
    {Message::kTensorType, 2, Message::kShape}, {Message::kShape, 1, Message::kOther},
    {Message::kFunction, 7, Message::kNode},
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

class Scanner {
 public:
  explicit Scanner(const ReadLimits& limits)
      : limits_(limits), max_fields_(kFieldsAtLeast + kFieldsPerNode * limits.max_nodes) {}

  void Scan(std::span<const std::uint8_t> bytes, Message message, int depth) {
    if (depth > kMaxDepth) Fail("its messages nest too deeply");
    while (!bytes.empty()) {
      const std::uint64_t tag = Varint(bytes);
      const std::uint64_t field = tag >> 3;
      if (field == 0 || field >= (std::uint64_t{1} << 29)) Fail("not an ONNX file");
      if (++fields_ > max_fields_) {
        Fail(fmt::format("more than {} protobuf fields, too many for a network of at most {} nodes", max_fields_,
                         limits_.max_nodes));
      }
      switch (tag & 7) {
        case 0:
          Varint(bytes);
          break;
        case 1:
          Take(bytes, 8);
          break;
        case 2: {
          const std::uint64_t size = Varint(bytes);
          Enter(Take(bytes, size), message, static_cast<std::uint32_t>(field), depth);
          break;
        }
        case 5:
          Take(bytes, 4);
          break;
        default:  // groups: no field of ONNX is one
          Fail("not an ONNX file");
      }
    }
  }

 private:
  [[noreturn]] static void Fail(std::string_view cause) { throw Error(ErrorCode::kModel, std::string(cause)); }

  static std::span<const std::uint8_t> Take(std::span<const std::uint8_t>& bytes, std::uint64_t size) {
    if (size > bytes.size()) Fail("not an ONNX file, or a truncated one");
    const auto taken = bytes.first(static_cast<std::size_t>(size));
    bytes = bytes.subspan(static_cast<std::size_t>(size));
    return taken;
  }

  static std::uint64_t Varint(std::span<const std::uint8_t>& bytes) {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const std::uint8_t byte = Take(bytes, 1)[0];
      if (shift < 64) value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    Fail("not an ONNX file");
  }

  void Enter(std::span<const std::uint8_t> content, Message message, std::uint32_t field, int depth) {
    if (message == Message::kGraph && field == 1 && ++nodes_ > limits_.max_nodes) {
      Fail(fmt::format("more than {} nodes", limits_.max_nodes));
    }
    if (FindRow(kPacked, message, field) != nullptr) {
      packed_bytes_ += static_cast<std::int64_t>(content.size()) * kPackedElementBytes;
      if (packed_bytes_ > limits_.max_constant_bytes) {
        Fail(fmt::format("constants of more than {} bytes", limits_.max_constant_bytes));
      }
    } else if (const Child* row = FindRow(kChildren, message, field); row != nullptr) {
      Scan(content, row->child, depth + 1);
    }
  }

  const ReadLimits& limits_;
  const std::int64_t max_fields_;
  std::int64_t fields_ = 0;
  std::int64_t nodes_ = 0;
  std::int64_t packed_bytes_ = 0;
};

}  // namespace

void ScanWire(std::span<const std::uint8_t> bytes, const ReadLimits& limits) {
  Scanner(limits).Scan(bytes, Message::kModel, 0);
}

}  // namespace prefiqs::model
