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
  EXPECT_FALSE(SettingsFromSidecar(path).preprocessing);
  Fill(path + ".json", R"({"preprocessing":{"channels":"bgr"},"recipe":{"scope":"layer"}})");
  EXPECT_EQ(SettingsFromSidecar(path).preprocessing->channels, ChannelOrder::kBgr);
  EXPECT_EQ(SettingsFromSidecar(path).recipe->scope, Scope::kLayer);
  Fill(path + ".json", R"({"channels":"bgr","mean":[1,2,3]})");
  EXPECT_EQ(SettingsFromSidecar(path).preprocessing->mean[2], 3);
  EXPECT_FALSE(SettingsFromSidecar(path).recipe);
}

TEST(StoredSettings, BadOnesNameTheirPlace) {
  FolderForTest folder;
  const std::string path = folder / "m.onnx";
  for (const char* bad : {"", "[]", "{\"preprocessing\":3}", "{\"recipe\":{\"sparsity\":2}}", "{\"unknown\":1}",
                          "{\"mean\":1,\"recipe\":{}}"}) {
    Fill(path + ".json", bad);
    try {
      SettingsFromSidecar(path);
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
