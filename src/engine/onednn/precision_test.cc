// Products in fewer bits, and several runs at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <prefiqs/error.h>

#include "engine/compare_for_test.h"

namespace prefiqs::engine {
namespace {

using testing::HasSubstr;

// Null where this processor has no such products.
std::unique_ptr<const Executor> Compile(const graph::Graph& graph, Precision precision) {
  try {
    return CompileOneDnn(graph, {.precision = precision});
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kNotAvailable) return nullptr;
    throw;
  }
}

graph::Tensor RunOnce(const Executor& executor, const graph::Graph& graph, const graph::Tensor& input) {
  const auto context = executor.NewContext();
  return RunOn(executor, *context, graph, {input}).front();
}

// Two blocks of a residual network with normalisations, PReLUs and an embedding; `whole`: all numbers are small
// integers.
class Residual {
 public:
  explicit Residual(bool whole, std::int64_t channels = 32) : whole_(whole) {
    const auto x = g_.Input({1, channels, 14, 14});
    auto trunk = g_.Add("PRelu", {Conv(x, channels), Numbers({channels, 1, 1}, 0, 2)});
    for (int block = 0; block < 2; ++block) {
      auto y =
          g_.Add("Add", {g_.Add("Mul", {trunk, Numbers({channels, 1, 1}, 1, 2)}), Numbers({channels, 1, 1}, -1, 1)});
      y = g_.Add("PRelu", {Conv(y, channels), Numbers({channels, 1, 1}, 0, 2)});
      trunk = g_.Add("Add", {Conv(y, channels), trunk});
      if (block == 0)
        trunk =
            g_.Add("MaxPool", {trunk},
                   {{"kernel_shape", std::vector<std::int64_t>{2, 2}}, {"strides", std::vector<std::int64_t>{2, 2}}});
    }
    const auto flat = g_.Add("Flatten", {trunk});
    const std::int64_t depth = g_.ShapeOf(flat)[1];
    graph = g_.Done(
        {g_.Add("Gemm", {flat, Numbers({16, depth}, -1, 1), Numbers({16}, -1, 1)}, {{"transB", std::int64_t{1}}})});
  }
  // Few of the numbers are not zero, so that sums stay small.
  graph::Tensor Input() { return Tensor(graph.value(graph.inputs[0]).shape, -1, 1); }

  graph::Graph graph;

 private:
  graph::ValueId Conv(graph::ValueId x, std::int64_t channels) {
    return g_.Add("Conv", {x, Numbers({channels, g_.ShapeOf(x)[1], 3, 3}, -1, 1), Numbers({channels}, -1, 1)},
                  {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
  }
  graph::Tensor Tensor(graph::Shape shape, float low, float high) {
    const bool weights = shape.size() == 4 || shape.size() == 2;
    const float scale = weights && !whole_ ? 0.06f : 1.0f;
    graph::Tensor tensor = g_.RandomTensor(std::move(shape), low * scale, high * scale);
    for (float& value : tensor.values<float>()) {
      if (!whole_) continue;
      value = std::round(value);
      if (weights && g_.Draw(64) != 0) value = 0;
    }
    return tensor;
  }
  graph::ValueId Numbers(graph::Shape shape, float low, float high) {
    return g_.Constant(Tensor(std::move(shape), low, high));
  }

  GraphForTest g_{3};
  bool whole_;
};

class Precisions : public testing::TestWithParam<Precision> {};

// Integers of up to eight bits and their products are exact in bfloat16, and so must the result be.
TEST_P(Precisions, AreExactWhereNumbersAreShort) {
  // Winograd's algorithm, of float32 from 32 channels on, multiplies by fractions.
  Residual net(true, GetParam() == Precision::kFp32 ? 16 : 32);
  const auto fast = Compile(net.graph, GetParam());
  if (!fast) GTEST_SKIP() << "needs AVX512-BF16";
  const graph::Tensor input = net.Input();
  const graph::Tensor expected = RunOnce(*CompileReference(net.graph), net.graph, input);
  const graph::Tensor actual = RunOnce(*fast, net.graph, input);
  float largest = 0;
  for (std::size_t i = 0; i < expected.values<float>().size(); ++i) {
    EXPECT_EQ(actual.values<float>()[i], expected.values<float>()[i]) << i;
    largest = std::max(largest, std::fabs(expected.values<float>()[i]));
  }
  EXPECT_GT(largest, 10);  // something came through
}

TEST_P(Precisions, AreAsNearAsTheirBitsAllow) {
  for (const std::int64_t channels : {16, 32, 48}) {
    Residual net(false, channels);
    const auto fast = Compile(net.graph, GetParam());
    if (!fast) GTEST_SKIP() << "needs AVX512-BF16";
    const graph::Tensor input = net.Input();
    const graph::Tensor expected = RunOnce(*CompileReference(net.graph), net.graph, input);
    const double bound = GetParam() == Precision::kFp32 ? kBound : 1e-2;
    ExpectClose(RunOnce(*fast, net.graph, input), expected, bound, std::string(name(GetParam())));
  }
}

TEST_P(Precisions, RunSeveralAtOnceToTheSameBits) {
  Residual net(false);
  const auto fast = Compile(net.graph, GetParam());
  if (!fast) GTEST_SKIP() << "needs AVX512-BF16";
  std::vector<graph::Tensor> inputs, outputs;
  std::vector<std::unique_ptr<Context>> contexts;
  std::vector<const graph::Tensor*> pointers(5);
  for (int i = 0; i < 5; ++i) {
    inputs.push_back(net.Input());
    outputs.emplace_back(graph::DataType::kFloat32, graph::Shape{1, 16});
    contexts.push_back(fast->NewContext());
  }
  std::vector<Executor::Item> items;
  for (std::size_t i = 0; i < 5; ++i) {
    pointers[i] = &inputs[i];
    items.push_back({contexts[i].get(), {&pointers[i], 1}, {&outputs[i], 1}});
  }
  fast->RunAll(items);
  for (std::size_t i = 0; i < 5; ++i) {
    const graph::Tensor alone = RunOnce(*fast, net.graph, inputs[i]);
    for (std::size_t k = 0; k < 16; ++k) ASSERT_EQ(outputs[i].values<float>()[k], alone.values<float>()[k]) << i;
  }
}

// Products that are multiplied in float32 whatever was asked get all digits of what they read.
TEST_P(Precisions, RoundNothingForProductsInFloat32) {
  GraphForTest g(5);
  const auto x = g.Add("PRelu", {g.Input({1, 512}), g.Random({512})});
  const auto y = g.Add("Gemm", {x, g.Random({512, 16})}, {{"alpha", 2.0f}});
  const graph::Graph graph = g.Done({y});
  const auto fast = Compile(graph, GetParam());
  if (!fast) GTEST_SKIP() << "needs AVX512-BF16";
  const graph::Tensor input = g.RandomTensor({1, 512});
  ExpectClose(RunOnce(*fast, graph, input), RunOnce(*CompileReference(graph), graph, input), kBound, "products");
}

INSTANTIATE_TEST_SUITE_P(All, Precisions, testing::Values(Precision::kFp32, Precision::kBf16),
                         [](const auto& test) { return std::string(name(test.param)); });

TEST(OneDnnPrecision, IsRefusedByNameWhereTheProcessorLacksIt) {
  Residual net(false);
  const std::string isa = CompileOneDnn(net.graph)->InstructionSet();
  const bool there = isa == "avx512_core_bf16" || isa == "avx512_core_amx";
  try {
    (void)CompileOneDnn(net.graph, {.precision = Precision::kBf16});
    EXPECT_TRUE(there) << isa;
  } catch (const Error& error) {
    EXPECT_FALSE(there) << isa;
    EXPECT_EQ(error.code(), ErrorCode::kNotAvailable);
    EXPECT_THAT(error.what(), HasSubstr("precision bf16"));
  }
}

TEST(OneDnnPrecision, MultipliesInWhatWasAskedFor) {
  Residual net(false);
  const auto fast = Compile(net.graph, Precision::kBf16);
  if (!fast) GTEST_SKIP() << "needs AVX512-BF16";
  for (const LayerReport& layer : fast->Layers()) {
    if (layer.op == "Conv") {
      // brgconv of oneDNN 2, brg_conv_fwd of oneDNN 3.
      EXPECT_THAT(layer.implementation, testing::AnyOf(HasSubstr("brgconv"), HasSubstr("brg_conv"), "tiles bf16"))
          << layer.node;
    }
    EXPECT_NE(layer.implementation, "reference") << layer.node;
  }
}

TEST(OneDnnInnerProduct, IsTheSameInParts) {
  for (const std::int64_t transposed : {0, 1}) {
    GraphForTest g;
    const auto x = g.Input({1, 20000});
    const auto weights = transposed ? g.Random({96, 20000}, -0.01f, 0.01f) : g.Random({20000, 96}, -0.01f, 0.01f);
    const auto graph = g.Done({g.Add("Relu", {g.Add("Gemm", {x, weights, g.Random({96})}, {{"transB", transposed}})})});
    ExpectSameOnBoth(graph);
    EXPECT_THAT(Implementation(graph, "Gemm0"), testing::Not(HasSubstr("reference")));
  }
}

}  // namespace
}  // namespace prefiqs::engine
