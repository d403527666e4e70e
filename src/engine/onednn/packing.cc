#include "engine/onednn/packing.h"

#include <algorithm>
#include <atomic>
#include <cstddef>

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
  // The large ones first, when little else is there yet. What is made of one tensor in parts is made at once: it may
  // be a deferred one.
  std::stable_sort(jobs_.begin(), jobs_.end(),
                   [](const Job& a, const Job& b) { return a.tensor->byte_count() > b.tensor->byte_count(); });
  std::vector<std::size_t> offsets;
  std::size_t size = 0;
  for (const Job& job : jobs_) {
    offsets.push_back(size);
    size += (job.to->get_desc().get_size() + kBlockAlignment - 1) / kBlockAlignment * kBlockAlignment;
  }
  auto block = std::make_shared<const Block>(AllocateBlock(size));
  for (std::size_t i = 0; i < jobs_.size(); ++i) jobs_[i].to->set_data_handle(block->get() + offsets[i]);
  std::map<const graph::Tensor*, std::size_t> group_of;
  std::vector<std::vector<const Job*>> groups;
  for (const Job& job : jobs_) {
    const auto [place, is_new] = group_of.emplace(job.tensor.get(), groups.size());
    if (is_new) groups.emplace_back();
    groups[place->second].push_back(&job);
  }
  std::atomic<std::size_t> next{0};
  ParallelFor(static_cast<std::size_t>(ThreadCount(threads)), threads, [&](std::size_t) {
    const OneThread one_thread;
    graph::Scratch scratch;
    std::size_t held = 0;
    for (std::size_t i = next++; i < groups.size(); i = next++) {
      // The product that makes an embedding is often larger by far than what follows.
      constexpr std::size_t kFarLarger = 4;
      const std::size_t bytes = groups[i].front()->tensor->byte_count();
      if (bytes * kFarLarger < held) {
        scratch = graph::Scratch();
        held = 0;
      }
      held = std::max(held, bytes);
      // oneDNN's objects have no const; nothing writes to a source.
      auto* const elements = const_cast<std::byte*>(scratch.Bytes(*groups[i].front()->tensor));
      for (const Job* job : groups[i]) {
        Reorder(engine_, dnnl::memory(job->from->get_desc(), engine_, elements), *job->to);
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
