// Operators that hand their elements on as they are.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "ops/broadcast.h"
#include "ops/cast_like.h"
#include "ops/convert.h"
#include "ops/rows.h"
#include "ops/rule.h"

namespace prefiqs::ops {
namespace {

using graph::DataType;
using graph::Node;
using graph::Tensor;

std::vector<TensorType> InferIdentity(const Node& node, std::span<const InferInput> inputs) {
  return {Required(node, inputs, 0, "X")};
}

void RunIdentity(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  std::memcpy(outputs[0].bytes(), inputs[0]->bytes(), outputs[0].byte_count());
}

// Inference: nothing is dropped. Inputs: X, ratio, training_mode.
std::vector<TensorType> InferDropout(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& x = RequiredFloat(node, inputs, 0, "X");
  if (Given(inputs, 2)) {
    const Tensor& training = *KnownInput(node, inputs, 2, "training_mode");
    if (training.type() != DataType::kBool || training.count() != 1) Fail(node, "training_mode must be one bool");
    if (training.values<bool>()[0]) Fail(node, "training_mode is set; export the network in evaluation mode");
  }
  std::vector<TensorType> types{x};
  if (node.outputs.size() > 1) types.push_back({DataType::kBool, x.shape});
  return types;
}

void RunDropout(const Node& node, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  RunIdentity(node, inputs, outputs.first(1));
  if (outputs.size() > 1) std::ranges::fill(outputs[1].values<bool>(), true);
}

// With ONNX's numbers of the types.
constexpr std::pair<std::int64_t, DataType> kTypes[] = {
    {1, DataType::kFloat32}, {6, DataType::kInt32}, {7, DataType::kInt64}, {9, DataType::kBool}};

DataType CastTarget(const Node& node) {
  const std::int64_t to = node.Int("to", 0);
  for (const auto& [number, type] : kTypes) {
    if (number == to) return type;
  }
  Fail(node, fmt::format("the type {} cannot be cast to; float32, int32, int64 and bool can", to));
}

std::vector<TensorType> InferCast(const Node& node, std::span<const InferInput> inputs) {
  return {{CastTarget(node), Required(node, inputs, 0, "X").shape}};
}

void RunCast(const Node&, std::span<const Tensor* const> inputs, std::span<Tensor> outputs) {
  WithType(inputs[0]->type(), [&]<typename From>(From) {
    WithType(outputs[0].type(), [&]<typename To>(To) {
      const auto x = inputs[0]->values<From>();
      const auto y = outputs[0].values<To>();
      for (std::size_t i = 0; i < y.size(); ++i) {
        if constexpr (std::is_same_v<From, float>) {
          y[i] = Saturated<To>(x[i]);
        } else {
          y[i] = static_cast<To>(x[i]);
        }
      }
    });
  });
}

// Its second input tells the type by its own, whatever it holds.
std::vector<TensorType> InferCastLike(const Node& node, std::span<const InferInput> inputs) {
  const TensorType& x = Required(node, inputs, 0, "X");
  return {{Required(node, inputs, 1, "the value that tells the type").type, x.shape}};
}

constexpr std::string_view kTo[] = {"to"};

constexpr Operator kRows[] = {
    {"Cast", 1, 1, 1, 1, kTo, InferCast, RunCast, 6, kElementwise},
    {"CastLike", 2, 2, 1, 1, {}, InferCastLike, RunCast, 15},
    {"Identity", 1, 1, 1, 1, {}, InferIdentity, RunIdentity, 1, kElementwise},
    {"Dropout", 1, 3, 1, 2, {}, InferDropout, RunDropout, 7, kElementwise},
};

}  // namespace

Node CastTo(DataType type, const Node& cast_like) {
  Node cast = cast_like;
  cast.op = "Cast";
  cast.inputs.resize(1);
  cast.attributes["to"] = std::ranges::find(kTypes, type, &std::pair<std::int64_t, DataType>::second)->first;
  return cast;
}

std::span<const Operator> PassRows() { return kRows; }

}  // namespace prefiqs::ops
