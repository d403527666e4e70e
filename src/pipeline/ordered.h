// Work on several threads, results in order.
#ifndef PREFIQS_PIPELINE_ORDERED_H_
#define PREFIQS_PIPELINE_ORDERED_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace prefiqs::pipeline {

template <typename Result>
struct OrderedRun {
  // The calling thread is one of them and worker 0: with 1 no thread is started.
  int threads = 1;
  std::int64_t count = 0;
  // No index is begun that is this far from the first undelivered one: bounds what waits in memory.
  std::int64_t window = 1;
  // Called with each index from 0 on, in order of taking; any thread.
  std::function<Result(std::int64_t index, int worker)> work;
  // Called with the results in the order of their indices, one at a time; any thread.
  std::function<void(Result&& result)> deliver;
  // Set by anyone: no index is begun any more; those begun are finished and delivered.
  std::atomic<bool>* stop = nullptr;
  // Called by the calling thread while it waits, every kPollInterval.
  std::function<void()> poll;
};

inline constexpr std::chrono::milliseconds kPollInterval{100};

// Returns when all is delivered, or everything begun when stopped. The first exception of `work`, `deliver` or `poll`
// ends the run and is thrown; what precedes it may or may not have been delivered.
template <typename Result>
void RunOrdered(const OrderedRun<Result>& run) {
  std::mutex mutex;
  std::condition_variable changed;
  std::int64_t begun = 0;
  std::int64_t delivered = 0;
  std::map<std::int64_t, Result> waiting;
  std::exception_ptr error;

  const auto over = [&] { return error || begun == run.count || (run.stop != nullptr && run.stop->load()); };
  const auto wait = [&](std::unique_lock<std::mutex>& lock, int worker, auto&& ready) {
    while (!ready()) {
      if (worker != 0) {
        // The interval is for `stop`, which rings no bell.
        changed.wait_for(lock, kPollInterval);
      } else if (changed.wait_for(lock, kPollInterval) == std::cv_status::timeout && run.poll) {
        lock.unlock();
        run.poll();
        lock.lock();
      }
    }
  };
  const auto loop = [&](int worker) {
    std::unique_lock lock(mutex);
    for (;;) {
      wait(lock, worker, [&] { return over() || begun < delivered + run.window; });
      if (over()) return;
      const std::int64_t index = begun++;
      lock.unlock();
      Result result = run.work(index, worker);
      lock.lock();
      if (error) return;
      waiting.emplace(index, std::move(result));
      while (!waiting.empty() && waiting.begin()->first == delivered) {
        run.deliver(std::move(waiting.begin()->second));
        waiting.erase(waiting.begin());
        ++delivered;
      }
      changed.notify_all();
    }
  };
  const auto guarded = [&](auto&& body) {
    try {
      body();
    } catch (...) {
      // Whatever threw has let go of the lock: it is held by a local of what was unwound.
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
      changed.notify_all();
    }
  };

  std::vector<std::thread> others;
  guarded([&] {
    others.reserve(static_cast<std::size_t>(run.threads));
    for (int worker = 1; worker < run.threads && worker < run.count; ++worker) {
      others.emplace_back([&, worker] { guarded([&] { loop(worker); }); });
    }
    loop(0);
    std::unique_lock lock(mutex);
    wait(lock, 0, [&] { return error || delivered == begun; });
  });
  for (std::thread& other : others) other.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace prefiqs::pipeline

#endif  // PREFIQS_PIPELINE_ORDERED_H_
