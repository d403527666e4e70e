// One look at each picture, for all passes over the pictures of a run.
#ifndef PREFIQS_PIPELINE_PICTURE_STREAM_H_
#define PREFIQS_PIPELINE_PICTURE_STREAM_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <prefiqs/job.h>

#include "base/helpers.h"
#include "input/source.h"
#include "pipeline/faces.h"
#include "pipeline/kept_crops.h"
#include "pipeline/pass.h"
#include "pipeline/stage_times.h"

namespace prefiqs::pipeline {

// The shapes of crops that the passes want, each once.
std::vector<CropShape> ShapesOf(std::span<Pass* const> passes);

// A thread takes some pictures at a time. It reads, searches and aligns each of them once, for all passes that want it,
// and then shows the crops to one network after the other. So every thread has work until the pictures end, whatever
// the stages' shares of the time are, and no more crops are in memory than the threads have in hand. What a network
// says of a face depends on nothing else, so rows are the same bytes as by a run for each pass.
class PictureStream {
 public:
  // `passes`: at least one, made of these items, with the same choice of faces. `kept`: for each of ShapesOf(passes),
  // or null. Of `job` threads, batch, limits and on_progress are used.
  PictureStream(const JobOptions& job, std::vector<input::Item> items, std::vector<Pass*> passes,
                std::vector<KeptCrops*> kept);

  // Pictures that some pass wants.
  std::int64_t to_do() const { return static_cast<std::int64_t>(to_do_.size()); }

  // To the end, or until on_progress says stop. Throws Error as run_job does.
  void Run();

  const LookCounts& counts() const { return counts_; }
  // Processor time: of the looks, then of each pass.
  std::vector<double> stage_seconds() const { return times_.seconds(); }

 private:
  struct Batch {
    std::vector<Pass::Hand> hands;     // of each pass
    std::vector<std::string> records;  // of each shape, for kept crops
  };

  Batch Work(std::int64_t index, int worker);
  void Deliver(Batch&& batch);
  // The candidates for each shape; none for shapes that no pass wants this picture in.
  std::vector<std::vector<FaceCandidate>> LookAt(std::size_t item, const input::Item& picture, Batch& batch);
  void CheckFirstPictures();
  // By the calling thread alone.
  void ReportProgress(bool last);

  const JobOptions& job_;
  std::vector<input::Item> items_;
  const std::vector<Pass*> passes_;
  const std::vector<KeptCrops*> kept_;
  const std::vector<CropShape> shapes_;
  std::vector<std::size_t> shape_of_;  // of each pass
  FaceOptions faces_;
  std::vector<std::size_t> to_do_;    // items that some pass wants
  std::vector<std::size_t> batches_;  // where each begins in to_do_, and the end
  LookCounts counts_;
  StageTimes times_;
  Helpers helpers_;
  std::atomic<std::int64_t> done_{0};
  std::atomic<bool> stop_{false};
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_progress_{};
};

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_PICTURE_STREAM_H_
