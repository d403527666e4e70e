// A folder of a test's own, gone with the test.
#ifndef PREFIQS_IMAGE_FOLDER_FOR_TEST_H_
#define PREFIQS_IMAGE_FOLDER_FOR_TEST_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace prefiqs::image {

class FolderForTest {
 public:
  FolderForTest() {
    std::string pattern = ::testing::TempDir() + "/prefiqs_XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~FolderForTest() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FolderForTest(const FolderForTest&) = delete;
  FolderForTest& operator=(const FolderForTest&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  // Makes the folders on the way.
  std::string Fill(const std::string& name, std::string_view contents) const {
    const std::string path = *this / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << contents;
    return path;
  }

 private:
  std::string path_;
};

}  // namespace prefiqs::image

#endif  // PREFIQS_IMAGE_FOLDER_FOR_TEST_H_
