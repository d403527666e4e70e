// Lists, tables and matrices in the forms of other projects.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prefiqs/error.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "base/folder_for_test.h"
#include "base/half.h"
#include "eval/npy_matrix.h"
#include "eval/pair_list.h"
#include "eval/qualities.h"
#include "eval/refused_for_test.h"
#include "eval/table_file.h"
#include "report/json_lines.h"
#include "report/row.h"

namespace prefiqs::eval {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kMark = "\xef\xbb\xbf";

class Neighbours : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& content) {
    Fill(folder / name, content);
    return folder / name;
  }
  PairList Pairs(const std::string& text) { return ReadPairList(Write("pairs.txt", text)); }
  std::string RefusedPairs(const std::string& text) {
    return Refused([&] { Pairs(text); });
  }
  std::vector<float> Quality(const std::string& text, const std::string& column = "",
                             const std::vector<std::string>& pictures = {"in/a.jpg", "in/b.jpg", "in/c.jpg"}) {
    return ReadQuality({.name = "q", .path = Write("q.csv", text), .column = column}, pictures, &form);
  }
  FolderForTest folder;
  std::string form;
};

TEST_F(Neighbours, TwoLinesAPair) {
  const PairList list = Pairs("AJ_Cook_1.jpg 1\r\nAJ_Cook_2.jpg 1\r\nAJ_Cook_1.jpg 0\n\nBo_Ek_3.jpg 0\n");
  EXPECT_THAT(list.form, HasSubstr("CPLFW"));
  EXPECT_EQ(list.folds, 0u);
  ASSERT_EQ(list.pairs.size(), 2u);
  EXPECT_EQ(list.pairs[0].first, "AJ_Cook_1");
  EXPECT_EQ(list.pairs[0].second, "AJ_Cook_2");
  EXPECT_TRUE(list.pairs[0].mated);
  EXPECT_FALSE(list.pairs[1].mated);
  EXPECT_EQ(list.pairs[1].second_identity, "Bo_Ek");
  EXPECT_EQ(list.pairs[1].line, 3u);
  // CALFW: any other number than 0 is mated, and no fold.
  const PairList calfw =
      Pairs("a_0001.jpg 1\na_0002.jpg 1\nb_0001.jpg 10\nb_0003.jpg 10\na_0001.jpg 0\nb_0001.jpg 0\n");
  EXPECT_EQ(calfw.folds, 0u);
  EXPECT_TRUE(calfw.pairs[1].mated);
  EXPECT_FALSE(calfw.pairs[2].mated);
  EXPECT_EQ(calfw.pairs[1].first_identity, "b");
}

// Names that contradict a pair tell nothing about people.
TEST_F(Neighbours, PeopleOfTwoLinesAreThoseOfAllPairsOrOfNone) {
  for (const char* text : {"a_1.jpg 1\na_2.jpg 1\na_1.jpg 0\na_3.jpg 0\n", "a_1.jpg 1\nb_2.jpg 1\n",
                           "a_1.jpg 1\na_2.jpg 1\na_1.jpg 0\nb.jpg 0\n", "_1.jpg 1\n_2.jpg 1\n"}) {
    EXPECT_EQ(Pairs(text).pairs[0].first_identity, "") << text;
  }
}

TEST_F(Neighbours, TwoLinesNameWhatIsWrong) {
  EXPECT_THAT(RefusedPairs("a.jpg 1\nb.jpg 1\nc.jpg 0\n"),
              HasSubstr("line 3: the second line of this pair is missing"));
  EXPECT_THAT(RefusedPairs("a.jpg 1\nb.jpg 1\nc.jpg 0\nd.jpg 1\n"),
              HasSubstr("line 4: the pair's first line, 3, says 0, and this one 1"));
  EXPECT_THAT(RefusedPairs("a.jpg 1\nb.jpg 1\nc.jpg x\nd.jpg x\n"), HasSubstr("line 3: not a picture's name and"));
  EXPECT_THAT(RefusedPairs("a.jpg 1\nb.jpg 1\nc.jpg 1 2\n"), HasSubstr("line 3"));
}

TEST_F(Neighbours, ThreeWordsALine) {
  for (const std::string between : {" ", "\t", ",", ", ", ";", "  \t "}) {
    const auto line = [&](const char* a, const char* b, const char* c) {
      return a + between + b + between + c + "\r\n";
    };
    const PairList last = Pairs(kMark + line("x/a.jpg", "x/b.png", "1") + "\n" + line("x/a.jpg", "c.jpg", "0"));
    const PairList first = Pairs(line("1", "x/a.jpg", "x/b.png") + line("0", "x/a.jpg", "c.jpg"));
    EXPECT_EQ(last.form, "lines PATH PATH LABEL");
    EXPECT_EQ(first.form, "lines LABEL PATH PATH");
    for (const PairList& list : {last, first}) {
      ASSERT_EQ(list.pairs.size(), 2u) << between;
      EXPECT_EQ(list.pairs[0].first, "x/a");
      EXPECT_EQ(list.pairs[0].second, "x/b");
      EXPECT_TRUE(list.pairs[0].mated);
      EXPECT_EQ(list.pairs[1].second, "c");
      EXPECT_FALSE(list.pairs[1].mated);
    }
    EXPECT_EQ(last.pairs[1].line, 3u);
  }
  EXPECT_EQ(Pairs("an a/1.jpg,an a/2.jpg,1\n").pairs[0].second, "an a/2");
  EXPECT_THAT(RefusedPairs("a b 1\na b 2\n"), HasSubstr("line 2: not two names and 1 or 0"));
  EXPECT_THAT(RefusedPairs("1 a b\n0 a b c\n"), HasSubstr("line 2: not two names and 1 or 0 in front"));
}

TEST_F(Neighbours, AMarkInFrontOfAListIsNoName) {
  EXPECT_EQ(Pairs(std::string(kMark) + "1 1\nAnn 1 2\nAnn 1 Bob 1\n").form, "LFW's pairs.txt");
  EXPECT_EQ(Pairs(std::string(kMark) + "file_a,file_b,mated\na,b,1\n").pairs[0].first, "a");
}

TEST_F(Neighbours, UnknownListsHearOfTheNearestForm) {
  EXPECT_THAT(RefusedPairs("a b yes\n"),
              AllOf(HasSubstr("line 1: 3 words"), HasSubstr("The nearest is: PATH PATH LABEL"),
                    HasSubstr("file_a, file_b and mated"), HasSubstr("LFW: a line")));
  EXPECT_THAT(RefusedPairs("a.jpg b.jpg\n"), HasSubstr("The nearest is: CPLFW"));
  EXPECT_THAT(RefusedPairs("a b c 1 2 3\n"), HasSubstr("The nearest is: LFW"));
}

TEST_F(Neighbours, PairTablesOfOtherSeparators) {
  for (const char separator : {';', '\t'}) {
    std::string text = "file_a,file_b,mated\na,b,1\nc,d,0\n";
    std::ranges::replace(text, ',', separator);
    EXPECT_EQ(Pairs(text).pairs[1].first, "c");
  }
}

TEST_F(Neighbours, TablesOfOtherSeparators) {
  for (const char separator : {',', ';', '\t'}) {
    std::string text = "path,quality,note\nin/b.jpg,2,\"x,y;z\tw\"\nin/a.jpg,1,\n";
    bool quoted = false;
    for (char& c : text) {
      quoted = c == '"' ? !quoted : quoted;
      if (c == ',' && !quoted) c = separator;
    }
    EXPECT_THAT(Quality(text, "", {"in/a.jpg", "in/b.jpg"}), ElementsAre(1, 2)) << separator;
    EXPECT_EQ(ReadTable(folder / "q.csv").rows[0][2], "x,y;z\tw");
  }
  EXPECT_EQ(form, "a table with a header, separated by tabs");
}

// The headers of version 1.0.3 and of later ones, which end with a semicolon as the rows do not.
TEST_F(Neighbours, Ofiq) {
  const std::string rows = "in/a.jpg;25.600000;0.500000;60;70;12\nin/b.jpg;;;0\nin/c.jpg;30;7;65;-1;13\n";
  for (const char* kind : {"", ".native"}) {
    const std::string text = fmt::format(
        "{1}Filename;UnifiedQualityScore{0};Sharpness{0};UnifiedQualityScore.scalar;Sharpness.scalar;"
        "assessment_time_in_ms;\n{2}",
        kind, kMark, rows);
    for (const char* column : {"", "UnifiedQualityScore", "UnifiedQualityScore.native"}) {
      const std::vector<float> quality = Quality(text, column);
      EXPECT_EQ(quality[0], 25.6f);
      EXPECT_TRUE(std::isnan(quality[1]));
      EXPECT_EQ(quality[2], 30.0f);
    }
    EXPECT_EQ(form, "OFIQ's table");
    // -1 is no quality, nor is the native value beside it.
    for (const char* column : {"Sharpness", "Sharpness.native", "Sharpness.scalar"}) {
      const std::vector<float> quality = Quality(text, column);
      EXPECT_EQ(quality[0], std::string(column) == "Sharpness.scalar" ? 70.0f : 0.5f);
      EXPECT_TRUE(std::isnan(quality[2])) << column;
    }
    EXPECT_THAT(Refused([&] { Quality(text, "Sharp"); }), AllOf(HasSubstr("no column Sharp"), HasSubstr("Filename")));
  }
  // The first picture could not be read: there is no measure at all.
  EXPECT_THAT(Refused([&] { Quality("Filename;assessment_time_in_ms;\nin/a.jpg;;;0\n"); }), HasSubstr("q.csv"));
  EXPECT_THAT(Refused([&] { Quality("Filename;UnifiedQualityScore;t;\nin/a.jpg;1;2;3\n"); }),
              HasSubstr("line 2: 4 cells, the header has 3"));
}

TEST_F(Neighbours, RowsOfOursAsJsonLines) {
  std::string text;
  for (const auto& [path, quality] : {std::pair{"in/b.jpg", "0.5"}, {"in/a.jpg", "0.25"}, {"in/c\xff.jpg", ""}}) {
    std::vector<std::string> cells(report::Columns().size());
    cells[report::ColumnIndex("path")] = path;
    cells[report::ColumnIndex("quality")] = quality;
    cells[report::ColumnIndex("schema")] = std::to_string(report::kSchema);
    text += report::JsonLine(cells);
  }
  const std::vector<float> quality = Quality(kMark + text, "", {"in/a.jpg", "in/b.jpg", "in/c\xff.jpg"});
  EXPECT_EQ(quality[0], 0.25f);
  EXPECT_EQ(quality[1], 0.5f);
  EXPECT_TRUE(std::isnan(quality[2]));
  EXPECT_EQ(form, "rows of prefiqs as JSON lines");
  EXPECT_THAT(Refused([&] { Quality(text + "{\"path\":3\n"); }), HasSubstr("q.csv: line 4"));
}

TEST_F(Neighbours, TwoNumbersOfOnePictureAreRefused) {
  EXPECT_THAT(Refused([&] { Quality("path,quality\nin/a.jpg,1\nin/b.jpg,2\nin/a.jpg,3\n"); }),
              HasSubstr("in/a.jpg has 1 in line 2 and 3 in line 4"));
  EXPECT_THAT(Refused([&] { Quality("in/a.jpg 1\nin/a.jpg \t 2\n"); }), HasSubstr("has 1 in line 1 and 2 in line 2"));
  EXPECT_EQ(Quality("path,quality\nin/a.jpg,1\nin/a.jpg,1.0\n")[0], 1);
  // Further faces of a picture.
  EXPECT_EQ(Quality("path,face,quality\nin/a.jpg,0,1\nin/a.jpg,1,3\n")[0], 1);
}

std::string Npy(const std::string& header, const std::string& data) {
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size());
  file += static_cast<char>(header.size() >> 8);
  return file + header + data;
}

template <typename T>
std::string Bytes(const std::vector<T>& values) {
  std::string bytes(values.size() * sizeof(T), 0);
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST_F(Neighbours, MatricesOfHalvesAndInColumns) {
  const auto rows_of = [&](const char* type, const char* order, const std::string& data) {
    const NpyReader file(Write(
        "m.npy", Npy(fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': (2, 3), }}\n", type, order), data)));
    std::vector<float> values(6);
    for (std::size_t i = 0; i < 2; ++i) file.ReadRow(i, std::span(values).subspan(3 * i, 3));
    return values;
  };
  const std::vector<float> expected{1, -2, 0.5f, 65504, 0, 0.25f};
  const std::vector<std::uint16_t> halves{0x3c00, 0xc000, 0x3800, 0x7bff, 0, 0x3400};
  EXPECT_EQ(rows_of("<f2", "False", Bytes(halves)), expected);
  const std::vector<std::uint16_t> by_columns{0x3c00, 0x7bff, 0xc000, 0, 0x3800, 0x3400};
  EXPECT_EQ(rows_of("<f2", "True", Bytes(by_columns)), expected);
  EXPECT_EQ(rows_of("<f4", "True", Bytes<float>({1, 65504, -2, 0, 0.5f, 0.25f})), expected);
  EXPECT_EQ(rows_of("<f8", "True", Bytes<double>({1, 65504, -2, 0, 0.5, 0.25})), expected);
}

// Of all 65,536 by the definition: sign, 5 bits of exponent, 10 of fraction.
TEST(Half, HasTheValueOfItsDefinition) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const int exponent = static_cast<int>((bits >> 10) & 31), fraction = static_cast<int>(bits & 1023);
    const float value = HalfToFloat(static_cast<std::uint16_t>(bits));
    ASSERT_EQ(std::signbit(value), (bits >> 15) != 0) << bits;
    if (exponent == 31) {
      ASSERT_EQ(fraction == 0 ? std::isinf(value) : std::isnan(value), true) << bits;
    } else {
      const double expected = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      ASSERT_EQ(std::abs(value), expected) << bits;
    }
  }
}

TEST_F(Neighbours, MatlabFilesAreNamed) {
  EXPECT_THAT(Refused([&] { NpyReader(Write("x.mat", "MATLAB 5.0 MAT-file, Platform: GLNXA64")); }),
              AllOf(HasSubstr("x.mat: a MATLAB file"), HasSubstr("numpy.save")));
}

}  // namespace
}  // namespace prefiqs::eval
