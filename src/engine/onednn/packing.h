// Constants on their way into the layouts that primitives want.
#ifndef PREFIQS_ENGINE_ONEDNN_PACKING_H_
#define PREFIQS_ENGINE_ONEDNN_PACKING_H_

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "base/block.h"
#include "engine/onednn/plan.h"
#include "graph/tensor.h"

namespace prefiqs::engine::onednn {

using Memory = std::shared_ptr<dnnl::memory>;

// While a plan grows its constants are promises: memory objects with a description but no elements. In the end those
// that are to be rearranged are, on several threads and into one block: weights as the file has them, pruned and scaled
// ones (graph::Tensor::Deferred) included, are needed one at a time, and never all at once.
class Packing {
 public:
  explicit Packing(const dnnl::engine& engine) : engine_(engine) {}

  // The tensor's elements, row-major there, seen as `desc`. There once Settle() or Pack() was called.
  Memory Plain(const graph::TensorPtr& tensor, const Desc& desc);
  // `from` in another layout. There once Settle() or Pack() was called.
  Memory Rearranged(const std::shared_ptr<const dnnl::memory>& from, const Desc& wanted);

  // Puts in place, now, what a step reads as it lies in the tensor. Others are left alone.
  void Settle(const std::shared_ptr<const dnnl::memory>& constant);
  // Everything else. The result holds the rearranged constants, and must live as long as they are used.
  std::shared_ptr<const Block> Pack(int threads);

 private:
  struct Promise {
    Memory memory;
    graph::TensorPtr tensor;
  };
  struct Job {
    std::shared_ptr<const dnnl::memory> from;
    graph::TensorPtr tensor;  // of `from`
    Memory to;
  };
  const Promise* Find(const std::shared_ptr<const dnnl::memory>& memory) const;

  dnnl::engine engine_;
  std::map<const dnnl::memory*, Promise> promises_;  // plain ones
  std::vector<Job> jobs_;
};

}  // namespace prefiqs::engine::onednn

#endif  // PREFIQS_ENGINE_ONEDNN_PACKING_H_
