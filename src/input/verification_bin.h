// InsightFace's verification sets: a Python pickle of (list of encoded pictures, list of "same person" booleans).
#ifndef PREFIQS_INPUT_VERIFICATION_BIN_H_
#define PREFIQS_INPUT_VERIFICATION_BIN_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "input/byte_reader.h"

namespace prefiqs::input {

// Where an encoded picture is.
struct EncodedImage {
  std::int64_t offset = -1;  // in the file; -1: `held` has it
  std::int64_t length = 0;
  // Pickles of protocols 0 to 2 may hold bytes as text, which has to be decoded.
  std::shared_ptr<const std::vector<std::uint8_t>> held;
};

// Pair i is images 2 i and 2 i + 1.
struct VerificationSet {
  std::vector<EncodedImage> images;
  std::vector<bool> same;  // half as many as images
};

// Whether the name ends in .bin, in any case.
bool IsNamedBin(std::string_view path);

// Whether the file is one, by its first bytes and not by its name: a pickle of protocol 2 or later tells itself.
// Pickles of older protocols are text, so for them the name decides: a .bin that does not begin as a picture is one.
// For what is not a regular file, or cannot be read, the name decides too. Reads a few bytes.
bool IsVerificationSet(const std::string& path);

// What stands for a picture in rows and lists: FILE#INDEX, from 0.
std::string NameInSet(std::string_view path, std::size_t index);

// Reads a set by a machine of our own that builds nothing but what such a file consists of (pickle.h). Throws
// Error(kIo) naming file, offset and cause.
VerificationSet ReadVerificationBin(const std::string& path);

// The same of any bytes; `name` stands for the file in messages.
VerificationSet ReadVerificationBin(const RandomAccess& source, const std::string& name);

}  // namespace prefiqs::input

#endif  // PREFIQS_INPUT_VERIFICATION_BIN_H_
