#include "report/row_writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <random>

#include "base/folder_for_test.h"
#include "report/csv.h"

namespace prefiqs::report {
namespace {

RunInfo SomeRun(std::string network = "net", std::string recipe = "recipe") {
  return {"drift", std::move(recipe), "0.4", std::move(network), "fp32", "isa", "1", "rgb:0:1", "aligned"};
}

Row MakeRow(const std::string& path, int face) {
  Row row{path, face, {}};
  if (face >= 0) {
    row.assessment.status = face == 1 ? Status::kFaceTooSmall : Status::kOk;
    row.assessment.embedding = {static_cast<float>(face), static_cast<float>(path.size())};
    row.assessment.embedding_norm = std::hypot(row.assessment.embedding[0], row.assessment.embedding[1]);
  }
  return row;
}

// Pictures with awkward names and different numbers of faces.
std::vector<std::vector<Row>> Pictures(bool several) {
  std::vector<std::vector<Row>> pictures;
  for (int i = 0; i < 12; ++i) {
    const std::string path = "p" + std::to_string(i / 2) + (i % 3 == 0 ? "\n,\"" : "\xff");  // some twice
    pictures.emplace_back();
    if (i % 4 == 3) pictures.back().push_back(MakeRow(path, -1));
    for (int face = 0; face < (several ? i % 4 : (i % 4 == 3 ? 0 : 1)); ++face) {
      if (i % 4 != 3) pictures.back().push_back(MakeRow(path, face));
    }
    if (pictures.back().empty()) pictures.back().push_back(MakeRow(path, -1));
  }
  return pictures;
}

// Adds up what the writer found and what was appended.
JobSummary WriteAll(const RowWriterOptions& options, const std::vector<std::vector<Row>>& pictures) {
  RowWriter writer(options, SomeRun(), 2);
  JobSummary summary = writer.earlier();
  for (const auto& rows : pictures) {
    if (writer.TakeFinished(rows[0].path)) continue;
    writer.Append(rows);
    ++summary.pictures;
    for (const Row& row : rows) {
      summary.faces += row.face >= 0 ? 1 : 0;
      ++(row.assessment.status == Status::kOk ? summary.scored : summary.failed);
    }
  }
  writer.Finish();
  return summary;
}

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

ErrorCode CodeOf(const std::function<void()>& act, std::string* message = nullptr) {
  try {
    act();
  } catch (const Error& e) {
    if (message != nullptr) *message = e.what();
    return e.code();
  }
  ADD_FAILURE() << "no error";
  return ErrorCode::kInternal;
}

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
  for (std::string RunInfo::*field : {&RunInfo::gate, &RunInfo::selection, &RunInfo::min_face, &RunInfo::guard}) {
    RunInfo other = SomeRun();
    other.*field = "20";
    EXPECT_EQ(CodeOf([&] { RowWriter(options, other, 2); }), ErrorCode::kUsage);
  }
  EXPECT_EQ(Contents(options.output), before);
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
