// What tests of derivatives share.
#ifndef PREFIQS_ENGINE_TANGENT_FOR_TEST_H_
#define PREFIQS_ENGINE_TANGENT_FOR_TEST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "engine/compare_for_test.h"
#include "ops/tangent.h"

namespace prefiqs::engine {

inline void SetConstant(graph::Graph& graph, graph::ValueId id, graph::Tensor tensor) {
  graph.value(id).constant = std::make_shared<graph::Tensor>(std::move(tensor));
}

inline graph::Graph Tangent(const graph::Graph& graph, const graph::Graph& changed) {
  return ops::Specialise(ops::WithTangent(graph, changed), {});
}

inline std::vector<graph::Tensor> Zeros(const graph::Graph& graph) {
  std::vector<graph::Tensor> inputs;
  for (const graph::ValueId id : graph.inputs) inputs.emplace_back(graph::DataType::kFloat32, graph.value(id).shape);
  return inputs;
}

inline std::vector<graph::Tensor> RunOnce(const Executor& executor, const graph::Graph& graph,
                                          const std::vector<graph::Tensor>& inputs) {
  const auto context = executor.NewContext();
  return RunOn(executor, *context, graph, inputs);
}

using Operation = std::function<graph::ValueId(GraphForTest&, graph::ValueId)>;

inline Operation Plain(const char* op, GraphForTest::Attributes attributes = {}) {
  return [=](GraphForTest& g, graph::ValueId v) { return g.Add(op, {v}, attributes); };
}

inline graph::ValueId Floats(GraphForTest& g, graph::Shape shape, const std::vector<float>& values) {
  return g.Constant(graph::Tensor::From<float>(std::move(shape), values));
}

// A batch normalisation of `v`.
inline graph::ValueId Norm(GraphForTest& g, graph::ValueId v) {
  const std::int64_t c = g.ShapeOf(v)[1];
  return g.Add("BatchNormalization", {v, g.Random({c}), g.Random({c}), g.Random({c}), g.Random({c}, 0.5f, 2.0f)});
}

}  // namespace prefiqs::engine

#endif  // PREFIQS_ENGINE_TANGENT_FOR_TEST_H_
