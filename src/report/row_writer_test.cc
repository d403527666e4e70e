#include "report/row_writer.h"

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
#include "report/locks_for_test.h"
#include "report/rows_for_test.h"

namespace prefiqs::report {
namespace {

struct ResumeCase {
  RowFormat format;
  FaceSelection faces;
};

class Resume : public ::testing::TestWithParam<ResumeCase> {};

// Cut anywhere, with the embeddings cut anywhere too: resuming gives the file of an uninterrupted run, byte for byte.
TEST_P(Resume, FromAnyCutGivesTheWholeFile) {
  FolderForTest folder;
  const auto pictures = Pictures(GetParam().faces == FaceSelection::kAll);
  RowWriterOptions options{.format = GetParam().format,
                           .output = folder / "rows",
                           .embeddings = folder / "rows.npy",
                           .faces = GetParam().faces};
  const JobSummary whole = WriteAll(options, pictures);
  const std::string rows = Contents(options.output);
  const std::string embeddings = Contents(options.embeddings);
  options.resume = true;
  std::mt19937 random(7);
  for (std::size_t cut = 0; cut <= rows.size(); cut += 1 + random() % 5) {
    Fill(options.output, rows.substr(0, cut));
    Fill(options.embeddings, embeddings.substr(0, random() % (embeddings.size() + 1)));
    const JobSummary summary = WriteAll(options, pictures);
    ASSERT_EQ(summary.pictures, whole.pictures) << "cut at " << cut;
    ASSERT_EQ(summary.faces, whole.faces) << "cut at " << cut;
    ASSERT_EQ(summary.scored, whole.scored) << "cut at " << cut;
    ASSERT_EQ(summary.failed, whole.failed) << "cut at " << cut;
    ASSERT_EQ(Contents(options.output), rows) << "cut at " << cut;
    ASSERT_EQ(Contents(options.embeddings), embeddings) << "cut at " << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Resume,
                         ::testing::Values(ResumeCase{RowFormat::kCsv, FaceSelection::kBest},
                                           ResumeCase{RowFormat::kCsv, FaceSelection::kAll},
                                           ResumeCase{RowFormat::kJsonLines, FaceSelection::kBest},
                                           ResumeCase{RowFormat::kJsonLines, FaceSelection::kAll}));
TEST(RowWriter, RefusesToContinueAnotherRun) {
  FolderForTest folder;
  RowWriterOptions options{.output = folder / "rows.csv"};
  WriteAll(options, Pictures(false));
  const std::string before = Contents(options.output);
  options.resume = true;
  std::string message;
  EXPECT_EQ(CodeOf([&] { RowWriter(options, SomeRun("other"), 2); }, &message), ErrorCode::kUsage);
  EXPECT_NE(message.find("network net"), std::string::npos) << message;
  EXPECT_EQ(CodeOf([&] { RowWriter(options, SomeRun("net", "other"), 2); }), ErrorCode::kUsage);
  for (std::string RunInfo::*field : {&RunInfo::gate, &RunInfo::selection, &RunInfo::min_face, &RunInfo::guard,
                                      &RunInfo::max_faces, &RunInfo::calibration, &RunInfo::search}) {
    RunInfo other = SomeRun();
    other.*field = "20";
    EXPECT_EQ(CodeOf([&] { RowWriter(options, other, 2); }, &message), ErrorCode::kUsage);
    EXPECT_NE(message.find(options.output + ": cannot be continued: "), std::string::npos) << message;
    EXPECT_NE(message.find(" none, this run has 20; use the same"), std::string::npos) << message;
    EXPECT_NE(message.find("another file or folder"), std::string::npos) << message;
  }
  EXPECT_EQ(Contents(options.output), before);
}

TEST(RowWriter, SaysWhatCannotBeLocked) {
  FolderForTest folder;
  const LocksFailForTest no_locks(ENOSYS);
  RowWriterOptions options{.output = folder / "rows.csv"};
  const auto warning = [](const RowWriterOptions& o) { return RowWriter(o, SomeRun(), 2).LockWarning(); };
  EXPECT_NE(warning(options).find("rows.csv cannot be locked (Function not implemented)"), std::string::npos);
  options.embeddings = folder / "rows.npy";
  options.force = true;
  EXPECT_NE(warning(options).find("rows.npy cannot be locked"), std::string::npos);
  options.force = false;
  options.resume = true;
  EXPECT_EQ(CodeOf([&] { warning(options); }), ErrorCode::kIo);
  options.without_lock = true;
  EXPECT_NE(warning(options).find("rows.npy cannot be locked"), std::string::npos);
}

TEST(RowWriter, RefusesEmbeddingsOfAnotherRun) {
  FolderForTest folder;
  RowWriterOptions options{.output = folder / "rows.csv", .embeddings = folder / "rows.npy"};
  WriteAll(options, Pictures(false));
  NpyFile other(folder / "other.npy", OpenMode::kNew, 2);
  other.Append(std::vector<float>{40, 2, 40, 2, 40, 2});
  other.Finish();
  const std::string rows = Contents(options.output), embeddings = Contents(folder / "other.npy");
  options.embeddings = folder / "other.npy";
  options.resume = true;
  std::string message;
  EXPECT_EQ(CodeOf([&] { RowWriter(options, SomeRun(), 2); }, &message), ErrorCode::kUsage);
  EXPECT_NE(message.find("of another run"), std::string::npos) << message;
  EXPECT_EQ(Contents(options.output), rows);
  EXPECT_EQ(Contents(folder / "other.npy"), embeddings);
}

TEST(RowWriter, RefusesToContinueOtherFiles) {
  FolderForTest folder;
  RowWriterOptions options{.output = folder / "rows.csv", .resume = true};
  for (const char* text : {"a,b\n1,2\n", "{}\n", "path,face\n"}) {
    Fill(options.output, text);
    EXPECT_EQ(CodeOf([&] { RowWriter(options, SomeRun(), 2); }), ErrorCode::kIo);
    EXPECT_EQ(Contents(options.output), text);
  }
}

TEST(RowWriter, RefusesWhatCannotBeMeant) {
  FolderForTest folder;
  EXPECT_EQ(CodeOf([&] { RowWriter({.resume = true}, SomeRun(), 2); }), ErrorCode::kUsage);
  const std::string path = folder / "x";
  EXPECT_EQ(CodeOf([&] { RowWriter({.output = path, .embeddings = path}, SomeRun(), 2); }), ErrorCode::kUsage);
  EXPECT_EQ(CodeOf([&] { RowWriter({.output = path, .force = true, .resume = true}, SomeRun(), 2); }),
            ErrorCode::kUsage);
  WriteAll({.output = path}, Pictures(false));
  EXPECT_EQ(CodeOf([&] { RowWriter({.output = path, .embeddings = folder / "x.npy", .resume = true}, SomeRun(), 2); }),
            ErrorCode::kUsage);
}

TEST(RowWriter, LeavesNothingBehindWhenTheEmbeddingsExist) {
  FolderForTest folder;
  Fill(folder / "x.npy", "old");
  EXPECT_EQ(CodeOf([&] { RowWriter({.output = folder / "x.csv", .embeddings = folder / "x.npy"}, SomeRun(), 2); }),
            ErrorCode::kIo);
  EXPECT_FALSE(std::filesystem::exists(folder / "x.csv"));
  EXPECT_EQ(Contents(folder / "x.npy"), "old");
}

TEST(RowWriter, KeepsEmbeddingsInStepWhenRowsCannotBeWritten) {
  FolderForTest folder;
  RowWriter writer({.format = RowFormat::kJsonLines, .output = "/dev/full", .embeddings = folder / "x.npy"}, SomeRun(),
                   2);
  EXPECT_EQ(CodeOf([&] { writer.Append(std::vector<Row>{MakeRow("a", 0)}); }), ErrorCode::kIo);
  EXPECT_NE(Contents(folder / "x.npy").find("(0, 2)"), std::string::npos);
}

TEST(RowWriter, WritesNanWhereThereIsNoEmbedding) {
  FolderForTest folder;
  RowWriter writer({.output = folder / "x.csv", .embeddings = folder / "x.npy"}, SomeRun(), 2);
  writer.Append(std::vector<Row>{MakeRow("a", -1)});
  const std::string bytes = Contents(folder / "x.npy");
  ASSERT_EQ(bytes.size(), 128u + 8);
  float value = 0;
  std::memcpy(&value, bytes.data() + 128, 4);
  EXPECT_TRUE(std::isnan(value));
}

}  // namespace
}  // namespace prefiqs::report
