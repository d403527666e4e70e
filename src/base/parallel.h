// A loop on several threads.
#ifndef PREFIQS_BASE_PARALLEL_H_
#define PREFIQS_BASE_PARALLEL_H_

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/processors.h"

namespace prefiqs {

// The number of threads asked for: 0 means all processors that this process may use.
inline int ThreadCount(int asked) { return asked > 0 ? asked : UsableProcessors(); }

// Calls work(i) once for each i below `count`, in no order to rely on; returns when all are done. The calling thread is
// one of them (with one, no thread is started) and calls `poll`, where given, after each of its own. The first
// exception of either ends the loop and is thrown.
inline void ParallelFor(std::size_t count, int threads, const std::function<void(std::size_t)>& work,
                        const std::function<void()>& poll = {}) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr error;
  const auto loop = [&](bool polls) {
    try {
      for (std::size_t i = next++; i < count; i = next++) {
        work(i);
        if (polls && poll) poll();
      }
    } catch (...) {
      next = count;
      const std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (int t = 1; t < ThreadCount(threads) && static_cast<std::size_t>(t) < count; ++t) {
      try {
        others.emplace_back(loop, false);
      } catch (const std::exception&) {
        break;  // no further thread is to be had: those that are there do it
      }
    }
    loop(true);
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace prefiqs

#endif  // PREFIQS_BASE_PARALLEL_H_
