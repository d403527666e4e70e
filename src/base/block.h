// Memory for numbers: aligned, not set to anything.
#ifndef PREFIQS_BASE_BLOCK_H_
#define PREFIQS_BASE_BLOCK_H_

#include <cstddef>
#include <memory>

namespace prefiqs {

inline constexpr std::size_t kBlockAlignment = 64;  // a cache line, and the widest vector register

struct FreeBlock {
  std::size_t bytes = 0;
  void operator()(std::byte* block) const;
};
using Block = std::unique_ptr<std::byte[], FreeBlock>;

// Aligned to kBlockAlignment; at least one byte. From kLargePage bytes on the memory is the kernel's from the first to
// the last byte: of small pages (large ones cost more where a machine gives free memory back to its host: bench/records
// /2026-11-26-start.md), zero, and given back at once when it is freed. Throws std::bad_alloc.
inline constexpr std::size_t kLargePage = std::size_t{2} << 20;
Block AllocateBlock(std::size_t bytes);

}  // namespace prefiqs

#endif  // PREFIQS_BASE_BLOCK_H_
