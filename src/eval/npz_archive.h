// Archives of NumPy's arrays (.npz): zip files whose members are .npy files, stored or deflated.
#ifndef PREFIQS_EVAL_NPZ_ARCHIVE_H_
#define PREFIQS_EVAL_NPZ_ARCHIVE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"

namespace prefiqs::eval {

struct NpzMember {
  std::string name;  // of the array: without .npy
  bool deflated = false;
  std::int64_t start = 0;  // of its bytes in the file
  std::uint64_t stored_bytes = 0, bytes = 0;
  std::uint32_t checksum = 0;  // CRC-32 of the bytes
};

// Whether the file begins as a zip file does.
bool IsZip(const RegularFile& file);

// The arrays in the archive's directory, zip64 included. Other members than .npy are passed over. Throws Error(kIo)
// with the cause alone: for what is cut off or contradicts itself, encrypted members and other compression.
std::vector<NpzMember> ListNpz(const RegularFile& file);

// The bytes of a deflated member, from the first to the last. Holds two buffers of 64 KiB, whatever the member claims.
class NpzInflater {
 public:
  // `file` must outlive this.
  NpzInflater(const RegularFile& file, const NpzMember& member);
  ~NpzInflater();
  NpzInflater(const NpzInflater&) = delete;
  NpzInflater& operator=(const NpzInflater&) = delete;

  // Fills `out`. Throws Error(kIo) with the cause alone: where the data end or are damaged.
  void Read(std::span<std::uint8_t> out);
  // After the last byte that is wanted: reads on to the end, and throws as Read() where the checksum is another.
  void Finish();

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

}  // namespace prefiqs::eval

#endif  // PREFIQS_EVAL_NPZ_ARCHIVE_H_
