// What loads, what is refused, and that plans are shared; with executors that compute nothing.
#include "face/network.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>

#include "face/nms.h"

namespace prefiqs::face {
namespace {

using graph::Shape;
using testing::HasSubstr;

constexpr Canvas kCanvas = {96, 64};
const std::vector<Shape> kRetinaFace = {{1, 252, 4}, {1, 252, 2}, {1, 252, 10}};

// Input of the shape named, outputs that are constants of the shapes named.
graph::Graph MakeGraph(const Shape& input, const std::vector<Shape>& outputs) {
  graph::Graph graph;
  graph.inputs.push_back(graph.AddValue(
      {.name = "pixels", .type = graph::DataType::kFloat32, .shape = input, .shape_known = true, .constant = nullptr}));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    graph.outputs.push_back(graph.AddConstant("out" + std::to_string(i),
                                              std::make_shared<graph::Tensor>(graph::DataType::kFloat32, outputs[i])));
  }
  return graph;
}

std::atomic<int> compiled = 0;

// Fills every output with `Value` / 10; NaN for a negative one.
template <int Value>
class Constant final : public engine::Executor {
 public:
  static std::unique_ptr<const engine::Executor> Compile(const graph::Graph&) {
    ++compiled;
    return std::make_unique<Constant>();
  }
  std::unique_ptr<engine::Context> NewContext() const override { return std::make_unique<engine::Context>(); }
  void Run(engine::Context&, std::span<const graph::Tensor* const>, std::span<graph::Tensor> outputs) const override {
    const float value = Value < 0 ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(Value) / 10;
    for (graph::Tensor& output : outputs) {
      const auto values = output.values<float>();
      std::fill(values.begin(), values.end(), value);
    }
  }
  std::vector<engine::LayerReport> Layers() const override { return {}; }
  std::string InstructionSet() const override { return "none"; }
};

Image Grey(int width, int height) {
  Image image{.width = width, .height = height, .rgb = {}};
  image.rgb.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3, 128);
  return image;
}

const Placement kPlacement = {.canvas = kCanvas, .x = 0, .y = 0, .width = 96, .height = 64};

std::string WhyRefused(const Shape& input, const std::vector<Shape>& outputs) {
  try {
    DetectorNetwork(MakeGraph(input, outputs), "some.onnx", Constant<0>::Compile);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModel);
    const std::string message = error.what();
    EXPECT_EQ(message.find("some.onnx: "), 0u) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return message;
  }
  return "not refused";
}

TEST(DetectorNetwork, KnowsFamilyAndSize) {
  const DetectorNetwork network(MakeGraph({1, 3, 64, 96}, kRetinaFace), "some.onnx", Constant<0>::Compile);
  EXPECT_EQ(network.family(), "retinaface");
  ASSERT_TRUE(network.fixed_canvas());
  EXPECT_EQ(*network.fixed_canvas(), kCanvas);
  EXPECT_TRUE(network.Run(Grey(96, 64), kPlacement, {}).empty());
}

TEST(DetectorNetwork, RefusesBoxesWithoutLandmarks) {
  EXPECT_THAT(WhyRefused({1, 3, 64, 96}, {{1, 252, 2}, {1, 252, 4}}), HasSubstr("no landmarks"));
}

TEST(DetectorNetwork, RefusesOtherNetworks) {
  EXPECT_THAT(WhyRefused({1, 3, 112, 112}, {{1, 512}}), HasSubstr("not a face detector of a known family"));
  EXPECT_THAT(WhyRefused({1, 3, 64, 96}, {{1, 252, 4}, {1, 252, 2}, {1, 251, 10}}), HasSubstr("1x251x10"));
  EXPECT_THAT(WhyRefused({1, 4, 64, 96}, kRetinaFace), HasSubstr("1x3xHxW"));
  EXPECT_THAT(WhyRefused({3, 64, 96}, kRetinaFace), HasSubstr("1x3xHxW"));
  EXPECT_THAT(WhyRefused({8, 3, 64, 96}, kRetinaFace), HasSubstr("1x3xHxW"));
  EXPECT_THAT(WhyRefused({1, 3, 100000, 96}, kRetinaFace), HasSubstr("at most"));
}

TEST(DetectorNetwork, HostileOutputsStayBounded) {
  // 2048×2048: 65536 + 16384 + 4096 cells of two priors each, every one of them a confident face.
  constexpr std::int64_t kPriors = 2 * (65536 + 16384 + 4096);
  const Canvas canvas = {2048, 2048};
  const DetectorNetwork network(MakeGraph({1, 3, 2048, 2048}, {{1, kPriors, 4}, {1, kPriors, 2}, {1, kPriors, 10}}),
                                "some.onnx", Constant<10>::Compile);
  const std::vector<Face> faces =
      network.Run(Grey(64, 64), {.canvas = canvas, .x = 0, .y = 0, .width = 2048, .height = 2048}, {.nms_iou = 1});
  EXPECT_EQ(faces.size(), kMaxCandidates);

  const DetectorNetwork nan(MakeGraph({1, 3, 64, 96}, kRetinaFace), "some.onnx", Constant<-1>::Compile);
  EXPECT_TRUE(nan.Run(Grey(96, 64), kPlacement, {.min_confidence = 0}).empty());
}

TEST(DetectorNetwork, CompilesOnceForAllThreads) {
  compiled = 0;
  const DetectorNetwork network(MakeGraph({1, 3, 64, 96}, kRetinaFace), "some.onnx", Constant<6>::Compile);
  EXPECT_EQ(compiled, 0);  // who loads it may want another size
  const DetectorOptions options{.min_confidence = 0.5f};
  const std::vector<Face> expected = network.Run(Grey(200, 100), kPlacement, options);
  EXPECT_FALSE(expected.empty());
  std::vector<std::thread> threads;
  std::atomic<int> different = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        const std::vector<Face> faces = network.Run(Grey(200, 100), kPlacement, options);
        const bool same =
            std::equal(faces.begin(), faces.end(), expected.begin(), expected.end(), [](const Face& a, const Face& b) {
              return a.box == b.box && a.landmarks == b.landmarks && a.confidence == b.confidence;
            });
        if (!same) ++different;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(different, 0);
  EXPECT_EQ(compiled, 1);
}

}  // namespace
}  // namespace prefiqs::face
