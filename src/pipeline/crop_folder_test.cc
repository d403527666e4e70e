#include "pipeline/crop_folder.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include "base/folder_for_test.h"

namespace prefiqs::pipeline {
namespace {

TEST(CropFolder, NamesFilesAfterTheirPicture) {
  EXPECT_EQ(CropFolder::FileName(7, 0, "a/b/face.jpg"), "000007-0-face.png");
  EXPECT_EQ(CropFolder::FileName(1234567, 12, "face"), "1234567-12-face.png");
  EXPECT_EQ(CropFolder::FileName(1, 0, "x/lfw.bin#17"), "000001-0-lfw.bin#17.png");
  EXPECT_EQ(CropFolder::FileName(1, 0, ".jpg"), "000001-0-.jpg.png");
  EXPECT_LT(CropFolder::FileName(1, 0, std::string(4000, 'x')).size(), 200u);
}

TEST(CropFolder, MakesItselfAndSeesWhatIsThere) {
  FolderForTest folder;
  const std::string path = folder / "new/deep";
  CropFolder(path).CheckFree(7);
  Fill(path + "/000007-0-a.png", "");
  Fill(path + "/8.png", "");
  Fill(path + "/readme", "");
  const CropFolder crops(path);
  EXPECT_THROW(crops.CheckFree(7), Error);
  crops.CheckFree(8);
}

TEST(CropFolder, SaysWhenItCannotBe) {
  FolderForTest folder;
  Fill(folder / "file", "");
  EXPECT_THROW(CropFolder(folder / "file"), Error);
}

}  // namespace
}  // namespace prefiqs::pipeline
