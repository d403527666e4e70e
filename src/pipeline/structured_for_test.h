// Networks of which parts can be left out by hand: the same building instructions give the whole network, and one with
// tensors that were sliced before it was built.
#ifndef PREFIQS_PIPELINE_STRUCTURED_FOR_TEST_H_
#define PREFIQS_PIPELINE_STRUCTURED_FOR_TEST_H_

#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <prefiqs/network.h>

#include "engine/compare_for_test.h"
#include "ops/specialise.h"
#include "prune/prune.h"

namespace prefiqs {

// Along an axis: how many places the whole network has, and which of them this one has.
struct Places {
  std::int64_t whole = 0;
  std::vector<std::int64_t> kept;
  char label = 0;  // of one's own axis; 0: made from others, or fixed

  std::int64_t size() const { return std::ssize(kept); }
  // Each place becomes `times` neighbours, as a channel does when it is flattened.
  Places Each(std::int64_t times) const {
    Places result{whole * times, {}};
    for (const std::int64_t k : kept) {
      for (std::int64_t i = 0; i < times; ++i) result.kept.push_back(k * times + i);
    }
    return result;
  }
  // All places, `times` times over, as groups and positions have them.
  Places Repeated(std::int64_t times) const {
    Places result{whole * times, {}};
    for (std::int64_t i = 0; i < times; ++i) {
      for (const std::int64_t k : kept) result.kept.push_back(i * whole + k);
    }
    return result;
  }
  Places Then(const Places& next) const {
    Places result{whole + next.whole, kept};
    for (const std::int64_t k : next.kept) result.kept.push_back(whole + k);
    return result;
  }
};

class SlicedBuilder : public engine::GraphForTest {
 public:
  // By label: the places that this network has not.
  explicit SlicedBuilder(std::map<char, std::vector<std::int64_t>> missing = {}) : missing_(std::move(missing)) {}

  Places All(std::int64_t n) {
    Places places{n, std::vector<std::int64_t>(static_cast<std::size_t>(n))};
    std::iota(places.kept.begin(), places.kept.end(), 0);
    return places;
  }
  Places Axis(char label, std::int64_t n) {
    Places places = All(n);
    for (const std::int64_t gone : missing_[label]) std::erase(places.kept, gone);
    places.label = label;
    return places;
  }

  // The same numbers for the same name in every network. Notes where labels stand.
  graph::ValueId Weights(const std::string& name, const std::vector<Places>& axes, float low = -0.5f,
                         float high = 0.5f) {
    graph::Shape whole_shape, shape;
    for (const Places& axis : axes) {
      whole_shape.push_back(axis.whole);
      shape.push_back(axis.size());
    }
    const graph::Tensor whole = engine::GraphForTest(static_cast<std::uint32_t>(std::hash<std::string>()(name)))
                                    .RandomTensor(whole_shape, low, high);
    graph::Tensor sliced(graph::DataType::kFloat32, shape);
    for (std::int64_t i = 0; i < sliced.count(); ++i) {
      std::int64_t from = 0, rest = i, stride = 1;
      for (std::size_t a = axes.size(); a-- > 0; rest /= shape[a], stride *= whole_shape[a]) {
        from += axes[a].kept[static_cast<std::size_t>(rest % shape[a])] * stride;
      }
      sliced.values<float>()[static_cast<std::size_t>(i)] = whole.values<float>()[static_cast<std::size_t>(from)];
    }
    const graph::ValueId id = Constant(std::move(sliced));
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (axes[a].label != 0) labelled[axes[a].label].emplace_back(id, a);
    }
    return id;
  }
  graph::ValueId ConvOf(graph::ValueId x, const std::string& name, const Places& from, const Places& to,
                        std::int64_t kernel = 3, std::int64_t groups = 1) {
    const std::int64_t pad = kernel / 2;
    return Add("Conv", {x, Weights(name + ".w", {to, from, All(kernel), All(kernel)}), Weights(name + ".b", {to})},
               {{"pads", std::vector<std::int64_t>{pad, pad, pad, pad}}, {"group", groups}});
  }
  graph::ValueId NormOf(graph::ValueId x, const std::string& name, const Places& of) {
    return Add("BatchNormalization", {x, Weights(name + ".scale", {of}), Weights(name + ".shift", {of}),
                                      Weights(name + ".mean", {of}), Weights(name + ".var", {of}, 0.5f, 1.5f)});
  }
  // Flattens 1×C×side×side and multiplies to an embedding of five.
  graph::ValueId Head(graph::ValueId x, const Places& channels) {
    const std::int64_t plane = ShapeOf(x)[2] * ShapeOf(x)[3];
    return Add("Gemm",
               {Add("Flatten", {x}), Weights("head", {All(5), channels.Each(plane)}), Weights("head.b", {All(5)})},
               {{"transB", std::int64_t{1}}});
  }

  std::map<char, std::vector<std::pair<graph::ValueId, std::size_t>>> labelled;

 private:
  std::map<char, std::vector<std::int64_t>> missing_;
};

inline constexpr std::int64_t kSide = 6;
inline constexpr double kStructuredBound = 1e-4;

inline graph::Tensor RunGraph(const graph::Graph& graph, ExecutorKind kind, std::size_t output = 0) {
  const graph::Graph specialised = ops::Specialise(graph, {});
  const auto executor =
      kind == ExecutorKind::kReference ? engine::CompileReference(specialised) : engine::CompileOneDnn(specialised);
  const auto context = executor->NewContext();
  engine::GraphForTest random(5);
  const graph::Tensor input = random.RandomTensor(specialised.value(specialised.inputs[0]).shape);
  return std::move(engine::RunOn(*executor, *context, specialised, {input})[output]);
}

// The graph with constants t of the way from its own to those of `masked`.
inline graph::Graph Towards(const graph::Graph& whole, const graph::Graph& masked, double t) {
  graph::Graph result = whole;
  for (std::size_t i = 0; i < whole.values.size(); ++i) {
    const graph::TensorPtr &a = whole.values[i].constant, &b = masked.values[i].constant;
    if (a == b) continue;
    auto moved = std::make_shared<graph::Tensor>(*a);
    const auto from = a->values<float>(), to = b->values<float>();
    const auto values = moved->values<float>();
    for (std::size_t k = 0; k < values.size(); ++k) {
      values[k] = static_cast<float>(from[k] + t * (double{to[k]} - double{from[k]}));
    }
    result.values[i].constant = std::move(moved);
  }
  return result;
}

// Of values of a function at ±step and ±step/2: its derivative at 0.
inline std::vector<double> Slope(const std::function<std::vector<double>(double)>& function, double step) {
  const auto low = function(-step), high = function(step);
  const auto nearer_low = function(-step / 2), nearer_high = function(step / 2);
  std::vector<double> slope;
  for (std::size_t i = 0; i < low.size(); ++i) {
    slope.push_back((4 * (nearer_high[i] - nearer_low[i]) / step - (high[i] - low[i]) / (2 * step)) / 3);
  }
  return slope;
}

// Of the length of what is expected. NaN where anything is.
inline double RelativeDifference(const std::vector<double>& actual, const std::vector<double>& expected) {
  double difference = 0, length = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (actual.at(i) - expected[i]) * (actual.at(i) - expected[i]);
    length += expected[i] * expected[i];
  }
  return std::sqrt(difference / length);
}

inline void ExpectSameResult(const graph::Graph& actual, const graph::Graph& expected, const std::string& what) {
  for (const ExecutorKind kind : {ExecutorKind::kReference, ExecutorKind::kOneDnn}) {
    engine::ExpectClose(RunGraph(actual, kind), RunGraph(expected, kind), kStructuredBound, what);
  }
}

inline std::int64_t Parameters(const graph::Graph& graph) {
  std::int64_t count = 0;
  for (const graph::Value& value : graph.values) {
    if (value.constant != nullptr && value.type == graph::DataType::kFloat32) count += value.constant->count();
  }
  return count;
}

inline Recipe Structured(double sparsity, Criterion criterion = Criterion::kL1, Scope scope = Scope::kLayer) {
  Recipe recipe;
  recipe.granularity = Granularity::kStructured;
  recipe.criterion = criterion;
  recipe.scope = scope;
  recipe.sparsity = sparsity;
  return recipe;
}

}  // namespace prefiqs

#endif  // PREFIQS_PIPELINE_STRUCTURED_FOR_TEST_H_
