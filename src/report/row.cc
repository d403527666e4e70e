#include "report/row.h"

#include <fmt/format.h>

#include <cmath>

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

}  // namespace

std::string PreprocessingToken(const Preprocessing& preprocessing) {
  std::string token = fmt::format("{}:{}:{}", preprocessing.channels == ChannelOrder::kRgb ? "rgb" : "bgr",
                                  Numbers(preprocessing.mean), Numbers(preprocessing.scale));
  if (preprocessing.crop_template != CropTemplate::kInsightFace) {
    token += fmt::format(":{}", info(preprocessing.crop_template).name);
  }
  return token;
}

std::vector<std::string> Cells(const RunInfo& run, const Row& row) {
  const Assessment& a = row.assessment;
  const bool ok = a.status == Status::kOk;
  const bool scored = ok || a.status == Status::kNotAFace;
  std::vector<std::string> cells;
  cells.reserve(kColumns.size());
  cells.push_back(row.path);
  cells.push_back(row.face < 0 ? std::string() : fmt::format("{}", row.face));
  cells.emplace_back(info(a.status).name);
  cells.push_back(scored ? Score(a.quality) : std::string());
  cells.push_back(scored ? Score(a.drift) : std::string());
  cells.push_back(ok && a.scalar >= 0 ? fmt::format("{}", a.scalar) : std::string());
  cells.push_back(run.method);
  if (a.face) {
    for (const float value : {a.face->box.x, a.face->box.y, a.face->box.width, a.face->box.height}) {
      cells.push_back(Pixels(value));
    }
    for (const Point& point : a.face->landmarks) {
      cells.push_back(Pixels(point.x));
      cells.push_back(Pixels(point.y));
    }
    cells.push_back(Measure(a.face->confidence));
  } else {
    cells.resize(cells.size() + 4 + 2 * std::tuple_size_v<Landmarks> + 1);
  }
  cells.push_back(scored ? Measure(a.embedding_norm) : std::string());
  for (const std::string* text : {&run.recipe, &run.sparsity, &run.network, &run.precision, &run.instruction_set,
                                  &run.version, &run.preprocessing, &run.detector, &a.detail}) {
    cells.push_back(*text);
  }
  cells.push_back(run.gate);
  const bool gated = !run.gate.empty() && ok && a.scalar >= 0;
  cells.emplace_back(gated ? (row.under_gate ? kUnderGate : kPasses) : std::string_view());
  cells.push_back(run.selection);
  cells.push_back(run.min_face);
  cells.push_back(run.guard);
  for (const float measure : {a.pruned_norm, a.sharpness, a.uniformity}) {
    cells.push_back(scored ? Measure(measure) : std::string());
  }
  cells.push_back(scored ? Score(a.sensitivity) : std::string());
  return cells;
}

}  // namespace prefiqs::report
