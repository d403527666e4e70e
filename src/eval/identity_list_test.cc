// Who is on which picture: as data sets say it, and broken; and evaluations of all pairs by it.
#include "eval/identity_list.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "eval/evaluation_files_for_test.h"
#include "eval/npy_matrix.h"
#include "eval/refused_for_test.h"

namespace prefiqs {
namespace {

using eval::NamedPerson;
using eval::ReadIdentities;
using eval::Refused;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kFoldHeader =
    "user_id\toriginal_image\tface_id\tage\tgender\tx\ty\tdx\tdy\ttilt_ang\tfiducial_yaw_angle\tfiducial_score\n";

std::string Face(const std::string& user, const std::string& image, int face) {
  return fmt::format("{}\t{}\t{}\t(25, 32)\tf\t0\t414\t1086\t1383\t-115\t30\t17\n", user, image, face);
}

TEST(Identities, OfFeretsLists) {
  const FolderForTest folder;
  std::string many;
  for (int i = 0; i < 40; ++i) many += fmt::format(" 00012ra{:03}.sfi", i);
  const std::vector<NamedPerson> people = ReadIdentities(
      Fill(folder / "fa.srt",
           "\xef\xbb\xbf\r\nimages/00001/00001_930831_fa_a.ppm.bz2\r\n00001fa010_930831.tif\t00002fb001d.sfi\n" + many +
               "\n"));
  ASSERT_EQ(people.size(), 43u);
  EXPECT_THAT(people[0].names, ElementsAre("images/00001/00001_930831_fa_a"));
  EXPECT_THAT(people[1].names, ElementsAre("00001fa010_930831"));
  EXPECT_EQ(people[0].identity, people[1].identity);
  EXPECT_EQ(people[2].identity, "00002");
  EXPECT_EQ(people[2].line, 3u);
  EXPECT_THAT(people[42].names, ElementsAre("00012ra039"));
  EXPECT_EQ(people[42].identity, "00012");
  EXPECT_THAT(Refused([&] { ReadIdentities(Fill(folder / "b.srt", "00001fa010.sfi\n0001fa010.sfi\n")); }),
              AllOf(HasSubstr("b.srt: line 2: 0001fa010.sfi is no name of FERET's")));
  // A number in front makes no FERET list.
  EXPECT_THAT(Refused([&] { ReadIdentities(Fill(folder / "c.csv", "00001.jpg\n")); }),
              HasSubstr("its first line must"));
}

TEST(Identities, OfAdience) {
  const FolderForTest folder;
  const std::string path = Fill(folder / "fold_0_data.txt", kFoldHeader + Face("30601258@N03", "103_67c7_o.jpg", 1) +
                                                                Face("30601258@N03", "103_67c7_o.jpg", 22) + "\r\n" +
                                                                Face("7153718@N04", "9_o.jpg", 2282));
  const std::vector<NamedPerson> people = ReadIdentities(path);
  ASSERT_EQ(people.size(), 3u);
  EXPECT_THAT(people[0].names, ElementsAre("30601258@N03/landmark_aligned_face.1.103_67c7_o",
                                           "30601258@N03/coarse_tilt_aligned_face.1.103_67c7_o"));
  EXPECT_EQ(people[0].identity, "1");
  EXPECT_EQ(people[1].identity, "22");  // another face of the same photograph
  EXPECT_EQ(people[2].line, 5u);
  Fill(path, std::string(kFoldHeader) + "a@N03\tb.jpg\n");
  EXPECT_THAT(Refused([&] { ReadIdentities(path); }),
              AllOf(HasSubstr("fold_0_data.txt: line 2"), HasSubstr("face_id")));
  Fill(path, std::string(kFoldHeader) + "a@N03\tb.jpg\tx\n");
  EXPECT_THAT(Refused([&] { ReadIdentities(path); }), HasSubstr("line 2: face_id x"));
  Fill(path, kFoldHeader);
  EXPECT_THAT(Refused([&] { ReadIdentities(path); }), HasSubstr("no pictures"));
}

TEST(Identities, OfTables) {
  const FolderForTest folder;
  const std::string path = Fill(folder / "who.csv", "identity,path\nann,./a/1.png\n\"b,c\",a/2.jpeg\n");
  const std::vector<NamedPerson> people = ReadIdentities(path);
  ASSERT_EQ(people.size(), 2u);
  EXPECT_THAT(people[0].names, ElementsAre("a/1"));
  EXPECT_EQ(people[1].identity, "b,c");
  Fill(path, "identity,path\n,a/1.png\n");
  EXPECT_THAT(Refused([&] { ReadIdentities(path); }), HasSubstr("line 2: an empty identity"));
  Fill(path, "who,path\nann,a/1.png\n");
  EXPECT_THAT(Refused([&] { ReadIdentities(path); }), AllOf(HasSubstr("who.csv"), HasSubstr("column identity")));
  EXPECT_THAT(Refused([&] { ReadIdentities(folder / "none.txt"); }), HasSubstr("none.txt"));
}

// Adience in small: the folders are albums, in which several people are; one of them is in two albums, some faces are
// only in the folder faces/. Said by fold files, or by the folders of a copy: the same evaluation.
TEST_F(Evaluate, AllPairsOfAdienceAreByFace) {
  std::string rows = "path,quality\n", by_folder = rows, folds[2] = {kFoldHeader, kFoldHeader}, frontal = kFoldHeader;
  for (int p = 0; p < kPeople; ++p) {
    for (int k = 0; k < kPictures; ++k) {
      const std::string user = fmt::format("{}@N0{}", p / 5 + (p == 7 && k == 2 ? 1 : 0), p % 3);
      const std::string image = fmt::format("{}_{}_o.jpg", p % 5, k), quality = fmt::format("{}", (p * 7 + k * 3) % 50);
      rows += k == 3 ? fmt::format("/x/faces/{}/coarse_tilt_aligned_face.{}.{},{}\n", user, 100 + p, image, quality)
                     : fmt::format("/x/aligned/{}/landmark_aligned_face.{}.{},{}\n", user, 100 + p, image, quality);
      by_folder += fmt::format("{}/{}.jpg,{}\n", p, k, quality);
      folds[p % 2] += Face(user, image, 100 + p);
      if (k == 1) frontal += Face(user, image, 100 + p);
    }
  }
  // The rows in the lists' order, which is the one of ties and of draws.
  options.resamples = 20;
  options.fmrs = {1e-2};
  options.pairs = "all";
  options.rows = Fill(folder / "adience.csv", rows);
  options.identities = {Fill(folder / "fold_0_data.txt", folds[0] + folds[1].substr(std::string(kFoldHeader).size())),
                        Fill(folder / "fold_frontal_0_data.txt", frontal)};
  // Even people first.
  std::vector<std::string> lines;
  const eval::NpyReader plain(options.embeddings);
  std::string sorted = "path,quality\n";
  report::NpyFile again(folder / "sorted.npy", report::OpenMode::kNew, kWidth);
  std::istringstream text(by_folder);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  for (int parity = 0; parity < 2; ++parity) {
    for (int i = 0; i < kPeople * kPictures; ++i) {
      if (i / kPictures % 2 != parity) continue;
      sorted += lines[static_cast<std::size_t>(i) + 1] + "\n";
      std::vector<float> row(kWidth);
      plain.ReadRow(static_cast<std::size_t>(i), row);
      again.Append(row);
    }
  }
  const EvaluationReport by_face = evaluate(options);
  EvaluationOptions folders = options;
  folders.identities.clear();
  folders.rows = Fill(folder / "sorted.csv", sorted);
  folders.embeddings = folder / "sorted.npy";
  const EvaluationReport wanted = evaluate(folders);
  EXPECT_EQ(by_face.identities, static_cast<std::size_t>(kPeople));
  EXPECT_EQ(by_face.mated, wanted.mated);
  ASSERT_EQ(by_face.curves.size(), wanted.curves.size());
  for (std::size_t k = 0; k < wanted.curves.size(); ++k) {
    EXPECT_EQ(by_face.curves[k].to_30.value, wanted.curves[k].to_30.value) << k;
    EXPECT_EQ(by_face.curves[k].to_30.reversed, wanted.curves[k].to_30.reversed) << k;
    EXPECT_EQ(by_face.curves[k].to_30.interval.low, wanted.curves[k].to_30.interval.low) << k;
  }
  // One fold is half of them, whatever the rows hold besides.
  options.identities = {Fill(folder / "fold_1_data.txt", folds[1])};
  EXPECT_EQ(evaluate(options).images, static_cast<std::size_t>(kPeople * kPictures / 2));

  Fill(folder / "fold_1_data.txt", folds[1] + Face("9@N09", "none.jpg", 5));
  EXPECT_THAT(Refused([&] { evaluate(options); }), AllOf(HasSubstr("fold_1_data.txt: line 82"), HasSubstr("none")));
  Fill(folder / "who.csv",
       "identity,path\nann,landmark_aligned_face.100.0_0_o.jpg\nbob,landmark_aligned_face.100.0_0_o.jpg\n");
  options.identities = {folder / "who.csv"};
  EXPECT_THAT(Refused([&] { evaluate(options); }), HasSubstr("who.csv: line 3"));
  options.pairs = folder / "pairs.csv";
  EXPECT_THAT(Refused([&] { evaluate(options); }), HasSubstr("who.csv: a list of identities"));
}

}  // namespace
}  // namespace prefiqs
