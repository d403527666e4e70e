#include "pipeline/preprocessing_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <set>

#include "align/align.h"
#include "base/folder_for_test.h"
#include "pipeline/network_for_test.h"

namespace prefiqs::pipeline {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

const std::filesystem::path kShared = PREFIQS_SHARED_DIR;

TEST(EmbeddingsLook, MeanCosineOverPairs) {
  const std::vector<engine::TwinEmbedding> embeddings{{{2, 0}, {1, 0}}, {{0, 3}, {0, 1}}, {{5, 0}, {0, 5}}};
  const EmbeddingsLook look = LookAt(embeddings);
  EXPECT_NEAR(look.cosine, 1.0 / 3, 1e-12);  // pairs: 0, 1, 0
  EXPECT_NEAR(look.drift, std::sqrt(2.0) / 3, 1e-12);
  EXPECT_TRUE(look.suspicious());
}

TEST(EmbeddingsLook, LeavesOutWhatHasNoDirection) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const EmbeddingsLook look =
      LookAt(std::vector<engine::TwinEmbedding>{{{0, 0}, {}}, {{1, nan}, {}}, {{1, 0}, {}}, {{0, 1}, {}}});
  EXPECT_EQ(look.cosine, 0);
  EXPECT_TRUE(std::isnan(look.drift));
  EXPECT_FALSE(look.suspicious());
}

TEST(PreprocessingWarning, FewFacesSayNothing) {
  FolderForTest folder;
  const Assessor assessor(Network::load(WriteTestNetwork(folder / "net.onnx")), {.guarded = false});
  const std::vector<Image> crops(kFewestCheckedFaces - 1, TestPicture(kTestSide, kTestSide, 1));
  EXPECT_FALSE(PreprocessingWarning(assessor.impl(), crops));
}

TEST(PreprocessingWarning, LooksAtEmbeddingsOfEveryMethod) {
  const FolderForTest folder;
  const std::string path = WriteTestNetwork(folder / "net.onnx");
  std::vector<Image> crops;
  for (std::uint32_t seed = 0; seed < kFewestCheckedFaces; ++seed) {
    crops.push_back(TestPicture(kTestSide, kTestSide, seed));
  }
  for (const Method method : {Method::kJvp, Method::kNorm, Method::kStochastic, Method::kEmbedding, Method::kOutput}) {
    const Network network = Network::load(path, {.tells_quality = method == Method::kOutput});
    const Assessor assessor(network, {.guarded = false, .method = method});
    EXPECT_NO_THROW(PreprocessingWarning(assessor.impl(), crops)) << name(method);
  }
}

TEST(PreprocessingWarning, TheSameFaceAgainAndAgainIsNoMistake) {
  FolderForTest folder;
  const Assessor assessor(Network::load(WriteTestNetwork(folder / "net.onnx"), {.preprocessing = Preprocessing{}}),
                          {.guarded = false});
  EXPECT_FALSE(PreprocessingWarning(assessor.impl(), std::vector<Image>(16, TestPicture(kTestSide, kTestSide, 1))));
}

// A varied kCheckedFaces of them, in an order that does not depend on the file system.
std::vector<Image> ReferenceCrops(int width, int height) {
  std::set<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(kShared / "reference/crops")) paths.insert(entry.path());
  std::vector<Image> crops;
  std::size_t i = 0;
  for (const std::string& path : paths) {
    if (i++ % (paths.size() / kCheckedFaces) != 0) continue;
    const DecodedImage picture = Image::open(path);
    EXPECT_EQ(picture.status, Status::kOk) << path;
    crops.push_back(*align::FitCrop(picture.image, width, height));
  }
  return crops;
}

struct Case {
  const char* model;
  const char* right;
  Recipe recipe;
};

class RealNetworks : public ::testing::TestWithParam<Case> {};

// Every wrong preset that collapses embeddings is caught although it was asked for; every wrong one where nothing was
// said; the right one never.
TEST_P(RealNetworks, WrongPresetsAreCaughtAndTheRightOneIsNot) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << kShared << " is not there: no real networks to test with";
  const std::string path = (kShared / "models" / (std::string(GetParam().model) + ".onnx")).string();
  const auto assessor_of = [&](std::optional<Preprocessing> preprocessing) {
    return Assessor(Network::load(path, {.preprocessing = preprocessing}),
                    {.recipe = GetParam().recipe, .guarded = false});
  };
  const Network network = Network::load(path);
  const std::vector<Image> crops = ReferenceCrops(network.input_width(), network.input_height());
  // Divisions by 127.5 and by 128 are as good as the same.
  const auto names_it = AnyOf(HasSubstr("--preset " + std::string(GetParam().right)), HasSubstr("--preset arcface"),
                              HasSubstr("--preset mobilefacenet128"));
  EXPECT_FALSE(PreprocessingWarning(assessor_of(Preprocessing::preset(GetParam().right)).impl(), crops));
  const auto raw = PreprocessingWarning(assessor_of(Preprocessing::preset("raw")).impl(), crops);
  ASSERT_TRUE(raw);
  EXPECT_THAT(*raw, HasSubstr("looks wrong"));
  EXPECT_THAT(*raw, names_it);

  const auto assumed = PreprocessingWarning(assessor_of(std::nullopt).impl(), crops);
  EXPECT_EQ(assumed.has_value(), std::string(GetParam().right) == "imagenet");
  if (assumed) {
    EXPECT_THAT(*assumed, HasSubstr("--preset imagenet"));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Networks, RealNetworks,
    ::testing::Values(Case{"w600k_mbf_dequantised_fp32", "arcface", {}},
                      Case{"vface_mobilefacenet", "imagenet", {.scope = Scope::kLayer, .sparsity = 0.2}},
                      Case{"xiaoccer_mobilefacenet_112x96_casia", "mobilefacenet128", {}}),
    [](const auto& the_case) { return std::string(the_case.param.model).substr(0, 5); });

TEST(PreprocessingWarning, ARecipeThatPrunesTooMuch) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << kShared << " is not there: no real networks to test with";
  const Assessor assessor(Network::load((kShared / "models/vface_mobilefacenet.onnx").string(),
                                        {.preprocessing = Preprocessing::preset("imagenet")}),
                          {.guarded = false});
  const std::vector<Image> crops = ReferenceCrops(112, 112);
  const auto warning = PreprocessingWarning(assessor.impl(), crops);
  ASSERT_TRUE(warning);
  EXPECT_THAT(*warning, HasSubstr("prunes too much"));
}

// The second output is no embedding there.
TEST(PreprocessingWarning, ADerivativeIsNoDrift) {
  if (!std::filesystem::exists(kShared)) GTEST_SKIP() << kShared << " is not there: no real networks to test with";
  const Assessor assessor(Network::load((kShared / "models/vface_mobilefacenet.onnx").string(),
                                        {.preprocessing = Preprocessing::preset("imagenet")}),
                          {.guarded = false, .method = Method::kJvp});
  EXPECT_FALSE(PreprocessingWarning(assessor.impl(), ReferenceCrops(112, 112)));
}

}  // namespace
}  // namespace prefiqs::pipeline
