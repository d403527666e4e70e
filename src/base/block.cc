#include "base/block.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>

namespace prefiqs {
namespace {

constexpr std::align_val_t kAlignment{kBlockAlignment};

// A multiple of the system's pages, which divide kLargePage; the kernel rounds up by itself.
constexpr std::size_t kPage = 4096;
std::size_t WholePages(std::size_t bytes) { return (bytes + kPage - 1) / kPage * kPage; }

// Begins at a multiple of kLargePage, so that all but the end can be large pages.
std::byte* Map(std::size_t bytes) {
  const std::size_t size = WholePages(bytes);
  void* const mapped = ::mmap(nullptr, size + kLargePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* const begin = static_cast<std::byte*>(mapped);
  const std::size_t before = (kLargePage - reinterpret_cast<std::uintptr_t>(begin) % kLargePage) % kLargePage;
  if (before > 0) ::munmap(begin, before);
  ::munmap(begin + before + size, kLargePage - before);
#ifdef MADV_HUGEPAGE
  ::madvise(begin + before, size, MADV_HUGEPAGE);  // a hint: small pages are as good, only slower
#endif
  return begin + before;
}

}  // namespace

void FreeBlock::operator()(std::byte* block) const {
  if (bytes >= kLargePage) {
    ::munmap(block, WholePages(bytes));
  } else {
    ::operator delete(block, kAlignment);
  }
}

Block AllocateBlock(std::size_t bytes) {
  if (bytes > SIZE_MAX - 2 * kLargePage) throw std::bad_alloc();
  std::byte* const block = bytes >= kLargePage
                               ? Map(bytes)
                               : static_cast<std::byte*>(::operator new(std::max<std::size_t>(bytes, 1), kAlignment));
  return Block(block, FreeBlock{bytes});
}

}  // namespace prefiqs
