// Convolutions by tiles inside of networks: what is fused, and what lies between them and everything else.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/compare_for_test.h"
#include "engine/onednn/tile_operands.h"

namespace prefiqs::engine {
namespace {

constexpr const char* kTiles = "tiles bf16";

// Of the node in the bfloat16 plan.
std::string ImplementationOf(const Executor& executor, const std::string& node) {
  for (const LayerReport& layer : executor.Layers()) {
    if (layer.node == node) return layer.implementation;
  }
  return "no such node";
}

// In bfloat16 beside the loops in float32, twice in one context, and in company.
std::unique_ptr<const Executor> ExpectClosely(const graph::Graph& graph) {
  auto fast = CompileOneDnn(graph, {.precision = Precision::kBf16});
  const auto reference = CompileReference(graph);
  const auto slow_context = reference->NewContext();
  GraphForTest g(11);
  constexpr std::size_t kFaces = 3;
  std::vector<std::unique_ptr<Context>> contexts;
  std::vector<graph::Tensor> inputs;
  std::vector<std::vector<graph::Tensor>> together;
  for (std::size_t i = 0; i < kFaces; ++i) {
    inputs.push_back(g.RandomTensor(graph.value(graph.inputs[0]).shape));
    contexts.push_back(fast->NewContext());
    const auto expected = RunOn(*reference, *slow_context, graph, {inputs.back()});
    auto actual = RunOn(*fast, *contexts.back(), graph, {inputs.back()});
    actual = RunOn(*fast, *contexts.back(), graph, {inputs.back()});
    for (std::size_t k = 0; k < expected.size(); ++k) ExpectClose(actual[k], expected[k], 1e-2, "bfloat16");
    together.push_back(actual);
  }
  std::vector<std::vector<graph::Tensor>> outputs = together;
  std::vector<const graph::Tensor*> pointers;
  for (const graph::Tensor& input : inputs) pointers.push_back(&input);
  std::vector<Executor::Item> items;
  for (std::size_t i = 0; i < kFaces; ++i) {
    for (graph::Tensor& output : outputs[i]) {
      for (float& value : output.values<float>()) value = -1;
    }
    items.push_back({contexts[i].get(), {&pointers[i], 1}, outputs[i]});
  }
  fast->RunAll(items);
  for (std::size_t i = 0; i < kFaces; ++i) {
    for (std::size_t k = 0; k < outputs[i].size(); ++k) {
      const auto a = outputs[i][k].values<float>(), b = together[i][k].values<float>();
      EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end())) << i << ' ' << k;
    }
  }
  return fast;
}

class Net {
 public:
  graph::ValueId Conv(graph::ValueId x, std::int64_t filters, std::int64_t stride = 1, bool has_bias = true) {
    const float scale = 1.5f / static_cast<float>(std::sqrt(9.0 * static_cast<double>(g.ShapeOf(x)[1])));
    std::vector<graph::ValueId> inputs{x, g.Random({filters, g.ShapeOf(x)[1], 3, 3}, -scale, scale)};
    if (has_bias) inputs.push_back(g.Random({filters}));
    return g.Add(
        "Conv", inputs,
        {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}, {"strides", std::vector<std::int64_t>{stride, stride}}});
  }
  graph::ValueId Shortcut(graph::ValueId x, std::int64_t filters, std::int64_t stride = 2) {
    return g.Add("Conv", {x, g.Random({filters, g.ShapeOf(x)[1], 1, 1}, -0.2f, 0.2f)},
                 {{"strides", std::vector<std::int64_t>{stride, stride}}});
  }
  graph::ValueId PRelu(graph::ValueId x) { return g.Add("PRelu", {x, g.Random({g.ShapeOf(x)[1], 1, 1})}); }
  graph::ValueId Affine(graph::ValueId x) {
    const std::int64_t channels = g.ShapeOf(x)[1];
    return g.Add("Add", {g.Add("Mul", {x, g.Random({channels, 1, 1}, 0.5f, 1.5f)}), g.Random({channels, 1, 1})});
  }
  GraphForTest g{5};
};

class OneDnnTiles : public testing::Test {
 protected:
  void SetUp() override {
    if (!onednn::UsesTiles()) GTEST_SKIP() << "needs AMX";
  }
};

// As iResNets have it: a picture from a normalisation, one that goes on to the next convolution, a sum; then a step of
// two beside a shortcut.
TEST_F(OneDnnTiles, RunResidualBlocks) {
  for (const std::int64_t faces : {1, 2}) {
    Net net;
    const auto x = net.PRelu(net.Conv(net.g.Input({faces, 32, 14, 12}), 32));
    auto y = net.PRelu(net.Conv(net.Affine(x), 64));
    const auto trunk = net.g.Add("Add", {net.Conv(y, 64), net.g.Conv(x, 64, 1, 1)});
    y = net.PRelu(net.Conv(net.Affine(trunk), 64, 1, false));
    const auto out = net.g.Add("Add", {net.Shortcut(trunk, 64), net.Conv(y, 64, 2)});
    const auto graph = net.g.Done({out});
    const auto fast = ExpectClosely(graph);
    int by_tiles = 0;
    for (const LayerReport& layer : fast->Layers()) by_tiles += layer.implementation == kTiles;
    EXPECT_EQ(by_tiles, 7);
  }
}

// What is read by somebody who wants numbers, by two, by nobody; convolutions behind each other; a PReLU whose result
// the caller gets.
TEST_F(OneDnnTiles, LeaveNumbersToWhoeverElseWantsThem) {
  Net net;
  const auto x = net.g.Input({1, 64, 9, 9});
  const auto first = net.Conv(x, 32), second = net.Conv(first, 64);
  const auto pooled = net.g.Add("GlobalAveragePool", {second});
  const auto seen = net.PRelu(net.Conv(second, 32, 2));
  const auto graph = net.g.Done({pooled, seen, net.Conv(seen, 32), net.g.Add("Sigmoid", {net.PRelu(net.Conv(x, 96))})});
  const auto fast = ExpectClosely(graph);
  for (const char* conv : {"Conv0", "Conv1", "Conv3", "Conv5", "Conv6"}) {
    EXPECT_EQ(ImplementationOf(*fast, conv), kTiles) << conv;
  }
}

// Weights of more than a cache holds are read once for all faces.
TEST_F(OneDnnTiles, ShareLargeWeights) {
  Net net;
  const auto x = net.g.Input({2, 256, 4, 5});
  const auto y = net.PRelu(net.Conv(x, 512));
  ExpectClosely(net.g.Done({net.g.Add("Add", {net.Conv(y, 256), x})}));
}

// Sums that only the next convolution reads are numbers all the same.
TEST_F(OneDnnTiles, AddInFloats) {
  Net net;
  const auto x = net.Conv(net.g.Input({1, 32, 10, 10}), 32);
  const auto sum = net.g.Add("Add", {net.Conv(net.PRelu(x), 32), x});
  ExpectClosely(net.g.Done({net.PRelu(net.Conv(sum, 64))}));
}

// The product that makes an embedding: with a matrix and with its transpose, of a picture's numbers in their order.
TEST_F(OneDnnTiles, MakeEmbeddings) {
  for (const std::int64_t transposed : {0, 1}) {
    Net net;
    const auto flat = net.g.Add("Flatten", {net.PRelu(net.Conv(net.g.Input({2, 32, 8, 8}), 64))});
    const auto weights =
        transposed ? net.g.Random({128, 4096}, -0.03f, 0.03f) : net.g.Random({4096, 128}, -0.03f, 0.03f);
    const auto graph = net.g.Done({net.g.Add("Gemm", {flat, weights, net.g.Random({128})}, {{"transB", transposed}})});
    EXPECT_EQ(ImplementationOf(*ExpectClosely(graph), "Gemm3"), kTiles);
  }
}

// What is added is computed, so it is no constant: by oneDNN, as by tiles it would be lost.
TEST_F(OneDnnTiles, LeaveSumsWithWhatIsComputedToOneDnn) {
  Net net;
  const auto flat = net.g.Add("Flatten", {net.PRelu(net.Conv(net.g.Input({1, 32, 4, 4}), 32))});
  const auto first = net.g.Add("Gemm", {flat, net.g.Random({512, 512}, -0.08f, 0.08f), net.g.Random({512}, -4, 4)});
  const auto graph = net.g.Done({net.g.Add("Gemm", {first, net.g.Random({512, 512}, -0.08f, 0.08f), first})});
  const auto fast = ExpectClosely(graph);
  EXPECT_EQ(ImplementationOf(*fast, "Gemm3"), kTiles);
  EXPECT_NE(ImplementationOf(*fast, "Gemm4"), kTiles);
}

// Products of single pixels, of which a step of two needs a quarter: from numbers, a normalisation, rounded rows.
TEST_F(OneDnnTiles, SampleThePixelsOfAShortcut) {
  for (const std::int64_t side : {1, 8, 9}) {
    Net net;
    const auto x = net.g.Input({2, 32, side, side + 1});
    const auto a = net.Shortcut(net.Affine(x), 32), b = net.Shortcut(net.PRelu(net.Conv(x, 64)), 32);
    const auto graph = net.g.Done({net.g.Add("Add", {net.g.Add("Add", {a, b}), net.Shortcut(x, 32)}),
                                   net.Shortcut(net.PRelu(net.Shortcut(x, 96, 1)), 32, 1)});
    const auto fast = ExpectClosely(graph);
    for (const LayerReport& layer : fast->Layers()) {
      if (layer.op == "Conv") {
        EXPECT_EQ(layer.implementation, kTiles) << layer.node;
      }
    }
  }
}

TEST_F(OneDnnTiles, LeaveOtherWindowsToOneDnn) {
  Net net;
  const auto x = net.g.Input({1, 64, 14, 14});
  const auto conv = [&](std::int64_t pad, std::int64_t stride, std::int64_t dilation) {
    return net.g.Add("Conv", {x, net.g.Random({64, 64, 3, 3}, -0.06f, 0.06f)},
                     {{"pads", std::vector<std::int64_t>{pad, pad, pad, pad}},
                      {"strides", std::vector<std::int64_t>{stride, stride}},
                      {"dilations", std::vector<std::int64_t>{dilation, dilation}}});
  };
  const auto uneven = net.g.Add("Conv", {x, net.g.Random({64, 64, 3, 3}, -0.06f, 0.06f)},
                                {{"pads", std::vector<std::int64_t>{1, 1, 2, 2}}});
  const auto padded = net.g.Add("Conv", {x, net.g.Random({64, 64, 1, 1}, -0.2f, 0.2f)},
                                {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
  const auto graph = net.g.Done({padded, conv(0, 1, 1), conv(1, 3, 1), conv(1, 1, 2), conv(2, 1, 2), uneven,
                                 net.g.Conv(x, 48), net.g.Conv(x, 64, 2), net.g.Add("Sigmoid", {net.Conv(x, 32)})});
  const auto fast = ExpectClosely(graph);
  for (const LayerReport& layer : fast->Layers()) EXPECT_NE(layer.implementation, kTiles) << layer.node;
}

// A bias that no function of a channel can take in still counts.
TEST_F(OneDnnTiles, PassOnWhatIsNotFinite) {
  GraphForTest g;
  const auto x = g.Input({1, 32, 8, 8});
  graph::Tensor bias = g.RandomTensor({32});
  bias.values<float>()[3] = std::numeric_limits<float>::infinity();
  const auto conv = g.Add("Conv", {x, g.Random({32, 32, 3, 3}), g.Constant(std::move(bias))},
                          {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
  const auto graph = g.Done({g.Add("PRelu", {conv, g.Random({32, 1, 1})})});
  const auto fast = CompileOneDnn(graph, {.precision = Precision::kBf16});
  const auto context = fast->NewContext();
  const auto result = RunOn(*fast, *context, graph, {g.RandomTensor({1, 32, 8, 8})}).front();
  for (std::size_t i = 0; i < 32 * 64; ++i) EXPECT_EQ(std::isfinite(result.values<float>()[i]), i / 64 != 3) << i;
}

}  // namespace
}  // namespace prefiqs::engine
