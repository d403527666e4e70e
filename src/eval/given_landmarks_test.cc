// Which row of a file of landmarks is of which picture.
#include <gtest/gtest.h>
#include <prefiqs/detector.h>

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "eval/refused_for_test.h"

namespace prefiqs::eval {
namespace {

// Lines of faces that are told apart by where the left eye is.
GivenLandmarks Load(const std::vector<std::string>& names) {
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "given_landmarks.txt";
  std::ofstream file(path, std::ios::binary);
  for (std::size_t i = 0; i < names.size(); ++i)
    file << names[i] << ' ' << i << " 10 " << i + 98 << " 10 " << i + 50 << " 50 " << i << " 90 " << i + 98
         << " 90 1\n";
  file.close();
  return GivenLandmarks::load(path.string());
}

// Which of the rows; -1: none.
int Row(const GivenLandmarks& landmarks, std::string_view picture) {
  const std::span<const Face> faces = landmarks.find(picture);
  EXPECT_LE(faces.size(), 1u);
  return faces.empty() ? -1 : static_cast<int>(faces[0].landmarks[0].x);
}

TEST(GivenLandmarks, ARowIsOfThePictureThatItsNameIsTheEndOf) {
  const GivenLandmarks landmarks = Load({"1.jpg", "a/2.jpg", "3"});
  EXPECT_EQ(landmarks.faces(), 3u);
  EXPECT_EQ(Row(landmarks, "/data/loose_crop/1.jpg"), 0);
  EXPECT_EQ(Row(landmarks, "1.jpg"), 0);
  EXPECT_EQ(Row(landmarks, "./1.JPG"), 0);
  EXPECT_EQ(Row(landmarks, "x/1.png"), 0);
  EXPECT_EQ(Row(landmarks, "11.jpg"), -1);
  EXPECT_EQ(Row(landmarks, "x/a/2.jpg"), 1);
  EXPECT_EQ(Row(landmarks, "x/b/2.jpg"), -1);
  EXPECT_EQ(Row(landmarks, "x/3.webp"), 2);
  EXPECT_EQ(Row(landmarks, ""), -1);
}

TEST(GivenLandmarks, APictureMayHaveFewerFoldersThanItsRow) {
  const GivenLandmarks landmarks = Load({"/data/lfw/Ann/Ann_1.jpg", "/data/lfw/Bob/1.jpg", "../other/Cy/1.jpg"});
  EXPECT_EQ(Row(landmarks, "Ann/Ann_1.jpg"), 0);
  EXPECT_EQ(Row(landmarks, "Bob/1.jpg"), 1);
  EXPECT_EQ(Row(landmarks, "../Cy/1.jpg"), 2);
  EXPECT_EQ(Row(landmarks, "Dan/1.jpg"), -1);
  const std::string message = Refused([&] { landmarks.find("1.jpg"); });
  EXPECT_NE(message.find("/data/lfw/Bob/1.jpg and ../other/Cy/1.jpg may both be of 1.jpg"), std::string::npos)
      << message;
}

TEST(GivenLandmarks, OfSeveralRowsTheLongestNameStands) {
  const GivenLandmarks landmarks = Load({"1.jpg", "a/1.jpg"});
  EXPECT_EQ(Row(landmarks, "x/a/1.jpg"), 1);
  EXPECT_EQ(Row(landmarks, "x/b/1.jpg"), 0);
}

TEST(GivenLandmarks, SuffixesTellRowsApartThatDifferByNothingElse) {
  const GivenLandmarks landmarks = Load({"1.jpg", "1.png", "John.Q", "v1.2/x"});
  EXPECT_EQ(Row(landmarks, "a/1.jpg"), 0);
  EXPECT_EQ(Row(landmarks, "a/1.png"), 1);
  EXPECT_NE(Refused([&] { landmarks.find("a/1.webp"); }).find("may both be of a/1.webp"), std::string::npos);
  EXPECT_EQ(Row(landmarks, "John.Q.jpg"), 2);  // .Q is no suffix of a picture
  EXPECT_EQ(Row(landmarks, "v1.2/x.jpg"), 3);
}

TEST(GivenLandmarks, CountsWhatHasNoCounterpart) {
  const GivenLandmarks landmarks = Load({"1.jpg", "2.jpg", "3.jpg"});
  const std::vector<std::string_view> pictures{"a/1.jpg", "a/1.jpg", "a/4.jpg"};
  const GivenLandmarks::Coverage coverage = landmarks.coverage(pictures);
  EXPECT_EQ(coverage.without_row, 1u);
  EXPECT_EQ(coverage.unused, 2u);
}

TEST(GivenLandmarks, RefusesTwoRowsOfAPictureThatDiffer) {
  EXPECT_NE(Refused([] {
              Load({"1.jpg", "1.jpg"});
            }).find("line 2: other points of 1.jpg than line 1 has"),
            std::string::npos);
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "given_twice.txt";
  const auto write = [&](const std::string& text) { std::ofstream(path, std::ios::binary) << text; };
  write("1.jpg 1 10 99 10 90 50 60 90 95 90 1\n1.jpg 1 10 99 10 90 50 60 90 95 90 1\n");
  EXPECT_EQ(GivenLandmarks::load(path.string()).find("1.jpg").size(), 1u);
  // A column face says that they are several faces.
  write(
      "path,face,left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,left_mouth_x,left_mouth_y,right_mouth_x,"
      "right_mouth_y\n1.jpg,0,1,10,99,10,90,50,60,90,95,90\n1.jpg,1,2,10,99,10,90,50,60,90,95,90\n");
  const GivenLandmarks two = GivenLandmarks::load(path.string());
  ASSERT_EQ(two.find("1.jpg").size(), 2u);
  EXPECT_EQ(two.find("1.jpg")[1].landmarks[0].x, 2);
  EXPECT_EQ(two.faces(), 2u);
}

TEST(GivenLandmarks, TheHashIsOfNamesAndNumbers) {
  EXPECT_EQ(Load({"1.jpg", "2.jpg"}).content_hash(), Load({"1.jpg", "2.jpg"}).content_hash());
  EXPECT_NE(Load({"1.jpg", "2.jpg"}).content_hash(), Load({"1.jpg", "3.jpg"}).content_hash());
  EXPECT_NE(Load({"1.jpg", "2.jpg"}).content_hash(), Load({"2.jpg", "1.jpg"}).content_hash());  // other numbers
}

// Same names in many folders, as CFP has them, must not make finding slow.
TEST(GivenLandmarks, FindsAmongManyRowsInShortTime) {
  std::vector<std::string> names;
  for (int i = 0; i < 100'000; ++i) names.push_back(fmt::format("/data/set/{:05}/frontal/01.jpg", i));
  const GivenLandmarks landmarks = Load(names);
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(Row(landmarks, fmt::format("{:05}/frontal/01.png", i)), i);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace prefiqs::eval
