#include "report/row.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

namespace prefiqs::report {
namespace {

// Drifts of 0.01 and less occur at small sparsities; eight decimals keep a float's seven digits there.
std::string Score(float value) { return std::isfinite(value) ? fmt::format("{:.8f}", value) : std::string(); }

std::string Measure(float value) { return std::isfinite(value) ? fmt::format("{:.6f}", value) : std::string(); }

std::string Pixels(float value) { return std::isfinite(value) ? fmt::format("{:.3f}", value) : std::string(); }

std::string Numbers(const std::array<float, 3>& values) {
  if (values[0] == values[1] && values[1] == values[2]) return fmt::format("{}", values[0]);
  return fmt::format("{}/{}/{}", values[0], values[1], values[2]);
}

bool IsOk(const Row& row) { return row.assessment.status == Status::kOk; }

bool HasNumbers(const Row& row) { return IsOk(row) || IsRefused(row.assessment.status); }

bool HasScalar(const Row& row) { return IsOk(row) && row.assessment.scalar >= 0; }

// Getters of columns that come in several.
template <std::string RunInfo::*kField>
std::string OfRun(const RunInfo& run, const Row&) {
  return run.*kField;
}

template <float Assessment::*kField>
std::string ScoreOf(const RunInfo&, const Row& row) {
  return HasNumbers(row) ? Score(row.assessment.*kField) : std::string();
}

template <float Assessment::*kField>
std::string MeasureOf(const RunInfo&, const Row& row) {
  return HasNumbers(row) ? Measure(row.assessment.*kField) : std::string();
}

template <float Box::*kField>
std::string BoxOf(const RunInfo&, const Row& row) {
  return row.assessment.face ? Pixels(row.assessment.face->box.*kField) : std::string();
}

// The landmarks' order is that of Landmarks.
template <std::size_t kIndex, float Point::*kField>
std::string PointOf(const RunInfo&, const Row& row) {
  return row.assessment.face ? Pixels(row.assessment.face->landmarks[kIndex].*kField) : std::string();
}

std::string PathOf(const RunInfo&, const Row& row) { return row.path; }

std::string StatusOf(const RunInfo&, const Row& row) { return std::string(info(row.assessment.status).name); }

std::string DetailOf(const RunInfo&, const Row& row) { return row.assessment.detail; }

std::string SchemaOf(const RunInfo& run, const Row&) { return fmt::format("{}", run.schema); }

std::string FaceOf(const RunInfo&, const Row& row) {
  return row.face < 0 ? std::string() : fmt::format("{}", row.face);
}

std::string FacesOf(const RunInfo&, const Row& row) {
  return row.assessment.faces < 0 ? std::string() : fmt::format("{}", row.assessment.faces);
}

std::string TurnOf(const RunInfo&, const Row& row) {
  return row.assessment.face ? fmt::format("{}", row.assessment.turn) : std::string();
}

std::string ScalarOf(const RunInfo&, const Row& row) {
  return HasScalar(row) ? fmt::format("{}", row.assessment.scalar) : std::string();
}

std::string ConfidenceOf(const RunInfo&, const Row& row) {
  return row.assessment.face ? Measure(row.assessment.face->confidence) : std::string();
}

std::string PassesOf(const RunInfo& run, const Row& row) {
  if (run.gate.empty() || !HasScalar(row)) return {};
  return std::string(row.under_gate ? kUnderGate : kPasses);
}

constexpr CellKind kText = CellKind::kText, kNumber = CellKind::kNumber;

constexpr std::array kColumns{
    Column{"path", kText, 1, PathOf},
    Column{"face", kNumber, 1, FaceOf},
    Column{"status", kText, 1, StatusOf},
    Column{"quality", kNumber, 1, ScoreOf<&Assessment::quality>},
    Column{"drift", kNumber, 1, ScoreOf<&Assessment::drift>},
    Column{"scalar", kNumber, 1, ScalarOf},
    Column{"method", kText, 1, OfRun<&RunInfo::method>},
    Column{"box_x", kNumber, 1, BoxOf<&Box::x>},
    Column{"box_y", kNumber, 1, BoxOf<&Box::y>},
    Column{"box_width", kNumber, 1, BoxOf<&Box::width>},
    Column{"box_height", kNumber, 1, BoxOf<&Box::height>},
    Column{"left_eye_x", kNumber, 1, PointOf<0, &Point::x>},
    Column{"left_eye_y", kNumber, 1, PointOf<0, &Point::y>},
    Column{"right_eye_x", kNumber, 1, PointOf<1, &Point::x>},
    Column{"right_eye_y", kNumber, 1, PointOf<1, &Point::y>},
    Column{"nose_x", kNumber, 1, PointOf<2, &Point::x>},
    Column{"nose_y", kNumber, 1, PointOf<2, &Point::y>},
    Column{"left_mouth_x", kNumber, 1, PointOf<3, &Point::x>},
    Column{"left_mouth_y", kNumber, 1, PointOf<3, &Point::y>},
    Column{"right_mouth_x", kNumber, 1, PointOf<4, &Point::x>},
    Column{"right_mouth_y", kNumber, 1, PointOf<4, &Point::y>},
    Column{"confidence", kNumber, 1, ConfidenceOf},
    Column{"embedding_norm", kNumber, 1, MeasureOf<&Assessment::embedding_norm>},
    Column{"recipe", kText, 1, OfRun<&RunInfo::recipe>},
    Column{"sparsity", kNumber, 1, OfRun<&RunInfo::sparsity>},
    Column{"network", kText, 1, OfRun<&RunInfo::network>},
    Column{"precision", kText, 1, OfRun<&RunInfo::precision>},
    Column{"instruction_set", kText, 1, OfRun<&RunInfo::instruction_set>},
    Column{"version", kText, 1, OfRun<&RunInfo::version>},
    Column{"preprocessing", kText, 1, OfRun<&RunInfo::preprocessing>},
    Column{"detector", kText, 1, OfRun<&RunInfo::detector>},
    Column{"detail", kText, 1, DetailOf},
    Column{"gate", kNumber, 1, OfRun<&RunInfo::gate>},
    Column{"passes", kText, 1, PassesOf},
    Column{"selection", kText, 1, OfRun<&RunInfo::selection>},
    Column{"min_face", kNumber, 1, OfRun<&RunInfo::min_face>},
    Column{"guard", kText, 1, OfRun<&RunInfo::guard>},
    Column{"pruned_norm", kNumber, 1, MeasureOf<&Assessment::pruned_norm>},
    Column{"sharpness", kNumber, 1, MeasureOf<&Assessment::sharpness>},
    Column{"uniformity", kNumber, 1, MeasureOf<&Assessment::uniformity>},
    Column{"sensitivity", kNumber, 1, ScoreOf<&Assessment::sensitivity>},
    Column{"schema", kNumber, 2, SchemaOf},
    Column{"engine", kText, 2, OfRun<&RunInfo::engine>},
    Column{"image_libraries", kText, 2, OfRun<&RunInfo::image_libraries>},
    Column{"faces", kNumber, 2, FacesOf},
    Column{"max_faces", kNumber, 2, OfRun<&RunInfo::max_faces>},
    Column{"output", kText, 2, OfRun<&RunInfo::output>},
    Column{"calibration", kText, 2, OfRun<&RunInfo::calibration>},
    Column{"search", kText, 2, OfRun<&RunInfo::search>},
    Column{"turn", kNumber, 2, TurnOf},
};
static_assert(std::ranges::is_sorted(kColumns, {}, &Column::since), "columns of a newer schema go to the end");
static_assert(kColumns.back().since <= kSchema);

std::string PixelToken(const Preprocessing& preprocessing) {
  return fmt::format("{}:{}:{}", preprocessing.channels == ChannelOrder::kRgb ? "rgb" : "bgr",
                     Numbers(preprocessing.mean), Numbers(preprocessing.scale));
}

}  // namespace

std::string PreprocessingToken(const Preprocessing& preprocessing) {
  const PictureSize size = preprocessing.size;
  return PixelToken(preprocessing) + (size != PictureSize{} ? fmt::format(":{}x{}", size.width, size.height) : "");
}

std::string PreprocessingToken(const Preprocessing& preprocessing, int width, int height) {
  const CropTemplateInfo& used = info(preprocessing.crop_template);
  const bool differs = used.scale(width, height) != info(CropTemplate::kScaled).scale(width, height);
  const std::string pixels = PixelToken(preprocessing);
  return pixels + (differs ? fmt::format(":{}", used.name) : "") +
         PreprocessingToken(preprocessing).substr(pixels.size());
}

bool IsRefused(Status status) { return status == Status::kNotAFace || status == Status::kNotAligned; }

void CountOthers(int face, int faces, FaceSelection selection, JobSummary& summary) {
  if (face > 0) return;  // the picture was counted by its first row
  summary.several_faces += faces > 1 ? 1 : 0;
  if (face == 0 && faces > 1 && selection != FaceSelection::kAll) summary.bystanders += faces - 1;
}

std::span<const Column> Columns(int schema) {
  const auto end = std::ranges::upper_bound(kColumns, schema, {}, &Column::since);
  return std::span(kColumns).first(static_cast<std::size_t>(end - kColumns.begin()));
}

std::size_t ColumnIndex(std::string_view name) {
  const auto found = std::ranges::find(kColumns, name, &Column::name);
  if (found == kColumns.end()) throw std::logic_error(fmt::format("there is no column {}", name));
  return static_cast<std::size_t>(found - kColumns.begin());
}

std::vector<std::string> Cells(const RunInfo& run, const Row& row) {
  std::vector<std::string> cells;
  const std::span<const Column> columns = Columns(run.schema);
  cells.reserve(columns.size());
  for (const Column& column : columns) cells.push_back(column.cell(run, row));
  return cells;
}

}  // namespace prefiqs::report
