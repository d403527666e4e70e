// Tables that a run continues: of which runs and of which schemas, and what is said of their rows.
#include "report/earlier_rows.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>
#include <span>
#include <tuple>

#include "base/folder_for_test.h"
#include "report/csv.h"
#include "report/rows_for_test.h"

namespace prefiqs::report {
namespace {

TEST(EarlierRows, DoesNotMixScalarsOfTwoCalibrations) {
  for (const RowFormat format : {RowFormat::kCsv, RowFormat::kJsonLines}) {
    FolderForTest folder;
    RowWriterOptions options{.format = format, .output = folder / "rows"};
    RunInfo run = SomeRun(), other = SomeRun();
    run.calibration = "aaaa";
    other.calibration = "bbbb";
    // The row of a picture without a face says it as well.
    RowWriter(options, run, 2).Append(std::vector<Row>{MakeRow("a", -1)});
    const std::string before = Contents(options.output);
    options.resume = true;
    std::string message;
    for (const RunInfo& next : {other, SomeRun()}) {
      EXPECT_EQ(CodeOf([&] { RowWriter(options, next, 2); }, &message), ErrorCode::kUsage);
      const std::string wanted = next.calibration.empty() ? "none" : next.calibration;
      EXPECT_NE(message.find("calibration aaaa, this run has " + wanted + ";"), std::string::npos) << message;
      EXPECT_NE(message.find("--sidecar"), std::string::npos) << message;
    }
    EXPECT_EQ(Contents(options.output), before);
    RowWriter same(options, run, 2);
    EXPECT_TRUE(same.TakeFinished("a"));
    EXPECT_TRUE(same.Warnings(true).empty());
  }
}

// The table without the columns that schema 2 brought.
std::string AsSchema1(const std::string& csv) {
  std::string text;
  CsvParser parser([&](const std::vector<std::string>& fields, std::int64_t) {
    text += CsvLine(std::span(fields).first(Columns(1).size()));
  });
  parser.Feed(csv);
  return text;
}

std::string AsSchema1Lines(std::string lines) {
  // From the first to the last column of later schemas; the path's bytes may follow.
  for (std::size_t at = 0; (at = lines.find(",\"schema\":", at)) != std::string::npos;) {
    lines.erase(at, lines.find_first_of(",}", lines.find("\"turn\":", at)) - at);
  }
  return lines;
}

// Schema 1 chose the largest face and called it the best.
TEST(EarlierRows, DoesNotMixTheBestFacesOfSchema1WithThoseOfAnotherRule) {
  FolderForTest folder;
  RowWriterOptions options{.output = folder / "rows.csv"};
  RunInfo run = SomeRun();
  run.selection = "best";
  run.search = "normal";
  RowWriter(options, run, 2).Append(std::vector<Row>{MakeRow("a", 0)});
  options.resume = true;
  EXPECT_TRUE(RowWriter(options, run, 2).TakeFinished("a"));
  Fill(options.output, AsSchema1(Contents(options.output)));
  std::string message;
  EXPECT_EQ(CodeOf([&] { RowWriter(options, run, 2); }, &message), ErrorCode::kUsage);
  EXPECT_NE(message.find("rows.csv: cannot be continued: "), std::string::npos) << message;
  EXPECT_NE(message.find("selection best is the largest face, this run has best: --faces largest continues it"),
            std::string::npos)
      << message;
  RunInfo central = run;
  central.selection = "central";
  EXPECT_EQ(CodeOf([&] { RowWriter(options, central, 2); }, &message), ErrorCode::kUsage);
  EXPECT_NE(message.find("this run has central: --faces largest continues it"), std::string::npos) << message;
  run.selection = "largest";
  options.faces = FaceSelection::kLargest;
  RowWriter older(options, run, 2);
  EXPECT_TRUE(older.TakeFinished("a"));
  older.Append(std::vector<Row>{MakeRow("b", 0)});
  older.Finish();
  EXPECT_TRUE(RowWriter(options, run, 2).TakeFinished("b"));
}

// As where somebody put two tables together.
TEST(EarlierRows, RefusesTablesOfSeveralSchemas) {
  FolderForTest folder;
  RowWriterOptions options{.format = RowFormat::kJsonLines, .output = folder / "rows"};
  RunInfo run = SomeRun();
  run.selection = "largest";
  run.search = "normal";
  RowWriter(options, run, 2).Append(std::vector<Row>{MakeRow("a", 0)});
  const std::string newer = Contents(options.output), older = AsSchema1Lines(newer);
  ASSERT_NE(newer, older);
  options.resume = true;
  std::string message;
  for (const auto& [text, words] : {std::pair{newer + older, "row 2 is of schema 1, what stands before it of schema 2"},
                                    {older + newer, "row 2 is of schema 2, what stands before it of schema 1"}}) {
    Fill(options.output, text);
    EXPECT_EQ(CodeOf([&] { RowWriter(options, run, 2); }, &message), ErrorCode::kUsage);
    EXPECT_NE(message.find("rows: cannot be continued: "), std::string::npos) << message;
    EXPECT_NE(message.find(words), std::string::npos) << message;
    EXPECT_NE(message.find("use another file"), std::string::npos) << message;
    EXPECT_EQ(Contents(options.output), text);
  }
  // What "best" means goes by the row, not by what stands before it: the first refusal is about the schema all the
  // same.
  std::string best = older;
  best.replace(best.find("\"largest\""), 9, "\"best\"");
  Fill(options.output, best);
  EXPECT_TRUE(RowWriter(options, run, 2).TakeFinished("a"));
  Fill(options.output, newer + best);
  EXPECT_EQ(CodeOf([&] { RowWriter(options, run, 2); }, &message), ErrorCode::kUsage);
  EXPECT_NE(message.find("of schema 1"), std::string::npos) << message;
  // A CSV table has the schema of its header line.
  options = {.output = folder / "rows.csv"};
  run.engine = "E";
  RowWriter(options, run, 2).Append(std::vector<Row>{MakeRow("a", 0)});
  std::string table = Contents(options.output);
  table.replace(table.find(",2,E"), 2, ",1");
  Fill(options.output, table);
  options.resume = true;
  EXPECT_EQ(CodeOf([&] { RowWriter(options, run, 2); }, &message), ErrorCode::kUsage);
  EXPECT_NE(message.find("row 1 is of schema 1, what stands before it of schema 2"), std::string::npos) << message;
  EXPECT_EQ(Contents(options.output), table);
}

TEST(EarlierRows, SaysThatOlderCropsWereNotCheckedForAlignment) {
  FolderForTest folder;
  RowWriterOptions options{.output = folder / "rows.csv"};
  const auto warnings = [&](const std::string& detector, const std::string& guard, bool is_older) {
    RunInfo run = SomeRun();
    run.detector = detector;
    run.guard = guard;
    options.resume = false;
    options.force = true;
    RowWriter(options, run, 2).Append(std::vector<Row>{MakeRow("a", 0)});
    if (is_older) Fill(options.output, AsSchema1(Contents(options.output)));
    options.resume = true;
    options.force = false;
    return RowWriter(options, run, 2).Warnings(false);
  };
  const std::vector<std::string> said = warnings("aligned", "guard", true);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_NE(said[0].find("rows.csv holds 1 row of schema 1, whose crops were not checked for alignment"),
            std::string::npos)
      << said[0];
  EXPECT_TRUE(warnings("aligned", "guard", false).empty());
  EXPECT_TRUE(warnings("aligned", "", true).empty());
  EXPECT_TRUE(warnings("detector", "guard", true).empty());
  // Nothing of it was kept.
  Fill(options.output, Contents(options.output).substr(0, 20));
  RunInfo run = SomeRun();
  run.guard = "guard";
  EXPECT_TRUE(RowWriter(options, run, 2).Warnings(true).empty());
}

TEST(EarlierRows, OlderTablesDoNotSayTheirCalibration) {
  FolderForTest folder;
  RowWriterOptions options{.output = folder / "rows.csv"};
  RunInfo run = SomeRun();
  run.calibration = "aaaa";
  RowWriter(options, run, 2).Append(std::vector<Row>{MakeRow("a", 0)});
  Fill(options.output, AsSchema1(Contents(options.output)));
  options.resume = true;
  for (const char* calibration : {"aaaa", "bbbb", ""}) {
    run.calibration = calibration;
    RowWriter writer(options, run, 2);
    EXPECT_TRUE(writer.TakeFinished("a"));
    const std::vector<std::string> warnings = writer.Warnings(true);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_EQ(warnings[0].find("one calibration") != std::string::npos, !run.calibration.empty()) << warnings[0];
  }
}

// Schema 1 had one search. Its tables do not say so.
TEST(EarlierRows, ContinuesSchema1WithTheNormalSearchAlone) {
  for (const RowFormat format : {RowFormat::kCsv, RowFormat::kJsonLines}) {
    FolderForTest folder;
    RowWriterOptions options{.format = format, .output = folder / "rows", .faces = FaceSelection::kLargest};
    RunInfo run = SomeRun();
    run.selection = "largest";
    RowWriter(options, run, 2).Append(std::vector<Row>{MakeRow("a", 0)});
    const std::string rows = Contents(options.output);
    Fill(options.output, format == RowFormat::kCsv ? AsSchema1(rows) : AsSchema1Lines(rows));
    options.resume = true;
    std::string message;
    for (const char* other : {"fine", "normal+turn", ""}) {
      run.search = other;
      EXPECT_EQ(CodeOf([&] { RowWriter(options, run, 2); }, &message), ErrorCode::kUsage) << other;
      EXPECT_NE(message.find("search normal"), std::string::npos) << message;
    }
    run.search = "normal";
    EXPECT_TRUE(RowWriter(options, run, 2).TakeFinished("a"));
  }
}

TEST(EarlierRows, CountsOtherFacesOfEarlierRows) {
  for (const FaceSelection faces : {FaceSelection::kBest, FaceSelection::kAll}) {
    for (const RowFormat format : {RowFormat::kCsv, RowFormat::kJsonLines}) {
      FolderForTest folder;
      RowWriterOptions options{.format = format, .output = folder / "rows", .faces = faces};
      std::vector<Row> rows;
      for (const auto& [path, face, found] : {std::tuple{"a", 0, 3},
                                              {"a", 1, 3},
                                              {"a", 2, 3},
                                              {"b", 0, 1},
                                              {"c", -1, 4},
                                              {"d", -1, 0},
                                              {"e", 0, 2},
                                              {"e", 1, 2},
                                              {"f", -1, -1}}) {
        if (faces != FaceSelection::kAll && face > 0) continue;
        rows.push_back(MakeRow(path, face));
        rows.back().assessment.faces = found;
        if (face == 0) rows.back().assessment.status = found == 2 ? Status::kNotAligned : Status::kNotAFace;
      }
      JobSummary expected;
      for (const Row& row : rows) CountOthers(row.face, row.assessment.faces, faces, expected);
      EXPECT_EQ(expected.several_faces, 3);
      EXPECT_EQ(expected.bystanders, faces == FaceSelection::kAll ? 0 : 3);
      RowWriter(options, SomeRun(), 2).Append(rows);
      options.resume = true;
      const JobSummary found = RowWriter(options, SomeRun(), 2).earlier();
      EXPECT_EQ(found.several_faces, expected.several_faces);
      EXPECT_EQ(found.bystanders, expected.bystanders);
      EXPECT_EQ(found.refused, 3);
    }
  }
}

TEST(EarlierRows, ContinuesAnOlderTableInItsColumns) {
  for (const RowFormat format : {RowFormat::kCsv, RowFormat::kJsonLines}) {
    FolderForTest folder;
    RowWriterOptions options{.format = format, .output = folder / "rows"};
    WriteAll(options, Pictures(false));
    const std::string whole = Contents(options.output);
    const std::string older = format == RowFormat::kCsv ? AsSchema1(whole) : AsSchema1Lines(whole);
    ASSERT_EQ(older.find("schema"), std::string::npos);
    options.resume = true;
    for (std::size_t cut = 0; cut <= older.size(); cut += 211) {
      Fill(options.output, older.substr(0, cut));
      const bool begun = older.substr(0, cut).find('\n') != std::string::npos;
      {
        RowWriter writer(options, SomeRun(), 2);
        const std::vector<std::string> warnings = writer.Warnings(true);
        ASSERT_EQ(warnings.size(), begun ? 1u : 0u) << "cut at " << cut;
        if (begun) {
          EXPECT_NE(warnings[0].find("schema 1"), std::string::npos) << warnings[0];
          EXPECT_NE(warnings[0].find("schema, engine, image_libraries"), std::string::npos) << warnings[0];
        }
        EXPECT_TRUE(writer.Warnings(false).empty());
      }
      Fill(options.output, older.substr(0, cut));
      WriteAll(options, Pictures(false));
      ASSERT_TRUE(Contents(options.output) == (begun ? older : whole)) << "cut at " << cut;
    }
  }
}

TEST(EarlierRows, RefusesNewerTables) {
  FolderForTest folder;
  const auto replaced = [](std::string text, const std::string& from, const std::string& to) {
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
      text.replace(at, from.size(), to);
    }
    return text;
  };
  RowWriterOptions csv{.output = folder / "rows.csv"},
      json{.format = RowFormat::kJsonLines, .output = folder / "rows.jsonl"};
  RunInfo run = SomeRun();
  run.engine = "E";
  run.image_libraries = "L";
  for (const RowWriterOptions& options : {csv, json}) {
    RowWriter writer(options, run, 2);
    writer.Append(std::vector<Row>{MakeRow("a", 0)});
  }
  csv.resume = json.resume = true;
  const std::string table = Contents(csv.output), lines = Contents(json.output);
  ASSERT_NE(table.find(",2,E,L,,,,,,\n"), std::string::npos);
  const std::string more_columns =
      replaced(replaced(table, ",turn\n", ",turn,colour\n"), ",L,,,,,,\n", ",L,,,,,,,red\n");
  const std::string other_columns = replaced(more_columns, "path,face,", "picture,face,");
  for (const char* schema : {"3", "9999999999"}) {
    std::string message;
    const std::string now = ",2,E,L", newer = std::string(",") + schema + ",E,L";
    for (const std::string& text :
         {replaced(table, now, newer), replaced(more_columns, now, newer), replaced(other_columns, now, newer)}) {
      Fill(csv.output, text);
      EXPECT_EQ(CodeOf([&] { RowWriter(csv, run, 2); }, &message), ErrorCode::kUsage) << text;
      EXPECT_NE(message.find(std::string("schema ") + schema), std::string::npos) << message;
      EXPECT_NE(message.find("up to 2"), std::string::npos) << message;
      EXPECT_EQ(Contents(csv.output), text);
    }
    const std::string as_key = std::string("\"schema\":") + schema;
    for (const std::string& text : {replaced(lines, "\"schema\":2", as_key),
                                    replaced(replaced(lines, "\"schema\":2", as_key), "\"gate\":", "\"bar\":")}) {
      Fill(json.output, text);
      EXPECT_EQ(CodeOf([&] { RowWriter(json, run, 2); }, &message), ErrorCode::kUsage) << text;
      EXPECT_NE(message.find("up to 2"), std::string::npos) << message;
      EXPECT_EQ(Contents(json.output), text);
    }
  }
  // Other columns without a newer schema, and what is no schema.
  for (const std::string& text :
       {more_columns, other_columns, replaced(table, ",2,E,L", ",two,E,L"), replaced(table, ",2,E,L", ",0,E,L"),
        more_columns.substr(0, more_columns.find('\n') + 1)}) {
    Fill(csv.output, text);
    EXPECT_EQ(CodeOf([&] { RowWriter(csv, run, 2); }), ErrorCode::kIo) << text;
    EXPECT_EQ(Contents(csv.output), text);
  }
  for (const char* value : {"\"2\"", "0", "2.5", "null"}) {
    Fill(json.output, replaced(lines, "\"schema\":2", std::string("\"schema\":") + value));
    EXPECT_EQ(CodeOf([&] { RowWriter(json, run, 2); }), ErrorCode::kIo) << value;
  }
}

TEST(EarlierRows, SaysWhatATableMixes) {
  FolderForTest folder;
  for (const bool all : {false, true}) {
    RowWriterOptions options{.output = folder / (all ? "all.csv" : "best.csv"),
                             .faces = all ? FaceSelection::kAll : FaceSelection::kBest};
    const auto pictures = Pictures(all);
    RunInfo first = SomeRun(), second = SomeRun();
    first.engine = second.engine = "engine 1";
    second.instruction_set = "avx";
    std::int64_t rows = 0;
    {
      RowWriter writer(options, first, 2);
      for (std::size_t i = 0; i < 4; ++i) {
        writer.Append(pictures[i]);
        rows += std::ssize(pictures[i]);
      }
      EXPECT_TRUE(writer.Warnings(true).empty());
    }
    options.resume = true;
    if (all) rows -= std::ssize(pictures[3]);  // the last picture is done again
    const std::string kept = std::to_string(rows) + (rows == 1 ? " row" : " rows");
    {
      RowWriter writer(options, second, 2);
      EXPECT_TRUE(writer.Warnings(false).empty());
      const std::vector<std::string> warnings = writer.Warnings(true);
      ASSERT_EQ(warnings.size(), 1u);
      EXPECT_NE(warnings[0].find("instruction_set: isa (" + kept + "), avx (the rows to come);"), std::string::npos)
          << warnings[0];
      EXPECT_EQ(warnings[0].find("engine"), std::string::npos) << warnings[0];
      EXPECT_NE(warnings[0].find("less than 1e-5"), std::string::npos) << warnings[0];
      for (std::size_t i = all ? 3 : 4; i < 6; ++i) writer.Append(pictures[i]);
    }
    RowWriter writer(options, first, 2);
    const std::vector<std::string> warnings = writer.Warnings(false);
    ASSERT_EQ(warnings.size(), 1u);
    EXPECT_NE(warnings[0].find("isa (" + kept + ")"), std::string::npos) << warnings[0];
    EXPECT_NE(warnings[0].find("avx ("), std::string::npos) << warnings[0];
    EXPECT_EQ(warnings[0].find("to come"), std::string::npos) << warnings[0];
  }
}

// They were measured between instruction sets.
TEST(EarlierRows, GivesFiguresForInstructionSetsAlone) {
  FolderForTest folder;
  RowWriterOptions options{.output = folder / "rows.csv"};
  RunInfo run = SomeRun();
  run.engine = "engine 1";
  RowWriter(options, run, 2).Append(std::vector<Row>{MakeRow("a", 0)});
  options.resume = true;
  run.engine = "engine 2";
  const std::vector<std::string> warnings = RowWriter(options, run, 2).Warnings(true);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("engine: engine 1 (1 row), engine 2 (the rows to come); drifts"), std::string::npos)
      << warnings[0];
  EXPECT_EQ(warnings[0].find("1e-"), std::string::npos) << warnings[0];
  EXPECT_EQ(warnings[0].find("instruction"), std::string::npos) << warnings[0];
  run.engine = "engine 1";
  run.instruction_set = "avx";
  EXPECT_NE(RowWriter(options, run, 2).Warnings(true).at(0).find("less than 1e-5"), std::string::npos);
}

TEST(EarlierRows, CountsRowsOfOtherPictures) {
  FolderForTest folder;
  RowWriterOptions options{.output = folder / "rows.csv", .faces = FaceSelection::kAll};
  const auto three = [](const std::string& path) {
    return std::vector<Row>{MakeRow(path, 0), MakeRow(path, 1), MakeRow(path, 2)};
  };
  {
    RowWriter writer(options, SomeRun(), 2);
    for (const char* path : {"a", "b", "a", "c"}) writer.Append(three(path));
    writer.Append(std::vector<Row>{MakeRow("last", -1)});  // which is done again
    EXPECT_EQ(writer.foreign_rows(), 0);
  }
  options.resume = true;
  RowWriter writer(options, SomeRun(), 2);
  EXPECT_EQ(writer.foreign_rows(), 12);
  EXPECT_TRUE(writer.TakeFinished("a"));
  EXPECT_FALSE(writer.TakeFinished("last"));
  EXPECT_EQ(writer.foreign_rows(), 9);
  EXPECT_TRUE(writer.TakeFinished("a"));
  EXPECT_FALSE(writer.TakeFinished("a"));
  EXPECT_EQ(writer.foreign_rows(), 6);
  EXPECT_TRUE(writer.TakeFinished("b"));
  EXPECT_TRUE(writer.TakeFinished("c"));
  EXPECT_EQ(writer.foreign_rows(), 0);
}

}  // namespace
}  // namespace prefiqs::report
