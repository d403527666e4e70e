// Pickle bytes to a verification set. Any outcome but a set that adds up or an Error(kIo) of one line is a bug.
#include <prefiqs/error.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "input/byte_reader.h"
#include "input/verification_bin.h"

namespace {

void Require(bool condition) {
  if (!condition) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace input = prefiqs::input;
  const auto file_size = static_cast<std::int64_t>(size);
  try {
    const input::VerificationSet set = input::ReadVerificationBin(*input::OpenBytes({data, size}), "fuzz");
    Require(set.images.size() == 2 * set.same.size());
    for (const input::EncodedImage& image : set.images) {
      if (image.held != nullptr) {
        Require(image.offset == -1 && image.length == static_cast<std::int64_t>(image.held->size()));
        Require(image.length <= file_size);
      } else {
        Require(image.offset >= 0 && image.length >= 0);
        Require(image.offset <= file_size && image.length <= file_size - image.offset);
      }
    }
  } catch (const prefiqs::Error& error) {
    const std::string message = error.what();
    Require(error.code() == prefiqs::ErrorCode::kIo);
    Require(message.starts_with("fuzz: ") && message.find('\n') == std::string::npos);
  }
  return 0;
}
