#include "report/row.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

namespace prefiqs::report {
namespace {

RunInfo SomeRun() {
  return {"drift", "unstructured-l1-global-0.4", "0.400123", "abc", "fp32", "avx2", "1.2.3", "rgb:0:1", "aligned"};
}

std::string Cell(const Row& row, std::string_view column) { return Cells(SomeRun(), row)[ColumnIndex(column)]; }

TEST(Row, FirstColumnsArePromised) {
  const std::vector<std::string_view> promised{"path", "face", "status", "quality", "drift", "scalar"};
  for (std::size_t i = 0; i < promised.size(); ++i) EXPECT_EQ(Columns()[i].name, promised[i]);
}

TEST(Row, OlderTablesHaveTheFirstColumns) {
  EXPECT_EQ(Columns(1).size(), 41u);
  EXPECT_EQ(Columns(1).back().name, "sensitivity");
  EXPECT_EQ(Columns(kSchema).size(), Columns().size());
  Row row{"a.png", 0, {}};
  RunInfo run = SomeRun();
  run.engine = "onednn 1.2.3";
  run.image_libraries = "opencv 4 + libpng 1";
  const std::vector<std::string> cells = Cells(run, row);
  EXPECT_EQ(cells[ColumnIndex("schema")], "2");
  EXPECT_EQ(cells[ColumnIndex("engine")], "onednn 1.2.3");
  EXPECT_EQ(cells[ColumnIndex("image_libraries")], "opencv 4 + libpng 1");
  EXPECT_EQ(cells[ColumnIndex("calibration")], "");
  run.calibration = "0123456789abcdef";
  EXPECT_EQ(Cells(run, row)[ColumnIndex("calibration")], "0123456789abcdef");
  row.assessment.status = Status::kOk;  // every row of a table says the same
  EXPECT_EQ(Cells(run, row)[ColumnIndex("calibration")], "0123456789abcdef");
  row.assessment.status = Status::kNoFace;
  run.schema = 1;
  EXPECT_EQ(Cells(run, row), std::vector<std::string>(cells.begin(), cells.begin() + 41));
}

TEST(Row, DoesNotKnowOtherColumns) { EXPECT_THROW(ColumnIndex("colour"), std::logic_error); }

TEST(Row, HasOneCellAColumn) {
  Row row;
  EXPECT_EQ(Cells(SomeRun(), row).size(), Columns().size());
  row.assessment.face = Face{};
  EXPECT_EQ(Cells(SomeRun(), row).size(), Columns().size());
}

TEST(Row, ScoreKeepsAFloatsDigits) {
  Row row{"a.png", 0, {}};
  row.assessment.status = Status::kOk;
  row.assessment.drift = 0.012345678f;
  row.assessment.quality = 1 - row.assessment.drift / 2;
  row.assessment.embedding_norm = 23.5f;
  row.assessment.pruned_norm = 19.25f;
  row.assessment.sharpness = 1234.5f;
  row.assessment.uniformity = 0.75f;
  row.assessment.sensitivity = 0.03125f;
  EXPECT_EQ(Cell(row, "drift"), "0.01234568");
  EXPECT_EQ(std::stof(Cell(row, "quality")), row.assessment.quality);
  EXPECT_EQ(Cell(row, "scalar"), "");
  EXPECT_EQ(Cell(row, "embedding_norm"), "23.500000");
  EXPECT_EQ(Cell(row, "pruned_norm"), "19.250000");
  EXPECT_EQ(Cell(row, "sharpness"), "1234.500000");
  EXPECT_EQ(Cell(row, "uniformity"), "0.750000");
  EXPECT_EQ(Cell(row, "sensitivity"), "0.03125000");
  EXPECT_EQ(Cell(row, "face"), "0");
  EXPECT_EQ(Cell(row, "network"), "abc");
  EXPECT_EQ(Cell(row, "version"), "1.2.3");
  row.assessment.scalar = 87;
  EXPECT_EQ(Cell(row, "scalar"), "87");
}

TEST(Row, HasNoScoreUnlessOk) {
  Row row{"a.png", -1, {}};
  row.assessment.status = Status::kNoFace;
  row.assessment.detail = "none";
  row.assessment.scalar = 5;
  for (const char* column : {"face", "quality", "drift", "scalar", "embedding_norm", "pruned_norm", "sharpness",
                             "uniformity", "sensitivity", "box_x", "confidence"}) {
    EXPECT_EQ(Cell(row, column), "") << column;
  }
  EXPECT_EQ(Cell(row, "status"), "no_face");
  EXPECT_EQ(Cell(row, "detail"), "none");
}

TEST(Row, KeepsTheRawNumbersOfWhatIsNoFace) {
  Row row{"a.png", 0, {}};
  row.assessment.status = Status::kNotAFace;
  row.assessment.drift = 1;
  row.assessment.quality = 0.5f;
  row.assessment.scalar = 3;  // which a guard never leaves
  row.assessment.embedding_norm = 2;
  EXPECT_EQ(Cell(row, "status"), "not_a_face");
  EXPECT_EQ(Cell(row, "drift"), "1.00000000");
  EXPECT_EQ(Cell(row, "quality"), "0.50000000");
  EXPECT_EQ(Cell(row, "embedding_norm"), "2.000000");
  EXPECT_EQ(Cell(row, "scalar"), "");
}

TEST(Row, MarksWhatIsUnderTheGate) {
  RunInfo run = SomeRun();
  Row row{"a.png", 0, {}};
  row.assessment.status = Status::kOk;
  row.assessment.scalar = 12;
  EXPECT_EQ(Cells(run, row)[ColumnIndex("passes")], "");
  run.gate = "30";
  EXPECT_EQ(Cells(run, row)[ColumnIndex("gate")], "30");
  EXPECT_EQ(Cells(run, row)[ColumnIndex("passes")], "yes");
  row.under_gate = true;
  EXPECT_EQ(Cells(run, row)[ColumnIndex("passes")], "no");
  row.assessment.status = Status::kNoFace;
  EXPECT_EQ(Cells(run, row)[ColumnIndex("passes")], "");
}

TEST(Row, SaysHowManyFacesWereFound) {
  RunInfo run = SomeRun();
  run.max_faces = "2";
  Row row{"a.png", -1, {}};
  row.assessment.status = Status::kTooManyFaces;
  EXPECT_EQ(Cells(run, row)[ColumnIndex("faces")], "");
  row.assessment.faces = 0;
  EXPECT_EQ(Cells(run, row)[ColumnIndex("faces")], "0");
  row.assessment.faces = 3;
  EXPECT_EQ(Cells(run, row)[ColumnIndex("faces")], "3");
  EXPECT_EQ(Cells(run, row)[ColumnIndex("max_faces")], "2");
  EXPECT_EQ(Cells(run, row)[ColumnIndex("status")], "too_many_faces");
  EXPECT_EQ(Cell(row, "max_faces"), "");
}

TEST(Row, NeverWritesNanOrInf) {
  Row row{"a.png", 0, {}};
  row.assessment.status = Status::kOk;
  row.assessment.quality = std::numeric_limits<float>::quiet_NaN();
  row.assessment.drift = std::numeric_limits<float>::infinity();
  row.assessment.face = Face{{NAN, 1, 2, 3}, {}, NAN};
  for (const std::string& cell : Cells(SomeRun(), row)) {
    EXPECT_EQ(cell.find("nan"), std::string::npos);
    EXPECT_EQ(cell.find("inf"), std::string::npos);
  }
}

TEST(Row, PlacesBoxAndPoints) {
  Row row{"a.png", 1, {}};
  row.assessment.face = Face{{1, 2, 3, 4}, {{{5, 6}, {7, 8}, {9, 10}, {11, 12}, {13, 14}}}, 0.5f};
  EXPECT_EQ(Cell(row, "box_x"), "1.000");
  EXPECT_EQ(Cell(row, "box_height"), "4.000");
  EXPECT_EQ(Cell(row, "left_eye_x"), "5.000");
  EXPECT_EQ(Cell(row, "nose_y"), "10.000");
  EXPECT_EQ(Cell(row, "right_mouth_y"), "14.000");
  EXPECT_EQ(Cell(row, "confidence"), "0.500000");
}

TEST(Row, NamesTheSearchAndTheTurnOfAFace) {
  Row row{"a.png", 0, {}};
  RunInfo run = SomeRun();
  run.search = "fine";
  EXPECT_EQ(Cells(run, row)[ColumnIndex("search")], "fine");
  EXPECT_EQ(Cells(run, row)[ColumnIndex("turn")], "");
  row.assessment.face = Face{};
  EXPECT_EQ(Cell(row, "turn"), "0");
  EXPECT_EQ(Cell(row, "search"), "");
  row.assessment.turn = 270;
  EXPECT_EQ(Cell(row, "turn"), "270");
}

TEST(PreprocessingToken, IsShort) {
  EXPECT_EQ(PreprocessingToken({}), "rgb:127.5:127.5");
  EXPECT_EQ(PreprocessingToken({ChannelOrder::kBgr, {1, 2, 3}, {255, 255, 255}}), "bgr:1/2/3:255");
}

TEST(PreprocessingToken, NamesATemplateThatSchemaOneDidNotHave) {
  const Preprocessing scaled{.crop_template = CropTemplate::kScaled};
  EXPECT_EQ(PreprocessingToken({}, 112, 112), "rgb:127.5:127.5");
  EXPECT_EQ(PreprocessingToken(scaled, 112, 112), "rgb:127.5:127.5");
  EXPECT_EQ(PreprocessingToken({}, 128, 128), "rgb:127.5:127.5:insightface");
  EXPECT_EQ(PreprocessingToken(scaled, 128, 128), "rgb:127.5:127.5");
}

}  // namespace
}  // namespace prefiqs::report
