// A look over the bytes of an ONNX file before protobuf builds objects from them.
#ifndef PREFIQS_MODEL_WIRE_SCAN_H_
#define PREFIQS_MODEL_WIRE_SCAN_H_

#include <cstdint>
#include <span>

#include "model/onnx_reader.h"

namespace prefiqs::model {

// Protobuf turns two bytes of an empty submessage into an object of a hundred, and one byte of a packed integer into
// eight, so a small file could ask for any amount of memory. This walks the wire format, skipping what is bulk, and
// throws Error(kModel) when the bytes are no protobuf (truncated, say), when there are more nodes than `limits` allows,
// more fields than a network of that many nodes can need, or more packed numbers than max_constant_bytes.
void ScanWire(std::span<const std::uint8_t> bytes, const ReadLimits& limits);

}  // namespace prefiqs::model

#endif  // PREFIQS_MODEL_WIRE_SCAN_H_
