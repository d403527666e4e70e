#include "pipeline/picture_stream.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/parallel.h"
#include "pipeline/ordered.h"

namespace prefiqs::pipeline {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kProgressInterval{250};

// More than this many pictures in one thread's hands make an interrupt slow and the last minute uneven; fewer where
// many networks see each of them.
constexpr std::int64_t kMaxBatch = 16;
constexpr std::int64_t kMinBatch = 4;
constexpr std::int64_t kPassesOfMaxBatch = 4;
// Finished batches a thread may be ahead of the slowest.
constexpr std::int64_t kWindowPerThread = 4;

constexpr std::size_t kLook = 0;  // as a stage; the passes follow

std::int64_t BatchSize(std::int64_t pictures, int threads, int micro_batch, std::int64_t passes, int asked) {
  if (asked > 0) return asked;
  const std::int64_t most = std::max(kMinBatch, kMaxBatch * kPassesOfMaxBatch / std::max(passes, kPassesOfMaxBatch));
  // Small enough to give every thread several turns, and whole micro-batches.
  const std::int64_t share = pictures / (4 * static_cast<std::int64_t>(threads));
  const std::int64_t micro_batches = std::clamp(share, std::int64_t{1}, most) / micro_batch;
  return std::max<std::int64_t>(micro_batches, 1) * micro_batch;
}

int LargestMicroBatch(std::span<Pass* const> passes) {
  int largest = 1;
  for (const Pass* pass : passes) largest = std::max(largest, pass->assessor().impl().twin->micro_batch());
  return largest;
}

std::vector<std::size_t> WantedByAny(std::span<Pass* const> passes, std::vector<input::Item>& items) {
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (std::ranges::any_of(passes, [i](const Pass* pass) { return pass->Wants(i); })) {
      wanted.push_back(i);
    } else {
      items[i] = {};  // what is done takes no memory
    }
  }
  return wanted;
}

// Where each batch begins, and the end. Many networks take seconds over a batch, and a thread that took the last one is
// waited for: the last batches are smaller.
std::vector<std::size_t> Batches(std::size_t pictures, std::size_t size, std::size_t smallest, std::size_t threads) {
  constexpr std::size_t kLastBatches = 2;  // of a thread, in batches of the usual size
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < pictures;) {
    begins.push_back(i);
    i += pictures - i > kLastBatches * threads * size ? size : std::min(size, smallest);
  }
  begins.push_back(pictures);
  return begins;
}

std::vector<std::int64_t> ToDoOfStages(std::size_t pictures, std::span<Pass* const> passes) {
  std::vector<std::int64_t> to_do{static_cast<std::int64_t>(pictures)};
  for (const Pass* pass : passes) to_do.push_back(pass->to_do());
  return to_do;
}

}  // namespace

std::vector<CropShape> ShapesOf(std::span<Pass* const> passes) {
  std::vector<CropShape> shapes;
  for (const Pass* pass : passes) {
    if (std::ranges::find(shapes, pass->shape()) == shapes.end()) shapes.push_back(pass->shape());
  }
  return shapes;
}

PictureStream::PictureStream(const JobOptions& job, std::vector<input::Item> items, std::vector<Pass*> passes,
                             std::vector<KeptCrops*> kept)
    : job_(job),
      items_(std::move(items)),
      passes_(std::move(passes)),
      kept_(std::move(kept)),
      shapes_(ShapesOf(passes_)),
      faces_(passes_.front()->Faces()),
      to_do_(WantedByAny(passes_, items_)),
      times_(ToDoOfStages(to_do_.size(), passes_)),
      helpers_(ThreadCount(job.assessor.threads)) {
  faces_.counts = &counts_;
  for (const Pass* pass : passes_) {
    shape_of_.push_back(static_cast<std::size_t>(std::ranges::find(shapes_, pass->shape()) - shapes_.begin()));
  }
  const int threads = ThreadCount(job.assessor.threads), micro_batch = LargestMicroBatch(passes_);
  const std::int64_t size = BatchSize(to_do(), threads, micro_batch, std::ssize(passes_), job.batch);
  const std::int64_t smallest =
      job.batch > 0 ? size : (kMinBatch + micro_batch - 1) / micro_batch * micro_batch;  // whole micro-batches
  batches_ = Batches(to_do_.size(), static_cast<std::size_t>(size), static_cast<std::size_t>(smallest),
                     static_cast<std::size_t>(threads));
}

void PictureStream::Run() {
  OrderedRun<Batch> run;
  run.threads = ThreadCount(job_.assessor.threads);
  run.count = std::ssize(batches_) - 1;
  run.window = kWindowPerThread * run.threads;
  run.work = [this](std::int64_t index, int worker) { return Work(index, worker); };
  run.deliver = [this](Batch&& batch) { Deliver(std::move(batch)); };
  run.stop = &stop_;
  run.poll = [this] { ReportProgress(false); };
  RunOrdered(run);
  ReportProgress(true);
}

PictureStream::Batch PictureStream::Work(std::int64_t index, int worker) {
  Helpers::Worker at_work(helpers_);
  const std::int64_t to_come = std::ssize(batches_) - 2 - index;  // batches after this one
  Batch batch;
  batch.hands.resize(passes_.size());
  batch.records.resize(shapes_.size());
  StageSums sums(1 + passes_.size());
  const auto complete = [&](std::size_t pass, std::size_t enough) {
    passes_[pass]->Complete(enough, at_work.FindHelper(to_come), batch.hands[pass]);
  };
  for (std::size_t i = batches_[static_cast<std::size_t>(index)]; i < batches_[static_cast<std::size_t>(index) + 1];
       ++i) {
    const input::Item picture = std::exchange(items_[to_do_[i]], {});  // what is done takes no memory
    const auto candidates = LookAt(to_do_[i], picture, batch);
    sums.Note(kLook, 1);
    for (std::size_t p = 0; p < passes_.size(); ++p) {
      if (!passes_[p]->Wants(to_do_[i])) continue;
      Pass::Hand& hand = batch.hands[p];
      for (const FaceCandidate& candidate : candidates[shape_of_[p]]) {
        passes_[p]->Take(to_do_[i], picture, candidate, hand);
        // A crowd's crops are not all kept: enough for one run is enough.
        if (hand.pending.size() >= passes_[p]->enough()) complete(p, passes_[p]->enough());
      }
      ++hand.pictures;
      sums.Note(1 + p, 1);
    }
    done_.fetch_add(1, std::memory_order_relaxed);
    if (worker == 0) {
      ReportProgress(false);
      CheckFirstPictures();
      sums.since = ThreadSeconds();  // neither is of a stage
    }
  }
  for (std::size_t p = 0; p < passes_.size(); ++p) {
    complete(p, 1);
    sums.Note(1 + p, 0);
  }
  times_.Add(sums);
  return batch;
}

std::vector<std::vector<FaceCandidate>> PictureStream::LookAt(std::size_t item, const input::Item& picture,
                                                              Batch& batch) {
  std::vector<std::vector<FaceCandidate>> candidates(shapes_.size());
  // Before the picture is read: if it changes meanwhile, what was seen is known to be old.
  std::optional<PictureStamp> stamp;
  if (std::ranges::any_of(kept_, [](const KeptCrops* kept) { return kept != nullptr; })) stamp = StampOf(picture);
  std::vector<CropShape> shapes;  // that are not kept
  std::vector<std::size_t> indices;
  for (std::size_t s = 0; s < shapes_.size(); ++s) {
    bool wanted = false;
    for (std::size_t p = 0; p < passes_.size(); ++p) {
      wanted = wanted || (shape_of_[p] == s && passes_[p]->Wants(item));
    }
    if (!wanted) continue;
    if (kept_[s] != nullptr && stamp) {
      if (auto found = kept_[s]->Find(picture.name, *stamp)) {
        candidates[s] = *std::move(found);
        continue;
      }
    }
    shapes.push_back(shapes_[s]);
    indices.push_back(s);
  }
  if (shapes.empty()) return candidates;
  counts_.read.fetch_add(1, std::memory_order_relaxed);
  FaceOptions faces = faces_;
  faces.name = picture.name;
  auto found = FindFaces(input::Read(picture, job_.limits), faces, shapes);
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const std::size_t s = indices[i];
    candidates[s] = std::move(found[i]);
    if (kept_[s] != nullptr && kept_[s]->keeps() && stamp && CanBeKept(candidates[s])) {
      batch.records[s] += EncodeRecord(picture.name, *stamp, candidates[s]);
    }
  }
  return candidates;
}

void PictureStream::Deliver(Batch&& batch) {
  // Crops first: they are of use without rows, and rows without them only cost another look.
  for (std::size_t s = 0; s < shapes_.size(); ++s) {
    if (!batch.records[s].empty()) kept_[s]->Append(batch.records[s]);
  }
  for (std::size_t p = 0; p < passes_.size(); ++p) passes_[p]->Write(batch.hands[p]);
}

void PictureStream::CheckFirstPictures() {
  for (Pass* pass : passes_) pass->CheckFirstPictures();
}

void PictureStream::ReportProgress(bool last) {
  const Clock::time_point now = Clock::now();
  if (!job_.on_progress || (!last && now - last_progress_ < kProgressInterval)) return;
  last_progress_ = now;
  JobProgress progress;
  progress.total = std::ssize(items_);
  progress.skipped = progress.total - to_do();
  progress.done = progress.skipped + done_.load(std::memory_order_relaxed);
  progress.seconds = std::chrono::duration<double>(now - started_).count();
  progress.seconds_left = times_.SecondsLeft(progress.seconds);
  if (!job_.on_progress(progress)) stop_ = true;
}

}  // namespace prefiqs::pipeline
