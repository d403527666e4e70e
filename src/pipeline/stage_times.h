// How much processor time each stage of a run takes, and what that says of the time to come.
#ifndef PREFIQS_PIPELINE_STAGE_TIMES_H_
#define PREFIQS_PIPELINE_STAGE_TIMES_H_

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace prefiqs::pipeline {

// Seconds that the calling thread has had a processor.
double ThreadSeconds();

// A thread's own sums, which it adds to the run's when it has time. Not thread-safe.
struct StageSums {
  explicit StageSums(std::size_t stages) : seconds(stages), pictures(stages) {}
  // What the thread has done since the last call belongs to `stage`.
  void Note(std::size_t stage, std::int64_t of_pictures);

  std::vector<double> seconds;
  std::vector<std::int64_t> pictures;
  double since = ThreadSeconds();
};

// Thread-safe.
class StageTimes {
 public:
  // How many pictures each stage has to do.
  explicit StageTimes(std::vector<std::int64_t> to_do)
      : to_do_(std::move(to_do)), seconds_(to_do_.size()), pictures_(to_do_.size()) {}

  void Add(const StageSums& sums);
  std::vector<double> seconds() const;

  // Until every stage has done its pictures, where `elapsed` seconds were needed for what was added so far: pictures
  // may differ in which stages they need. A stage that has done none is taken to be as slow as the others' mean. NaN
  // as long as nothing was added.
  double SecondsLeft(double elapsed) const;

 private:
  const std::vector<std::int64_t> to_do_;
  mutable std::mutex mutex_;
  std::vector<double> seconds_;
  std::vector<std::int64_t> pictures_;
};

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_STAGE_TIMES_H_
