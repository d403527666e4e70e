// Content hashes that tell networks apart. Not for security.
#ifndef PREFIQS_BASE_HASH_H_
#define PREFIQS_BASE_HASH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace prefiqs {

// Streaming XXH3-128; Hex() gives the 32 digits that `xxhsum -H2` prints for the same bytes.
class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;
  void Add(std::span<const std::uint8_t> bytes);
  std::string Hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace prefiqs

#endif  // PREFIQS_BASE_HASH_H_
