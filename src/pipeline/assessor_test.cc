#include <prefiqs/assessor.h>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <limits>
#include <thread>

#include "base/folder_for_test.h"
#include "pipeline/network_for_test.h"
#include "score/crop_measures.h"

namespace prefiqs {
namespace {

using pipeline::kTestSide;
using pipeline::RandomTensor;
using pipeline::TestGraph;
using pipeline::TestPicture;
using pipeline::WriteTestNetwork;

Network LoadTest(const graph::Graph& graph = TestGraph()) {
  FolderForTest folder;
  return Network::load(WriteTestNetwork(folder / "net.onnx", graph));
}

std::vector<Image> Crops(int count) {
  std::vector<Image> crops;
  for (int i = 0; i < count; ++i) crops.push_back(TestPicture(kTestSide, kTestSide, static_cast<std::uint32_t>(i)));
  return crops;
}

void ExpectSameBits(const Assessment& a, const Assessment& b) {
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(a.drift), std::bit_cast<std::uint32_t>(b.drift));
  EXPECT_EQ(std::bit_cast<std::uint32_t>(a.quality), std::bit_cast<std::uint32_t>(b.quality));
  EXPECT_EQ(a.embedding, b.embedding);
}

TEST(Assessor, ScoresACrop) {
  const Assessor assessor(LoadTest(), {.guarded = false});
  EXPECT_EQ(assessor.recipe(), Recipe{});
  EXPECT_NEAR(assessor.achieved_sparsity(), 0.4, 1e-3);
  const Assessment a = assessor.assess(Crops(1)[0]);
  ASSERT_EQ(a.status, Status::kOk) << a.detail;
  EXPECT_GT(a.drift, 0.01f);
  EXPECT_LT(a.drift, 1.5f);
  EXPECT_FLOAT_EQ(a.quality, 1 - a.drift / 2);
  EXPECT_EQ(a.scalar, -1);
  ASSERT_EQ(a.embedding.size(), static_cast<std::size_t>(pipeline::kTestEmbedding));
  double square = 0;
  for (const float value : a.embedding) square += static_cast<double>(value) * value;
  EXPECT_NEAR(a.embedding_norm, std::sqrt(square), 1e-4 * a.embedding_norm);
  const score::CropMeasures measures = score::MeasureCrop(Crops(1)[0]);
  EXPECT_EQ(a.sharpness, measures.sharpness);
  EXPECT_EQ(a.uniformity, measures.uniformity);
}

TEST(Assessor, TellsTheNormOfWhatSurvives) {
  const FolderForTest folder;
  const Network network = LoadTest();
  network.save_pruned(Recipe{}, folder / "pruned.onnx");
  const Assessor whole(network, {.guarded = false}), named(network, {.guarded = false, .method = Method::kPrunedNorm}),
      pruned(Network::load(folder / "pruned.onnx"), {.guarded = false, .method = Method::kEmbedding});
  for (const Image& crop : Crops(3)) {
    const Assessment a = whole.assess(crop), b = pruned.assess(crop);
    EXPECT_NEAR(a.pruned_norm, b.embedding_norm, 1e-5 * b.embedding_norm);
    EXPECT_TRUE(std::isnan(b.pruned_norm));
    const Assessment c = named.assess(crop);
    EXPECT_EQ(c.quality, a.pruned_norm);
    EXPECT_EQ(c.drift, a.drift);
  }
}

// For pruning so little the drift is what the theory says.
TEST(Assessor, KnowsTheDriftToFirstOrder) {
  const Network network = LoadTest();
  const Recipe recipe{.sparsity = 0.02};
  const Assessor drift(network, {.recipe = recipe, .guarded = false}),
      jvp(network, {.recipe = recipe, .guarded = false, .method = Method::kJvp}),
      slow(network, {.recipe = recipe, .guarded = false, .method = Method::kJvp, .executor = ExecutorKind::kReference});
  EXPECT_EQ(jvp.recipe(), recipe);
  EXPECT_EQ(jvp.achieved_sparsity(), drift.achieved_sparsity());
  for (const Image& crop : Crops(3)) {
    const Assessment d = drift.assess(crop), s = jvp.assess(crop), r = slow.assess(crop);
    ASSERT_EQ(s.status, Status::kOk) << s.detail;
    EXPECT_NEAR(s.sensitivity, d.drift, 0.05 * d.drift);
    EXPECT_NEAR(s.sensitivity, r.sensitivity, 1e-4 * r.sensitivity);
    EXPECT_FLOAT_EQ(s.quality, 1 - s.sensitivity / 2);
    EXPECT_EQ(s.embedding_norm, d.embedding_norm);
    EXPECT_TRUE(std::isnan(s.drift) && std::isnan(s.pruned_norm) && std::isnan(d.sensitivity));
    EXPECT_EQ(s.scalar, -1);
  }
}

TEST(Assessor, MovesNothingWhereNothingIsPruned) {
  const Assessor assessor(LoadTest(), {.recipe = Recipe{.sparsity = 0}, .guarded = false, .method = Method::kJvp});
  const Assessment a = assessor.assess(Crops(1)[0]);
  ASSERT_EQ(a.status, Status::kOk) << a.detail;
  EXPECT_EQ(a.sensitivity, 0);
  EXPECT_EQ(a.quality, 1);
}

TEST(Assessor, SaysWhichOperatorHasNoDerivativeByWhat) {
  graph::Graph graph = TestGraph();
  const auto two = graph.AddConstant("two", std::make_shared<graph::Tensor>(graph::Tensor::Scalar(2)));
  graph.nodes[1] = {"power", "Pow", {two, graph.nodes[1].inputs[0]}, graph.nodes[1].outputs, {}};
  const Network network = LoadTest(graph);
  try {
    const Assessor assessor(network, {.guarded = false, .method = Method::kJvp});
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotAvailable);
    EXPECT_NE(std::string(error.what()).find("node 'power' (Pow)"), std::string::npos) << error.what();
  }
  // Pruned behind it only, it is not met.
  EXPECT_NO_THROW(Assessor(network, {.recipe = Recipe{.from = 0.5}, .guarded = false, .method = Method::kJvp}));
}

// The test network with a second output, sums of three of the first's numbers.
graph::Graph WithQuality() {
  graph::Graph graph = TestGraph();
  const auto weight = graph.AddConstant("quality.weight", RandomTensor({1, pipeline::kTestEmbedding}, 5));
  const auto quality = graph.AddValue({"quality", graph::DataType::kFloat32, {graph::kUnknown, 1}, true, nullptr});
  graph.nodes.push_back({"quality", "Gemm", {graph.outputs[0], weight}, {quality}, {{"transB", std::int64_t{1}}}});
  graph.outputs.push_back(quality);
  return graph;
}

TEST(Assessor, TakesAQualityNetworksWord) {
  const FolderForTest folder;
  WriteTestNetwork(folder / "two.onnx", WithQuality());
  WriteTestNetwork(folder / "one.onnx");
  const Network two = Network::load(folder / "two.onnx", {.tells_quality = true});
  const Network one = Network::load(folder / "one.onnx", {.tells_quality = true});
  EXPECT_EQ(two.embedding_size(), 1);
  EXPECT_EQ(one.embedding_size(), pipeline::kTestEmbedding);
  const Assessor by_number(two, {.guarded = false, .method = Method::kOutput}),
      by_norm(one, {.guarded = false, .method = Method::kOutput});
  const Assessor embed(LoadTest(), {.guarded = false, .method = Method::kEmbedding});
  const auto weight = RandomTensor({1, pipeline::kTestEmbedding}, 5);
  for (const Image& crop : Crops(3)) {
    const Assessment e = embed.assess(crop), number = by_number.assess(crop), norm = by_norm.assess(crop);
    double sum = 0;
    for (std::size_t i = 0; i < e.embedding.size(); ++i) sum += weight->values<float>()[i] * e.embedding[i];
    ASSERT_EQ(number.status, Status::kOk) << number.detail;
    EXPECT_NEAR(number.quality, sum, 1e-4);
    EXPECT_TRUE(std::isnan(number.embedding_norm) && std::isnan(number.drift));
    ASSERT_EQ(norm.status, Status::kOk) << norm.detail;
    EXPECT_FLOAT_EQ(norm.quality, e.embedding_norm);
  }
}

TEST(Assessor, NeedsTheRightNetworkForItsMethod) {
  const FolderForTest folder;
  const std::string path = WriteTestNetwork(folder / "net.onnx");
  EXPECT_THROW(Assessor(Network::load(path), {.guarded = false, .method = Method::kOutput}), Error);
  EXPECT_THROW(Assessor(Network::load(path, {.tells_quality = true}), {.guarded = false}), Error);
  EXPECT_THROW(LoadTest(WithQuality()), Error);
}

TEST(Assessor, BothExecutorsAgree) {
  const Network network = LoadTest();
  const Assessor fast(network, {.guarded = false}),
      slow(network, {.guarded = false, .executor = ExecutorKind::kReference});
  for (const Image& crop : Crops(5)) {
    const float a = fast.assess(crop).drift, b = slow.assess(crop).drift;
    EXPECT_TRUE(std::fabs(a - b) <= 1e-5) << a << " " << b;  // false for NaN
  }
}

TEST(Assessor, HasTheSameBitsInAnyCompany) {
  const Network network = LoadTest();
  const std::vector<Image> crops = Crops(23);
  const Assessor alone(network, {.guarded = false});
  for (const int threads : {1, 2, 4}) {
    const Assessor together(network, {.threads = threads, .guarded = false});
    const auto results = together.assess(crops);
    ASSERT_EQ(results.size(), crops.size());
    for (std::size_t i = 0; i < crops.size(); ++i) ExpectSameBits(results[i], alone.assess(crops[i]));
  }
}

// Few pictures: what is left of the threads helps.
TEST(Assessor, HasTheSameBitsWithHelp) {
  const Network network = LoadTest();
  const std::vector<Image> crops = Crops(6);
  for (const double from : {0.0, 0.9}) {  // 0.9: the product behind the convolution
    for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
      AssessorOptions options{.recipe = Recipe{.from = from}, .guarded = false, .precision = precision};
      try {
        const Assessor alone(network, options);
        for (const int threads : {2, 3, 5}) {
          options.threads = threads;
          const Assessor helped(network, options);
          for (std::size_t count = 1; count <= crops.size(); ++count) {
            const auto results = helped.assess(std::span(crops).first(count));
            ASSERT_EQ(results.size(), count);
            for (std::size_t i = 0; i < count; ++i) {
              const Assessment expected = alone.assess(crops[i]);
              EXPECT_GT(expected.drift, 0);
              ExpectSameBits(results[i], expected);
              ExpectSameBits(helped.assess(crops[i]), expected);
            }
          }
        }
      } catch (const Error& error) {
        if (error.code() != ErrorCode::kNotAvailable) throw;
      }
    }
  }
}

class AssessorOfThreads : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Threads, AssessorOfThreads, testing::Values(1, 3));

TEST_P(AssessorOfThreads, MayBeCalledFromManyThreads) {
  const Network network = LoadTest();
  const Assessor assessor(network, {.threads = GetParam(), .guarded = false});
  const std::vector<Image> crops = Crops(8);
  const std::vector<Assessment> expected = Assessor(network, {.guarded = false}).assess(crops);
  std::vector<std::thread> threads;
  std::vector<Assessment> results(crops.size());
  for (std::size_t i = 0; i < crops.size(); ++i) {
    threads.emplace_back([&, i] { results[i] = assessor.assess(crops[i]); });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < crops.size(); ++i) ExpectSameBits(results[i], expected[i]);
}

TEST(Assessor, WorksInAChildOfForkWithOneThread) {
  const Assessor assessor(LoadTest(), {.guarded = false});
  const Image crop = Crops(1)[0];
  const Assessment before = assessor.assess(crop);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Assessment after = assessor.assess(crop);
    ::_exit(after.status == Status::kOk && after.embedding == before.embedding && after.drift == before.drift ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(Assessor, UsesTheStoredRecipe) {
  FolderForTest folder;
  const std::string path = WriteTestNetwork(folder / "net.onnx");
  Fill(path + ".json", R"({"recipe":{"scope":"layer","sparsity":0.1}})");
  const Network network = Network::load(path);
  EXPECT_EQ(Assessor(network, {.guarded = false}).recipe(), (Recipe{.scope = Scope::kLayer, .sparsity = 0.1}));
  EXPECT_EQ(Assessor(network, {.recipe = Recipe{}, .guarded = false}).recipe(), Recipe{});
}

TEST(Assessor, KeepsEverythingAtZeroSparsity) {
  const Assessor assessor(LoadTest(), {.recipe = Recipe{.sparsity = 0}, .guarded = false});
  const Assessment a = assessor.assess(Crops(1)[0]);
  EXPECT_EQ(a.status, Status::kOk);
  EXPECT_EQ(a.drift, 0);
  EXPECT_EQ(a.quality, 1);
  EXPECT_EQ(assessor.achieved_sparsity(), 0);
}

TEST(Assessor, GivesEmbeddingsWithoutPruning) {
  const Network network = LoadTest();
  const Assessor embed(network, {.guarded = false, .method = Method::kEmbedding}), score(network, {.guarded = false});
  const Assessment a = embed.assess(Crops(1)[0]), b = score.assess(Crops(1)[0]);
  EXPECT_EQ(a.status, Status::kOk);
  EXPECT_TRUE(std::isnan(a.drift));
  EXPECT_TRUE(std::isnan(a.quality));
  ASSERT_EQ(a.embedding.size(), b.embedding.size());
  for (std::size_t i = 0; i < a.embedding.size(); ++i) EXPECT_NEAR(a.embedding[i], b.embedding[i], 1e-4);
}

// A bias makes the embedding what a test wants.
graph::Graph WithEmbedding(float value) {
  graph::Graph graph = TestGraph();
  for (graph::Value& v : graph.values) {
    if (v.name == "gemm.weight") v.constant = std::make_shared<graph::Tensor>(v.constant->type(), v.constant->shape());
    if (v.name != "gemm.bias") continue;
    auto bias = std::make_shared<graph::Tensor>(v.constant->type(), v.constant->shape());
    for (float& element : bias->values<float>()) element = value;
    v.constant = std::move(bias);
  }
  return graph;
}

TEST(Assessor, MayLookIntoTheMirror) {
  const Network network = LoadTest();
  const Assessor plain(network, {.guarded = false}), mirrored(network, {.guarded = false, .mirror = true});
  const Image crop = Crops(1)[0];
  Image flipped = crop;
  for (int y = 0; y < crop.height; ++y) {
    for (int x = 0; x < crop.width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const auto at = [&](int column) { return static_cast<std::size_t>((y * crop.width + column) * 3 + c); };
        flipped.rgb[at(x)] = crop.rgb[at(crop.width - 1 - x)];
      }
    }
  }
  EXPECT_EQ(mirrored.assess(crop).embedding, plain.assess(flipped).embedding);
  EXPECT_EQ(mirrored.assess(flipped).embedding, plain.assess(crop).embedding);
  EXPECT_NE(mirrored.assess(crop).embedding, plain.assess(crop).embedding);
}

TEST(Assessor, HasNoScoreWithoutADirection) {
  for (const float value : {0.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const Method method :
         {Method::kDrift, Method::kPrunedNorm, Method::kNorm, Method::kStochastic, Method::kEmbedding}) {
      const Assessor assessor(LoadTest(WithEmbedding(value)), {.guarded = false, .method = method});
      const Assessment a = assessor.assess(Crops(1)[0]);
      EXPECT_EQ(a.status, Status::kNoDirection) << value;
      EXPECT_TRUE(std::isnan(a.drift) && std::isnan(a.quality) && a.embedding.empty());
      EXPECT_FALSE(a.detail.empty());
    }
  }
  EXPECT_EQ(Assessor(LoadTest(WithEmbedding(1)), {.guarded = false}).assess(Crops(1)[0]).status, Status::kOk);
}

TEST(Assessor, NeverThrowsForABadPicture) {
  const Assessor assessor(LoadTest(), {.guarded = false});
  EXPECT_EQ(assessor.assess(Image{}).status, Status::kUndecodable);
  EXPECT_EQ(assessor.assess(Image::open("/no/such/picture.png")).status, Status::kUnreadable);
  EXPECT_EQ(assessor.assess(TestPicture(10, 16, 1)).status, Status::kWrongShape);
  std::vector<Image> crops = Crops(3);
  crops[1] = Image{};
  const auto results = assessor.assess(crops);
  EXPECT_EQ(results[0].status, Status::kOk);
  EXPECT_EQ(results[1].status, Status::kUndecodable);
  EXPECT_EQ(results[2].status, Status::kOk);
  EXPECT_TRUE(assessor.assess(std::span<const Image>()).empty());
}

// TestGraph with one divided by the integer part of four times the input's mean added to the embedding: it cannot be
// run on a picture of middling brightness.
graph::Graph DividesByBrightness(std::int64_t batch) {
  graph::Graph graph = TestGraph({batch, 3, kTestSide, kTestSide});
  const auto value = [&](const char* name, graph::DataType type, graph::Shape shape) {
    return graph.AddValue({name, type, std::move(shape), true, nullptr});
  };
  constexpr auto kFloat = graph::DataType::kFloat32, kInt = graph::DataType::kInt64;
  const graph::Shape one_each{batch, 1};
  const auto constant = [&](const char* name, graph::Tensor tensor) {
    return graph.AddConstant(name, std::make_shared<graph::Tensor>(std::move(tensor)));
  };
  const auto axes = constant("axes", graph::Tensor::FromInt64s(std::vector<std::int64_t>{1, 2, 3}));
  const auto four = constant("four", graph::Tensor::Scalar(4));
  const auto one = constant("one", graph::Tensor::FromInt64s(std::vector<std::int64_t>{1}));
  const auto mean = value("mean", kFloat, {batch, 1, 1, 1});
  const auto flat_mean = value("flat_mean", kFloat, one_each);
  const auto larger = value("larger", kFloat, one_each);
  const auto whole = value("whole", kInt, one_each);
  const auto quotient = value("quotient", kInt, one_each);
  const auto offset = value("offset", kFloat, one_each);
  const auto sum = value("sum", kFloat, {batch, pipeline::kTestEmbedding});
  constexpr std::int64_t kOnnxFloat = 1, kOnnxInt = 7;
  graph.nodes.push_back({"mean", "ReduceMean", {graph.inputs[0], axes}, {mean}, {{"keepdims", std::int64_t{1}}}});
  graph.nodes.push_back({"flat_mean", "Flatten", {mean}, {flat_mean}, {{"axis", std::int64_t{1}}}});
  graph.nodes.push_back({"larger", "Mul", {flat_mean, four}, {larger}, {}});
  graph.nodes.push_back({"whole", "Cast", {larger}, {whole}, {{"to", kOnnxInt}}});
  graph.nodes.push_back({"quotient", "Div", {one, whole}, {quotient}, {}});
  graph.nodes.push_back({"offset", "Cast", {quotient}, {offset}, {{"to", kOnnxFloat}}});
  graph.nodes.push_back({"sum", "Add", {graph.outputs[0], offset}, {sum}, {}});
  graph.outputs = {sum};
  return graph;
}

TEST(Assessor, SaysOnWhichFaceTheNetworkCannotBeRun) {
  std::vector<Image> crops = Crops(7);
  for (Image& crop : crops) {
    if (&crop == &crops[2] || &crop == &crops[6]) continue;  // whose mean is that of noise
    for (std::uint8_t& level : crop.rgb) level = static_cast<std::uint8_t>(200 + level % 56);
  }
  for (const ExecutorKind executor : {ExecutorKind::kOneDnn, ExecutorKind::kReference}) {
    for (const std::int64_t batch : {graph::kUnknown, std::int64_t{1}, std::int64_t{4}}) {
      const Assessor assessor(LoadTest(DividesByBrightness(batch)), {.guarded = false, .executor = executor});
      const auto results = assessor.assess(crops);
      for (std::size_t i = 0; i < crops.size(); ++i) {
        const bool fails = i == 2 || i == 6;
        EXPECT_EQ(results[i].status, fails ? Status::kNotComputed : Status::kOk) << i << " of a batch of " << batch;
        EXPECT_EQ(results[i].detail, fails ? "node 'quotient' (Div): an integer is divided by zero" : "");
        EXPECT_EQ(results[i].embedding.empty(), fails);
        EXPECT_EQ(std::isnan(results[i].drift), fails);
        if (!fails) ExpectSameBits(results[i], assessor.assess(crops[i]));
      }
      EXPECT_EQ(assessor.assess(crops[2]).status, Status::kNotComputed);
    }
  }
}

TEST(Assessor, RefusesASmallestFaceThatIsNoNumber) {
  EXPECT_THROW(Assessor(LoadTest(), {.min_face = NAN, .guarded = false}), Error);
  EXPECT_THROW(Assessor(LoadTest(), {.min_face = -1, .guarded = false}), Error);
}

TEST(Assessor, RefusesBadRecipesAndThreads) {
  const Network network = LoadTest();
  const auto code_of = [&](const AssessorOptions& options) {
    try {
      Assessor assessor(network, options);
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code_of({.recipe = Recipe{.sparsity = 1}}), ErrorCode::kRecipe);
  EXPECT_EQ(code_of({.recipe = Recipe{.granularity = Granularity::kStructured, .scope = Scope::kChannel}}),
            ErrorCode::kRecipe);
  EXPECT_EQ(code_of({.threads = -1}), ErrorCode::kUsage);
}

}  // namespace
}  // namespace prefiqs
