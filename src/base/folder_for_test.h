// A folder of a test's own, gone with the test, and whole files in it.
#ifndef PREFIQS_BASE_FOLDER_FOR_TEST_H_
#define PREFIQS_BASE_FOLDER_FOR_TEST_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace prefiqs {

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
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  std::ptrdiff_t count() const { return std::distance(std::filesystem::directory_iterator(path_), {}); }

 private:
  std::string path_;
};

// Writes a file, after the folders on the way, and returns its path.
inline std::string Fill(const std::string& path, std::string_view contents) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream file(path, std::ios::binary);
  file << contents;
  EXPECT_TRUE(file.flush()) << path;
  return path;
}

inline std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace prefiqs

#endif  // PREFIQS_BASE_FOLDER_FOR_TEST_H_
