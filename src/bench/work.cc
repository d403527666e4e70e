#include <prefiqs/bench.h>

#include "graph/merge.h"
#include "ops/specialise.h"
#include "ops/tangent.h"
#include "ops/work.h"
#include "pipeline/network_impl.h"
#include "prune/prune.h"

namespace prefiqs {
namespace {

std::int64_t OfOnePicture(const graph::Graph& graph, const prune::InputShapes& shapes) {
  return ops::MultiplyAdds(ops::Specialise(graph, shapes)) / shapes.begin()->second[0];
}

}  // namespace

Work count_work(const Network& network, const AssessorOptions& options) {
  const Network::Impl& impl = network.impl();
  const prune::InputShapes shapes = impl.InputShapes();
  Work work;
  work.dense = OfOnePicture(impl.graph, shapes);
  work.method = work.dense;
  if (!prunes(options.method)) return work;
  impl.CheckNotPruned();
  const Recipe recipe = options.recipe ? *options.recipe : network.stored_recipe().value_or(Recipe{});
  const graph::Graph pruned = prune::ApplyMasks(impl.graph, impl.Masks(recipe));
  work.method = OfOnePicture(
      options.method == Method::kJvp ? ops::WithTangent(impl.graph, pruned) : graph::MergeTwin(impl.graph, pruned),
      shapes);
  return work;
}

}  // namespace prefiqs
