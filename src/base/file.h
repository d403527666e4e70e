// Whole files in and out, without half-written results.
#ifndef PREFIQS_BASE_FILE_H_
#define PREFIQS_BASE_FILE_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace prefiqs {

// The whole file. Throws Error(kIo) naming path and cause; Error(kIo) too when it is a folder or larger than
// `max_bytes`.
std::vector<std::uint8_t> ReadFile(const std::string& path, std::int64_t max_bytes);

// Writes `bytes` to a temporary file beside `path`, syncs and renames. Throws Error(kIo) (full disk, no permission) and
// leaves no temporary file and any old `path` as it was.
void WriteFileAtomically(const std::string& path, std::span<const std::uint8_t> bytes);
void WriteFileAtomically(const std::string& path, std::string_view text);

// Bytes of a path made fit for a message: control characters as \xNN, the rest as it is.
std::string Printable(std::string_view path);

}  // namespace prefiqs

#endif  // PREFIQS_BASE_FILE_H_
