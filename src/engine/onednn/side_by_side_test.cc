// A twin's networks on two threads: where its plan forks, and that no bit changes.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include <prefiqs/error.h>

#include "base/helpers.h"
#include "engine/compare_for_test.h"
#include "engine/one_thread.h"
#include "engine/onednn/builder.h"
#include "engine/twin.h"
#include "graph/merge.h"

namespace prefiqs::engine {
namespace {

constexpr int kBlocks = 3;
constexpr std::int64_t kSide = 12;

// Residual blocks (sums in place) and an embedding; weights of block `changed` and of what follows are halved, of the
// embedding's product (block kBlocks) as well.
graph::Graph Network(int changed) {
  GraphForTest g(11);
  const auto x = g.Input({1, 3, kSide, kSide});
  constexpr std::int64_t kChannels = 32;
  const auto weights = [&](graph::Shape shape, int block) {
    graph::Tensor tensor = g.RandomTensor(std::move(shape));
    const float scale = block >= changed ? 0.15f : 0.3f;
    for (float& weight : tensor.values<float>()) weight *= scale;
    return g.Constant(std::move(tensor));
  };
  const auto conv = [&](graph::ValueId from, int block) {
    return g.Add("Conv", {from, weights({kChannels, g.ShapeOf(from)[1], 3, 3}, block), g.Random({kChannels})},
                 {{"pads", std::vector<std::int64_t>{1, 1, 1, 1}}});
  };
  auto trunk = g.Add("PRelu", {conv(x, 0), g.Random({kChannels, 1, 1})});
  for (int block = 0; block < kBlocks; ++block) {
    auto y = g.Add("Mul", {trunk, g.Random({kChannels, 1, 1})});
    y = g.Add("PRelu", {conv(y, block), g.Random({kChannels, 1, 1})});
    trunk = g.Add("Add", {conv(y, block), trunk});
  }
  const auto flat = g.Add("Flatten", {trunk});
  graph::Graph graph = g.Done({g.Add("Gemm", {flat, weights({g.ShapeOf(flat)[1], 8}, kBlocks)})});
  for (graph::Value& value : graph.values) {
    if (value.constant != nullptr) continue;
    value.shape_known = value.name == "input0";
    if (value.shape_known) value.shape[0] = graph::kUnknown;
  }
  return graph;
}

std::vector<std::vector<float>> Faces(std::size_t count) {
  GraphForTest random(9);
  std::vector<std::vector<float>> faces(count);
  for (auto& face : faces) {
    const graph::Tensor tensor = random.RandomTensor({3, kSide, kSide});
    face.assign(tensor.values<float>().begin(), tensor.values<float>().end());
  }
  return faces;
}

// Block from which on the pruned network differs, and precision.
class SideBySideTest : public testing::TestWithParam<std::tuple<int, Precision>> {
 protected:
  // Null where this processor has no such products.
  static std::unique_ptr<const Twin> Compile() {
    const auto [changed, precision] = GetParam();
    const graph::Graph dense = Network(kBlocks + 1), pruned = Network(changed);
    try {
      return Twin::Compile(dense, &pruned, ExecutorKind::kOneDnn, {.precision = precision});
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kNotAvailable) return nullptr;
      throw;
    }
  }
};

TEST_P(SideBySideTest, ForksBehindWhatIsShared) {
  const auto [changed, precision] = GetParam();
  if (Compile() == nullptr) GTEST_SKIP() << "no such products here";
  const graph::Graph merged = graph::MergeTwin(Network(kBlocks + 1), Network(changed));
  const graph::Graph specialised = ops::Specialise(merged, {{"input0", {1, 3, kSide, kSide}}});
  const OneThread one_thread;
  const onednn::Plan plan = onednn::Builder(specialised, {.precision = precision}).Build();
  ASSERT_TRUE(plan.fork);
  EXPECT_EQ(plan.fork->at <= 1, changed == 0);  // the picture is rearranged once
  EXPECT_LT(plan.fork->at, plan.fork->tail);
  EXPECT_LT(plan.fork->tail, plan.steps.size());
  EXPECT_EQ(plan.fork->from_tail, (std::vector<bool>{false, true}));
}

TEST_P(SideBySideTest, ChangesNoBit) {
  const auto twin = Compile();
  if (twin == nullptr) GTEST_SKIP() << "no such products here";
  const auto faces = Faces(10);
  const auto alone = twin->Run(*twin->NewContext(), faces);
  Helpers helpers(2);
  Helpers::Worker worker(helpers);
  const auto context = twin->NewContext();
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < faces.size(); ++i) {
      // Sometimes without, in the same context.
      Helper* const helper = round % 3 == 2 ? nullptr : worker.FindHelper(0);
      const std::size_t count = std::min(faces.size() - i, static_cast<std::size_t>(round / 2 + 1));
      const auto here = twin->Run(*context, std::span(faces).subspan(i, count), helper);
      for (std::size_t k = 0; k < count; ++k) {
        ExpectSameBits(here[k].dense, alone[i + k].dense);
        ExpectSameBits(here[k].pruned, alone[i + k].pruned);
      }
    }
  }
  EXPECT_NE(alone[0].dense, alone[0].pruned);
  EXPECT_NE(alone[0].pruned, alone[1].pruned);
}

TEST_P(SideBySideTest, ChangesNoBitOfSeveralWorkers) {
  const auto twin = Compile();
  if (twin == nullptr) GTEST_SKIP() << "no such products here";
  const auto faces = Faces(6);
  const auto alone = twin->Run(*twin->NewContext(), faces);
  Helpers helpers(5);  // of three workers two have one
  std::vector<std::jthread> workers;
  std::vector<std::vector<TwinEmbedding>> results(3);
  for (std::vector<TwinEmbedding>& mine : results) {
    workers.emplace_back([&] {
      const auto context = twin->NewContext();
      for (const std::vector<float>& face : faces) {
        Helpers::Worker worker(helpers);
        mine.push_back(twin->Run(*context, {&face, 1}, worker.FindHelper(0)).front());
      }
    });
  }
  workers.clear();
  for (const std::vector<TwinEmbedding>& mine : results) {
    ASSERT_EQ(mine.size(), faces.size());
    for (std::size_t i = 0; i < faces.size(); ++i) {
      ExpectSameBits(mine[i].dense, alone[i].dense);
      ExpectSameBits(mine[i].pruned, alone[i].pruned);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Precisions, SideBySideTest,
                         testing::Combine(testing::Values(0, 1, 2, kBlocks),
                                          testing::Values(Precision::kFp32, Precision::kBf16)));

}  // namespace
}  // namespace prefiqs::engine
