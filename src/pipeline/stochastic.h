// How much an embedding hangs on single features: SER-FIQ's question (Terhörst et al., arXiv 2003.09373), asked of any
// network that ends with a weighted layer.
#ifndef PREFIQS_PIPELINE_STOCHASTIC_H_
#define PREFIQS_PIPELINE_STOCHASTIC_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <prefiqs/network.h>

#include "engine/executor.h"
#include "graph/graph.h"

namespace prefiqs::pipeline {

// The network is run once, up to the input of its last weighted layer; what follows is run kSamples times with every
// number of that input left out with probability 1/2 and the others doubled. Which ones are left out depends on the
// sample and the place alone, so all faces meet the same masks.
class Stochastic {
 public:
  static constexpr int kSamples = 100;

  // `network`: every shape known (Network::Impl::Specialised). Throws Error(kNotAvailable) where the network does not
  // end with such a layer that everything goes through.
  Stochastic(const graph::Graph& network, ExecutorKind executor);

  // The network with two outputs: the embeddings, and what the last weighted layer gets.
  const graph::Graph& trunk() const { return trunk_; }

  // 2 / (1 + exp(d)), d being the mean distance of the samples' L2-normalised embeddings: 1 where all are the same.
  // Empty where one has no direction. `feature`: one face's second output. Thread-safe.
  std::optional<double> Quality(std::span<const float> feature) const;

 private:
  graph::Graph trunk_;
  graph::Shape feature_shape_, embedding_shape_;
  std::unique_ptr<const engine::Executor> tail_;
};

// Whether sample `sample` keeps place `place`.
bool StochasticKeeps(int sample, std::size_t place);

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_STOCHASTIC_H_
