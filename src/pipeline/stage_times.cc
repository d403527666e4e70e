#include "pipeline/stage_times.h"

#include <ctime>
#include <limits>
#include <utility>

namespace prefiqs::pipeline {

double ThreadSeconds() {
  timespec time{};
  (void)::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void StageSums::Note(std::size_t stage, std::int64_t of_pictures) {
  const double now = ThreadSeconds();
  seconds[stage] += now - std::exchange(since, now);
  pictures[stage] += of_pictures;
}

void StageTimes::Add(const StageSums& sums) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < to_do_.size(); ++i) {
    seconds_[i] += sums.seconds[i];
    pictures_[i] += sums.pictures[i];
  }
}

std::vector<double> StageTimes::seconds() const {
  const std::lock_guard lock(mutex_);
  return seconds_;
}

double StageTimes::SecondsLeft(double elapsed) const {
  const std::lock_guard lock(mutex_);
  double spent = 0, means = 0, left = 0;
  int known = 0;
  for (std::size_t i = 0; i < to_do_.size(); ++i) {
    spent += seconds_[i];
    if (pictures_[i] == 0) continue;
    means += seconds_[i] / static_cast<double>(pictures_[i]);
    ++known;
  }
  if (!(spent > 0) || known == 0) return std::numeric_limits<double>::quiet_NaN();
  for (std::size_t i = 0; i < to_do_.size(); ++i) {
    const double mean = pictures_[i] > 0 ? seconds_[i] / static_cast<double>(pictures_[i]) : means / known;
    left += mean * static_cast<double>(to_do_[i] - pictures_[i]);
  }
  return left * elapsed / spent;
}

}  // namespace prefiqs::pipeline
