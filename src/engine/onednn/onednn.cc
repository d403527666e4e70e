// The fast executor: rewritten, fused, compiled to oneDNN primitives in layouts of the library's choice. Its twin in
// ../reference.cc is obviously correct; tests compare the two.
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <optional>

#include <fmt/format.h>
#include <prefiqs/error.h>

#include "base/denormals.h"
#include "engine/engine_name.h"
#include "engine/executor.h"
#include "engine/io_check.h"
#include "engine/one_thread.h"
#include "engine/onednn/builder.h"
#include "engine/onednn/plan.h"
#include "graph/passes/decompose_batch_norm.h"
#include "graph/passes/fold_affine.h"
#include "graph/passes/fold_pad.h"
#include "graph/passes/join_groups.h"
#include "graph/passes/merge_reshapes.h"
#include "graph/passes/remove_no_ops.h"

namespace prefiqs::engine {
namespace {

using onednn::Plan;

graph::Graph Rewrite(const graph::Graph& graph, Precision precision) {
  // A vector unit wants four channels side by side, measured faster than eight or sixteen; a tile unit thirty-two.
  const std::int64_t group = precision == Precision::kBf16 ? 32 : 4;
  graph::Graph result = graph::RemoveNoOps(graph);
  result = graph::MergeReshapes(result);
  result = graph::FoldPad(result);
  result = graph::FoldAffine(result);
  result = graph::JoinGroups(result, group);
  result = graph::DecomposeBatchNorm(result);
  return graph::RemoveNoOps(result);  // merged reshapes may change nothing
}

struct FreeBytes {
  void operator()(std::byte* bytes) const { std::free(bytes); }
};

// Steps of a plan, bound to memory of their own.
class Strand {
 public:
  Strand(const Plan& plan, std::size_t first) : stream_(plan.engine), first_(first) {
    // 64 is a cache line and the widest register; oneDNN asks for no more.
    constexpr std::size_t kAlignment = 64;
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, std::max(plan.arena_bytes, kAlignment))));
    if (memory_ == nullptr) throw std::bad_alloc();
    arena_ = {memory_.get(), plan.buffers};
    steps_.reserve(plan.steps.size() - first);
    for (std::size_t i = first; i < plan.steps.size(); ++i) steps_.push_back(plan.steps[i]->Bind(arena_, plan.engine));
  }
  const onednn::Arena& arena() const { return arena_; }
  // From step `first` of the plan to before `last`; none that is before the strand's first.
  void Run(std::size_t first, std::size_t last) {
    for (std::size_t step = first; step < last; ++step) steps_[step - first_](stream_);
  }

 private:
  std::unique_ptr<std::byte, FreeBytes> memory_;
  onednn::Arena arena_;
  dnnl::stream stream_;
  std::vector<onednn::Step::Bound> steps_;
  std::size_t first_;
};

class OneDnnContext : public Context {
 public:
  explicit OneDnnContext(const Plan& plan) : all(plan, 0) {}

  // What runs beside `all`, ready to do so.
  Strand& Tail(const Plan& plan) {
    if (!tail) tail.emplace(plan, plan.fork->tail);
    for (const int buffer : plan.fork->handed) {
      std::memcpy(tail->arena().At(buffer), all.arena().At(buffer),
                  plan.buffers[static_cast<std::size_t>(buffer)].bytes);
    }
    return *tail;
  }

  Strand all;
  std::optional<Strand> tail;  // made when first needed
};

// Several strands take turns at each of the plan's stretches.
void RunSteps(const Plan& plan, std::span<Strand* const> strands, std::size_t first, std::size_t last) {
  const OneThread one_thread;
  const DenormalsAreZero denormals_are_zero;
  std::vector<const onednn::Arena*> arenas;
  for (const Strand* const strand : strands) arenas.push_back(&strand->arena());
  for (const std::size_t stretch_end : plan.stretches) {
    const std::size_t end = std::min(stretch_end, last);
    if (first >= end) continue;
    if (plan.steps[first]->PrefersCompany()) {
      plan.steps[first]->RunTogether(arenas);
    } else {
      for (Strand* const strand : strands) strand->Run(first, end);
    }
    first = end;
  }
}

// What is left of a graph for checking inputs and outputs: weights are in the plan, packed.
graph::Graph WithoutConstants(graph::Graph graph) {
  graph.nodes.clear();
  for (graph::Value& value : graph.values) value.constant = nullptr;
  return graph;
}

// The layers of `graph` as they run: those that rewriting took away are said to be in others.
std::vector<LayerReport> LayersOf(const graph::Graph& graph, const std::vector<LayerReport>& plan) {
  std::map<std::string_view, const LayerReport*> by_name;
  for (const LayerReport& layer : plan) by_name[layer.node] = &layer;
  std::vector<LayerReport> layers;
  for (const graph::Node& node : graph.nodes) {
    std::string implementation = "folded away";
    for (const std::string& name : {node.name, node.name + "/scale", node.name + "/shift"}) {
      if (const auto it = by_name.find(name); it != by_name.end()) implementation = it->second->implementation;
      if (implementation != "folded away") break;
    }
    layers.push_back({node.name, node.op, std::move(implementation)});
  }
  return layers;
}

class OneDnnExecutor : public Executor {
 public:
  OneDnnExecutor(const graph::Graph& graph, const CompileOptions& options) : io_(WithoutConstants(graph)) {
    CheckSpecialised(graph);
    const OneThread one_thread;
    const graph::Graph rewritten = Rewrite(graph, options.precision);
    plan_ = onednn::Builder(rewritten, options).Build();
    layers_ = LayersOf(graph, plan_.layers);
  }

  std::unique_ptr<Context> NewContext() const override {
    const OneThread one_thread;
    return std::make_unique<OneDnnContext>(plan_);
  }

  void Run(Context& context, std::span<const graph::Tensor* const> inputs,
           std::span<graph::Tensor> outputs) const override {
    const Item item{&context, inputs, outputs};
    RunAll({&item, 1}, nullptr);
  }

  void RunAll(std::span<const Item> items, Helper* helper) const override {
    std::vector<OneDnnContext*> contexts;
    std::vector<Strand*> strands;
    for (const Item& item : items) {
      CheckInputsAndOutputs(io_, item.inputs, item.outputs);
      contexts.push_back(&Mine(*item.context));
      strands.push_back(&contexts.back()->all);
      for (std::size_t i = 0; i < item.inputs.size(); ++i) {
        std::memcpy(strands.back()->arena().At(plan_.inputs[i]), item.inputs[i]->bytes(), item.inputs[i]->byte_count());
      }
    }
    const bool forks = helper != nullptr && plan_.fork;
    if (forks) {
      RunForked(contexts, strands, *helper);
    } else {
      RunSteps(plan_, strands, 0, plan_.steps.size());
    }
    for (std::size_t n = 0; n < items.size(); ++n) {
      for (std::size_t i = 0; i < items[n].outputs.size(); ++i) {
        const Plan::Output& output = plan_.outputs[i];
        graph::Tensor& to = items[n].outputs[i];
        const Strand& strand = forks && plan_.fork->from_tail[i] ? *contexts[n]->tail : contexts[n]->all;
        const void* source = output.constant != nullptr ? output.constant->bytes() : strand.arena().At(output.buffer);
        std::memcpy(to.bytes(), source, to.byte_count());
      }
    }
  }

  std::vector<LayerReport> Layers() const override { return layers_; }
  std::string InstructionSet() const override { return OneDnnInstructionSet(); }

 private:
  OneDnnContext& Mine(Context& context) const {
    auto* const mine = dynamic_cast<OneDnnContext*>(&context);
    if (mine == nullptr || mine->all.arena().buffers.data() != plan_.buffers.data()) {
      throw Error(ErrorCode::kInternal, "the context is another executor's");
    }
    return *mine;
  }

  void RunForked(std::span<OneDnnContext* const> contexts, std::span<Strand* const> strands, Helper& helper) const {
    RunSteps(plan_, strands, 0, plan_.fork->at);
    std::vector<Strand*> tails;
    {
      const OneThread one_thread;  // their primitives are bound
      for (OneDnnContext* const context : contexts) tails.push_back(&context->Tail(plan_));
    }
    helper.Both([&] { RunSteps(plan_, strands, plan_.fork->at, plan_.fork->tail); },
                [&] { RunSteps(plan_, tails, plan_.fork->tail, plan_.steps.size()); });
  }

  graph::Graph io_;
  Plan plan_;
  std::vector<LayerReport> layers_;
};

}  // namespace

std::unique_ptr<const Executor> CompileOneDnn(const graph::Graph& graph) { return CompileOneDnn(graph, {}); }

std::unique_ptr<const Executor> CompileOneDnn(const graph::Graph& graph, const CompileOptions& options) {
  // Without the instructions oneDNN falls back to loops here and there.
  if (options.precision != Precision::kFp32 && !onednn::HasIsa(dnnl::cpu_isa::avx512_core_bf16)) {
    throw Error(ErrorCode::kNotAvailable,
                fmt::format("precision {} needs a processor with AVX512-BF16 or AMX; fp32 runs on this one",
                            name(options.precision)));
  }
  try {
    const DenormalsAreZero denormals_are_zero;  // as in a run: of small weights products are made here already
    return std::make_unique<OneDnnExecutor>(graph, options);
  } catch (const dnnl::error& e) {
    throw Error(ErrorCode::kInternal, fmt::format("oneDNN could not compile the network: {}", e.what()));
  }
}

}  // namespace prefiqs::engine
