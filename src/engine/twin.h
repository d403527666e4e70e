// Dense and pruned network as one plan that takes any number of faces.
#ifndef PREFIQS_ENGINE_TWIN_H_
#define PREFIQS_ENGINE_TWIN_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <prefiqs/network.h>

#include "engine/executor.h"
#include "graph/graph.h"

namespace prefiqs::engine {

// Embeddings of one face; the pruned one is empty when the twin was compiled without a pruned graph, both where the
// network could not be run on the face.
struct TwinEmbedding {
  std::vector<float> dense;
  std::vector<float> pruned;
  std::string failure{};  // node and cause, e.g. an integer division by zero; else empty
};

// Faces run in micro-batches of a fixed size chosen at compile time (a last, smaller group is filled up with its last
// face), so the bits of a result depend neither on how many faces are given nor on their order.
class Twin {
 public:
  // `pruned` null: the dense network alone. Both are read, not yet specialised, with one image input and one embedding
  // output. Throws Error(kNotAvailable) where the precision is not to be had.
  static std::unique_ptr<const Twin> Compile(const graph::Graph& dense, const graph::Graph* pruned, ExecutorKind kind,
                                             const CompileOptions& options = {});

  int micro_batch() const;
  // As many faces as one Run makes the most of: micro-batches take turns at each stretch of the network, so that what
  // the first has read of the weights is in the cache for the others.
  int faces_at_once() const;
  std::vector<LayerReport> Layers() const;
  std::string InstructionSet() const;

  std::unique_ptr<Context> NewContext() const;
  // `faces`: preprocessed, each 3×H×W floats (C, H, W order). One thread and the helper; any number of faces.
  // Thread-safe given distinct contexts. With a helper the two networks run side by side behind what they share, with
  // the same bits; for when threads are more than faces, since several faces of one thread have the weights in common.
  std::vector<TwinEmbedding> Run(Context& context, std::span<const std::vector<float>> faces,
                                 Helper* helper = nullptr) const;

  ~Twin();

 private:
  Twin();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_TWIN_H_
