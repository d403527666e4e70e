#include "model/shared_hashing.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/parallel.h"

namespace prefiqs::model {
namespace {

std::vector<std::uint8_t> Bytes(std::size_t count) {
  std::vector<std::uint8_t> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::uint8_t>(i * i / 7 + i / 1000);
  return bytes;
}

std::string Shared(const ByteSource& source, std::size_t calls, int threads) {
  ContentHash hash;
  SharedHashing hashing(source, hash);
  ParallelFor(calls, threads, [&](std::size_t) { hashing.Help(); });
  return hash.Hex();
}

// Of which some parts take longer to read than those after them.
class Uneven : public MemorySource {
 public:
  using MemorySource::MemorySource;

 protected:
  void ReadInRange(std::int64_t offset, std::span<std::uint8_t> out) const override {
    if (offset / 1000000 % 3 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    MemorySource::ReadInRange(offset, out);
  }
};

TEST(SharedHashing, IsTheHashOfTheWholeWhoeverHelps) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{1} << 18, std::size_t{9000001}}) {
    const std::vector<std::uint8_t> bytes = Bytes(count);
    ContentHash whole;
    whole.Add(bytes);
    for (const int threads : {1, 2, 5}) EXPECT_EQ(Shared(Uneven(bytes), 5, threads), whole.Hex()) << count;
  }
}

// Ends sooner than it says.
class Shortened : public ByteSource {
 public:
  std::int64_t size() const override { return 9000001; }

 protected:
  void ReadInRange(std::int64_t offset, std::span<std::uint8_t> out) const override {
    if (offset > 5000000) throw Error(ErrorCode::kIo, "became shorter while it was read");
    std::ranges::fill(out, std::uint8_t{1});
  }
};

TEST(SharedHashing, EndsForAllWhereReadingFails) {
  for (int run = 0; run < 20; ++run) {
    for (const int threads : {1, 2, 5}) EXPECT_THROW(Shared(Shortened(), 5, threads), Error);
  }
}

}  // namespace
}  // namespace prefiqs::model
