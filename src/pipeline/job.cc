#include <fmt/format.h>
#include <prefiqs/job.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/file.h"
#include "base/parallel.h"
#include "input/source.h"
#include "pipeline/alignment_check.h"
#include "pipeline/assessor_impl.h"
#include "pipeline/crop_folder.h"
#include "pipeline/faces.h"
#include "pipeline/ordered.h"
#include "pipeline/preprocessing_check.h"
#include "pipeline/software.h"
#include "report/row.h"
#include "report/row_writer.h"

namespace prefiqs {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kProgressInterval{250};

// More than this many pictures in one thread's hands make an interrupt slow and the last minute uneven.
constexpr std::int64_t kMaxBatch = 16;
// Finished batches a thread may be ahead of the slowest.
constexpr std::int64_t kWindowPerThread = 4;

void Check(const JobOptions& options) {
  if (options.inputs.empty()) throw Error(ErrorCode::kUsage, "no inputs: name pictures, folders or lists");
  if (options.shard_count < 1 || options.shard_index < 1 || options.shard_index > options.shard_count) {
    throw Error(ErrorCode::kUsage, fmt::format("shard {}/{}: the first number is from 1 to the second",
                                               options.shard_index, options.shard_count));
  }
  if (options.batch < 0) throw Error(ErrorCode::kUsage, fmt::format("batch {}: from 1 up, or 0", options.batch));
}

std::vector<input::Item> List(const JobOptions& options, std::map<std::string, std::int64_t>& skipped) {
  return input::ListItems(options.inputs, [&](std::string_view path, std::string_view kind) {
    ++skipped[std::string(kind)];
    if (options.on_skipped) options.on_skipped(path, kind);
  });
}

std::vector<input::Item> TakeShard(std::vector<input::Item> items, const JobOptions& options) {
  std::erase_if(
      items, [&](const input::Item& item) { return (item.number - options.shard_index) % options.shard_count != 0; });
  return items;
}

report::RunInfo Describe(const Assessor& assessor, const AssessorOptions& options) {
  report::RunInfo run;
  run.method = name(options.method);
  if (options.mirror) run.method += "-mirrored";
  if (prunes(options.method)) {
    run.recipe = assessor.recipe().name();
    run.sparsity = fmt::format("{:.6f}", assessor.achieved_sparsity());
  }
  run.network = assessor.network().content_hash();
  run.output = assessor.network().output();
  run.precision = name(options.precision);
  run.instruction_set = assessor.instruction_set();
  pipeline::NameSoftware(options.executor, run);
  const Network& network = assessor.network();
  run.preprocessing = options.detector ? report::PreprocessingToken(network.preprocessing(), network.input_width(),
                                                                    network.input_height())
                                       : report::PreprocessingToken(network.preprocessing());
  run.detector = options.detector ? options.detector->content_hash() : std::string(report::kAligned);
  return run;
}

std::int64_t BatchSize(std::int64_t pictures, int threads, int micro_batch, int asked) {
  if (asked > 0) return asked;
  // Small enough to give every thread several turns, and whole micro-batches.
  const std::int64_t share = pictures / (4 * static_cast<std::int64_t>(threads));
  const std::int64_t micro_batches = std::clamp(share, std::int64_t{1}, kMaxBatch) / micro_batch;
  return std::max<std::int64_t>(micro_batches, 1) * micro_batch;
}

// Before the outputs are made, which a refusal would leave behind.
std::optional<pipeline::CropFolder> OpenCrops(const JobOptions& options, const std::vector<input::Item>& items) {
  if (options.crops_folder.empty()) return std::nullopt;
  std::optional<pipeline::CropFolder> crops(options.crops_folder);
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
  report::RunInfo run = Describe(assessor, options.assessor);
  if (options.assessor.detector) {
    run.selection = info(options.faces).name;
    run.search = info(options.assessor.search).name;
    if (options.assessor.turn) run.search += report::kTurnToo;
    if (options.assessor.max_faces > 0) run.max_faces = fmt::format("{}", options.assessor.max_faces);
    run.min_face = fmt::format("{}", options.assessor.min_face);
  }
  if (const auto& guard = assessor.impl().options.guard) run.guard = guard->content_hash();
  if (options.gate) run.gate = fmt::format("{}", *options.gate);
  if (const auto calibration = assessor.calibration()) run.calibration = calibration->content_hash();
  return std::make_unique<report::RowWriter>(report::RowWriterOptions{.format = options.format,
                                                                      .output = options.output,
                                                                      .embeddings = options.embeddings,
                                                                      .force = options.force,
                                                                      .resume = options.resume,
                                                                      .without_lock = options.without_lock,
                                                                      .faces = options.faces},
                                             std::move(run), assessor.network().embedding_size());
}

// The rows of the pictures one thread takes at a time.
struct Batch {
  std::vector<report::Row> rows;
  std::int64_t pictures = 0;
};

// One run, and what its threads share.
class Job {
 public:
  Job(const Network& network, const JobOptions& options)
      : options_(options),
        items_(TakeShard(List(options, summary_.skipped), options)),
        assessor_(network, options.assessor),
        impl_(assessor_.impl()),
        crops_(OpenCrops(options, items_)),
        writer_(OpenRows(assessor_, options)) {
    if (!writer_) return;
    const std::int64_t total = static_cast<std::int64_t>(items_.size());
    std::erase_if(items_, [&](const input::Item& item) { return writer_->TakeFinished(item.name); });
    skipped_ = total - static_cast<std::int64_t>(items_.size());
    std::map<std::string, std::int64_t> listed = std::move(summary_.skipped);
    summary_ = writer_->earlier();
    summary_.skipped = std::move(listed);
    summary_.foreign = writer_->foreign_rows();
    if (!options.on_warning) return;
    if (const std::string warning = writer_->LockWarning(); !warning.empty()) options.on_warning(warning);
    for (const std::string& warning : writer_->Warnings(!items_.empty())) options.on_warning(warning);
  }

  JobSummary Run() {
    if (const std::string slower = slower_than_fp32(options_.assessor.precision);
        options_.on_warning && !slower.empty()) {
      options_.on_warning(slower);
    }
    pipeline::OrderedRun<Batch> run;
    run.threads = ThreadCount(options_.assessor.threads);
    const std::int64_t count = static_cast<std::int64_t>(items_.size());
    batch_size_ = BatchSize(count, run.threads, impl_.twin->micro_batch(), options_.batch);
    run.count = (count + batch_size_ - 1) / batch_size_;
    run.window = kWindowPerThread * run.threads;
    run.work = [this, last = run.count - 1](std::int64_t index, int worker) {
      return Assess(index, last - index, worker);
    };
    run.deliver = [this](Batch&& batch) { Write(batch); };
    run.stop = &stop_;
    run.poll = [this] { ReportProgress(false); };
    pipeline::RunOrdered(run);
    if (writer_) writer_->Finish();
    CheckFirstPictures();
    summary_.interrupted = summary_.pictures - summary_.earlier < count;
    summary_.calibration = assessor_.calibration();
    ReportProgress(true);
    return summary_;
  }

 private:
  // `to_come`: batches after this one.
  Batch Assess(std::int64_t index, std::int64_t to_come, int worker) {
    Helpers::Worker at_work(impl_.helpers);
    const auto context = impl_.contexts.Take();
    const auto at_once = static_cast<std::size_t>(impl_.twin->faces_at_once());
    const std::size_t first = static_cast<std::size_t>(index * batch_size_);
    const std::size_t last = std::min(items_.size(), first + static_cast<std::size_t>(batch_size_));
    Batch batch;
    std::vector<Pending> pending;
    const auto complete = [&](std::size_t enough) {
      Complete(*context, enough, at_work.FindHelper(to_come), pending, batch);
    };
    for (std::size_t i = first; i < last; ++i) {
      const input::Item item = std::exchange(items_[i], {});  // what is done takes no memory
      for (pipeline::FaceCandidate& candidate :
           pipeline::FindFaces(input::Read(item, options_.limits), impl_.Faces(options_.faces))) {
        batch.rows.push_back({item.name, candidate.face, {}});
        if (options_.on_warning && i < pipeline::kCheckedFaces && candidate.face <= 0 && candidate.crop) {
          const std::lock_guard lock(first_crops_mutex_);
          first_crops_[i] = candidate.crop->image;
        }
        pending.push_back({batch.rows.size() - 1, item.number, std::move(candidate)});
        // A crowd's crops are not all kept: enough for one run is enough.
        if (pending.size() >= at_once) complete(at_once);
      }
      ++batch.pictures;
      done_.fetch_add(1, std::memory_order_relaxed);
      if (worker == 0) {
        ReportProgress(false);
        CheckFirstPictures();
      }
    }
    complete(1);
    return batch;
  }

  struct Pending {
    std::size_t row = 0;
    std::int64_t number = 0;
    pipeline::FaceCandidate candidate;
  };

  // Assesses the pending crops once there are at least `enough` of them, and puts all into their rows.
  void Complete(engine::Context& context, std::size_t enough, Helper* helper, std::vector<Pending>& pending,
                Batch& batch) const {
    std::vector<pipeline::FaceCandidate*> crops;
    for (Pending& p : pending) {
      if (p.candidate.crop) crops.push_back(&p.candidate);
    }
    if (crops.size() < enough && !crops.empty()) return;
    impl_.Assess(context, crops, helper);
    for (Pending& p : pending) {
      if (crops_ && p.candidate.crop) {
        crops_->Write(p.candidate.crop->image, p.number, p.candidate.face, batch.rows[p.row].path);
      }
      report::Row& row = batch.rows[p.row];
      row.assessment = std::move(p.candidate.assessment);
      row.under_gate = options_.gate && row.assessment.scalar >= 0 && row.assessment.scalar < *options_.gate;
    }
    pending.clear();
  }

  void Write(const Batch& batch) {
    if (writer_) writer_->Append(batch.rows);
    summary_.pictures += batch.pictures;
    for (const report::Row& row : batch.rows) {
      const bool scored = row.assessment.status == Status::kOk;
      summary_.faces += row.face >= 0 ? 1 : 0;
      ++(scored ? summary_.scored : summary_.failed);
      summary_.refused += report::IsRefused(row.assessment.status) ? 1 : 0;
      report::CountOthers(row.face, row.assessment.faces, options_.faces, summary_);
      summary_.under_gate += row.under_gate ? 1 : 0;
      if (options_.on_face) options_.on_face(row.path, row.face, row.assessment);
    }
    for (const report::Row& row : batch.rows) first_statuses_.See(row.assessment.status);
    const std::int64_t here = summary_.pictures - summary_.earlier;
    if (here >= std::min<std::int64_t>(pipeline::kCheckedFaces, std::ssize(items_))) check_due_ = true;
  }

  // Once, after the first pictures were written: whether they are what the run takes them for; where they are not,
  // embeddings have nothing to say about preprocessing. By the calling thread between its pictures, so that others go
  // on.
  void CheckFirstPictures() {
    if (!options_.on_warning || !check_due_ || std::exchange(checked_, true)) return;
    std::vector<Image> crops;
    {
      const std::lock_guard lock(first_crops_mutex_);
      for (auto& [index, crop] : first_crops_) crops.push_back(std::move(crop));
      first_crops_.clear();
    }
    auto warning = first_statuses_.Warning(impl_.options, impl_.network.preprocessing().crop_template, crops);
    if (!warning) warning = pipeline::PreprocessingWarning(impl_, crops);
    if (warning) options_.on_warning(*warning);
  }

  // By the calling thread alone.
  void ReportProgress(bool last) {
    const Clock::time_point now = Clock::now();
    if (!options_.on_progress || (!last && now - last_progress_ < kProgressInterval)) return;
    last_progress_ = now;
    JobProgress progress;
    progress.skipped = skipped_;
    progress.done = skipped_ + done_.load(std::memory_order_relaxed);
    progress.total = skipped_ + static_cast<std::int64_t>(items_.size());
    progress.seconds = std::chrono::duration<double>(now - started_).count();
    if (!options_.on_progress(progress)) stop_ = true;
  }

  const JobOptions& options_;
  JobSummary summary_;              // of deliver's thread
  std::vector<input::Item> items_;  // of this shard, without what resume skips
  Assessor assessor_;
  const Assessor::Impl& impl_;
  std::optional<pipeline::CropFolder> crops_;
  std::unique_ptr<report::RowWriter> writer_;  // null: rows go to on_face alone
  std::int64_t batch_size_ = 1;
  std::int64_t skipped_ = 0;  // pictures of this shard
  std::mutex first_crops_mutex_;
  std::map<std::size_t, Image> first_crops_;  // by item: the order of threads must not show
  pipeline::FirstCrops first_statuses_;       // written by deliver's thread until the check is due
  std::atomic<bool> check_due_{false};
  bool checked_ = false;  // of the calling thread
  std::atomic<std::int64_t> done_{0};
  std::atomic<bool> stop_{false};
  const Clock::time_point started_ = Clock::now();
  Clock::time_point last_progress_{};
};

}  // namespace

JobSummary run_job(const Network& network, const JobOptions& options) {
  Check(options);
  return Job(network, options).Run();
}

}  // namespace prefiqs
