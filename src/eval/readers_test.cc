// The files an evaluation reads: as they should be, and broken.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/folder_for_test.h"
#include "eval/name_index.h"
#include "eval/npy_matrix.h"
#include "eval/pair_list.h"
#include "eval/qualities.h"
#include "eval/refused_for_test.h"
#include "eval/table_file.h"

namespace prefiqs::eval {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Readers : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& content) {
    const std::string path = folder / name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    Fill(path, content);
    return path;
  }
  FolderForTest folder;
};

TEST_F(Readers, TableTakesWhatToolsWrite) {
  const Table table = ReadTable(Write("a.csv", "\xef\xbb\xbfname,score\r\n\"a,\"\"b\"\"\nc\",1.5\r\n\r\nd,\ne,+2e-1"));
  EXPECT_EQ(table.columns, (std::vector<std::string>{"name", "score"}));
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.rows[0][0], "a,\"b\"\nc");
  EXPECT_EQ(table.lines, (std::vector<std::size_t>{2, 5, 6}));
  EXPECT_EQ(NumberIn(table, 0, 1), 1.5);
  EXPECT_TRUE(std::isnan(NumberIn(table, 1, 1)));
  EXPECT_EQ(NumberIn(table, 2, 1), 0.2);
  EXPECT_THAT(Refused([&] { table.Require("quality"); }), AllOf(HasSubstr("a.csv"), HasSubstr("name, score")));
}

TEST_F(Readers, TableNamesTheLine) {
  EXPECT_THAT(Refused([&] { ReadTable(Write("a.csv", "a,b\n1,2\n3\n")); }), AllOf(HasSubstr("a.csv: line 3: 1 cells")));
  EXPECT_THAT(Refused([&] { ReadTable(Write("b.csv", "")); }), HasSubstr("b.csv: is empty"));
  EXPECT_THAT(Refused([&] { ReadTable(folder / "none.csv"); }), HasSubstr("none.csv"));
  EXPECT_THAT(Refused([&] { ReadTable(Write("c.csv", fmt::format("a\n\"{}", std::string(2 << 20, 'x')))); }),
              HasSubstr("c.csv"));
  const Table table = ReadTable(Write("d.csv", "name,q\na,1\nb,1e\n"));
  EXPECT_THAT(Refused([&] { NumberIn(table, 1, 1); }), HasSubstr("d.csv: line 3: column q holds 1e"));
}

TEST_F(Readers, ScoresWithoutAHeader) {
  for (const char* between : {" ", "  \t ", "\t", ",", ", ", ";", " ; "}) {
    const std::string text =
        fmt::format("\xef\xbb\xbf\na b/1.jpg{0}0.5\r\n\r\na b/2.jpg{0}+2e-1\nc.jpg{0}nan", between);
    const Table table = ReadScores(Write("s.txt", text));
    EXPECT_FALSE(table.has_header);
    EXPECT_EQ(table.columns, (std::vector<std::string>{"path", "quality"}));
    ASSERT_EQ(table.rows.size(), 3u) << between;
    EXPECT_EQ(table.rows[0][0], "a b/1.jpg");
    EXPECT_EQ(table.lines, (std::vector<std::size_t>{2, 4, 5}));
    EXPECT_EQ(NumberIn(table, 0, 1), 0.5);
    EXPECT_EQ(NumberIn(table, 1, 1), 0.2);
    EXPECT_TRUE(std::isnan(NumberIn(table, 2, 1)));
  }
  const std::vector<float> quality = ReadQuality(
      {.name = "q", .path = Write("s.txt", "in/b.jpg 1\nin/a.jpg 2\n"), .column = ""}, {"x/in/a.png", "in/b.png"});
  EXPECT_EQ(quality, (std::vector<float>{2, 1}));
}

TEST_F(Readers, ScoresWithAHeaderAreATable) {
  const std::string text = "name,a score 2\n\"b,c\",1\n";
  const Table scores = ReadScores(Write("s.csv", text)), table = ReadTable(folder / "s.csv");
  EXPECT_TRUE(scores.has_header);
  EXPECT_EQ(scores.columns, table.columns);
  EXPECT_EQ(scores.rows, table.rows);
  EXPECT_EQ(scores.lines, table.lines);
}

TEST_F(Readers, ScoresSayThatAHeaderIsMissing) {
  const auto refused = [&](const char* text, const char* column = "") {
    return Refused([&] { ReadQuality({.name = "q", .path = Write("s.txt", text), .column = column}, {"a.jpg"}); });
  };
  // More columns, other separators, names alone.
  for (const char* text : {"a.jpg 1 good\n", "a.jpg,1,2\n", "photo;score\n", "a.jpg\nb.jpg\n"}) {
    EXPECT_THAT(refused(text), AllOf(HasSubstr("s.txt: its first line must be a header"), HasSubstr("path"))) << text;
  }
  EXPECT_THAT(refused("a.jpg 1\n\nb.jpg\n"), HasSubstr("s.txt: line 3: b.jpg is no name and number"));
  EXPECT_THAT(refused("a.jpg,1\nb.jpg,2,3\n"), HasSubstr("s.txt: line 2"));
  EXPECT_THAT(refused("a.jpg 1\n", "score"), AllOf(HasSubstr("no column score"), HasSubstr("no header")));
  EXPECT_THAT(refused("\n\n"), HasSubstr("s.txt: is empty"));
}

TEST_F(Readers, PairsFromCsv) {
  const PairList list = ReadPairList(Write(
      "p.csv",
      "fold,file_b,file_a,mated,identity_a,identity_b\n0,./b.png,../x/a.jpg,1,ann,ann\n2,c,d.JPEG,false,ann,bob\n"));
  ASSERT_EQ(list.pairs.size(), 2u);
  EXPECT_EQ(list.folds, 3u);
  EXPECT_EQ(list.pairs[0].first, "x/a");
  EXPECT_EQ(list.pairs[0].second, "b");
  EXPECT_TRUE(list.pairs[0].mated);
  EXPECT_EQ(list.pairs[1].first, "d");
  EXPECT_FALSE(list.pairs[1].mated);
  EXPECT_EQ(list.pairs[1].fold, 2u);
  EXPECT_EQ(list.pairs[1].second_identity, "bob");
  const std::string bad = Write("q.csv", "file_a,file_b,mated\na,b,1\na,c,maybe\n");
  EXPECT_THAT(Refused([&] { ReadPairList(bad); }), HasSubstr("q.csv: line 3: mated is maybe"));
  EXPECT_THAT(Refused([&] { ReadPairList(Write("r.csv", "file_a,file_b\na,b\n")); }), HasSubstr("mated"));
  EXPECT_THAT(Refused([&] { ReadPairList(Write("s.csv", "file_a,file_b,mated\n")); }), HasSubstr("no pairs"));
}

TEST_F(Readers, PairsFromLfw) {
  const PairList list =
      ReadPairList(Write("pairs.txt", "2\t1\nAnn\t1\t2\nAnn\t1\tBob\t12\nCy\t3\t4\r\nCy\t1\tBob\t2\n"));
  ASSERT_EQ(list.pairs.size(), 4u);
  EXPECT_EQ(list.folds, 2u);
  EXPECT_EQ(list.pairs[1].second, "Bob/Bob_0012");
  EXPECT_EQ(list.pairs[1].second_identity, "Bob");
  EXPECT_EQ(list.pairs[2].fold, 1u);
  EXPECT_TRUE(list.pairs[2].mated);
  const auto refused = [&](const std::string& text) { return Refused([&] { ReadPairList(Write("bad.txt", text)); }); };
  EXPECT_THAT(refused("2 1\nAnn 1 2\n"), HasSubstr("bad.txt: 1 pair, its first line says 4"));
  EXPECT_THAT(refused("1 1\nAnn 1 2\nAnn 1\n"), HasSubstr("line 3: 2 words"));
  EXPECT_THAT(refused("1 1\nAnn 1 x\n"), HasSubstr("line 2: x is no picture's number"));
  EXPECT_THAT(refused("hello\n"), HasSubstr("line 1"));
  EXPECT_THAT(refused("0 0\n"), HasSubstr("line 1"));
  EXPECT_THAT(refused(""), HasSubstr("no pairs"));
}

TEST_F(Readers, PairsFromCfp) {
  Write("Protocol/Pair_list_F.txt", "1 ../Data/Images/001/frontal/01.jpg\n2 ../Data/Images/002/frontal/01.jpg\n");
  Write("Protocol/Pair_list_P.txt", "1 ../Data/Images/001/profile/01.jpg\n");
  Write("Protocol/Split/FP/01/same.txt", "1,1\n");
  Write("Protocol/Split/FP/01/diff.txt", "2,1\n");
  const PairList list = ReadPairList(folder / "Protocol/Split/FP/");
  ASSERT_EQ(list.pairs.size(), 2u);
  EXPECT_EQ(list.folds, 1u);
  EXPECT_EQ(list.pairs[0].second, "Data/Images/001/profile/01");
  EXPECT_EQ(list.pairs[1].first_identity, "002");
  Write("Protocol/Split/FP/02/same.txt", "1,2\n");
  EXPECT_THAT(Refused([&] { ReadPairList(folder / "Protocol/Split/FP"); }), HasSubstr("02/same.txt: line 1"));
  EXPECT_THAT(Refused([&] { ReadPairList(folder / "Protocol/Split"); }), HasSubstr("Protocol"));
}

// A pickle of ([b"a", b"b", b"a", ...], [True, False, False, True, ...]).
std::string VerificationBin(int pairs) {
  std::string pictures, same;
  for (int i = 0; i < pairs; ++i) {
    pictures += "C\001aC\001b";
    same += i % 3 == 0 ? '\x88' : '\x89';
  }
  return "\x80\x03](" + pictures + "e](" + same + "e\x86.";
}

TEST_F(Readers, PairsFromVerificationBin) {
  const PairList list = ReadPairList(Write("sets/lfw.BIN", VerificationBin(23)));
  ASSERT_EQ(list.pairs.size(), 23u);
  std::vector<int> size(10);
  for (std::size_t i = 0; i < 23; ++i) {
    const NamedPair& pair = list.pairs[i];
    EXPECT_EQ(pair.first, fmt::format("lfw.BIN#{}", 2 * i));
    EXPECT_EQ(pair.second, fmt::format("lfw.BIN#{}", 2 * i + 1));
    EXPECT_EQ(pair.mated, i % 3 == 0);
    EXPECT_EQ(pair.first_identity + pair.second_identity, "");
    ASSERT_LT(pair.fold, 10u);
    EXPECT_GE(pair.fold, i == 0 ? 0u : list.pairs[i - 1].fold);  // contiguous
    ++size[pair.fold];
  }
  EXPECT_EQ(list.folds, 10u);
  EXPECT_EQ(size, (std::vector<int>{3, 3, 3, 2, 2, 2, 2, 2, 2, 2}));
  // Rows may lie elsewhere; the number is no extension.
  std::vector<std::string> rows;
  for (int i = 0; i < 46; ++i) rows.push_back(fmt::format("/elsewhere/lfw.BIN#{}", i));
  const NameIndex index(rows);
  for (std::uint32_t i = 0; i < 23; ++i) {
    EXPECT_EQ(index.Find(list.pairs[i].first), 2 * i);
    EXPECT_EQ(index.Find(list.pairs[i].second), 2 * i + 1);
  }
  const PairList few = ReadPairList(Write("few.bin", VerificationBin(9)));
  EXPECT_EQ(few.pairs.size(), 9u);
  EXPECT_EQ(few.folds, 0u);
  EXPECT_EQ(ReadPairList(Write("ten.bin", VerificationBin(10))).pairs[9].fold, 9u);
  EXPECT_THAT(Refused([&] { ReadPairList(Write("none.bin", VerificationBin(0))); }), HasSubstr("none.bin: no pairs"));
  EXPECT_THAT(Refused([&] { ReadPairList(Write("bad.bin", "2\t1\nAnn\t1\t2\n")); }),
              HasSubstr("bad.bin: not a verification set"));
}

TEST_F(Readers, NamesAreEndsOfPaths) {
  const std::vector<std::string> paths{"/data/Ann/1.jpg", "/data/Bob/1.jpg", "/data/Cy/2.x.png", "3"};
  const NameIndex index(paths);
  EXPECT_EQ(index.Find("Ann/1"), 0u);
  EXPECT_EQ(index.Find("data/Bob/1"), 1u);
  EXPECT_EQ(index.Find("2.x"), 2u);
  EXPECT_EQ(index.Find("3"), 3u);
  EXPECT_EQ(index.Find("y/2.x"), std::nullopt);
  EXPECT_EQ(index.Find("Ann/3"), std::nullopt);
  EXPECT_EQ(index.Find("ata/Bob/1"), std::nullopt);  // only part of a folder's name
  EXPECT_EQ(index.Find(""), std::nullopt);
  EXPECT_THAT(Refused([&] { (void)index.Find("1"); }), AllOf(HasSubstr("data/Ann/1"), HasSubstr("data/Bob/1")));
}

TEST_F(Readers, QualitiesOfRowsThatAreOkAreNumbers) {
  const auto read = [&](const std::string& rows) {
    return ReadQuality({.name = "q", .path = Write("rows.csv", rows), .column = "quality"}, {"a", "b"});
  };
  const std::vector<float> some = read("path,status,quality\na.png,ok,0.5\nb.png,no_face,\n");
  EXPECT_EQ(some[0], 0.5f);
  EXPECT_TRUE(std::isnan(some[1]));
  EXPECT_TRUE(std::isnan(read("path,status,quality\na.png,ok,0.5\nb.png,ok,\n")[1]));  // of a method without any
  EXPECT_TRUE(std::isnan(read("path,status,quality\na.png,ok,0.5\nb.png,no_face,nan\n")[1]));
  EXPECT_TRUE(std::isnan(read("path,quality\na.png,0.5\nb.png,nan\n")[1]));  // as others write it
  EXPECT_THAT(Refused([&] { read("path,status,quality\na.png,ok,0.5\nb.png,ok,nan\n"); }),
              HasSubstr("rows.csv: line 3: quality is nan where status is ok"));
}

std::string Npy(const std::string& header, const std::string& data, char version = 1) {
  std::string file = std::string("\x93NUMPY") + version + '\0';
  file += static_cast<char>(header.size());
  file += static_cast<char>(header.size() >> 8);
  if (version > 1) file += std::string(2, '\0');
  return file + header + data;
}

template <typename T>
std::string Bytes(std::vector<T> values) {
  std::string bytes(values.size() * sizeof(T), 0);
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<float> Rows(const NpyReader& file) {
  std::vector<float> values(file.rows() * file.columns());
  for (std::size_t i = 0; i < file.rows(); ++i) {
    file.ReadRow(i, std::span(values).subspan(i * file.columns(), file.columns()));
  }
  return values;
}

TEST_F(Readers, NpyOfBothWidthsAndVersions) {
  const auto header = [](const char* type) {
    return std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (2, 3), }\n";
  };
  for (const char version : {1, 2, 3}) {
    const NpyReader a(Write("a.npy", Npy(header("<f4"), Bytes<float>({1, 2, 3, 4, 5, 6}), version)));
    const NpyReader b(Write("b.npy", Npy(header("<f8"), Bytes<double>({1, 2, 3, 4, 5, 6}), version)));
    EXPECT_EQ(a.rows(), 2u);
    EXPECT_EQ(a.columns(), 3u);
    EXPECT_EQ(Rows(a), (std::vector<float>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(Rows(b), Rows(a));
  }
}

TEST_F(Readers, NpyRefusesWhatItIsNot) {
  const auto refused = [&](const std::string& file) { return Refused([&] { NpyReader(Write("x.npy", file)); }); };
  const std::string data = Bytes<float>({1, 2, 3, 4, 5, 6});
  for (const std::string header : {"{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }",
                                   "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }",
                                   "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, 1), }",
                                   "{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }", "", "nonsense",
                                   "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 99999999999999999999), }"}) {
    EXPECT_THAT(refused(Npy(header, data)), AllOf(HasSubstr("x.npy: not two dimensions"), HasSubstr("but " + header)))
        << header;
  }
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  EXPECT_THAT(refused(Npy(good, data.substr(1))), HasSubstr("holds 23 bytes of the 24"));
  EXPECT_THAT(refused(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", data)),
              HasSubstr("out of range"));
  for (const char* shape : {"(0, 666666666666)", "(3, 0)"}) {
    EXPECT_THAT(refused(Npy(fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': {}, }}", shape), data)),
                HasSubstr("out of range"));
  }
  EXPECT_THAT(refused(Npy(good, data).substr(0, 40)), HasSubstr("header"));
  EXPECT_THAT(refused("\x93NUMPY"), HasSubstr("too short"));
  EXPECT_THAT(refused(Npy(good, data, 9)), HasSubstr("version 9"));
  EXPECT_THAT(Refused([&] { NpyReader(folder / "none.npy"); }), HasSubstr("none.npy"));
  // Shorter since it was opened.
  const NpyReader open(Write("x.npy", Npy(good, data)));
  std::filesystem::resize_file(folder / "x.npy", 20);
  EXPECT_THAT(Refused([&] { Rows(open); }), HasSubstr("x.npy: "));
}

}  // namespace
}  // namespace prefiqs::eval
