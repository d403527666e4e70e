#include "pipeline/pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/file.h"
#include "pipeline/preprocessing_check.h"
#include "pipeline/software.h"

namespace prefiqs::pipeline {
namespace {

report::RunInfo Describe(const Assessor& assessor, const JobOptions& job) {
  const AssessorOptions& options = job.assessor;
  report::RunInfo run;
  run.method = name(options.method);
  if (options.mirror) run.method += "-mirrored";
  if (prunes(options.method)) {
    run.recipe = assessor.recipe().name();
    run.sparsity = fmt::format("{:.6f}", assessor.achieved_sparsity());
  }
  const Network& network = assessor.network();
  run.network = network.content_hash();
  run.output = network.output();
  run.precision = name(options.precision);
  run.instruction_set = assessor.instruction_set();
  NameSoftware(options.executor, run);
  run.preprocessing = options.aligns() ? report::PreprocessingToken(network.preprocessing(), network.input_width(),
                                                                    network.input_height())
                                       : report::PreprocessingToken(network.preprocessing());
  run.detector = options.detector    ? options.detector->content_hash()
                 : options.landmarks ? fmt::format("{}{}", report::kLandmarks, options.landmarks->content_hash())
                                     : std::string(report::kAligned);
  if (options.aligns()) {
    run.selection = info(job.faces).name;
    if (options.detector) run.search = info(options.search).name;
    if (options.turn) run.search += report::kTurnToo;
    if (options.max_faces > 0) run.max_faces = fmt::format("{}", options.max_faces);
    run.min_face = fmt::format("{}", options.min_face);
  }
  if (const auto& guard = assessor.impl().options.guard) run.guard = guard->content_hash();
  if (job.gate) run.gate = fmt::format("{}", *job.gate);
  if (const auto calibration = assessor.calibration()) run.calibration = calibration->content_hash();
  return run;
}

// Before the outputs are made, which a refusal would leave behind.
std::optional<CropFolder> OpenCrops(const JobOptions& options, std::span<const input::Item> items) {
  if (options.crops_folder.empty()) return std::nullopt;
  std::optional<CropFolder> crops(options.crops_folder);
  if (!options.force && !options.resume) {
    for (const input::Item& item : items) crops->CheckFree(item.number);
  }
  return crops;
}

std::unique_ptr<report::RowWriter> OpenRows(const Assessor& assessor, const JobOptions& options) {
  if (options.gate && !assessor.calibration()) {
    throw Error(
        ErrorCode::kUsage,
        fmt::format("--gate: {} is not calibrated for recipe {} and its preprocessing, so there are no scalars; "
                    "make them with prefiqs calibrate",
                    Printable(assessor.network().path()), assessor.recipe().name()));
  }
  if (!options.rows) return nullptr;
  return std::make_unique<report::RowWriter>(report::RowWriterOptions{.format = options.format,
                                                                      .output = options.output,
                                                                      .embeddings = options.embeddings,
                                                                      .force = options.force,
                                                                      .resume = options.resume,
                                                                      .without_lock = options.without_lock,
                                                                      .faces = options.faces},
                                             Describe(assessor, options), assessor.network().embedding_size());
}

// Where crops are given, they have no points that a template could place.
CropShape ShapeOf(const Network& network, const JobOptions& options) {
  const CropShape shape{network.input_width(), network.input_height(), network.preprocessing().crop_template};
  return options.assessor.aligns() ? Canonical(shape) : CropShape{shape.width, shape.height};
}

}  // namespace

Pass::Pass(const Network& network, const JobOptions& options, std::span<const input::Item> items,
           const Assessor::Impl* like)
    : options_(options),
      assessor_(std::make_shared<const Assessor::Impl>(network, options.assessor, like)),
      impl_(assessor_.impl()),
      shape_(ShapeOf(network, options)),
      crops_(OpenCrops(options, items)),
      writer_(OpenRows(assessor_, options)),
      wanted_(items.size(), true),
      to_do_(std::ssize(items)) {
  if (writer_) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!writer_->TakeFinished(items[i].name)) continue;
      wanted_[i] = false;
      --to_do_;
    }
    summary_ = writer_->earlier();
    summary_.foreign = writer_->foreign_rows();
  }
  std::size_t first = 0;
  for (; first_end_ < items.size() && first < kCheckedFaces; ++first_end_) first += wanted_[first_end_] ? 1 : 0;
  if (!writer_ || !options_.on_warning) return;
  if (const std::string warning = writer_->LockWarning(); !warning.empty()) options_.on_warning(warning);
  for (const std::string& warning : writer_->Warnings(to_do_ > 0)) options_.on_warning(warning);
}

FaceOptions Pass::Faces() const { return impl_.Faces(options_.faces); }

std::size_t Pass::enough() const { return static_cast<std::size_t>(impl_.twin->faces_at_once()); }

void Pass::Take(std::size_t item, const input::Item& picture, FaceCandidate candidate, Hand& hand) {
  hand.rows.push_back({picture.name, candidate.face, {}});
  if (options_.on_warning && item < first_end_ && candidate.face <= 0 && candidate.crop) {
    const std::lock_guard lock(first_crops_mutex_);
    first_crops_[item] = candidate.crop->image;
  }
  hand.pending.push_back({hand.rows.size() - 1, picture.number, std::move(candidate)});
}

void Pass::Complete(std::size_t enough, Helper* helper, Hand& hand) const {
  std::vector<FaceCandidate*> crops;
  for (Hand::Pending& p : hand.pending) {
    if (p.candidate.crop) crops.push_back(&p.candidate);
  }
  if (crops.size() < enough && !crops.empty()) return;
  if (!crops.empty()) {
    const auto context = impl_.contexts->Take();
    impl_.Assess(*context, crops, helper);
  }
  for (Hand::Pending& p : hand.pending) {
    report::Row& row = hand.rows[p.row];
    if (crops_ && p.candidate.crop) crops_->Write(p.candidate.crop->image, p.number, p.candidate.face, row.path);
    row.assessment = std::move(p.candidate.assessment);
    row.under_gate = options_.gate && row.assessment.scalar >= 0 && row.assessment.scalar < *options_.gate;
  }
  hand.pending.clear();
}

void Pass::Write(const Hand& hand) {
  if (writer_) writer_->Append(hand.rows);
  summary_.pictures += hand.pictures;
  for (const report::Row& row : hand.rows) {
    const bool scored = row.assessment.status == Status::kOk;
    summary_.faces += row.face >= 0 ? 1 : 0;
    ++(scored ? summary_.scored : summary_.failed);
    summary_.refused += report::IsRefused(row.assessment.status) ? 1 : 0;
    report::CountOthers(row.face, row.assessment.faces, options_.faces, summary_);
    summary_.under_gate += row.under_gate ? 1 : 0;
    if (options_.on_face) options_.on_face(row.path, row.face, row.assessment);
  }
  for (const report::Row& row : hand.rows) first_statuses_.See(row.assessment.status);
  const std::int64_t here = summary_.pictures - summary_.earlier;
  if (here >= std::min<std::int64_t>(kCheckedFaces, to_do_)) check_due_ = true;
}

void Pass::CheckFirstPictures() {
  if (!options_.on_warning || !check_due_ || std::exchange(checked_, true)) return;
  std::vector<Image> crops;
  {
    const std::lock_guard lock(first_crops_mutex_);
    for (auto& [index, crop] : first_crops_) crops.push_back(std::move(crop));
    first_crops_.clear();
  }
  auto warning = first_statuses_.Warning(impl_.options, impl_.network.preprocessing().crop_template, crops);
  if (!warning) warning = PreprocessingWarning(impl_, crops);
  if (warning) options_.on_warning(*warning);
}

JobSummary Pass::Finish() {
  if (writer_) writer_->Finish();
  CheckFirstPictures();
  summary_.interrupted = summary_.pictures - summary_.earlier < to_do_;
  summary_.calibration = assessor_.calibration();
  return summary_;
}

}  // namespace prefiqs::pipeline
