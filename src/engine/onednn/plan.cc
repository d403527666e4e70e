#include "engine/onednn/plan.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <numeric>
#include <unordered_map>

#include "engine/vectors.h"

namespace prefiqs::engine::onednn {

bool HasIsa(dnnl::cpu_isa wanted) {
  if (!kIsX86) return false;  // bits of other processors' sets stand for other instructions
  const auto has = static_cast<unsigned>(dnnl::get_effective_cpu_isa()), bits = static_cast<unsigned>(wanted);
  return (has & bits) == bits;
}

Vectors NewestVectors() {
  if (HasIsa(dnnl::cpu_isa::avx512_core)) return Vectors::kAvx512;
  return HasIsa(dnnl::cpu_isa::avx2) ? Vectors::kAvx2 : Vectors::kBaseline;
}

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

Desc ChannelsLast(const Dims& dims, dnnl::memory::data_type type) {
  return Desc(dims, type, dims.size() == 2 ? dnnl::memory::format_tag::ab : dnnl::memory::format_tag::acdb);
}

std::optional<ChannelRows> RowsOf(const Desc& desc) {
  using Tag = dnnl::memory::format_tag;
  const auto type = TypeOf(desc);
  const auto dims = DimsOf(desc);
  if ((type != dnnl::memory::data_type::f32 && type != dnnl::memory::data_type::bf16) ||
      (dims.size() != 2 && dims.size() != 4))
    return std::nullopt;
  const std::int64_t pixels = dims.size() == 2 ? 1 : dims[2] * dims[3];
  if (desc == ChannelsLast(dims, type)) return ChannelRows{1, 1, dims[0] * pixels, dims[1]};
  if (dims.size() == 2) return std::nullopt;
  for (const auto& [tag, width] : {std::pair{Tag::aBcd16b, 16}, std::pair{Tag::aBcd8b, 8}, std::pair{Tag::aBcd4b, 4}}) {
    if (desc == Desc(dims, type, tag)) return ChannelRows{dims[0], (dims[1] + width - 1) / width, pixels, width};
  }
  return std::nullopt;
}

Step::Bound PrimitiveStep::Bind(const Arena& arena, const dnnl::engine& engine) const {
  std::unordered_map<int, dnnl::memory> memories;
  for (const auto& [argument, operand] : arguments_) {
    memories.emplace(argument, operand.constant != nullptr ? *operand.constant
                                                           : dnnl::memory(operand.desc, engine, arena.At(operand)));
  }
  return [primitive = primitive_, memories = std::move(memories)](dnnl::stream& stream) {
    primitive.execute(stream, memories);
  };
}

std::size_t PrimitiveStep::ConstantBytes() const {
  std::size_t bytes = 0;
  for (const auto& [argument, operand] : arguments_) {
    if (operand.constant != nullptr) bytes += operand.desc.get_size();
  }
  return bytes;
}

Step::Traffic PrimitiveStep::Buffers() const {
  Traffic traffic;
  for (const auto& [argument, operand] : arguments_) {
    if (operand.buffer < 0) continue;
    // Targets have the numbers up to the first weights'.
    const bool is_target = argument >= DNNL_ARG_DST && argument < DNNL_ARG_WEIGHTS;
    (is_target || argument == DNNL_ARG_SCRATCHPAD ? traffic.written : traffic.read).push_back(operand.buffer);
  }
  return traffic;
}

Step::Bound ChannelStep::Bind(const Arena& arena, const dnnl::engine&) const {
  const void* const source = arena.At(source_);
  void* const target = arena.At(target_);
  return [this, source, target, vectors = NewestVectors()](dnnl::stream&) {
    RunChannelwise(function_, rows_, from_, to_, source, target, vectors);
  };
}

Step::Traffic ChannelStep::Buffers() const { return {{source_.buffer}, {target_.buffer}}; }

std::vector<std::size_t> Stretches(std::span<const std::unique_ptr<const Step>> steps, std::size_t cache_bytes) {
  std::vector<std::size_t> ends;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::size_t more = steps[i]->ConstantBytes();
    const bool is_for_all = steps[i]->PrefersCompany() || (i > 0 && steps[i - 1]->PrefersCompany());
    if (i > 0 && (is_for_all || (more > 0 && bytes + more > cache_bytes))) {
      ends.push_back(i);
      bytes = 0;
    }
    bytes += more;
  }
  ends.push_back(steps.size());
  return ends;
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

Step::Traffic ReferenceStep::Buffers() const {
  Traffic traffic;
  for (const Input& input : inputs_) {
    if (input.given && input.constant == nullptr) traffic.read.push_back(input.buffer);
  }
  std::copy_if(outputs_.begin(), outputs_.end(), std::back_inserter(traffic.written), [](int b) { return b >= 0; });
  return traffic;
}

}  // namespace prefiqs::engine::onednn
