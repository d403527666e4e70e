#include "engine/onednn/plan.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <unordered_map>

namespace prefiqs::engine::onednn {

std::size_t PlaceBuffers(std::vector<Buffer>& buffers) {
  constexpr std::size_t kAlignment = 64;
  std::vector<std::size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // The largest first, each at the lowest place that is free while it lives.
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return buffers[a].bytes > buffers[b].bytes; });
  std::vector<const Buffer*> placed;  // by offset
  std::size_t total = 0;
  for (const std::size_t index : order) {
    Buffer& buffer = buffers[index];
    const std::size_t bytes = (buffer.bytes + kAlignment - 1) / kAlignment * kAlignment;
    std::size_t offset = 0;
    for (const Buffer* other : placed) {
      if (other->last_step < buffer.first_step || buffer.last_step < other->first_step) continue;
      if (offset + bytes <= other->offset) break;
      offset = std::max(offset, other->offset + (other->bytes + kAlignment - 1) / kAlignment * kAlignment);
    }
    buffer.offset = offset;
    total = std::max(total, offset + bytes);
    const auto after = [](const Buffer* a, const Buffer* b) { return a->offset < b->offset; };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), &buffer, after), &buffer);
  }
  return total;
}

Step::Bound PrimitiveStep::Bind(const Arena& arena, const dnnl::engine& engine) const {
  std::unordered_map<int, dnnl::memory> memories;
  for (const auto& [argument, operand] : arguments_) {
    memories.emplace(argument, operand.constant != nullptr
                                   ? *operand.constant
                                   : dnnl::memory(operand.desc, engine, arena.At(operand.buffer)));
  }
  return [primitive = primitive_, memories = std::move(memories)](dnnl::stream& stream) {
    primitive.execute(stream, memories);
  };
}

Step::Bound ReferenceStep::Bind(const Arena& arena, const dnnl::engine&) const {
  return [this, arena](dnnl::stream&) {
    std::vector<graph::Tensor> copies;
    copies.reserve(inputs_.size());
    std::vector<const graph::Tensor*> arguments;
    for (const Input& input : inputs_) {
      if (!input.given || input.constant != nullptr) {
        arguments.push_back(input.constant.get());
        continue;
      }
      copies.emplace_back(input.type, input.shape);
      std::memcpy(copies.back().bytes(), arena.At(input.buffer), copies.back().byte_count());
      arguments.push_back(&copies.back());
    }
    const std::vector<graph::Tensor> results = node_.Run(arguments);
    for (std::size_t i = 0; i < outputs_.size(); ++i) {
      if (outputs_[i] >= 0) std::memcpy(arena.At(outputs_[i]), results[i].bytes(), results[i].byte_count());
    }
  };
}

}  // namespace prefiqs::engine::onednn
