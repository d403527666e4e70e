#include "model/onnx_reader.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <onnx/onnx_pb.h>
#include <prefiqs/error.h>

#include <limits>
#include <new>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/hash.h"
#include "base/parallel.h"
#include "model/byte_source.h"
#include "model/external_data.h"
#include "model/graph_builder.h"
#include "model/shared_hashing.h"
#include "model/skeleton.h"

namespace prefiqs::model {
namespace {

onnx::ModelProto Parse(const ByteSource& source, const ReadLimits& limits) {
  const std::string skeleton = ReadSkeleton(source, limits);
  if (skeleton.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Error(ErrorCode::kModel, "larger than what protobuf reads; save the weights as raw or external data");
  }
  onnx::ModelProto proto;
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(skeleton.data()),
                                                static_cast<int>(skeleton.size()));
  if (!proto.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage() || !proto.has_graph()) {
    throw Error(ErrorCode::kModel, "not an ONNX network, or a truncated one");
  }
  return proto;
}

// Empty `folder`: no external data.
ReadResult ReadFrom(const ByteSource& source, const std::string& folder, const ReadLimits& limits, int threads) {
  if (source.size() > limits.max_file_bytes) {
    throw Error(ErrorCode::kIo, fmt::format("larger than the limit of {} bytes", limits.max_file_bytes));
  }
  onnx::ModelProto proto = Parse(source, limits);
  ExternalData external(folder);
  ReadResult result;
  ContentHash hash;
  SharedHashing hashing(source, hash);
  ParallelFor(2, threads, [&](std::size_t task) {
    if (task == 0) result.graph = BuildGraph(proto, {source, external}, limits, result.denormals);
    hashing.Help();
  });
  external.AddTo(hash);
  result.content_hash = hash.Hex();
  return result;
}

// Names in a file may hold anything and be of any length; a message is one line that people can read.
std::string OneLine(std::string_view name, std::string_view cause) {
  constexpr std::size_t kLongest = 600;
  std::string line = fmt::format("{}: {}", Printable(name), Printable(cause.substr(0, kLongest)));
  if (cause.size() > kLongest) line += "...";
  return line;
}

// `work` with `name` in front of what it says.
template <typename Work>
auto Named(const std::string& name, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error(error.code(), OneLine(name, error.what()));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kModel, OneLine(name, "not enough memory to read it"));
  }
}

}  // namespace

ReadResult ReadOnnxFile(const std::string& path, const ReadLimits& limits, int threads) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const auto file = Named(path, [&] { return OpenRegularFile(path); });
  if (file != nullptr) return Named(path, [&] { return ReadFrom(*file, folder, limits, threads); });
  const std::vector<std::uint8_t> bytes = ReadFile(path, limits.max_file_bytes);  // a pipe; names itself in errors
  return Named(path, [&] { return ReadFrom(MemorySource(bytes), folder, limits, threads); });
}

ReadResult ReadOnnxBytes(std::span<const std::uint8_t> bytes, const std::string& name, const ReadLimits& limits) {
  return Named(name, [&] { return ReadFrom(MemorySource(bytes), "", limits, 1); });
}

}  // namespace prefiqs::model
