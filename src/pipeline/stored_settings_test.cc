#include "pipeline/stored_settings.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include "base/folder_for_test.h"
#include "pipeline/network_impl.h"

namespace prefiqs::pipeline {
namespace {

TEST(StoredSettings, ComeFromMetadata) {
  const StoredSettings settings = SettingsFromMetadata(
      {{kPreprocessingKey, R"({"channels":"bgr","mean":0,"scale":255})"}, {kRecipeKey, R"({"sparsity":0.2})"}},
      "m.onnx");
  ASSERT_TRUE(settings.preprocessing);
  EXPECT_EQ(*settings.preprocessing, Preprocessing::preset("magface"));
  ASSERT_TRUE(settings.recipe);
  EXPECT_EQ(settings.recipe->sparsity, 0.2);
  EXPECT_FALSE(SettingsFromMetadata({{"other", "x"}}, "m.onnx").preprocessing);
}

TEST(StoredSettings, ComeFromASidecarOfEitherForm) {
  FolderForTest folder;
  const std::string path = folder / "m.onnx";
  EXPECT_FALSE(SettingsFromSidecar(path + ".json", path, "hash").preprocessing);
  Fill(path + ".json", R"({"preprocessing":{"channels":"bgr"},"recipe":{"scope":"layer"}})");
  EXPECT_EQ(SettingsFromSidecar(path + ".json", path, "hash").preprocessing->channels, ChannelOrder::kBgr);
  EXPECT_EQ(SettingsFromSidecar(path + ".json", path, "hash").recipe->scope, Scope::kLayer);
  Fill(path + ".json", R"({"channels":"bgr","mean":[1,2,3]})");
  EXPECT_EQ(SettingsFromSidecar(path + ".json", path, "hash").preprocessing->mean[2], 3);
  EXPECT_FALSE(SettingsFromSidecar(path + ".json", path, "hash").recipe);
}

TEST(StoredSettings, CalibrationIsAddedToWhatIsThere) {
  FolderForTest folder;
  const std::string path = folder / "m.onnx";
  Calibration calibration = Calibration::of(std::vector<float>(100, 0.5f), {}, {});
  calibration.source = "test";
  EXPECT_EQ(
      StoreCalibration(path + ".json", path + ".json", "hash", calibration, false, Preprocessing::preset("adaface")),
      path + ".json");
  EXPECT_EQ(SettingsFromSidecar(path + ".json", path, "hash").calibration, calibration);
  EXPECT_EQ(SettingsFromSidecar(path + ".json", path, "hash").preprocessing, Preprocessing::preset("adaface"));

  Fill(path + ".json", R"({"recipe":{"scope":"layer"},"preprocessing":{"channels":"bgr"}})");
  StoreCalibration(path + ".json", path + ".json", "hash", calibration, false, std::nullopt);
  EXPECT_EQ(SettingsFromSidecar(path + ".json", path, "hash").recipe->scope, Scope::kLayer);
  EXPECT_EQ(SettingsFromSidecar(path + ".json", path, "hash").preprocessing->channels, ChannelOrder::kBgr);
  EXPECT_EQ(SettingsFromSidecar(path + ".json", path, "hash").calibration, calibration);

  Fill(path + ".json", R"({"channels":"bgr"})");
  StoreCalibration(path + ".json", path + ".json", "hash", calibration, false, std::nullopt);
  EXPECT_EQ(SettingsFromSidecar(path + ".json", path, "hash").preprocessing->channels, ChannelOrder::kBgr);
  EXPECT_EQ(SettingsFromSidecar(path + ".json", path, "hash").calibration, calibration);
}

// A new file begins with what is in the other, which stays as it is.
TEST(StoredSettings, CalibrationGoesIntoACopyOfWhatIsThere) {
  FolderForTest folder;
  const std::string beside = folder / "m.onnx.json", other = folder / "other.json";
  EXPECT_EQ(SidecarBeside(folder / "m.onnx"), beside);
  constexpr const char* kThere = R"({"recipe":{"scope":"layer"},"preprocessing":{"channels":"bgr"}})";
  Calibration calibration = Calibration::of(std::vector<float>(100, 0.5f), {}, {});
  Fill(beside, kThere);
  EXPECT_EQ(StoreCalibration(beside, other, "hash", calibration, false, std::nullopt), other);
  EXPECT_EQ(Contents(beside), kThere);
  const StoredSettings stored = SettingsFromSidecar(other, "m.onnx", "hash");
  EXPECT_EQ(stored.calibration, calibration);
  EXPECT_EQ(stored.recipe->scope, Scope::kLayer);
  EXPECT_EQ(stored.preprocessing->channels, ChannelOrder::kBgr);
}

TEST(StoredSettings, CalibrationOfAnotherNetworkIsRefused) {
  FolderForTest folder;
  const std::string path = folder / "m.onnx";
  StoreCalibration(path + ".json", path + ".json", "hash", Calibration::of(std::vector<float>(100, 0.5f), {}, {}),
                   false, std::nullopt);
  try {
    SettingsFromSidecar(path + ".json", path, "another");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kModel);
    EXPECT_NE(std::string(e.what()).find("of another network"), std::string::npos) << e.what();
  }
}

TEST(StoredSettings, CalibrationOfAnotherNetworkIsLeftOutOfANewFile) {
  FolderForTest folder;
  const std::string path = folder / "m.onnx", sidecar = path + ".json";
  Fill(sidecar, R"({"recipe":{"scope":"layer"}})");
  StoreCalibration(sidecar, sidecar, "hash", Calibration::of(std::vector<float>(100, 0.5f), {}, {}), false,
                   std::nullopt);
  const StoredSettings settings = SettingsFromSidecar(sidecar, path, "another", true);
  EXPECT_FALSE(settings.calibration);
  EXPECT_EQ(settings.recipe->scope, Scope::kLayer);
  EXPECT_TRUE(SettingsFromSidecar(sidecar, path, "hash", true).calibration);
}

// Channels, mean and scale are as unknown as before.
TEST(StoredSettings, ATemplateAloneIsNoPreprocessing) {
  FolderForTest folder;
  const std::string path = folder / "m.onnx";
  for (const char* text : {R"({"template":"scaled"})", R"({"preprocessing":{"template":"scaled"}})"}) {
    Fill(path + ".json", text);
    const StoredSettings settings = SettingsFromSidecar(path + ".json", path, "hash");
    EXPECT_FALSE(settings.preprocessing) << text;
    EXPECT_EQ(settings.crop_template, CropTemplate::kScaled) << text;
  }
  const StoredSettings settings = SettingsFromMetadata({{kPreprocessingKey, R"({"template":"scaled"})"}}, "m.onnx");
  EXPECT_FALSE(settings.preprocessing);
  EXPECT_EQ(settings.crop_template, CropTemplate::kScaled);
}

TEST(StoredSettings, NothingIsStoredInAFileThatIsNotUnderstood) {
  FolderForTest folder;
  const std::string path = folder / "m.onnx";
  Fill(path + ".json", "{\"mine\":1}");
  EXPECT_THROW(StoreCalibration(path + ".json", path + ".json", "hash",
                                Calibration::of(std::vector<float>(100, 0.5f), {}, {}), false, std::nullopt),
               Error);
  EXPECT_EQ(Contents(path + ".json"), "{\"mine\":1}");
}

TEST(StoredSettings, BadOnesNameTheirPlace) {
  FolderForTest folder;
  const std::string path = folder / "m.onnx";
  for (const char* bad : {"", "[]", "{\"preprocessing\":3}", "{\"recipe\":{\"sparsity\":2}}", "{\"unknown\":1}",
                          "{\"mean\":1,\"recipe\":{}}", "{\"calibrated_network\":\"hash\",\"calibration\":{}}"}) {
    Fill(path + ".json", bad);
    try {
      SettingsFromSidecar(path + ".json", path, "hash");
      ADD_FAILURE() << bad;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("m.onnx.json"), std::string::npos) << e.what();
    }
  }
  try {
    SettingsFromMetadata({{kRecipeKey, "{\"sparsity\":-1}"}}, "m.onnx");
    ADD_FAILURE();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kRecipe);
    EXPECT_NE(std::string(e.what()).find("m.onnx: metadata prefiqs.recipe"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace prefiqs::pipeline
