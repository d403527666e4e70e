// Threads that stand ready to take half of something, where there are fewer things to do than threads.
#ifndef PREFIQS_BASE_HELPERS_H_
#define PREFIQS_BASE_HELPERS_H_

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace prefiqs {

class Helpers;

// One of the threads, as long as a worker has it.
class Helper {
 public:
  // Calls both and returns when both are done. `second` is called by the helper, or by the caller after `first` where
  // the helper has not come by then. Throws what `first` threw, else what `second` did; when `first` threw, `second`
  // may not have been called.
  void Both(const std::function<void()>& first, const std::function<void()>& second);

 private:
  friend class Helpers;
  explicit Helper(Helpers& helpers) : helpers_(helpers) {}
  Helpers& helpers_;
};

// Workers are the callers' own threads; they and their helpers are `threads` together. Helpers are started when first
// needed and kept: starting one takes as long as a layer. With one thread this does nothing, not even lock.
class Helpers {
 public:
  explicit Helpers(int threads) : threads_(threads), helper_(*this) {}
  ~Helpers();
  Helpers(const Helpers&) = delete;
  Helpers& operator=(const Helpers&) = delete;

  // The calling thread is at work while this lives.
  class Worker {
   public:
    explicit Worker(Helpers& helpers);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // A thread that is left over when everybody at work and `to_come` more workers have theirs, and from then on is
    // this worker's; else null.
    Helper* FindHelper(std::int64_t to_come);

   private:
    Helpers& helpers_;
    const bool alone_;  // of one thread, or in a child of fork, where a helper may hold the mutex for ever
    bool helped_ = false;
  };

 private:
  friend class Helper;
  struct Task {
    const std::function<void()>* work;
    bool done = false;
    std::exception_ptr error{};
  };

  // Under the lock. A thread that cannot be started is one that does not come.
  void StartThread();
  void Loop();

  const int threads_;
  Helper helper_;
  std::mutex mutex_;
  // On the heap, since in a child of fork they may not be destroyed: they wait for threads that are not there.
  std::unique_ptr<std::condition_variable> called_ = std::make_unique<std::condition_variable>();
  std::unique_ptr<std::condition_variable> done_ = std::make_unique<std::condition_variable>();
  std::deque<Task*> tasks_;  // that nobody has taken
  std::vector<std::thread> started_;
  std::atomic<pid_t> process_ = 0;  // that they were started in: a child of fork has none of them
  std::int64_t working_ = 0, helping_ = 0;
  bool over_ = false;
};

}  // namespace prefiqs

#endif  // PREFIQS_BASE_HELPERS_H_
