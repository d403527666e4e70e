#include "report/npy.h"

#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <cstring>
#include <vector>

#include "base/folder_for_test.h"

namespace prefiqs::report {
namespace {

TEST(Npy, IsValidAfterEveryAppend) {
  FolderForTest folder;
  const std::string path = folder / "a.npy";
  NpyFile file(path, OpenMode::kNew, 3);
  EXPECT_NE(Contents(path).find("'shape': (0, 3), }"), std::string::npos);
  file.Append(std::vector<float>{1, 2, 3, 4, 5, 6});
  file.Append(std::vector<float>{7, 8, 9});
  const std::string bytes = Contents(path);
  EXPECT_EQ(bytes.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ(bytes.substr(8, 2), std::string("\x76\x00", 2));  // 118 = 128 - 10
  EXPECT_NE(bytes.find("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 3), }"), std::string::npos);
  EXPECT_EQ(bytes[127], '\n');
  ASSERT_EQ(bytes.size(), 128u + 9 * 4);
  float last = 0;
  std::memcpy(&last, bytes.data() + bytes.size() - 4, 4);
  EXPECT_EQ(last, 9);
}

TEST(Npy, ContinuesFromWholeRows) {
  FolderForTest folder;
  const std::string path = folder / "a.npy";
  NpyFile(path, OpenMode::kNew, 2).Append(std::vector<float>{1, 2, 3, 4});
  Fill(path, Contents(path) + "abc");  // killed in the middle of a row
  {
    NpyFile file(path, OpenMode::kContinue, 2);
    EXPECT_EQ(file.rows(), 2);
    file.Truncate(1);
    file.Append(std::vector<float>{5, 6});
    EXPECT_EQ(file.rows(), 2);
  }
  const std::string bytes = Contents(path);
  EXPECT_EQ(bytes.size(), 128u + 4 * 4);
  EXPECT_NE(bytes.find("(2, 2)"), std::string::npos);
}

TEST(Npy, StartsOverFromAPartOfAHeader) {
  FolderForTest folder;
  Fill(folder / "a.npy", "\x93NUM");
  NpyFile file(folder / "a.npy", OpenMode::kContinue, 2);
  EXPECT_EQ(file.rows(), 0);
  EXPECT_EQ(Contents(folder / "a.npy").size(), 128u);
}

TEST(Npy, RefusesOtherFiles) {
  FolderForTest folder;
  Fill(folder / "a.npy", std::string(500, 'x'));
  EXPECT_THROW(NpyFile(folder / "a.npy", OpenMode::kContinue, 2), Error);
  NpyFile(folder / "b.npy", OpenMode::kNew, 3);
  EXPECT_THROW(NpyFile(folder / "b.npy", OpenMode::kContinue, 2), Error);
  EXPECT_THROW(NpyFile("/dev/null", OpenMode::kNew, 2), Error);
}

}  // namespace
}  // namespace prefiqs::report
