// Bytes of a file one after the other, without holding the file.
#ifndef PREFIQS_INPUT_BYTE_READER_H_
#define PREFIQS_INPUT_BYTE_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace prefiqs::input {

// Bytes at any offset. Thread-safe.
class RandomAccess {
 public:
  virtual ~RandomAccess() = default;
  virtual std::int64_t size() const = 0;
  // Fills `target`; requires offset + target.size() <= size(). Throws Error(kIo).
  virtual void Read(std::int64_t offset, std::span<std::uint8_t> target) const = 0;
};

// Throws Error(kIo) when the file cannot be opened or is not a regular one.
std::unique_ptr<RandomAccess> OpenFile(const std::string& path);
// A view: the bytes have to stay.
std::unique_ptr<RandomAccess> OpenBytes(std::span<const std::uint8_t> bytes);

// Forward reading with a buffer.
class ByteReader {
 public:
  explicit ByteReader(const RandomAccess& source) : source_(source) {}

  std::int64_t offset() const { return offset_; }
  std::int64_t left() const { return source_.size() - offset_; }

  // Both require that many bytes to be left.
  std::uint8_t Byte();
  void Skip(std::int64_t count) { offset_ += count; }

 private:
  const RandomAccess& source_;
  std::int64_t offset_ = 0;
  std::int64_t buffer_start_ = 0;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace prefiqs::input

#endif  // PREFIQS_INPUT_BYTE_READER_H_
