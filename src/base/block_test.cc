#include "base/block.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <new>

namespace prefiqs {
namespace {

TEST(Block, IsAlignedAndWritableToItsEnds) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, kLargePage - 1, kLargePage,
                                  kLargePage + 1, 3 * kLargePage + 5000}) {
    const Block block = AllocateBlock(bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.get()) % kBlockAlignment, 0u) << bytes;
    if (bytes >= kLargePage) {
      for (const std::size_t i : {std::size_t{0}, bytes / 2, bytes - 1}) EXPECT_EQ(block[i], std::byte{0}) << bytes;
    }
    std::memset(block.get(), 0x5a, bytes);
  }
}

TEST(Block, LargeOnesMayLieSideBySide) {
  Block first = AllocateBlock(kLargePage + 1);
  const Block second = AllocateBlock(kLargePage + 1);
  second[0] = second[kLargePage] = std::byte{7};
  first.reset();
  EXPECT_EQ(second[0], std::byte{7});
  EXPECT_EQ(second[kLargePage], std::byte{7});
}

TEST(Block, MoreThanThereIsThrows) {
  EXPECT_THROW(AllocateBlock(SIZE_MAX), std::bad_alloc);
  EXPECT_THROW(AllocateBlock(SIZE_MAX / 2), std::bad_alloc);
}

}  // namespace
}  // namespace prefiqs
