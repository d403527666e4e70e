#include "graph/tensor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace prefiqs::graph {
namespace {

using testing::Each;
using testing::ElementsAre;

// 1, 2, 3 … and how often they were written.
Tensor Counting(std::atomic<int>& calls, const Shape& shape) {
  return Tensor::Deferred(DataType::kFloat32, shape, [&calls](std::int64_t first, std::int64_t count, std::byte* out) {
    ++calls;
    for (std::int64_t i = 0; i < count; ++i) {
      const float value = static_cast<float>(first + i + 1);
      std::memcpy(out + i * 4, &value, 4);
    }
  });
}

TEST(Tensor, IsZeroAtFirst) {
  EXPECT_THAT(Tensor(DataType::kFloat32, {3, 5}).values<float>(), Each(0.0f));
  const Tensor large(DataType::kFloat32, {1 << 20});  // a block of its own kind
  EXPECT_THAT(large.values<float>(), Each(0.0f));
  EXPECT_EQ(Tensor::Unset(DataType::kInt64, {2, 3}).count(), 6);
}

TEST(DeferredTensor, IsMadeWhenItIsLookedAtAndKept) {
  std::atomic<int> calls = 0;
  const Tensor tensor = Counting(calls, {2, 2});
  EXPECT_TRUE(tensor.deferred());
  EXPECT_EQ(tensor.shape(), (Shape{2, 2}));
  EXPECT_EQ(tensor.byte_count(), 16u);
  EXPECT_EQ(calls, 0);
  EXPECT_THAT(tensor.values<float>(), ElementsAre(1, 2, 3, 4));
  const std::byte* const bytes = tensor.bytes();
  EXPECT_EQ(bytes, tensor.bytes());
  EXPECT_EQ(calls, 1);
  EXPECT_THROW(tensor.values<std::int64_t>(), Error);
}

TEST(DeferredTensor, CopiesWithoutKeeping) {
  std::atomic<int> calls = 0;
  const Tensor tensor = Counting(calls, {3});
  std::array<float, 3> out{};
  tensor.CopyTo(reinterpret_cast<std::byte*>(out.data()));
  tensor.CopyTo(reinterpret_cast<std::byte*>(out.data()));
  EXPECT_THAT(out, ElementsAre(1, 2, 3));
  EXPECT_EQ(calls, 2);
  const Tensor copy = tensor;
  EXPECT_FALSE(copy.deferred());
  EXPECT_TRUE(Identical(copy, tensor));  // made here
  out = {};
  tensor.CopyTo(reinterpret_cast<std::byte*>(out.data()));
  EXPECT_THAT(out, ElementsAre(1, 2, 3));
  EXPECT_EQ(calls, 4);
}

TEST(DeferredTensor, CopiesPartsAndKnowsItsOrigin) {
  std::atomic<int> calls = 0;
  const auto whole = std::make_shared<const Tensor>(Counting(calls, {6}));
  std::array<float, 2> out{};
  const auto copy_part = [&](const Tensor& tensor) {
    out = {};
    tensor.CopyTo(3, 2, reinterpret_cast<std::byte*>(out.data()));
    return out;
  };
  EXPECT_THAT(copy_part(*whole), ElementsAre(4, 5));
  EXPECT_EQ(calls, 1);
  const auto write = [whole](std::int64_t first, std::int64_t count, std::byte* to) {
    whole->CopyTo(first, count, to);
  };
  const auto changed = std::make_shared<const Tensor>(Tensor::Deferred(DataType::kFloat32, {6}, write, whole));
  const Tensor again = Tensor::Deferred(DataType::kFloat32, {6}, write, changed);
  EXPECT_EQ(&whole->origin(), whole.get());
  EXPECT_EQ(&changed->origin(), whole.get());
  EXPECT_EQ(&again.origin(), whole.get());
  const Tensor copy = again;
  EXPECT_EQ(&copy.origin(), &copy);
  EXPECT_EQ(whole->values<float>().size(), 6u);  // now they are there
  EXPECT_THAT(copy_part(*whole), ElementsAre(4, 5));
  EXPECT_THAT(copy_part(again), ElementsAre(4, 5));
}

TEST(DeferredTensor, MovesAndIsWritten) {
  std::atomic<int> calls = 0;
  Tensor tensor = Counting(calls, {2});
  Tensor moved = std::move(tensor);
  moved.values<float>()[0] = 9;
  EXPECT_THAT(std::as_const(moved).values<float>(), ElementsAre(9, 2));
  EXPECT_THAT(Tensor(moved).values<float>(), ElementsAre(9, 2));
  EXPECT_EQ(calls, 1);
}

TEST(DeferredTensor, IsMadeOnceByManyThreads) {
  std::atomic<int> calls = 0;
  const Tensor tensor = Counting(calls, {1000});
  std::vector<std::thread> threads;
  std::atomic<int> right = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { right += tensor.values<float>()[999] == 1000.0f; });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, 4);
  EXPECT_EQ(calls, 1);
}

TEST(Scratch, ShowsDeferredElementsWithoutTheirBeingKept) {
  std::atomic<int> calls = 0;
  const Tensor small = Counting(calls, {2}), large = Counting(calls, {1 << 20});
  const Tensor there = Tensor::Scalar(5);
  Scratch scratch;
  EXPECT_THAT(scratch.Values<float>(small), ElementsAre(1, 2));
  EXPECT_EQ(scratch.Values<float>(large).back(), static_cast<float>(1 << 20));
  EXPECT_EQ(scratch.Values<float>(there).data(), there.values<float>().data());
  EXPECT_EQ(scratch.Bytes(there, 0, 1), there.bytes());
  EXPECT_THAT(scratch.Values<float>(small), ElementsAre(1, 2));
  EXPECT_EQ(calls, 3);
  EXPECT_THAT(scratch.Values<float>(large, 1000, 2), ElementsAre(1001, 1002));
  const Tensor three = Tensor::From<float>({3}, std::vector<float>{7, 8, 9});
  EXPECT_THAT(scratch.Values<float>(three, 1, 2), ElementsAre(8, 9));
  EXPECT_EQ(calls, 4);
  EXPECT_THROW(scratch.Values<bool>(small), Error);
  EXPECT_EQ(calls, 4);
}

}  // namespace
}  // namespace prefiqs::graph
