#include <gtest/gtest.h>
#include <prefiqs/bench.h>

#include "base/folder_for_test.h"
#include "pipeline/network_for_test.h"

namespace prefiqs {
namespace {

// pipeline::TestGraph: 8 channels of 8×8, each the sum of 3×3×3 products; 8 outputs over 512 inputs.
constexpr std::int64_t kConvolution = 8 * 8 * 8 * 27, kMatrix = 8 * 512;

struct CountWork : testing::Test {
  FolderForTest folder;
  Network Load(graph::Shape shape = {graph::kUnknown, 3, pipeline::kTestSide, pipeline::kTestSide}) {
    return Network::load(pipeline::WriteTestNetwork(folder / "net.onnx", pipeline::TestGraph(std::move(shape))),
                         {.preprocessing = Preprocessing{}});
  }
};

TEST_F(CountWork, OfWholeNetworkAndTwin) {
  const Network network = Load();
  const Work twin = count_work(network, {.recipe = Recipe{}});
  EXPECT_EQ(twin.dense, kConvolution + kMatrix);
  EXPECT_EQ(twin.method, 2 * (kConvolution + kMatrix));
  EXPECT_EQ(twin.suffix_share(), 1);
}

TEST_F(CountWork, WhatBothShareCountsOnce) {
  const Network network = Load();
  const Work work = count_work(network, {.recipe = Recipe{.from = 0.5}});
  EXPECT_EQ(work.method, kConvolution + 2 * kMatrix);
  EXPECT_DOUBLE_EQ(work.suffix_share(), static_cast<double>(kMatrix) / (kConvolution + kMatrix));
}

TEST_F(CountWork, OfTheDerivative) {
  // The input does not change: of the first layer value and derivative, of the second the product rule's two more.
  const Work work = count_work(Load(), {.recipe = Recipe{}, .method = Method::kJvp});
  EXPECT_EQ(work.method, 2 * kConvolution + 3 * kMatrix);
}

TEST_F(CountWork, OfWhatPrunesNothing) {
  const Work work = count_work(Load(), {.method = Method::kNorm});
  EXPECT_EQ(work.method, work.dense);
  EXPECT_EQ(work.suffix_share(), 0);
}

TEST_F(CountWork, OfOnePictureWhateverTheFilesBatch) {
  EXPECT_EQ(count_work(Load({4, 3, pipeline::kTestSide, pipeline::kTestSide}), {.recipe = Recipe{}}).dense,
            kConvolution + kMatrix);
}

}  // namespace
}  // namespace prefiqs
