#include "engine/onednn/packing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <random>

namespace prefiqs::engine::onednn {
namespace {

using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;

graph::TensorPtr RandomTensor(const graph::Shape& shape) {
  std::mt19937 random(3);
  graph::Tensor tensor(graph::DataType::kFloat32, shape);
  for (float& value : tensor.values<float>()) value = std::normal_distribution<float>()(random);
  return std::make_shared<const graph::Tensor>(std::move(tensor));
}

// Twice as large. `most` becomes the largest number of elements that were asked for at once.
graph::TensorPtr Doubled(const graph::TensorPtr& whole, std::atomic<std::int64_t>& most) {
  const auto write = [whole, &most](std::int64_t first, std::int64_t count, std::byte* out) {
    for (std::int64_t seen = most; seen < count && !most.compare_exchange_weak(seen, count);) {
    }
    whole->CopyTo(first, count, out);
    for (float& value : std::span(reinterpret_cast<float*>(out), static_cast<std::size_t>(count))) value *= 2;
  };
  return std::make_shared<const graph::Tensor>(
      graph::Tensor::Deferred(graph::DataType::kFloat32, whole->shape(), write, whole));
}

// The whole in one piece, by oneDNN.
std::vector<std::byte> Expected(const dnnl::engine& engine, const graph::Tensor& tensor, const Desc& from,
                                const Desc& to) {
  dnnl::memory source(from, engine, const_cast<std::byte*>(tensor.bytes())), target(to, engine);
  dnnl::stream stream(engine);
  dnnl::reorder(source, target).execute(stream, source, target);
  stream.wait();
  const auto* const bytes = static_cast<const std::byte*>(target.get_data_handle());
  return {bytes, bytes + to.get_size()};
}

struct Layout {
  Desc from, to;
};

void ExpectPacked(const graph::Shape& shape, const std::vector<Layout>& layouts, std::int64_t most_at_once) {
  const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  const graph::TensorPtr whole = RandomTensor(shape);
  for (const int threads : {1, 3}) {
    std::atomic<std::int64_t> most = 0;
    const std::vector<graph::TensorPtr> tensors{whole, Doubled(whole, most)};
    Packing packing(engine);
    std::vector<Memory> packed;
    for (const graph::TensorPtr& tensor : tensors) {
      for (const auto& [from, to] : layouts) packed.push_back(packing.Rearranged(packing.Plain(tensor, from), to));
    }
    const auto block = packing.Pack(threads);
    EXPECT_LE(most, most_at_once);
    std::size_t i = 0;
    for (const graph::TensorPtr& tensor : tensors) {
      for (const auto& [from, to] : layouts) {
        const std::vector<std::byte> expected = Expected(engine, *tensor, from, to);
        EXPECT_EQ(std::memcmp(packed[i++]->get_data_handle(), expected.data(), expected.size()), 0)
            << "layout " << (i - 1) % layouts.size() << ", " << threads << " threads";
      }
    }
  }
}

TEST(Packing, IsAsOneReorderWhereverRowsAreCut) {
  // 100 filters fill no whole number of blocks; a filter has 1,152 elements.
  const graph::Shape shape{100, 128, 3, 3};
  const Desc plain(shape, Type::f32, Tag::abcd);
  std::vector<Layout> layouts;
  for (const Tag tag : {Tag::Abcd16a, Tag::Acdb16a, Tag::ABcd16b16a, Tag::ABcd8a8b, Tag::acdb, Tag::bacd}) {
    layouts.push_back({plain, Desc(shape, Type::f32, tag)});
  }
  ExpectPacked(shape, layouts, 1 << 16);
  ExpectPacked(shape, {{plain, Desc(shape, Type::bf16, Tag::ABcd8b16a2b)}}, 1 << 16);
}

TEST(Packing, TakesPartsOfAMatrixAndCutsThemToo) {
  constexpr std::int64_t kRows = 96, kColumns = 3000, kPart = 48;
  const Desc plain({kRows, kColumns}, Type::f32, Tag::ab), to({kPart, kColumns}, Type::f32, Tag::AB16b16a);
  std::vector<Layout> layouts;
  for (std::int64_t first = 0; first < kRows; first += kPart) {
    layouts.push_back({plain.submemory_desc({kPart, kColumns}, {first, 0}), to});
  }
  ExpectPacked({kRows, kColumns}, layouts, 1 << 16);
}

TEST(Packing, TakesWholeWhatIsSeenColumnByColumn) {
  const graph::Shape shape{700, 130};
  const Desc columns({130, 700}, Type::f32, Tag::ba);
  std::vector<Layout> layouts{{columns, Desc({130, 700}, Type::f32, Tag::AB16b16a)}};
  layouts.push_back({columns.submemory_desc({64, 700}, {64, 0}), Desc({64, 700}, Type::f32, Tag::AB16b16a)});
  ExpectPacked(shape, layouts, 700 * 130);
}

}  // namespace
}  // namespace prefiqs::engine::onednn
