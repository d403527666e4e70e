// Medians of repeated work.
#ifndef PREFIQS_BENCH_STOPWATCH_H_
#define PREFIQS_BENCH_STOPWATCH_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace prefiqs::bench {

using Clock = std::chrono::steady_clock;

inline double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Times {
  std::vector<double> seconds;  // of each run, ascending

  // Between neighbours linearly. Requires a run and 0 <= part <= 1.
  double Quantile(double part) const {
    const double place = part * static_cast<double>(seconds.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const double next = seconds[std::min(below + 1, seconds.size() - 1)];
    return seconds[below] + (place - static_cast<double>(below)) * (next - seconds[below]);
  }
};

// Fewer have no median to speak of.
inline constexpr std::size_t kFewestRuns = 3;

// Runs each work once to warm up, then all of them in turn, so that what else the machine does hits them alike: for
// about `budget` seconds in all, kFewestRuns times at least.
inline std::vector<Times> Measure(std::span<const std::function<void()>> works, double budget) {
  for (const auto& work : works) work();
  std::vector<Times> times(works.size());
  const Clock::time_point start = Clock::now();
  for (std::size_t round = 0; round < kFewestRuns || SecondsSince(start) < budget; ++round) {
    for (std::size_t i = 0; i < works.size(); ++i) {
      const Clock::time_point begun = Clock::now();
      works[i]();
      times[i].seconds.push_back(SecondsSince(begun));
    }
  }
  for (Times& of_one : times) std::ranges::sort(of_one.seconds);
  return times;
}

}  // namespace prefiqs::bench

#endif  // PREFIQS_BENCH_STOPWATCH_H_
