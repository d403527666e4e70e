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
#include "model/external_data.h"
#include "model/graph_builder.h"
#include "model/wire_scan.h"

namespace prefiqs::model {
namespace {

onnx::ModelProto Parse(std::span<const std::uint8_t> bytes, const ReadLimits& limits) {
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw Error(ErrorCode::kModel, "larger than 2 GiB, which protobuf cannot read; save the weights as external data");
  }
  ScanWire(bytes, limits);
  onnx::ModelProto proto;
  google::protobuf::io::CodedInputStream stream(bytes.data(), static_cast<int>(bytes.size()));
  if (!proto.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage() || !proto.has_graph()) {
    throw Error(ErrorCode::kModel, "not an ONNX network, or a truncated one");
  }
  return proto;
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
ReadResult Named(const std::string& name, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error(error.code(), OneLine(name, error.what()));
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::kModel, OneLine(name, "not enough memory to read it"));
  }
}

}  // namespace

ReadResult ReadOnnxFile(const std::string& path, const ReadLimits& limits) {
  std::vector<std::uint8_t> bytes = ReadFile(path, limits.max_file_bytes);
  return Named(path, [&] {
    ContentHash hash;
    hash.Add(bytes);
    onnx::ModelProto proto = Parse(bytes, limits);
    std::vector<std::uint8_t>().swap(bytes);  // the proto holds the weights now
    const std::size_t slash = path.rfind('/');
    ExternalData external(slash == std::string::npos ? "." : path.substr(0, slash + 1));
    ReadResult result;
    result.graph = BuildGraph(proto, external, limits);
    external.AddTo(hash);
    result.content_hash = hash.Hex();
    return result;
  });
}

ReadResult ReadOnnxBytes(std::span<const std::uint8_t> bytes, const std::string& name, const ReadLimits& limits) {
  return Named(name, [&] {
    if (bytes.size() > static_cast<std::size_t>(limits.max_file_bytes)) {
      throw Error(ErrorCode::kIo, fmt::format("larger than the limit of {} bytes", limits.max_file_bytes));
    }
    ContentHash hash;
    hash.Add(bytes);
    onnx::ModelProto proto = Parse(bytes, limits);
    ExternalData external("");
    ReadResult result;
    result.graph = BuildGraph(proto, external, limits);
    result.content_hash = hash.Hex();
    return result;
  });
}

}  // namespace prefiqs::model
