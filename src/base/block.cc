#include "base/block.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace prefiqs {
namespace {

constexpr std::align_val_t kAlignment{kBlockAlignment};

std::byte* Map(std::size_t bytes) {
  void* const mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  return static_cast<std::byte*>(mapped);
}

}  // namespace

void FreeBlock::operator()(std::byte* block) const {
  if (bytes >= kLargePage) {
    ::munmap(block, bytes);
  } else {
    ::operator delete(block, kAlignment);
  }
}

Block AllocateBlock(std::size_t bytes) {
  std::byte* const block = bytes >= kLargePage
                               ? Map(bytes)
                               : static_cast<std::byte*>(::operator new(std::max<std::size_t>(bytes, 1), kAlignment));
  return Block(block, FreeBlock{bytes});
}

}  // namespace prefiqs
