#include "engine/onednn/packing.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <tuple>

#include "base/denormals.h"
#include "base/parallel.h"
#include "engine/one_thread.h"

namespace prefiqs::engine::onednn {
namespace {

void Reorder(const dnnl::engine& engine, const dnnl::memory& from, const dnnl::memory& to) {
  dnnl::stream stream(engine);
  dnnl::memory source = from, target = to;
  dnnl::reorder(source, target).execute(stream, source, target);
  stream.wait();
}

// Rows of a constant, of what must be read for them, and where they go.
struct Piece {
  const graph::Tensor* tensor;
  std::int64_t first, count;  // elements
  Desc from, to;
  std::span<std::byte> target;  // from where they go on, to where the next ones do

  // One group of pieces is made after the other: copies of one tensor, of the same rows, side by side.
  auto Group() const { return std::tuple(&tensor->origin(), first); }
  auto Source() const { return std::tuple(tensor, first, count); }
};

// From the start of the memory to the first element.
std::size_t BytesTo(const Desc& desc) {
  const auto element = TypeOf(desc) == dnnl::memory::data_type::f32 ? sizeof(float) : sizeof(std::uint16_t);
  return static_cast<std::size_t>(OffsetOf(desc)) * element;
}

// Pages that are asked for one after the other, by being written to, cost half as much again. Where the kernel cannot
// (before Linux 5.14) it says so, and they come one by one.
void TakePages(std::span<std::byte> bytes) {
#ifdef MADV_POPULATE_WRITE
  constexpr std::uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t first = begin / kPage * kPage, last = (begin + bytes.size() + kPage - 1) / kPage * kPage;
  ::madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE);
#endif
}

// As many rows as are about `wanted`: whole blocks, and if possible without a rest, which would be another primitive.
std::int64_t RowsAtOnce(std::int64_t rows, std::int64_t block, std::int64_t wanted) {
  const std::int64_t most = std::max(wanted / block, std::int64_t{1}) * block;
  for (std::int64_t some = most; some * 2 > most; some -= block) {
    if (rows % some == 0) return some;
  }
  return most;
}

// `from` sees `tensor`; `to` lies at `target`.
void Cut(const graph::Tensor& tensor, const Desc& from, const Desc& to, std::span<std::byte> target,
         std::vector<Piece>& pieces) {
  // A piece and what is made of it stay in the second-level cache.
  constexpr std::int64_t kPieceElements = 1 << 16;
  if (!IsRowMajor(from) || !IsBlocked(to)) {
    pieces.push_back({&tensor, 0, tensor.count(), from, to, target});
    return;
  }
  const Dims whole = DimsOf(from);
  const std::int64_t rows = whole[0];
  const std::int64_t row = std::accumulate(whole.begin() + 1, whole.end(), std::int64_t{1}, std::multiplies<>());
  const std::int64_t at_once = RowsAtOnce(rows, RowsInBlock(to), kPieceElements / row);
  std::size_t place = 0;
  Dims some = whole, begin(whole.size(), 0);
  const Dims none(whole.size(), 0);
  for (; begin[0] < rows; begin[0] += at_once) {
    some[0] = std::min(at_once, rows - begin[0]);
    Desc part = to.submemory_desc(some, begin);
    const std::int64_t first = OffsetOf(from) + begin[0] * row;
    if (begin[0] > 0) pieces.back().target = target.subspan(place, BytesTo(part) - place);
    place = BytesTo(part);
    // Without an offset pieces of a size share a primitive. The last one may end within a block, as the whole does, and
    // no part from the start can: it keeps its offset.
    if (some[0] % RowsInBlock(to) == 0) part = to.submemory_desc(some, none);
    pieces.push_back({&tensor, first, some[0] * row, RowMajor(some), part, target.subspan(place)});
  }
}

}  // namespace

Memory Packing::Plain(const graph::TensorPtr& tensor, const Desc& desc) {
  // The tensor lives as long as the memory that refers to it.
  const Memory memory(new dnnl::memory(desc, engine_, DNNL_MEMORY_NONE), [tensor](dnnl::memory* m) { delete m; });
  promises_[memory.get()] = {memory, tensor};
  return memory;
}

Memory Packing::Rearranged(const std::shared_ptr<const dnnl::memory>& from, const Desc& wanted) {
  const Promise* promise = Find(from);
  for (const Job& job : jobs_) {
    if (job.to == from) promise = Find(job.from);  // packed itself, later: from where that comes
  }
  if (promise == nullptr) {
    auto packed = std::make_shared<dnnl::memory>(wanted, engine_);
    Reorder(engine_, *from, *packed);
    return packed;
  }
  jobs_.push_back({promise->memory, promise->tensor, Memory(new dnnl::memory(wanted, engine_, DNNL_MEMORY_NONE))});
  return jobs_.back().to;
}

void Packing::Settle(const std::shared_ptr<const dnnl::memory>& constant) {
  const Promise* const promise = Find(constant);
  if (promise == nullptr || promise->memory->get_data_handle() != nullptr) return;
  // oneDNN's objects have no const; nothing writes to an operand that is a source.
  promise->memory->set_data_handle(const_cast<std::byte*>(promise->tensor->bytes()));
}

std::shared_ptr<const Block> Packing::Pack(int threads) {
  // Small ones last: they fill up what large ones leave to the threads.
  std::stable_sort(jobs_.begin(), jobs_.end(),
                   [](const Job& a, const Job& b) { return a.tensor->byte_count() > b.tensor->byte_count(); });
  std::vector<std::size_t> offsets;
  std::size_t size = 0;
  for (const Job& job : jobs_) {
    offsets.push_back(size);
    size += (job.to->get_desc().get_size() + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment;
  }
  auto block = std::make_shared<const Block>(AllocateBlock(size));
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    const Desc to = jobs_[i].to->get_desc();
    const std::span target(block->get() + offsets[i], to.get_size());
    jobs_[i].to->set_data_handle(target.data());
    Cut(*jobs_[i].tensor, jobs_[i].from->get_desc(), to, target, pieces);
  }
  // The file's bytes that the dense network's rows are made of are in the cache when the pruned one's want them.
  std::map<std::tuple<const graph::Tensor*, std::int64_t>, std::vector<const Piece*>> by_group;
  std::vector<const std::vector<const Piece*>*> groups;
  for (const Piece& piece : pieces) {
    auto& group = by_group[piece.Group()];
    if (group.empty()) groups.push_back(&group);
    group.push_back(&piece);
  }
  for (auto& [key, group] : by_group) {
    std::ranges::stable_sort(group, std::less<>(), [](const Piece* piece) { return piece->Source(); });
  }
  std::atomic<std::size_t> next{0};
  ParallelFor(static_cast<std::size_t>(ThreadCount(threads)), threads, [&](std::size_t) {
    const OneThread one_thread;
    const DenormalsAreZero denormals_are_zero;
    graph::Scratch scratch;
    std::int64_t held = 0;
    for (std::size_t i = next++; i < groups.size(); i = next++) {
      const Piece* before = nullptr;
      std::byte* elements = nullptr;
      for (const Piece* piece : *groups[i]) {
        // What cannot be cut is larger by far than what follows.
        constexpr std::int64_t kFarLarger = 4;
        if (piece->count * kFarLarger < held) {
          scratch = graph::Scratch();
          held = 0;
        }
        held = std::max(held, piece->count);
        if (before == nullptr || before->Source() != piece->Source()) {
          // oneDNN's objects have no const; nothing writes to a source.
          elements = const_cast<std::byte*>(scratch.Bytes(*piece->tensor, piece->first, piece->count));
        }
        TakePages(piece->target);
        Reorder(engine_, dnnl::memory(piece->from, engine_, elements),
                dnnl::memory(piece->to, engine_, piece->target.data() - BytesTo(piece->to)));
        before = piece;
      }
    }
  });
  jobs_.clear();
  return block;
}

const Packing::Promise* Packing::Find(const std::shared_ptr<const dnnl::memory>& memory) const {
  const auto found = promises_.find(memory.get());
  return found == promises_.end() ? nullptr : &found->second;
}

}  // namespace prefiqs::engine::onednn
