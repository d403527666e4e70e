// A network compiled for fixed shapes, and the scratch to run it with.
#ifndef PREFIQS_ENGINE_EXECUTOR_H_
#define PREFIQS_ENGINE_EXECUTOR_H_

#include <memory>
#include <span>
#include <string>
#include <vector>

#include <prefiqs/network.h>

#include "base/helpers.h"
#include "graph/graph.h"
#include "graph/tensor.h"

namespace prefiqs::engine {

// Activations and workspaces of one run at a time. Belongs to the caller; not to be shared by two runs at once.
class Context {
 public:
  virtual ~Context() = default;
};

// What runs a layer, for `prefiqs inspect`.
struct LayerReport {
  std::string node;  // node of the graph that was compiled
  std::string op;
  std::string implementation;  // "reference", a oneDNN implementation name, or "fused into <node>"
};

// Immutable once compiled; Run may be called from any thread with a context of its own, and starts no threads. The
// result's bits depend on the inputs, the graph and the instruction set, on nothing else.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual std::unique_ptr<Context> NewContext() const = 0;

  // `inputs` and `outputs` in the order and with the types and shapes of the graph's. Outputs are written whole.
  // Throws Error(kInternal) when they do not fit.
  virtual void Run(Context& context, std::span<const graph::Tensor* const> inputs,
                   std::span<graph::Tensor> outputs) const = 0;

  // Several runs, each in a context of its own: the same bits as Run, in an order that lets one run find in the cache
  // what another has read of the weights. A helper, where one is given, takes what does not have to wait for the rest,
  // where there is such a part (a twin's second network).
  struct Item {
    Context* context;
    std::span<const graph::Tensor* const> inputs;
    std::span<graph::Tensor> outputs;
  };
  virtual void RunAll(std::span<const Item> items, Helper* /*helper*/ = nullptr) const {
    for (const Item& item : items) Run(*item.context, item.inputs, item.outputs);
  }

  virtual std::vector<LayerReport> Layers() const = 0;
  virtual std::string InstructionSet() const = 0;
};

// `graph` must be specialised (every shape known).
std::unique_ptr<const Executor> CompileReference(const graph::Graph& graph);  // node by node, no rewriting
// By `threads` threads (0: usable_processors()), on which nothing depends. Throws Error(kNotAvailable) where the
// processor cannot multiply in `precision`. What is not multiplied is float32 in every precision: operands of products
// are rounded once, when they enter one (and, in kBf16, what only passes through functions of a channel into the next
// product when it leaves one), sums and residuals never.
struct CompileOptions {
  Precision precision = Precision::kFp32;
  int threads = 1;
};
// Rewritten, fused, in layouts of oneDNN's choice.
std::unique_ptr<const Executor> CompileOneDnn(const graph::Graph& graph, const CompileOptions& options);
std::unique_ptr<const Executor> CompileOneDnn(const graph::Graph& graph);

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_EXECUTOR_H_
