// A compiled network: steps over buffers of one arena.
#ifndef PREFIQS_ENGINE_ONEDNN_PLAN_H_
#define PREFIQS_ENGINE_ONEDNN_PLAN_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/block.h"
#include "engine/channelwise.h"
#include "engine/executor.h"
#include "engine/onednn/library.h"
#include "engine/reference_node.h"
#include "graph/graph.h"
#include "graph/tensor.h"

namespace prefiqs::engine::onednn {

// A tensor during a run: its layout, and the buffer or the constant that holds it.
struct Operand {
  Desc desc;        // null for what oneDNN cannot describe (other types than float32, no elements): row-major then
  int buffer = -1;  // -1: see constant
  std::shared_ptr<const dnnl::memory> constant{};
  std::size_t offset = 0;  // bytes into the buffer
};

// Part of the arena. Buffers that are never needed at the same time share bytes.
struct Buffer {
  std::size_t bytes = 0;
  int first_step = 0;  // -1: filled before the first step
  int last_step = 0;   // the number of steps: read after the last one
  std::size_t offset = 0;
};

// Batch×height×width×channel, or batch×channel.
Desc ChannelsLast(const Dims& dims, dnnl::memory::data_type type);

// Where the channels of a float32 or bfloat16 tensor of this layout lie, if they lie in rows.
std::optional<ChannelRows> RowsOf(const Desc& desc);

// Of the instructions that oneDNN uses: its cap holds for our loops too. What is newer has all of what is older.
bool HasIsa(dnnl::cpu_isa wanted);
Vectors NewestVectors();

// Gives every buffer its offset; returns the size of the arena. Offsets are multiples of 64.
std::size_t PlaceBuffers(std::vector<Buffer>& buffers);

// The memory of one context.
struct Arena {
  std::byte* base = nullptr;
  std::span<const Buffer> buffers;
  void* At(int buffer) const { return base + buffers[static_cast<std::size_t>(buffer)].offset; }
  void* At(const Operand& operand) const { return static_cast<std::byte*>(At(operand.buffer)) + operand.offset; }
};

// Immutable; binding it to an arena gives what a run calls. Primitives take their memory as objects whose making costs
// more than small layers do, so they are made once a context.
class Step {
 public:
  using Bound = std::function<void(dnnl::stream&)>;
  virtual ~Step() = default;
  virtual Bound Bind(const Arena& arena, const dnnl::engine& engine) const = 0;
  // What it reads that is the same in every run.
  virtual std::size_t ConstantBytes() const { return 0; }
  // Whether RunTogether is cheaper than as many runs; the bits are the same.
  virtual bool PrefersCompany() const { return false; }
  // One run in each arena. Only of what prefers it.
  virtual void RunTogether(std::span<const Arena* const> /*arenas*/) const {}
  // The buffers it uses. One that is written may be read as well (a sum in place).
  struct Traffic {
    std::vector<int> read, written;
  };
  virtual Traffic Buffers() const = 0;
};

class PrimitiveStep : public Step {
 public:
  using Arguments = std::vector<std::pair<int, Operand>>;  // DNNL_ARG_… and what goes there
  PrimitiveStep(dnnl::primitive primitive, Arguments arguments)
      : primitive_(std::move(primitive)), arguments_(std::move(arguments)) {}
  Bound Bind(const Arena& arena, const dnnl::engine& engine) const override;
  std::size_t ConstantBytes() const override;
  Traffic Buffers() const override;

 private:
  dnnl::primitive primitive_;
  Arguments arguments_;
};

class ChannelStep : public Step {
 public:
  ChannelStep(ChannelFunction function, const ChannelRows& rows, ChannelForm from, ChannelForm to, Operand source,
              Operand target)
      : function_(std::move(function)),
        rows_(rows),
        from_(from),
        to_(to),
        source_(std::move(source)),
        target_(std::move(target)) {}
  Bound Bind(const Arena& arena, const dnnl::engine& engine) const override;
  Traffic Buffers() const override;

 private:
  ChannelFunction function_;
  ChannelRows rows_;
  ChannelForm from_, to_;
  Operand source_, target_;
};

// The operator table's loops, for what oneDNN has no primitive for. All operands are row-major.
class ReferenceStep : public Step {
 public:
  struct Input {
    bool given = false;
    graph::TensorPtr constant;  // or:
    int buffer = -1;
    graph::DataType type = graph::DataType::kFloat32;
    graph::Shape shape;
  };
  // `outputs`: a buffer each, -1 for those that are left out.
  ReferenceStep(ReferenceNode node, std::vector<Input> inputs, std::vector<int> outputs)
      : node_(std::move(node)), inputs_(std::move(inputs)), outputs_(std::move(outputs)) {}
  Bound Bind(const Arena& arena, const dnnl::engine& engine) const override;
  Traffic Buffers() const override;

 private:
  ReferenceNode node_;
  std::vector<Input> inputs_;
  std::vector<int> outputs_;
};

// Plan::stretches of `steps`.
std::vector<std::size_t> Stretches(std::span<const std::unique_ptr<const Step>> steps, std::size_t cache_bytes);

// The steps from `tail` on can run in an arena of their own, beside those from `at` to `tail`, once the buffers
// `handed` were copied there from the arena in which the steps before `at` ran. It is laid out as the plan's, so what
// the one may overwrite by the plan's order the other still has.
struct Fork {
  std::size_t at = 0, tail = 0;  // at < tail < number of steps
  std::vector<int> handed;       // inputs among them
  std::vector<bool> from_tail;   // by output of the plan: it is in the tail's arena
};

struct Plan {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  std::shared_ptr<const Block> constants;  // those that were rearranged
  std::vector<Buffer> buffers;
  std::vector<std::unique_ptr<const Step>> steps;
  std::vector<int> inputs;  // a buffer each, row-major
  struct Output {
    int buffer = -1;  // row-major; or:
    graph::TensorPtr constant;
  };
  std::vector<Output> outputs;
  // Ends of the stretches of steps whose constants fit in a cache together, or that are one step which prefers company;
  // the last is the number of steps.
  std::vector<std::size_t> stretches;
  std::optional<Fork> fork;         // nothing where all is one
  std::vector<LayerReport> layers;  // of the rewritten graph
  std::size_t arena_bytes = 0;
};

}  // namespace prefiqs::engine::onednn

#endif  // PREFIQS_ENGINE_ONEDNN_PLAN_H_
