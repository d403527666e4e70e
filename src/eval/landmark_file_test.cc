#include "eval/landmark_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "eval/landmark_cfp.h"
#include "eval/refused_for_test.h"

namespace prefiqs::eval {
namespace {

template <typename Function>
void ExpectRefused(Function&& function, const std::string& part) {
  const std::string message = Refused(function);
  EXPECT_NE(message.find(part), std::string::npos) << message;
}

class LandmarkFile : public ::testing::Test {
 protected:
  std::string Write(const std::string& text, const std::string& name = "list.txt") {
    const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "landmark_file" / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
};

constexpr Landmarks kPoints{{{438.5f, 210}, {550, 211}, {497, 277}, {444, 319}, {544, 320}}};
const std::string kNumbers = "438.5 210 550 211 497 277 444 319 544 320";

void ExpectOne(const LandmarkList& list, const std::string& name) {
  ASSERT_EQ(list.rows.size(), 1u);
  EXPECT_EQ(list.rows[0].name, name);
  EXPECT_EQ(list.rows[0].face.landmarks, kPoints);
}

TEST_F(LandmarkFile, ReadsIjbsLinesWithAndWithoutAScore) {
  const LandmarkList scored = ReadLandmarks(Write("1.jpg " + kNumbers + " 0.95\n"));
  ExpectOne(scored, "1.jpg");
  EXPECT_FLOAT_EQ(scored.rows[0].face.confidence, 0.95f);
  EXPECT_TRUE(std::isnan(scored.rows[0].face.box.width));
  EXPECT_NE(scored.form.find("IJB"), std::string::npos);
  const LandmarkList plain = ReadLandmarks(Write("1.jpg " + kNumbers + "\n"));
  ExpectOne(plain, "1.jpg");
  EXPECT_TRUE(std::isnan(plain.rows[0].face.confidence));
}

TEST_F(LandmarkFile, ReadsByteOrderMarksLineEndsSeparatorsAndSpaces) {
  ExpectOne(ReadLandmarks(
                Write("\xef\xbb\xbf\r\n\r\na b/1 2.jpg\t438.5\t210\t550\t211\t497\t277\t444\t319\t544\t320\r\n\r\n")),
            "a b/1 2.jpg");
  ExpectOne(ReadLandmarks(Write("a,438.5, 210,550,211,497,277,444,319,544,320,1e-1")), "a");
  ExpectOne(ReadLandmarks(Write("a;438.5;210;550;211;497;277;444;319;544;320\n")), "a");
  ExpectOne(ReadLandmarks(Write("a b c   " + kNumbers + "  0.5  \n")), "a b c");
  ExpectOne(ReadLandmarks(Write("17 " + kNumbers + " 0.5\n")), "17");  // a name that is a number
}

TEST_F(LandmarkFile, ReadsCelebA) {
  const LandmarkList list = ReadLandmarks(
      Write("1\nlefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x "
            "rightmouth_y\n000001.jpg " +
            kNumbers + " \n"));
  ExpectOne(list, "000001.jpg");
  EXPECT_NE(list.form.find("CelebA"), std::string::npos);
}

const std::string kHeader =
    "left_eye_x,left_eye_y,right_eye_x,right_eye_y,nose_x,nose_y,left_mouth_x,left_mouth_y,right_mouth_x,right_mouth_y";

TEST_F(LandmarkFile, ReadsTables) {
  const LandmarkList rows = ReadLandmarks(Write("path,face,box_x,box_y,box_width,box_height," + kHeader +
                                                ",confidence\na.jpg,0,1,2,3,4,438.5,210,550,211,497,277,"
                                                "444,319,544,320,0.5\nb.jpg,,,,,,,,,,,,,,,,\n"));
  ExpectOne(rows, "a.jpg");  // the other has no face
  EXPECT_TRUE(rows.several_faces);
  EXPECT_EQ(rows.rows[0].face.box, (Box{1, 2, 3, 4}));
  EXPECT_FLOAT_EQ(rows.rows[0].face.confidence, 0.5f);
  // Any order, any separator; names tell the columns.
  std::string header = kHeader + ",file";
  for (char& c : header) c = c == ',' ? ';' : c;
  const LandmarkList plain = ReadLandmarks(Write(header + "\n438.5;210;550;211;497;277;444;319;544;320;a\n"));
  ExpectOne(plain, "a");
  EXPECT_FALSE(plain.several_faces);
}

TEST_F(LandmarkFile, NamesLineAndColumnOfWhatItCannotRead) {
  const auto refused = [&](const std::string& text, const std::string& part) {
    ExpectRefused([&] { ReadLandmarks(Write(text)); }, part);
  };
  refused("1.jpg " + kNumbers + "\n2.jpg 1 2 3 4 5 6 7 8 9\n", "line 2: not a name and 10 numbers");
  refused("1.jpg " + kNumbers + "\n2.jpg 1 2 3 x 5 6 7 8 9 10\n", "line 2: word 4 behind the name is x");
  refused("1.jpg " + kNumbers + "\n\n2.jpg 1 2 3 nan 5 6 7 8 9 10\n", "line 3: word 4 behind the name is nan");
  refused("1.jpg 1 2 3 4 inf 6 7 8 9 10\n", "word 5 behind the name is inf");
  refused("1.jpg " + kNumbers + " nan\n", "word 11 behind the name is nan");
  refused("path," + kHeader + "\na,438.5,210,550,211,497,277,444,319,544,\n", "line 2: column right_mouth_y is empty");
  refused("path," + kHeader + "\na,438.5,210,550,211,497,277,444,nan,544,1\n", "line 2: column left_mouth_y holds nan");
  refused("path," + kHeader + "\na,438.5,210,550,211,497,277,444,319,five,1\n", "column right_mouth_x holds five");
  refused("path,left_eye_x\na,1\n", "no column left_eye_y");
  refused("name,x1,y1,x2,y2\na,1,2,3,4\n", "nearest is a table with a header: path, left_eye_x");
  refused("\n1.jpg 1 2 3 4\n", "line 2: 4 numbers at its end");
  refused("1.jpg 1 2 3 4\n", "nearest is IJB's");
  refused("", "is empty");
  refused("path," + kHeader + "\na,,,,,,,,,,\n", "no landmarks");
  ExpectRefused([&] { ReadLandmarks(::testing::TempDir() + "/there is none"); }, "there is none");
}

TEST_F(LandmarkFile, SaysWhichOrderTheNumbersSeemToHave) {
  const std::string good = "a " + kNumbers + "\n";
  const std::string xs_first = "b 438.5 550 497 444 544 210 211 277 319 320\n";
  const std::string exchanged = "c 550 211 438.5 210 497 277 544 320 444 319\n";
  const std::string upside_down = "d 438 320 550 319 497 277 444 210 544 211\n";
  ExpectRefused([&] { ReadLandmarks(Write(xs_first)); }, "all x before all y");
  ExpectRefused([&] { ReadLandmarks(Write(exchanged + exchanged + good)); }, "left and right seem to be exchanged");
  ExpectRefused([&] { ReadLandmarks(Write(upside_down)); }, "the points of 1 of 1 face do not lie");
  EXPECT_EQ(ReadLandmarks(Write(good + exchanged)).rows.size(), 2u);  // one of two: the file's order is right
  // A face that is turned by half lies as a face does.
  EXPECT_EQ(ReadLandmarks(Write("e 550 320 438 319 497 250 544 210 444 211\n")).rows.size(), 1u);
}

// A face as CFP marks it: the half that the points are on is the left one as seen, or the right one.
CfpPoints Half(float side) {
  CfpPoints points{};
  for (std::size_t i = 0; i < points.size(); ++i) points[i] = {50 + side * 30, 100};
  for (std::size_t i = 12; i < 18; ++i) points[i] = {50 + side * (20 + (i % 2 == 0 ? 2.0f : -2.0f)), 40};
  points[18] = {50, 42};
  points[21] = {50, 60};
  points[25] = {50 + side * 14, 80};
  for (std::size_t i = 26; i < 30; ++i) points[i] = {50, 80};
  return points;
}

TEST(CfpFiducials, AreMirroredBeyondTheMiddleOfTheFace) {
  for (const float side : {-1.0f, 1.0f}) {
    const Landmarks points = FromCfp(Half(side), false);
    const Landmarks expected{{{30, 40}, {70, 40}, {50, 60}, {36, 80}, {64, 80}}};
    for (std::size_t i = 0; i < points.size(); ++i) {
      EXPECT_NEAR(points[i].x, expected[i].x, 1e-4) << i;
      EXPECT_NEAR(points[i].y, expected[i].y, 1e-4) << i;
    }
  }
}

TEST(CfpFiducials, HaveTheHiddenHalfOfAProfileBehindItsOutline) {
  const Landmarks left = FromCfp(Half(-1), true), right = FromCfp(Half(1), true);
  EXPECT_NEAR(left[0].x, 30, 1e-4);
  EXPECT_NEAR(left[1].x, 54, 1e-4);
  EXPECT_NEAR(right[0].x, 46, 1e-4);
  EXPECT_NEAR(right[1].x, 70, 1e-4);
}

TEST_F(LandmarkFile, ReadsCfpsFolder) {
  std::string text;
  for (const Point& point : Half(-1)) text += std::to_string(point.x) + "," + std::to_string(point.y) + "\r\n";
  const std::string file = Write(text, "cfp/001/frontal/01.txt");
  Write(text, "cfp/001/profile/02.txt");
  const std::string folder = std::filesystem::path(file).parent_path().parent_path().parent_path().string();
  const LandmarkList list = ReadLandmarks(folder);
  ASSERT_EQ(list.rows.size(), 2u);
  EXPECT_EQ(list.rows[0].name, "001/frontal/01");
  EXPECT_EQ(list.rows[1].name, "001/profile/02");
  EXPECT_NE(list.form.find("CFP"), std::string::npos);
  Write("1,2\n", "cfp/001/profile/02.txt");
  ExpectRefused([&] { ReadLandmarks(folder); }, "02.txt: 1 point, CFP's fiducials have 30");
  Write("1,2\n3\n", "cfp/001/profile/02.txt");
  ExpectRefused([&] { ReadLandmarks(folder); }, "02.txt: line 2: no two numbers");
  std::string same;
  for (int i = 0; i < 30; ++i) same += "5,5\n";
  Write(same, "cfp/001/profile/02.txt");
  ExpectRefused([&] { ReadLandmarks(folder); }, "its points coincide");
  ExpectRefused([&] { ReadLandmarks(folder + "/001/frontal"); }, "no landmarks in this folder");
}

}  // namespace
}  // namespace prefiqs::eval
