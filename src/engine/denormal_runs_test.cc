// Denormal numbers in a run: both executors take them as zero, and the caller's mode is as it was afterwards.
#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include "base/denormals.h"
#include "base/helpers.h"
#include "engine/compare_for_test.h"

namespace prefiqs::engine {
namespace {

using graph::Tensor;

std::vector<std::unique_ptr<const Executor>> Both(const graph::Graph& graph) {
  std::vector<std::unique_ptr<const Executor>> both;
  both.push_back(CompileReference(graph));
  both.push_back(CompileOneDnn(graph));
  return both;
}

std::vector<Tensor> RunOnce(const Executor& executor, const graph::Graph& graph, const Tensor& input) {
  const auto context = executor.NewContext();
  return RunOn(executor, *context, graph, {input});
}

// A matrix of `value` on its diagonal, as a convolution's weights.
graph::ValueId Diagonal(GraphForTest& g, float value) {
  Tensor tensor(graph::DataType::kFloat32, {4, 4, 1, 1});
  for (std::size_t i = 0; i < 4; ++i) tensor.values<float>()[i * 5] = value;
  return g.Constant(std::move(tensor));
}

// Of x = 1e-20 the first two are 1e-10 where the product in between is not taken as zero; of x = 1e-40 the third is.
graph::Graph TinyProducts() {
  GraphForTest g;
  const auto x = g.Input({1, 4, 3, 3});
  const auto convolved = g.Add("Conv", {g.Add("Conv", {x, Diagonal(g, 1e-20f)}), Diagonal(g, 1e30f)});
  const auto multiplied = g.Add("Mul", {g.Add("Mul", {x, x}), g.Scalar(1e30f)});
  return g.Done({convolved, multiplied, g.Add("Mul", {x, g.Scalar(1e30f)})});
}

TEST(DenormalRuns, AreZeroOnBothExecutors) {
  if (!DenormalsAreZero::Available()) GTEST_SKIP() << "this processor's mode is not known";
  const graph::Graph graph = TinyProducts();
  Tensor input(graph::DataType::kFloat32, {1, 4, 3, 3});
  for (const auto& executor : Both(graph)) {
    for (const auto& [x, third] : {std::pair(1e-20f, 1e-20f * 1e30f), std::pair(1e-40f, 0.0f)}) {
      std::ranges::fill(input.values<float>(), x);
      const std::vector<Tensor> outputs = RunOnce(*executor, graph, input);
      const float wanted[] = {0.0f, 0.0f, third};
      for (std::size_t i = 0; i < 3; ++i) {
        for (const float value : outputs[i].values<float>()) {
          EXPECT_EQ(value, wanted[i]) << executor->InstructionSet() << ", output " << i << " of " << x;
        }
      }
      EXPECT_FALSE(DenormalsAreZero::Active());
    }
  }
}

TEST(DenormalRuns, LeaveTheCallersModeAlone) {
  if (!DenormalsAreZero::Available()) GTEST_SKIP() << "this processor's mode is not known";
  const graph::Graph graph = TinyProducts();
  const Tensor input(graph::DataType::kFloat32, {1, 4, 3, 3});
  for (const auto& executor : Both(graph)) {
    RunOnce(*executor, graph, input);
    EXPECT_FALSE(DenormalsAreZero::Active());
    const DenormalsAreZero callers;
    RunOnce(*executor, graph, input);
    EXPECT_TRUE(DenormalsAreZero::Active());
  }
}

TEST(DenormalRuns, EndWhereAKernelThrows) {
  GraphForTest g;
  const auto x = g.Input({1, 4});
  const auto integer = g.Add("Cast", {x}, {{"to", std::int64_t{7}}});
  const auto graph = g.Done({g.Add("Div", {g.Ints({1}), integer})});
  const Tensor zeros(graph::DataType::kFloat32, {1, 4});
  for (const auto& executor : Both(graph)) {
    EXPECT_THROW(RunOnce(*executor, graph, zeros), Error) << executor->InstructionSet();
    EXPECT_FALSE(DenormalsAreZero::Active());
  }
}

TEST(DenormalRuns, AreZeroInAHelpersHalf) {
  if (!DenormalsAreZero::Available()) GTEST_SKIP() << "this processor's mode is not known";
  // Two outputs that part after the first step, as a twin's do: a helper may take one of them.
  GraphForTest g;
  const auto x = g.Input({1, 4, 6, 6});
  const auto first = g.Add("Relu", {x});
  const auto output = [&](float scale) {
    const auto value = g.Add("Conv", {first, Diagonal(g, scale)});
    return g.Add("Mul", {g.Add("Mul", {value, value}), g.Scalar(1e30f)});
  };
  const auto one = output(1), two = output(2);
  const auto graph = g.Done({one, two});
  const auto executor = CompileOneDnn(graph);
  const auto context = executor->NewContext();
  Tensor input(graph::DataType::kFloat32, {1, 4, 6, 6});
  std::ranges::fill(input.values<float>(), 1e-20f);
  const Tensor* const inputs[] = {&input};
  std::vector<Tensor> outputs(2, Tensor(graph::DataType::kFloat32, {1, 4, 6, 6}));
  Helpers helpers(2);
  Helpers::Worker worker(helpers);
  Helper* const helper = worker.FindHelper(0);
  ASSERT_NE(helper, nullptr);
  const Executor::Item item{context.get(), inputs, outputs};
  executor->RunAll({&item, 1}, helper);
  for (const Tensor& tensor : outputs) {
    for (const float value : tensor.values<float>()) EXPECT_EQ(value, 0.0f);
  }
  // The first half waits, so that the second is the helper's.
  std::promise<std::pair<std::thread::id, bool>> promise;
  auto seen = promise.get_future();
  helper->Both([&] { ASSERT_EQ(seen.wait_for(std::chrono::minutes(1)), std::future_status::ready); },
               [&] {
                 promise.set_value({std::this_thread::get_id(), DenormalsAreZero::Active()});
               });
  const auto [thread, active] = seen.get();
  EXPECT_NE(thread, std::this_thread::get_id());
  EXPECT_FALSE(active);
}

}  // namespace
}  // namespace prefiqs::engine
